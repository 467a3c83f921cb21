"""Deliveries that several consumers of one lane got in turn: written, noted and settled as one.

    queue    m1 m2 m3 m4 m5            the lane   m1 m2 m3 m4 m5   tags 7 8 9 10 11
    to       a  b  a  b  a                        under the tags of a and b in turn

The unacked messages of it are one batch with one owner. The owner knows the consumer of each
message.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from amqp_server.broker.queue import Queue
from queues.batch import Batch


class Member(Protocol):
    """A consumer, as the dealt batch sees it."""

    queue: Queue
    timeout_ms: int | None

    def settled(self, positions: range) -> int:
        """Note that these are settled; return how many of them a shared prefetch counted."""


MemberT = TypeVar("MemberT", bound=Member)


class Dealt(Generic[MemberT]):
    """The owner of one dealt batch, which knows the consumer of each message.

    Attributes:
        queue: the queue of the messages.
        timeout_ms: the shortest that any of the consumers allows; None is never.
    """

    __slots__ = ("_consumers", "_first_position", "_step", "queue", "timeout_ms")

    def __init__(self, consumers: Sequence[MemberT], positions: range) -> None:
        self._consumers = consumers
        self._first_position = positions.start
        self._step = positions.step
        self.queue = consumers[0].queue
        timeouts = [one.timeout_ms for one in consumers if one.timeout_ms is not None]
        self.timeout_ms = min(timeouts, default=None)

    def settled(self, positions: range) -> int:
        """Note that these are settled; return how many of them the shared prefetch counted."""
        return sum([one.settled(found) for one, found in self._shares(positions)])

    def parts(self, batch: Batch) -> Iterator[tuple[MemberT, Batch]]:
        """Return each consumer of a part of the batch, once, with its messages."""
        ways = len(self._consumers)
        for index, (one, _) in enumerate(self._shares(batch.positions)):
            yield one, batch.part(index, ways)

    def in_turn(self, positions: range) -> list[MemberT]:
        """Return the consumers of the first messages, after which it is their turn again."""
        return [one for one, _ in self._shares(positions)]

    def _shares(self, positions: range) -> Iterator[tuple[MemberT, range]]:
        ways = len(self._consumers)
        first = (positions.start - self._first_position) // self._step
        for index in range(min(ways, len(positions))):
            yield self._consumers[(first + index) % ways], positions[index::ways]
