"""Looks at ready messages where they are; see ``queues.looking``.

The order is that of delivery: lane by lane, the one served first before the others, and by position
inside. So requeued messages come first, then the head, then what was spilled.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice

from persistence.record import body_bytes
from queues.batch import Batch
from queues.classic.priority_ready import PriorityReady
from queues.classic.ready import Lane, Ready
from queues.classic.spilled import Spilled
from queues.log_port import QueueSlice
from queues.looking import (
    LOOK_BYTES_MAX,
    LOOK_COUNT_MAX,
    NO_COUNTS,
    POSITION_STOP,
    Looked,
    LookedSlice,
    LookPlace,
    Passed,
)
from queues.tail import Tail


def look(
    ready: Ready | PriorityReady, place: LookPlace | None, max_count: int = LOOK_COUNT_MAX
) -> Looked:
    """Return the next messages.

    Args:
        ready: of the queue.
        place: where to begin; None is the head.
        max_count: the most to return.

    Raises:
        OSError: the disk could not be read.
    """
    for number, lane in reversed(ready.lanes()):
        if place is not None and number > place.lane:
            continue
        at = place.position if place is not None and number == place.lane else 0
        found = _in_lane(lane, at, max_count)
        if found is not None:
            slices, after = found
            return Looked(slices, LookPlace(number, after))
    return Looked((), None)


def passing_by(ready: Ready | PriorityReady, count: int) -> Passed:
    """Return the place behind the first messages, as far as it is known without a look at them."""
    for number, lane in reversed(ready.lanes()):
        if count < lane.count:
            position, left_count = _passed_in(lane, count)
            return Passed(LookPlace(number, position), left_count)
        count -= lane.count
    return Passed(None, count)


def _in_lane(lane: Lane, at: int, max_count: int) -> tuple[list[LookedSlice], int] | None:
    """Return messages of a lane from a position on, and where to go on; None if it has no more."""
    if lane.requeued.count:
        seen = lane.requeued.look(at, max_count)
        if seen is not None:
            batches, stop = seen
            return list(map(_of_batch, batches)), stop
    spilled = lane.spilled
    counts = NO_COUNTS if spilled is None else spilled.delivery_counts
    found = [
        LookedSlice(
            each.records, each.positions, each.expires_at_ms, lane.head.redeliver_below, 0, counts
        )
        for each in _cut(_behind_requeued(lane.head, spilled, at, max_count), at, max_count)
    ]
    return (found, found[-1].positions[-1] + 1) if found else None


def _behind_requeued(
    head: Tail, spilled: Spilled | None, at: int, enough: int
) -> Iterator[QueueSlice]:
    """Return the slices that a look may need: those in memory, or one that is on the disk."""
    slices = head.slices()
    first = bisect_left(slices, at, key=_last_position)
    if first < len(slices):
        yield from islice(slices, first, None)
    elif spilled is not None:
        yield from spilled.some_slices(at, enough)


def _cut(slices: Iterable[QueueSlice], at: int, max_count: int) -> Iterator[QueueSlice]:
    """Cut off what is before a position, and what is too much; the parts do not change."""
    left, left_bytes = max_count, LOOK_BYTES_MAX
    for each in slices:
        positions = each.positions
        first = bisect_left(positions, at)
        part = slice(first, first + left)
        expires = each.expires_at_ms
        records = each.records[part]
        yield LookedSlice(
            records, positions[part], expires if isinstance(expires, int) else expires[part]
        )
        left -= len(records)
        left_bytes -= body_bytes(records)
        if left <= 0 or left_bytes <= 0:
            return


def _passed_in(lane: Lane, count: int) -> tuple[int, int]:
    """Return a position of a lane, and how many messages from there on are still to be passed."""
    if count < lane.requeued.count:
        return 0, count
    count -= lane.requeued.count
    slices = lane.head.slices()
    for each in slices:
        if count < len(each.records):
            return each.positions[count], 0
        count -= len(each.records)
    if lane.spilled is None:
        return POSITION_STOP, 0
    return lane.spilled.passed(count)


def _of_batch(batch: Batch) -> LookedSlice:
    expires = batch.expires_at_ms
    return LookedSlice(
        batch.records,
        batch.positions,
        0 if expires is None else expires,
        POSITION_STOP,
        batch.delivery_count,
    )


def _last_position(each: QueueSlice) -> int:
    return each.positions[-1]
