"""Messages in memory with their positions: a part of a queue's ready messages.

    message   m0   m1   m2   m3   ...      records of one run after another
    position  12   13   14   17   ...      ascending; gaps where other bands have the others
    expires   0    0    950  950  ...      an instant each; 0 is never

First in, first out. This holds no policy: the caller says what expires when, and what to do about
it. Only builtins run per message. This is the interpreted twin and the specification of
``queues._tail``.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice, repeat, takewhile
from operator import eq
from typing import Final, NamedTuple

from persistence.kernels import COMPILED
from persistence.positions import joined, ranges_of
from persistence.record import Record, Run, body_bytes, memory_bytes
from queues.batch import Batch

UNLIMITED_BYTES: Final = 1 << 62


class NodeMemory:
    """The memory of a node's ready, or of its delivered, messages, and its limit.

    Attributes:
        used_bytes: of their records; a record that queues share counts for each of them.
        limit_bytes: above it memory is short. Of ready messages: more queues spill, and spill
            earlier. Of delivered messages: less is delivered.
    """

    __slots__ = ("limit_bytes", "used_bytes")

    def __init__(self, limit_bytes: int = UNLIMITED_BYTES) -> None:
        self.used_bytes = 0
        self.limit_bytes = limit_bytes

    @property
    def is_short(self) -> bool:
        """Whether more is used than the limit."""
        return self.used_bytes > self.limit_bytes


class QueueMemory:
    """The memory of one queue's ready messages.

    Attributes:
        node: counts it too.
        used_bytes: of all parts in memory.
        budget_bytes: above it the queue must give up memory.
        short_budget_bytes: the same while the node is short of memory.
    """

    __slots__ = ("budget_bytes", "node", "short_budget_bytes", "used_bytes")

    def __init__(
        self,
        node: NodeMemory,
        budget_bytes: int = UNLIMITED_BYTES,
        short_budget_bytes: int = UNLIMITED_BYTES,
    ) -> None:
        self.node = node
        self.used_bytes = 0
        self.budget_bytes = budget_bytes
        self.short_budget_bytes = short_budget_bytes

    @property
    def is_over(self) -> bool:
        """Whether more is used than the budget of the queue."""
        used_bytes = self.used_bytes
        if used_bytes > self.budget_bytes:
            return True
        return used_bytes > self.short_budget_bytes and self.node.is_short

    def add(self, more_bytes: int) -> None:
        """Count more, or less."""
        self.used_bytes += more_bytes
        self.node.used_bytes += more_bytes


class Slice(NamedTuple):
    """Some messages of a queue, in order: implements ``queues.log_port.QueueSlice``."""

    records: Run
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int]


class Tail:
    """Records with positions and expiries.

    The kernel keeps them as raw memory and shares long runs with their other users. So a batch may
    end where one of these pieces ends.

    Attributes:
        body_bytes: sum of the bodies, in bytes.
        memory_bytes: memory of the records, as the kernel keeps them.
        redeliver_below: messages before this position may have been delivered before a restart.

    Invariant: positions ascend.
    """

    __slots__ = (
        "_expires",
        "_first_position",
        "_memory",
        "_positions",
        "_records",
        "body_bytes",
        "memory_bytes",
        "redeliver_below",
    )

    def __init__(self, memory: QueueMemory, redeliver_below: int = 0) -> None:
        self._memory = memory
        self._records: deque[Record] = deque()
        # Positions are kept only where they have gaps, and instants only where a message expires.
        self._first_position = 0
        self._positions: deque[int] | None = None
        self._expires: deque[int] | None = None
        self.body_bytes = 0
        self.memory_bytes = 0
        self.redeliver_below = redeliver_below

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._records)

    @property
    def first_position(self) -> int:
        """Position of the first message; there must be one."""
        return self._first_position if self._positions is None else self._positions[0]

    @property
    def head_expires_at_ms(self) -> int:
        """When the first message expires (instant); 0 when it never does, or there is none."""
        return self._expires[0] if self._expires else 0

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    def slices(self) -> list[Slice]:
        """Return all messages, in order, without taking them."""
        if not self._records:
            return []
        count = len(self._records)
        return [Slice(list(self._records), self._head_positions(count), self._head_expires(count))]

    def append(self, run: Run, first_position: int, expires_at_ms: int | Sequence[int] = 0) -> None:
        """Put a run behind everything else.

        Args:
            run: at least one message.
            first_position: of its first message; each following one is one higher.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        """
        self.append_slice(run, range(first_position, first_position + len(run)), expires_at_ms)

    def append_band(
        self,
        run: Run,
        first_position: int,
        expires_at_ms: int | Sequence[int],
        bands: bytes,
        band: int,
    ) -> None:
        """Put those messages of a run behind everything else that are in one band.

        Args:
            run: some may be in other bands.
            first_position: of the run's first message, whatever its band.
            expires_at_ms: as in ``append``, of the whole run.
            bands: of each message of the run.
            band: of the messages to put.
        """
        indexes = [index for index, each in enumerate(bands) if each == band]
        expires = expires_at_ms
        if not isinstance(expires, int):
            expires = [expires[index] for index in indexes]
        positions = [first_position + index for index in indexes]
        self.append_slice([run[index] for index in indexes], positions, expires)

    def append_slice(
        self, run: Run, positions: Sequence[int], expires_at_ms: int | Sequence[int]
    ) -> None:
        """Put messages behind everything else, each with a position of its own."""
        assert len(positions) == len(run), "a position for each message"
        records = self._records
        if not records:
            self._first_position = positions[0]
        if self._positions is None and not self._are_next(positions):
            self._positions = deque(self._head_positions(len(records)))
        if self._positions is not None:
            self._positions.extend(positions)
        if self._expires is None and expires_at_ms != 0:
            self._expires = deque(repeat(0, len(records)))
        if self._expires is not None:
            self._expires.extend(_one_each(expires_at_ms, len(run)))
        records.extend(run)
        self._count(body_bytes(run), memory_bytes(run))

    def take(self, max_count: int, max_bytes: int, now_ms: int) -> Batch | None:
        """Take up to ``max_count`` messages off the head.

        A batch's positions are evenly spaced, and it ends with the message that takes its bodies
        to ``max_bytes``.

        Returns:
            None when there is no message, or when the head has expired by ``now_ms``. The batch
            ends before the first that has expired.
        """
        return self._take(max_count, max_bytes, now_ms, expired=False)

    def take_expired(self, max_count: int, max_bytes: int, now_ms: int) -> Batch | None:
        """Take up to ``max_count`` messages off the head that have all expired by ``now_ms``."""
        return self._take(max_count, max_bytes, now_ms, expired=True)

    def take_slices(self, max_bytes: int) -> list[Slice]:
        """Take messages off the head whose records are at most ``max_bytes``; at least one."""
        sizes = accumulate([memory_bytes((record,)) for record in self._records])
        count = max(bisect_right(list(sizes), max_bytes), 1)
        positions, expires = self._head_positions(count), self._head_expires(count)
        return [Slice(self._cut(count), positions, expires)]

    def replace(self, index: int, slices: Sequence[Slice]) -> None:
        """Put slices of another tail in the place of one of ``slices``; there may be none."""
        assert index == 0, "all messages are one slice here"
        self.clear()
        self.put_back(slices)

    def put_back(self, slices: Sequence[Slice]) -> None:
        """Put taken messages back, before all others."""
        after = self.slices()
        self.clear()
        for each in (*slices, *after):
            self.append_slice(*each)

    def absorb(self, other: "Tail") -> None:
        """Take over all messages of another tail; this one must be empty."""
        assert not self._records, "it goes before nothing"
        for each in other.slices():
            self.append_slice(*each)
        other.clear()

    def clear(self) -> None:
        """Forget them all."""
        self._cut(len(self._records))

    def _take(self, max_count: int, max_bytes: int, now_ms: int, *, expired: bool) -> Batch | None:
        count = min(max_count, len(self._records))
        if count <= 0 or (expired and self._expires is None):
            return None
        expires: Sequence[int] | None = None
        if self._expires is not None:
            expires = list(islice(self._expires, count))
            count = _leading((0 < at <= now_ms) is expired for at in expires)
            if count == 0:
                return None
        positions = _even(self._head_positions(count))
        first_position = positions[0]
        if first_position < self.redeliver_below <= positions[-1]:
            positions = positions[: bisect_left(positions, self.redeliver_below)]
        count = len(positions)
        if self.body_bytes > max_bytes:
            sizes = accumulate([len(record[2]) for record in islice(self._records, count)])
            count = min(bisect_left(list(sizes), max_bytes) + 1, count)
        return Batch(
            positions[:count],
            self._cut(count),
            None if expires is None or not any(expires[:count]) else list(expires[:count]),
            redelivered=first_position < self.redeliver_below,
        )

    def _are_next(self, positions: Sequence[int]) -> bool:
        """Return whether positions follow those of the present messages without a gap."""
        next_position = self._first_position + len(self._records)
        return positions == range(next_position, next_position + len(positions))

    def _head_positions(self, count: int) -> Sequence[int]:
        """Return the positions of the first messages, as a range where they have no gap."""
        if self._positions is None:
            return range(self._first_position, self._first_position + count)
        return list(islice(self._positions, count))

    def _head_expires(self, count: int) -> int | Sequence[int]:
        """Return when the first messages expire; 0 where none does."""
        return 0 if self._expires is None else list(islice(self._expires, count))

    def _cut(self, count: int) -> list[Record]:
        """Take the first messages: that many."""
        records = self._records
        if count == len(records):
            taken = list(records)
            records.clear()
            self._positions = self._expires = None
            self._count(-self.body_bytes, -self.memory_bytes)
        else:
            taken = [records.popleft() for _ in repeat(None, count)]
            for each in (self._positions, self._expires):
                if each is not None:
                    for _ in repeat(None, count):
                        each.popleft()
            self._first_position += count
            self._count(-body_bytes(taken), -memory_bytes(taken))
        return taken

    def _count(self, more_body_bytes: int, more_memory_bytes: int) -> None:
        self.body_bytes += more_body_bytes
        self.memory_bytes += more_memory_bytes
        self._memory.add(more_memory_bytes)


def bands_of(run: Run, max_priority: int) -> bytes:
    """Return the band of each message: its priority, or the queue's where that is lower."""
    return bytes([min(record[4], max_priority) for record in run])


def position_ranges(tail: Tail) -> list[range]:
    """Return the positions of all messages of a tail."""
    found: list[range] = []
    for each in tail.slices():
        positions = each.positions
        found += [positions] if isinstance(positions, range) else ranges_of(positions)
    return joined(found)


def check(tail: Tail) -> None:
    """Assert the invariants of a tail of either build; costs a walk over every message."""
    slices = tail.slices()
    assert all(len(each.records) > 0 for each in slices), "no slice is empty"
    positions = [position for each in slices for position in each.positions]
    assert positions == sorted(set(positions)), "positions ascend"
    records = list(tail)
    assert len(positions) == len(records) == tail.count, "a position for each message"
    assert tail.body_bytes == body_bytes(records), "bytes are those of the bodies"
    assert tail.memory_bytes == memory_bytes(records), "and those of the records"


def _one_each(expires_at_ms: int | Sequence[int], count: int) -> Iterable[int]:
    if isinstance(expires_at_ms, int):
        return repeat(expires_at_ms, count)
    assert len(expires_at_ms) == count, "an instant for each message"
    return expires_at_ms


def _even(positions: Sequence[int]) -> range:
    """Return the first positions that are evenly spaced."""
    if isinstance(positions, range):
        return positions
    first, count = positions[0], len(positions)
    step = positions[1] - first if count > 1 else 1
    even = range(first, first + count * step, step)
    return even[: _leading(map(eq, positions, even))]


def _leading(facts: Iterable[bool]) -> int:
    """Return how many are true before the first that is not."""
    return sum(1 for _ in takewhile(bool, facts))


if COMPILED:
    from queues import _tail  # type: ignore[attr-defined]

    NodeMemory = _tail.NodeMemory  # type: ignore[misc]
    QueueMemory = _tail.QueueMemory  # type: ignore[misc]
    Slice = _tail.Slice  # type: ignore[misc]
    Tail = _tail.Tail  # type: ignore[misc]
    bands_of = _tail.bands_of
