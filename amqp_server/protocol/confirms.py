"""Publish sequence numbers of one channel, and the acks and nacks that answer them.

Every publish on a confirming channel gets the next number, from 1. A number is confirmed when all
queues have the message as safe as it must be: a transient one at once, a persistent one when it is
on disk. Acks are joined into one ``multiple`` up to the first open number. A known number behind
an open one is answered alone, as in RabbitMQ.

    answered_up_to 7 | open 8 | answered 9..10 | open 11 | acked 12 | rejected 13

This is the interpreted twin: no policy.

Source: RabbitMQ's confirms extension; "never both ack and nack", one reply a publish.
"""

from enum import IntEnum
from typing import NamedTuple

from amqp_server.wire.content import render_confirm
from persistence.kernels import COMPILED


class ConfirmReply(NamedTuple):
    """One basic.ack, or basic.nack when ``rejected``; ``multiple`` answers all before it too."""

    tag: int
    multiple: bool
    rejected: bool


class _Outcome(IntEnum):
    """The outcome of publishes, and whether it was sent already."""

    ACKED = 0
    REJECTED = 1
    ACK_SAID = 2
    REJECTION_SAID = 3


class ConfirmTracker:
    """Which numbers are answered.

    Attributes:
        published: numbers given out.
        confirmed_count, rejected_count: numbers with a known outcome.

    Invariant: every number up to ``answered_up_to`` was answered. Each is named by one reply only;
        a ``multiple`` ack may pass over numbers that were acked alone, never over a nack.
    Invariant: ``answered_up_to`` <= last number given out.
    """

    __slots__ = (
        "_outcomes",
        "answered_up_to",
        "confirmed_count",
        "published",
        "rejected_count",
    )

    def __init__(self) -> None:
        self.published = 0
        self.answered_up_to = 0
        self.confirmed_count = self.rejected_count = 0
        self._outcomes: list[tuple[int, int, _Outcome]] = []

    def publish(self, count: int = 1) -> int:
        """Give out ``count`` numbers; return the first."""
        first = self.published + 1
        self.published += count
        return first

    def confirm(self, first: int, last: int) -> None:
        """Note that all queues took the publishes first..last."""
        assert first <= last <= self.published, "only what was published is confirmed"
        self.confirmed_count += last - first + 1
        self._note(first, last, _Outcome.ACKED)

    def reject(self, first: int, last: int) -> None:
        """Note that a queue refused the publishes first..last."""
        assert first <= last <= self.published, "only what was published is rejected"
        self.rejected_count += last - first + 1
        self._note(first, last, _Outcome.REJECTED)

    def take_replies(self) -> list[ConfirmReply]:
        """Return the replies that are due, and forget them."""
        if not self._outcomes:
            return []
        self._outcomes.sort()
        replies: list[ConfirmReply] = []
        waiting: list[tuple[int, int, _Outcome]] = []
        reached = acked = self.answered_up_to
        ack_from = reached + 1
        for first, last, outcome in self._outcomes:
            if first != reached + 1:
                replies += _acks(ack_from, acked)
                ack_from = acked + 1
                replies += _said_alone(first, last, outcome)
                _keep(waiting, first, last, _SAID[outcome])
                continue
            reached = last
            if outcome is _Outcome.ACKED:
                acked = last
                continue
            if outcome is _Outcome.ACK_SAID and ack_from <= acked:
                continue  # the next ack may pass over it
            replies += _acks(ack_from, acked)
            replies += _said_alone(first, last, outcome)
            acked = last
            ack_from = last + 1
        replies += _acks(ack_from, acked)
        self.answered_up_to = reached
        self._outcomes = waiting
        return replies

    def render_replies(self, channel: int) -> bytes:
        """Return the frames of ``take_replies`` for this channel number; mostly one frame."""
        return b"".join(
            [
                render_confirm(channel, tag, multiple=multiple, rejected=rejected)
                for tag, multiple, rejected in self.take_replies()
            ]
        )

    def _note(self, first: int, last: int, outcome: _Outcome) -> None:
        """Append an outcome, or lengthen the last one."""
        _keep(self._outcomes, first, last, outcome)


_SAID = {
    _Outcome.ACKED: _Outcome.ACK_SAID,
    _Outcome.ACK_SAID: _Outcome.ACK_SAID,
    _Outcome.REJECTED: _Outcome.REJECTION_SAID,
    _Outcome.REJECTION_SAID: _Outcome.REJECTION_SAID,
}


def _keep(
    outcomes: list[tuple[int, int, _Outcome]], first: int, last: int, outcome: _Outcome
) -> None:
    """Append an outcome, or lengthen the last one, because many may wait behind one open number."""
    if outcomes and outcomes[-1][1] + 1 == first and outcomes[-1][2] is outcome:
        first = outcomes.pop()[0]
    outcomes.append((first, last, outcome))


def _said_alone(first: int, last: int, outcome: _Outcome) -> list[ConfirmReply]:
    """Return a reply for each number, if it was not answered yet."""
    if outcome in {_Outcome.ACK_SAID, _Outcome.REJECTION_SAID}:
        return []
    rejected = outcome is _Outcome.REJECTED
    return [ConfirmReply(tag, multiple=False, rejected=rejected) for tag in range(first, last + 1)]


def _acks(first: int, last: int) -> list[ConfirmReply]:
    if first > last:
        return []
    return [ConfirmReply(last, multiple=last > first, rejected=False)]


if COMPILED:
    from amqp_server.protocol import _confirms  # type: ignore[attr-defined]

    ConfirmTracker = _confirms.ConfirmTracker  # type: ignore[misc]
