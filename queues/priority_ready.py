"""Ready messages of a queue with priorities: one band each, the highest non-empty one is served.

Priorities are RabbitMQ's (priority queues): none is 0, above the queue's maximum is the maximum,
first in first out inside a band. Its surprises are kept: only the head of the highest band is
looked at for expiry, and dropping the head drops the *highest* priority first.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain, islice, repeat
from operator import itemgetter
from typing import Final

from persistence.record import Record, Run, body_bytes
from queues.batch import BATCH_BYTES_MAX, Batch, Entry
from queues.ready import NOTHING_EXPIRED, expired_count, live_count
from queues.returned import Returned

_priority_of: Final[Callable[[Record], int]] = itemgetter(Record._fields.index("priority"))


class Band:
    """Messages of one priority. Positions grow but have gaps: other bands have the others.

    Invariant: ``records``, ``positions`` and ``expires`` are parallel.
    """

    __slots__ = ("expires", "positions", "records", "returned")

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        self.positions: deque[int] = deque()
        self.expires: deque[int] = deque()
        self.returned = Returned()

    def __len__(self) -> int:
        return len(self.records) + len(self.returned)

    def take(self, max_count: int, now_ms: int) -> Batch | None:
        """Take live messages that are alike off the head; None if the head has expired."""
        if self.returned:
            return self.returned.take(max_count, now_ms)
        return self._cut(live_count(self.expires, max_count, now_ms))

    def take_expired(self, max_count: int, now_ms: int) -> Batch | None:
        """Take expired messages that are alike off the head; None if it has not expired."""
        if self.returned:
            return self.returned.take_expired(max_count, now_ms)
        return self._cut(expired_count(self.expires, max_count, now_ms))

    def _cut(self, max_count: int) -> Batch | None:
        """Take messages off the head as long as a range describes their positions."""
        positions = list(islice(self.positions, max_count))
        if not positions:
            return None
        first = positions[0]
        count = len(positions)
        if positions[-1] != first + count - 1:  # positions only grow, so this finds every gap
            count = next(i for i, position in enumerate(positions) if position != first + i)
        sizes = accumulate([len(record.body) for record in islice(self.records, count)])
        count = min(bisect_left(list(sizes), BATCH_BYTES_MAX) + 1, count)
        records = [self.records.popleft() for _ in repeat(None, count)]
        expires = [self.expires.popleft() for _ in repeat(None, count)]
        for _ in repeat(None, count):
            self.positions.popleft()
        return Batch(range(first, first + count), records, expires if any(expires) else None)


class PriorityReady:
    """Ready messages of a priority queue; the same calls as ``queues.ready.Ready``.

    Attributes:
        count: how many messages are ready.
        body_bytes: sum of their bodies, in bytes.

    Invariant: a position is in one band only, and below ``_next_position``.
    Invariant: bit p of ``_filled`` is set while band p is not empty.
    """

    __slots__ = ("_bands", "_filled", "_max_priority", "_next_position", "body_bytes", "count")

    def __init__(self, max_priority: int) -> None:
        self._max_priority = max_priority
        self._next_position = 0
        self._bands = [Band() for _ in range(max_priority + 1)]  # 256 at most: x-max-priority
        self._filled = 0
        self.count = 0
        self.body_bytes = 0

    @property
    def head_expires_at_ms(self) -> int:
        """When the head expires (instant); 0 when it never does, or there is none."""
        if not self._filled:
            return 0
        band = self._bands[self._filled.bit_length() - 1]
        return band.returned.head_expires_at_ms if band.returned else band.expires[0]

    @property
    def delivered_below(self) -> int:
        """No message from this position on was ever delivered; of those before it nobody knows."""
        return self._next_position

    def begin_at(self, position: int) -> None:
        """Give an empty queue's next message this position."""
        self._next_position = position

    def records(self) -> Iterator[Record]:
        """Return the messages, head first, without taking them."""
        return chain.from_iterable(
            chain(band.returned.records(), band.records) for band in reversed(self._bands)
        )

    def append(self, run: Run, expires_at_ms: int | list[int] = 0) -> int:
        """Put each message behind its priority's others; see ``Ready.append``."""
        first_position = self._next_position
        self._next_position += len(run)
        self.count += len(run)
        self.body_bytes += body_bytes(run)
        expires = (
            expires_at_ms
            if isinstance(expires_at_ms, list)
            else list(repeat(expires_at_ms, len(run)))
        )
        for priority, indexes in self._by_priority(run).items():
            band = self._band(priority)
            band.records.extend([run[index] for index in indexes])
            band.positions.extend([first_position + index for index in indexes])
            band.expires.extend([expires[index] for index in indexes])
        return first_position

    def take(self, max_count: int, now_ms: int) -> Batch | None:
        """Take messages of the highest priority that are alike; see ``Ready.take``."""
        if not self._filled:
            return None
        return self._taken(self._bands[self._filled.bit_length() - 1].take(max_count, now_ms))

    def take_expired(self, max_count: int, now_ms: int) -> Batch | None:
        """Take expired messages off the head; see ``Ready.take_expired``."""
        if not self._filled:
            return None
        band = self._bands[self._filled.bit_length() - 1]
        return self._taken(band.take_expired(max_count, now_ms))

    def drop_head(self, max_count: int) -> Batch | None:
        """Take messages off the head, expired or not: of the highest priority first."""
        return self.take(max_count, NOTHING_EXPIRED)

    def requeue(self, entries: list[Entry]) -> None:
        """Put messages that were taken back to their old places, in any order."""
        for entry in entries:
            self._band(entry.record.priority).returned.add((entry,))
            self.body_bytes += len(entry.record.body)
        self.count += len(entries)

    def purge(self) -> list[range]:
        """Forget every message; return the positions they had, band by band."""
        ranges: list[range] = []
        while (batch := self.drop_head(self.count)) is not None:
            ranges.append(batch.positions)
        return ranges

    def check_invariants(self) -> None:
        """Assert what the class promises; costs a walk over every message."""
        seen: set[int] = set()
        for priority, band in enumerate(self._bands):
            assert len(band.records) == len(band.positions) == len(band.expires), "parallel"
            positions = list(band.positions)
            assert positions == sorted(positions), "a band is in the order of arrival"
            assert seen.isdisjoint(positions), "a message is in one band"
            seen.update(positions)
            band.returned.check_invariants(positions[0] if positions else self._next_position)
            assert bool(self._filled >> priority & 1) is bool(len(band)), "the mask is right"
        assert all(position < self._next_position for position in seen), "none from the future"
        assert self.count == sum(map(len, self._bands)), "the count is that of the messages"
        assert self.body_bytes == body_bytes(list(self.records())), "and so are the bytes"

    def _by_priority(self, run: Run) -> dict[int, Sequence[int]]:
        """Return which indexes of a run go to which band, in order."""
        priorities = list(map(_priority_of, run))
        if min(priorities) == max(priorities):
            return {priorities[0]: range(len(run))}
        indexes: dict[int, list[int]] = {}
        for index, priority in enumerate(priorities):
            indexes.setdefault(min(priority, self._max_priority), []).append(index)
        return dict(indexes)

    def _band(self, priority: int) -> Band:
        """Return the band that a message of this priority is about to enter."""
        index = min(priority, self._max_priority)
        self._filled |= 1 << index
        return self._bands[index]

    def _taken(self, batch: Batch | None) -> Batch | None:
        """Count a batch out of the highest band."""
        if batch is not None:
            self.count -= len(batch)
            self.body_bytes -= batch.body_bytes
            highest = self._filled.bit_length() - 1
            if not len(self._bands[highest]):
                self._filled ^= 1 << highest
        return batch
