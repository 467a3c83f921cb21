"""Sums of what many things counted, which keep what those counted that are gone.

    sum = what is gone counted + what each that is there has counted by now

The sum of counters never falls. It is made when it is asked for, in steps, because there may be
any number of things. A thing that goes meanwhile is counted once.

Source: RabbitMQ, rabbit_mgmt_metrics_collector: the statistics of a vhost keep what closed
channels counted.
"""

from typing import Final, Generic, NamedTuple, Protocol, Self, TypeVar

from amqp_server.broker.counts import ChannelCounts, DuplicateCounts, TrafficCounts
from amqp_server.broker.steps import Steps
from queues.counters import QueueCounts

COUNTED_PER_STEP: Final = 20


class Summable(Protocol):
    """Numbers of a thing: counters, and how it is now."""

    def plus(self, other: Self) -> Self:
        """Return the sum, number by number."""

    def minus(self, other: Self) -> Self:
        """Return the difference, number by number."""

    def at_the_end(self) -> Self:
        """Return what is left of them when the thing is gone: its counters."""


Counts = TypeVar("Counts", bound=Summable)
Counts_co = TypeVar("Counts_co", covariant=True)


class Counted(Protocol[Counts_co]):
    """A thing that counts."""

    def counts(self) -> Counts_co:
        """Return its numbers."""


class Tally(Generic[Counts]):
    """The sum over things of one kind.

    Attributes:
        gone: what things counted that are not there any more.

    Args:
        zero: no numbers.
        whole: a sum that has the same things, and others; None is none.
    """

    def __init__(self, zero: Counts, whole: "Tally[Counts] | None" = None) -> None:
        self.gone = self._zero = zero
        self._whole = whole
        self._live: dict[Counted[Counts], None] = {}
        self._walks: dict[_Walk[Counts], None] = {}

    def __len__(self) -> int:
        return len(self._live)

    def open(self, counted: Counted[Counts]) -> None:
        """Have a thing, from now until ``close``."""
        self._live[counted] = None
        whole = self._whole
        while whole is not None:
            whole._live[counted] = None
            whole = whole._whole

    def close(self, counted: Counted[Counts]) -> None:
        """Keep what a thing has counted; it counts no more. A second call has no effect."""
        if counted in self._live:
            counts = counted.counts().at_the_end()
            tally: Tally[Counts] | None = self
            while tally is not None:
                del tally._live[counted]
                tally._add(counted, counts)
                tally = tally._whole

    def add(self, counts: Counts) -> None:
        """Keep what a thing counted that was there for a moment only."""
        self._add(None, counts)
        if self._whole is not None:
            self._whole.add(counts)

    def _add(self, counted: Counted[Counts] | None, counts: Counts) -> None:
        # Many queues and channels come and go without a message.
        if counts != self._zero:
            self.gone = self.gone.plus(counts)
        for walk in self._walks:
            walk.add(counted, counts)

    def summing(self) -> Steps[Counts]:
        """Return the sum, in steps."""
        walk = _Walk(self.gone)
        self._walks[walk] = None
        try:
            for number, counted in enumerate(list(self._live), start=1):
                if counted in self._live:
                    walk.look_at(counted)
                if not number % COUNTED_PER_STEP:
                    yield
        finally:
            del self._walks[walk]
        return walk.sum


class _Walk(Generic[Counts]):
    """A sum that is being made.

    Attributes:
        sum: of those that are gone, and those that were looked at.
    """

    def __init__(self, gone: Counts) -> None:
        self.sum = gone
        self._seen: dict[Counted[Counts], Counts] = {}

    def look_at(self, counted: Counted[Counts]) -> None:
        """Add what a thing has counted by now."""
        counts = self._seen[counted] = counted.counts()
        self.sum = self.sum.plus(counts)

    def add(self, counted: Counted[Counts] | None, counts: Counts) -> None:
        """Add the last numbers of a thing that goes, in place of those that were seen."""
        self.sum = self.sum.plus(counts)
        seen = None if counted is None else self._seen.pop(counted, None)
        if seen is not None:
            self.sum = self.sum.minus(seen)


class QueueTallies:
    """The sums over queues, one for each kind.

    Args:
        whole: sums that have the same queues, and others; None is none.
    """

    def __init__(self, whole: "QueueTallies | None" = None) -> None:
        self._whole = whole
        self._by_kind: dict[str, Tally[QueueCounts]] = {}

    def of(self, kind: str) -> Tally[QueueCounts]:
        """Return the sum of the queues of a kind."""
        tally = self._by_kind.get(kind)
        if tally is None:
            whole = None if self._whole is None else self._whole.of(kind)
            tally = self._by_kind[kind] = Tally(QueueCounts(), whole)
        return tally

    def summing(self) -> Steps[QueueCounts]:
        """Return the sum of all queues, in steps."""
        total = QueueCounts()
        for counts in (yield from self.summing_by_kind()).values():
            total = total.plus(counts)
        return total

    def summing_by_kind(self) -> Steps[dict[str, QueueCounts]]:
        """Return the sum of each kind that there is or was, in steps."""
        sums: dict[str, QueueCounts] = {}
        for kind, tally in list(self._by_kind.items()):
            sums[kind] = yield from tally.summing()
        return sums


class Totals(NamedTuple):
    """The sums of a vhost, or of the node."""

    channels: Tally[ChannelCounts]
    queues: QueueTallies
    traffic: Tally[TrafficCounts]
    duplicates: Tally[DuplicateCounts]


def new_totals(whole: Totals | None = None) -> Totals:
    """Return sums without anything; each is a part of those of ``whole``."""
    channels, queues, traffic, duplicates = (None, None, None, None) if whole is None else whole
    return Totals(
        Tally(ChannelCounts(), channels),
        QueueTallies(queues),
        Tally(TrafficCounts(), traffic),
        Tally(DuplicateCounts(), duplicates),
    )
