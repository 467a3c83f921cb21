"""Requeued messages of a lane that only the log has: their positions, and how often each came back.

    bucket 3 | all 2            every position of the bucket is here and came back twice
    bucket 4 | 0 0 3 0 2 ...    a number for each position; 0 is not here

The log has these messages in chunks, together with others: unacked ones, and requeued ones that are
in memory. So the marks say which messages of a chunk are read back. A client that requeues long
stretches makes a number for each bucket, and none for each message.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, groupby, repeat
from typing import Final, NamedTuple

from sortedcontainers import SortedDict

from persistence.positions import joined, ranges_of
from persistence.record import Run, detached
from queues.batch import Batch, QueuedMessage, messages_of
from queues.log_port import QueueLog, QueueSlice
from queues.looking import POSITION_STOP

BUCKET_POSITIONS: Final = 1_024
"""Positions that have one entry in the map."""

_MARK_BYTES: Final = 4
_NONE: Final = array("I", bytes(_MARK_BYTES * BUCKET_POSITIONS))
assert _NONE.itemsize == _MARK_BYTES, "marks are u32"

_SPARSE_PART: Final = 2
"""Messages that are less than this part of what was read are copied, and the rest is freed."""


class RequeuedSlice(NamedTuple):
    """Requeued messages in order: implements ``queues.log_port.QueueSlice``."""

    records: Run
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int]


class _Bucket:
    """The marks of the positions of a bucket.

    Attributes:
        marks: 1 more than the delivery count of each message; 0 where none is. One number where it
            is that of all.
        count: how many are not 0.
    """

    __slots__ = ("count", "marks")

    def __init__(self) -> None:
        self.marks: array[int] | int = _NONE[:]
        self.count = 0

    def each(self) -> "array[int]":
        """Return a mark for each position, to be changed."""
        marks = self.marks
        if isinstance(marks, int):
            self.marks = marks = array("I", (marks,)) * BUCKET_POSITIONS
        return marks

    def put(self, positions: range, mark: int) -> None:
        """Mark positions of the bucket that had no mark."""
        marks = self.each()
        marks[positions.start : positions.stop : positions.step] = array("I", (mark,)) * len(
            positions
        )
        self.count += len(positions)
        if self.count == BUCKET_POSITIONS and marks.count(mark) == BUCKET_POSITIONS:
            self.marks = mark

    def part(self, first: int, stop: int) -> Sequence[int]:
        """Return the marks of contiguous positions."""
        marks = self.marks
        return (
            array("I", (marks,)) * (stop - first) if isinstance(marks, int) else marks[first:stop]
        )

    def clear(self, first: int, stop: int) -> int:
        """Take the marks off contiguous positions; return how many there were."""
        if stop - first == BUCKET_POSITIONS:
            gone, self.count = self.count, 0
            return gone
        marks = self.each()
        gone = stop - first - marks[first:stop].count(0)
        marks[first:stop] = _NONE[first:stop]
        self.count -= gone
        return gone


class SpilledRequeued:
    """Requeued messages whose records are on disk alone.

    Attributes:
        count: how many there are.
        body_bytes: sum of their bodies; only about right after some were lost.

    Invariant: no bucket is empty, and ``count`` is the sum of theirs.
    """

    __slots__ = ("_buckets", "_lane", "_log", "body_bytes", "count")

    def __init__(self, lane: int, log: QueueLog) -> None:
        """Begin with none.

        Args:
            lane: number of the lane in the log.
            log: has the messages.
        """
        self._lane = lane
        self._log = log
        self._buckets: SortedDict[int, _Bucket] = SortedDict()
        self.count = 0
        self.body_bytes = 0

    @property
    def first_position(self) -> int:
        """The first of the positions; there must be one."""
        index, bucket = self._buckets.peekitem(0)
        return index * BUCKET_POSITIONS + _first_marked(bucket)

    @property
    def _stop_position(self) -> int:
        return (self._buckets.peekitem(-1)[0] + 1) * BUCKET_POSITIONS

    def spill(self, batches: Sequence[Batch]) -> bool:
        """Give messages to the log and keep their marks; False if the disk refuses.

        Args:
            batches: by their first position, ascending; they may lie across each other.
        """
        if not self._log.spill(self._lane, _slices_of(batches), among_unacked=True):
            return False
        for batch in batches:
            self._mark(batch.positions, batch.delivery_count + 1)
            self.body_bytes += batch.body_bytes
        return True

    def read_next(self) -> list[Batch]:
        """Take the first messages, as many as the log returns at once, off here.

        The list is empty if the messages that were left cannot be read any more.

        Raises:
            OSError: the disk could not be read; nothing is lost by that.
        """
        first, stop = self.first_position, self._stop_position
        found = self._log.read_back(self._lane, first, stop).messages
        if found is None:
            self.clear()
            return []
        marks = self._marks_at(found.positions)
        self._unmark(first, found.positions[-1] + 1)
        batches = _batches_of(found, marks)
        self.body_bytes -= sum([batch.body_bytes for batch in batches])
        if not self.count:
            self.body_bytes = 0
        return batches

    def look(self, from_position: int) -> tuple[list[Batch], int]:
        """Return messages from a position on, without taking them, and where the next ones begin.

        ``POSITION_STOP`` is nowhere.

        Raises:
            OSError: the disk could not be read.
        """
        index, bucket = self._buckets.peekitem(-1)
        stop = index * BUCKET_POSITIONS + _last_marked(bucket) + 1
        if from_position >= stop:
            return [], POSITION_STOP
        found = self._log.read_back(self._lane, from_position, stop).messages
        if found is None:
            return [], POSITION_STOP
        after = found.positions[-1] + 1
        batches = _batches_of(found, self._marks_at(found.positions))
        return batches, after if after < stop else POSITION_STOP

    def remove(self, position: int, body_bytes: int) -> bool:
        """Forget a message with a body of this size; return whether it was here."""
        index, place = divmod(position, BUCKET_POSITIONS)
        bucket = self._buckets.get(index)
        if bucket is None or not bucket.part(place, place + 1)[0]:
            return False
        self._unmark(position, position + 1)
        self.body_bytes -= body_bytes
        return True

    def position_ranges(self) -> list[range]:
        """Return the positions, contiguous, ascending."""
        found: list[range] = []
        for index, bucket in self._buckets.items():
            first = index * BUCKET_POSITIONS
            if bucket.count == BUCKET_POSITIONS:
                found.append(range(first, first + BUCKET_POSITIONS))
            else:
                marks = enumerate(bucket.each(), start=first)
                found += ranges_of([position for position, mark in marks if mark])
        return joined(found)

    def clear(self) -> None:
        """Forget all of them."""
        self._buckets.clear()
        self.count = self.body_bytes = 0

    # -- marks ----------------------------------------------------------------------------------

    def _mark(self, positions: range, mark: int) -> None:
        at = 0
        while at < len(positions):
            index, place = divmod(positions[at], BUCKET_POSITIONS)
            part = range(place, BUCKET_POSITIONS, positions.step)[: len(positions) - at]
            bucket = self._buckets.get(index)
            if bucket is None:
                bucket = self._buckets[index] = _Bucket()
            bucket.put(part, mark)
            at += len(part)
        self.count += len(positions)

    def _marks_at(self, positions: Sequence[int]) -> Sequence[int]:
        if isinstance(positions, range):
            stretches = [positions] if positions.step == 1 else ranges_of(positions)
        else:
            stretches = ranges_of(positions)
        return array("I", chain.from_iterable(map(self._marks_in, stretches)))

    def _marks_in(self, positions: range) -> Iterable[int]:
        found = array("I")
        first = positions.start
        while first < positions.stop:
            index, place = divmod(first, BUCKET_POSITIONS)
            stop = min(place + positions.stop - first, BUCKET_POSITIONS)
            bucket = self._buckets.get(index)
            found.extend(_NONE[place:stop] if bucket is None else bucket.part(place, stop))
            first += stop - place
        return found

    def _unmark(self, first: int, stop: int) -> None:
        """Take the marks off all positions in an interval."""
        buckets = self._buckets
        last = (stop - 1) // BUCKET_POSITIONS
        for index in list(buckets.irange(first // BUCKET_POSITIONS, last)):
            start = index * BUCKET_POSITIONS
            bucket = buckets[index]
            gone = bucket.clear(max(first - start, 0), min(stop - start, BUCKET_POSITIONS))
            self.count -= gone
            if not bucket.count:
                del buckets[index]

    def check_invariants(self) -> None:
        """Assert the invariants."""
        for bucket in self._buckets.values():
            marks = bucket.part(0, BUCKET_POSITIONS)
            assert 0 < bucket.count == BUCKET_POSITIONS - marks.count(0), "no bucket is empty"
        assert self.count == sum([each.count for each in self._buckets.values()]), "all are counted"


def _first_marked(bucket: _Bucket) -> int:
    marks = bucket.marks
    if isinstance(marks, int):
        return 0
    return next(place for place, mark in enumerate(marks) if mark)


def _last_marked(bucket: _Bucket) -> int:
    marks = bucket.part(0, BUCKET_POSITIONS)
    return max(place for place, mark in enumerate(marks) if mark)


def _slices_of(batches: Sequence[Batch]) -> Sequence[QueueSlice]:
    """Return batches as slices that ascend; batches that lie across each other as one."""
    stop = -1
    for batch in batches:
        if batch.positions[0] < stop:
            return [_slice_of(sorted([one for each in batches for one in messages_of(each)]))]
        stop = batch.positions[-1]
    return [
        RequeuedSlice(
            batch.records,
            batch.positions if batch.positions.step == 1 else _places(list(batch.positions)),
            0 if batch.expires_at_ms is None else batch.expires_at_ms,
        )
        for batch in batches
    ]


def _slice_of(messages: Sequence[QueuedMessage]) -> RequeuedSlice:
    return RequeuedSlice(
        [message.record for message in messages],
        _places([message.position for message in messages]),
        [message.expires_at_ms for message in messages],
    )


def _places(positions: Sequence[int]) -> Sequence[int]:
    """Return positions as a range where they are contiguous."""
    if positions[-1] - positions[0] + 1 == len(positions):
        return range(positions[0], positions[-1] + 1)
    return positions


def _batches_of(found: QueueSlice, marks: Sequence[int]) -> list[Batch]:
    """Return those messages that have a mark."""
    stretches: list[tuple[int, int]] = []
    start = 0
    for mark, alike in groupby(marks):
        stop = start + sum(1 for _ in alike)
        if mark:
            stretches.append((start, stop))
        start = stop
    kept_count = sum([stop - start for start, stop in stretches])
    copies = kept_count * _SPARSE_PART < len(found.positions)
    batches: list[Batch] = []
    for first, stop in stretches:
        positions = found.positions[first:stop]
        at = first
        for part in [positions] if isinstance(positions, range) else ranges_of(positions):
            records = found.records[at : at + len(part)]
            if copies:
                records = detached(records)
            expires = _expiries(found.expires_at_ms, at, len(part))
            batches.append(Batch(part, records, expires, marks[first] - 1, redelivered=True))
            at += len(part)
    return batches


def _expiries(expires_at_ms: int | Sequence[int], start: int, count: int) -> list[int] | None:
    """Return when messages expire, as a batch says it."""
    if isinstance(expires_at_ms, int):
        return list(repeat(expires_at_ms, count)) if expires_at_ms else None
    expires = list(expires_at_ms[start : start + count])
    return expires if any(expires) else None
