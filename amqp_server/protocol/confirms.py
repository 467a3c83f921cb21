"""Publish sequence numbers of one channel, and the acks and nacks that answer them.

Every publish on a confirming channel gets the next number, from 1. Numbers are confirmed when all
queues have taken the message, in whatever order that becomes known; acks leave in order, coalesced
into one ``multiple`` as far as nothing before them is open.

    answered_up_to 7 | pending 8..12 | acked {9..10} | rejected {11}

This is the interpreted twin: no policy.

Source: RabbitMQ's confirms extension; "never both ack and nack", one reply a publish.
"""

from typing import NamedTuple

from amqp_server.wire.content import render_confirm
from persistence.kernels import COMPILED


class ConfirmReply(NamedTuple):
    """One basic.ack, or basic.nack when ``rejected``; ``multiple`` answers all before it too."""

    tag: int
    multiple: bool
    rejected: bool


class ConfirmTracker:
    """Which numbers are answered.

    Invariant: every number up to ``answered_up_to`` was answered exactly once.
    Invariant: ``answered_up_to`` <= last number given out.
    """

    __slots__ = ("_outcomes", "answered_up_to", "published")

    def __init__(self) -> None:
        self.published = 0
        self.answered_up_to = 0
        self._outcomes: list[tuple[int, int, bool]] = []

    def publish(self, count: int = 1) -> int:
        """Give out ``count`` numbers; return the first."""
        first = self.published + 1
        self.published += count
        return first

    def confirm(self, first: int, last: int) -> None:
        """Note that all queues took the publishes first..last."""
        assert first <= last <= self.published, "only what was published is confirmed"
        self._note(first, last, rejected=False)

    def reject(self, first: int, last: int) -> None:
        """Note that a queue refused the publishes first..last."""
        assert first <= last <= self.published, "only what was published is rejected"
        self._note(first, last, rejected=True)

    def take_replies(self) -> list[ConfirmReply]:
        """Return the replies that can leave now, and forget them.

        An ack covers all open numbers before it once these are all known to be acks; a number
        that is known while an earlier one is open waits for it.
        """
        if not self._outcomes:
            return []
        self._outcomes.sort()
        replies: list[ConfirmReply] = []
        waiting: list[tuple[int, int, bool]] = []
        ack_from = self.answered_up_to + 1
        reached = self.answered_up_to
        for first, last, rejected in self._outcomes:
            if first != reached + 1:
                waiting.append((first, last, rejected))
                continue
            if rejected:
                replies += _acks(ack_from, reached)
                replies += [
                    ConfirmReply(tag, multiple=False, rejected=True)
                    for tag in range(first, last + 1)
                ]
                ack_from = last + 1
            reached = last
        replies += _acks(ack_from, reached)
        self.answered_up_to = reached
        self._outcomes = waiting
        return replies

    def render_replies(self, channel: int) -> bytes:
        """Return the frames of ``take_replies`` for a channel of this number; mostly one."""
        return b"".join(
            [
                render_confirm(channel, tag, multiple=multiple, rejected=rejected)
                for tag, multiple, rejected in self.take_replies()
            ]
        )

    def _note(self, first: int, last: int, *, rejected: bool) -> None:
        """Append an outcome, or lengthen the last one: many may wait for a number before them."""
        outcomes = self._outcomes
        if outcomes and outcomes[-1][1] + 1 == first and outcomes[-1][2] is rejected:
            first = outcomes.pop()[0]
        outcomes.append((first, last, rejected))


def _acks(first: int, last: int) -> list[ConfirmReply]:
    if first > last:
        return []
    return [ConfirmReply(last, multiple=last > first, rejected=False)]


if COMPILED:
    from amqp_server.protocol import _confirms  # type: ignore[attr-defined]

    ConfirmTracker = _confirms.ConfirmTracker  # type: ignore[misc]
