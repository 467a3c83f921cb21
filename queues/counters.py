"""What happened in a queue since it came to be, in numbers that only grow.

They are added to for a whole run or batch at once. Between two looks at them lies what a rate is
made of: whoever wants rates takes samples.
"""

from collections.abc import Callable
from operator import add, sub
from typing import Final, NamedTuple

from queues.effects import DeathReason


class DeathCounts(NamedTuple):
    """Messages that died, by ``DeathReason``."""

    rejected: int = 0
    expired: int = 0
    maxlen: int = 0
    delivery_limit: int = 0


NO_DEATHS: Final = DeathCounts()


class QueueCounters:
    """The counters of one queue, as its engine adds to them.

    Attributes:
        taken_count: messages that left to be acked, by a delivery or a get.
        taken_bytes: sum of their bodies.
        settled_count: of them those that are unacked no more.
        settled_bytes: sum of their bodies.
        taken_no_ack_count: messages that left for good, by a delivery or a get without ack.
        got_count: of ``taken_count``, those that a get took.
        got_no_ack_count: of ``taken_no_ack_count``, those that a get took.
        got_empty_count: gets that found nothing.
        redelivered_count: of all that left, those that may have been delivered before.
        requeued_count: of ``settled_count``, those that are ready again.
        discarded_count: of ``settled_count``, those that were rejected for good, or had come back
            too often.
        moved_safely_count: dead letters that every target has confirmed, where that is asked for.
        refused_count: messages that were not taken, as the queue was full.
        purged_count: ready messages that a purge took out.
    """

    # These are the class's own until the first of each is counted: of most queues most stay 0, and
    # a declare need not set them one by one.
    taken_count: int = 0
    taken_bytes: int = 0
    settled_count: int = 0
    settled_bytes: int = 0
    taken_no_ack_count: int = 0
    got_count: int = 0
    got_no_ack_count: int = 0
    got_empty_count: int = 0
    redelivered_count: int = 0
    requeued_count: int = 0
    discarded_count: int = 0
    moved_safely_count: int = 0
    refused_count: int = 0
    purged_count: int = 0
    _dead_lettered: list[int] | None = None
    _dropped: list[int] | None = None
    _waiting_dead_lettered: list[int] | None = None

    @property
    def unacked_count(self) -> int:
        """Messages that are delivered and not settled."""
        return self.taken_count - self.settled_count

    @property
    def unacked_bytes(self) -> int:
        """Sum of their bodies."""
        return self.taken_bytes - self.settled_bytes

    @property
    def dead_lettered(self) -> DeathCounts:
        """Messages that went to the dead letter exchange."""
        return _counted(self._dead_lettered)

    @property
    def dead_lettered_safely(self) -> DeathCounts:
        """Of them those that stay until every target has confirmed them."""
        return _counted(self._waiting_dead_lettered)

    @property
    def dropped(self) -> DeathCounts:
        """Messages that died and went nowhere, as the queue has no dead letter exchange."""
        return _counted(self._dropped)

    def note_dead_letters(
        self, reason: DeathReason, count: int, *, at_least_once: bool = False
    ) -> None:
        """Count messages that go to the dead letter exchange.

        Args:
            reason: of their death.
            count: of the messages.
            at_least_once: whether they stay until every target has confirmed them.
        """
        if self._dead_lettered is None:
            self._dead_lettered = [0] * len(DeathReason)
        self._dead_lettered[_PLACES[reason]] += count
        if at_least_once:
            if self._waiting_dead_lettered is None:
                self._waiting_dead_lettered = [0] * len(DeathReason)
            self._waiting_dead_lettered[_PLACES[reason]] += count

    def note_dropped(self, reason: DeathReason, count: int) -> None:
        """Count messages that die and go nowhere."""
        if self._dropped is None:
            self._dropped = [0] * len(DeathReason)
        self._dropped[_PLACES[reason]] += count


def _counted(deaths: list[int] | None) -> DeathCounts:
    # Ten thousand queues without a death share one value, which the collector need not walk.
    return NO_DEATHS if deaths is None else DeathCounts._make(deaths)


_PLACES: Final = {reason: DeathCounts._fields.index(reason.value) for reason in DeathReason}


class QueueCounts(NamedTuple):
    """How a queue is, and what happened in it: what an engine answers when it is asked.

    Counters grow from 0 with the queue, or with the start of the node that found it stored.

    Attributes:
        ready_count, ready_bytes: what can be delivered; bodies only.
        unacked_count, unacked_bytes: what is delivered and not settled.
        memory_bytes: what ready messages take in memory.
        dying_count: messages that died and have not reached their dead letter exchange.
        consumer_count: consumers, waiting ones included.
        published: messages that were taken in, dead letters of others included.
        delivered, delivered_no_ack: messages that consumers got: with, and without ack.
        got, got_no_ack, got_empty: the same of gets; gets that found nothing.
        redelivered: of all those, messages that may have been delivered before.
        acked: messages that were acked.
        requeued: messages that came back.
        discarded: messages that were rejected for good, or had come back too often.
        refused: messages that were not taken in, as the queue was full.
        purged: messages that a purge took out.
        moved_safely: dead letters that every target has confirmed, where that is asked for.
        duplicates: messages that were not taken in, as one with their key was there.
        dead_lettered, dropped: messages that died: on their way to a dead letter exchange, or
            gone, as there is none.
        dead_lettered_safely: of ``dead_lettered``, those that stay until they are confirmed.
    """

    ready_count: int = 0
    ready_bytes: int = 0
    unacked_count: int = 0
    unacked_bytes: int = 0
    memory_bytes: int = 0
    dying_count: int = 0
    consumer_count: int = 0
    published: int = 0
    delivered: int = 0
    delivered_no_ack: int = 0
    got: int = 0
    got_no_ack: int = 0
    got_empty: int = 0
    redelivered: int = 0
    acked: int = 0
    requeued: int = 0
    discarded: int = 0
    refused: int = 0
    purged: int = 0
    moved_safely: int = 0
    duplicates: int = 0
    dead_lettered: DeathCounts = NO_DEATHS
    dropped: DeathCounts = NO_DEATHS
    dead_lettered_safely: DeathCounts = NO_DEATHS

    def plus(self, other: "QueueCounts") -> "QueueCounts":
        """Return the sum, number by number."""
        return self._joined(other, add)

    def minus(self, other: "QueueCounts") -> "QueueCounts":
        """Return the difference, number by number."""
        return self._joined(other, sub)

    def at_the_end(self) -> "QueueCounts":
        """Return what is left when the queue is gone: its counters."""
        return QueueCounts._make((*_EMPTY, *self[len(_EMPTY) :]))

    def _joined(self, other: "QueueCounts", join: Callable[[int, int], int]) -> "QueueCounts":
        deaths = [
            mine if theirs is NO_DEATHS else DeathCounts._make(map(join, mine, theirs))
            for mine, theirs in zip(self[-3:], other[-3:], strict=True)
        ]
        return QueueCounts._make((*map(join, self[:-3], other[:-3]), *deaths))


_EMPTY: Final = (0,) * QueueCounts._fields.index("published")
"""The first numbers of a queue that is gone: those that say how it is now."""
