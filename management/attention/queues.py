"""Queues that need a hand: nobody consumes, nobody acks, it grows, it is full, its messages die.

A queue that holds nothing and has lost nothing costs a comparison at each look. For any other, two
earlier looks are kept, a minute and two minutes old at most.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from amqp_server.broker.views import QueueCounts, QueueView
from management.attention.concern import BAD, QUEUE, WARN, Concern, Severity, per_second

SPAN_MS: Final = 60_000
"""Growth is told over one to two of these."""

SOON_MS: Final = 30_000
"""A queue may fill for so long before its first consumer comes."""

STUCK_MS: Final = 60_000
"""Consumers that settle nothing for so long, while messages wait, have stopped."""

LONG_MS: Final = 600_000
"""So long a queue may hold messages without a consumer, or deliveries without an ack."""

GROWTH_READY_MIN: Final = 1_000
"""A queue with consumers that has fewer messages is not said to grow."""

STREAM_BYTES_MIN: Final = 64 * 1024 * 1024
"""A smaller stream is not said to grow without an end."""

_MIB: Final = 1024 * 1024
_NOTHING: Final = QueueCounts()
_RETENTION: Final = frozenset({"max-age", "max-length-bytes", "x-max-age", "x-max-length-bytes"})


class _Seen(NamedTuple):
    """The numbers of a queue at a time."""

    at_ms: int
    ready: int
    rejected: int
    overflowed: int
    lost_rejected: int
    lost_overflowed: int
    refused: int


def _seen(now_ms: int, counts: QueueCounts) -> _Seen:
    died, lost = counts.dead_lettered, counts.dropped
    return _Seen(
        now_ms,
        counts.ready_count,
        died.rejected + died.delivery_limit,
        died.maxlen,
        lost.rejected + lost.delivery_limit,
        lost.maxlen,
        counts.refused,
    )


class _Watched:
    """A queue that holds something, or has lost something."""

    __slots__ = (
        "before",
        "counts",
        "has_retention",
        "is_stream",
        "look_number",
        "moved_ms",
        "recent",
        "unserved_ms",
    )

    def __init__(self, now_ms: int, counts: QueueCounts, view: QueueView | None) -> None:
        self.counts = counts
        self.before = self.recent = _seen(now_ms, counts)
        self.moved_ms = self.unserved_ms = now_ms
        self.look_number = 0
        self.is_stream = view is not None and view.kind == "stream"
        self.has_retention = view is None or not _RETENTION.isdisjoint(
            {*view.arguments, *view.effective_policy}
        )

    def note(self, now_ms: int, counts: QueueCounts) -> None:
        """Note how it is now."""
        if counts.consumer_count or not counts.ready_count:
            self.unserved_ms = now_ms
        if not counts.unacked_count or _moves(counts) != _moves(self.counts):
            self.moved_ms = now_ms
        self.counts = counts
        if now_ms - self.recent.at_ms >= SPAN_MS:
            self.before, self.recent = self.recent, _seen(now_ms, counts)


def _moves(counts: QueueCounts) -> tuple[int, ...]:
    """Return the numbers that change when a consumer gets or settles anything."""
    return (
        counts.delivered,
        counts.delivered_no_ack,
        counts.acked,
        counts.requeued,
        counts.discarded,
    )


class QueueWatch:
    """The queues of a node.

    Args:
        look_at: returns the view of a queue.
    """

    def __init__(self, look_at: Callable[[str, str], QueueView | None]) -> None:
        self._look_at = look_at
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._look_number = 0

    def __len__(self) -> int:
        return len(self._watched)

    def begin(self) -> None:
        """Begin a look at all queues."""
        self._look_number += 1

    def note(self, now_ms: int, vhost: str, name: str, counts: QueueCounts) -> None:
        """Note how a queue is now."""
        key = (vhost, name)
        if not _is_notable(counts):
            self._watched.pop(key, None)
            return
        watched = self._watched.get(key)
        if watched is None:
            watched = _Watched(now_ms, counts, self._look_at(vhost, name))
            self._watched[key] = watched
        watched.note(now_ms, counts)
        watched.look_number = self._look_number

    def concerns(self, now_ms: int) -> Iterator[Concern | None]:
        """Yield what needs a hand, and None for every queue that does not; forget what is gone."""
        for (vhost, name), watched in list(self._watched.items()):
            if watched.look_number != self._look_number:
                del self._watched[vhost, name]
                continue
            yield from _of(now_ms, vhost, name, watched)
            yield None


def of_paused(view: QueueView, now_ms: int) -> Concern:
    """Return the concern that a queue is paused; somebody may have forgotten it."""
    ready = view.counts.ready_count
    text = "is paused: its consumers get nothing"
    amount = f"{ready:,} ready"
    return Concern(WARN, QUEUE, view.vhost, view.name, "paused", text, amount, ready, now_ms)


def _is_notable(counts: QueueCounts) -> bool:
    return bool(
        counts.ready_count
        or counts.unacked_count
        or counts.refused
        or counts.dead_lettered != _NOTHING.dead_lettered
        or counts.dropped != _NOTHING.dropped
    )


class _Case(NamedTuple):
    """A queue that is judged."""

    now_ms: int
    vhost: str
    name: str
    watched: _Watched
    now: _Seen

    @property
    def growth(self) -> float:
        """By how many messages a second it grows; negative where it shrinks."""
        return _rate(self.watched.before, self.now, "ready")

    @property
    def ready(self) -> str:
        """What waits, in words."""
        return f"{self.now.ready:,} ready"

    def concern(
        self,
        severity: Severity,
        rule: str,
        text: str,
        amount: str,
        weight: float,
        since_ms: int | None = None,
    ) -> Concern:
        """Return a concern about it; since now, unless it says since when."""
        since = self.now_ms if since_ms is None else since_ms
        return Concern(severity, QUEUE, self.vhost, self.name, rule, text, amount, weight, since)


def _of(now_ms: int, vhost: str, name: str, watched: _Watched) -> Iterator[Concern]:
    case = _Case(now_ms, vhost, name, watched, _seen(now_ms, watched.counts))
    if watched.is_stream:
        yield from _without_end(case)
    elif watched.counts.ready_count and not watched.counts.consumer_count:
        yield from _unserved(case)
    if watched.counts.consumer_count:
        yield from _served(case)
    for severity, field, rule, text in _LOSSES:
        rate = _rate(watched.before, case.now, field)
        if rate > 0:
            yield case.concern(severity, rule, text, per_second(rate), rate)


def _without_end(case: _Case) -> Iterator[Concern]:
    """Yield that a stream grows, and nothing will ever be deleted."""
    size = case.watched.counts.ready_bytes
    if case.growth > 0 and not case.watched.has_retention and size >= STREAM_BYTES_MIN:
        text = f"grows by {per_second(case.growth)} and has no retention"
        yield case.concern(WARN, "no_retention", text, f"{size / _MIB:,.0f} MiB", size)


def _unserved(case: _Case) -> Iterator[Concern]:
    """Yield that messages wait, and nobody consumes."""
    since_ms = case.watched.unserved_ms
    idle_ms = case.now_ms - since_ms
    weight = case.now.ready
    if case.growth > 0 and idle_ms >= SOON_MS:
        text = f"grows by {per_second(case.growth)} and has no consumer"
        yield case.concern(BAD, "no_consumer", text, case.ready, weight, since_ms)
    elif idle_ms >= LONG_MS:
        text = "has no consumer and holds messages"
        yield case.concern(WARN, "no_consumer", text, case.ready, weight, since_ms)


def _served(case: _Case) -> Iterator[Concern]:
    """Yield that consumers do nothing, or not enough."""
    counts, since_ms = case.watched.counts, case.watched.moved_ms
    stuck_ms = case.now_ms - since_ms
    is_waiting = counts.ready_count > 0 and not case.watched.is_stream
    is_one = counts.consumer_count == 1
    if counts.unacked_count and stuck_ms >= STUCK_MS:
        unacked = f"{counts.unacked_count:,} unacked"
        weight = counts.unacked_count + counts.ready_count
        if is_waiting:
            who = "its consumer acks" if is_one else f"its {counts.consumer_count:,} consumers ack"
            text = f"does not move: {who} nothing"
            yield case.concern(BAD, "no_acks", text, unacked, weight, since_ms)
        elif stuck_ms >= LONG_MS:
            text = "has had its deliveries unacked for long"
            yield case.concern(WARN, "unacked_for_long", text, unacked, weight, since_ms)
    elif is_waiting and _grows_on(case.watched, case.now):
        who = "its consumer takes" if is_one else f"its {counts.consumer_count:,} consumers take"
        text = f"grows by {per_second(case.growth)}, faster than {who}"
        yield case.concern(WARN, "grows", text, case.ready, case.now.ready)


_LOSSES: Final[tuple[tuple[Severity, str, str, str], ...]] = (
    (BAD, "refused", "full_refuses", "is full and refuses messages"),
    (BAD, "lost_overflowed", "full_drops", "is full and drops its oldest messages"),
    (WARN, "overflowed", "full_dead_letters", "is full and dead-letters its oldest messages"),
    (WARN, "rejected", "dead_letters", "dead-letters what its consumers reject"),
    (WARN, "lost_rejected", "drops_rejected", "drops what its consumers reject"),
)
"""Numbers that should not rise, and what it means that they do."""


def _rate(before: _Seen, now: _Seen, field: str) -> float:
    span_ms = now.at_ms - before.at_ms
    if span_ms <= 0:
        return 0.0
    grown: int = getattr(now, field) - getattr(before, field)
    return grown * 1000 / span_ms


def _grows_on(watched: _Watched, now: _Seen) -> bool:
    """Whether it grew in each of the last two spans."""
    before, recent = watched.before, watched.recent
    is_whole = recent.at_ms - before.at_ms >= SPAN_MS
    is_long = now.ready >= GROWTH_READY_MIN
    return is_whole and is_long and before.ready < recent.ready < now.ready
