"""Takes messages out of the middle of a tail, of either build.

Only the slices that have them are made anew, so it does not matter how long the tail is.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from queues.tail import NodeMemory, QueueMemory, Slice, Tail


def remove(tail: Tail, positions: Sequence[int]) -> int:
    """Take messages out, wherever they are; return how many of these positions were there.

    Args:
        tail: of a queue.
        positions: ascending.
    """
    before_count = tail.count
    slices = tail.slices()
    at = more = 0
    while at < len(positions):
        index = bisect_right(slices, positions[at], key=_first_position) - 1
        stop = at
        if index >= 0:
            stop = bisect_left(positions, slices[index].positions[-1] + 1, at)
        if stop == at:
            at += 1
            continue
        kept = _without(slices[index], positions[at:stop])
        tail.replace(index + more, kept)
        more += len(kept) - 1
        at = stop
    return before_count - tail.count


def _without(each: Slice, gone: Sequence[int]) -> list[Slice]:
    """Return what is left of a slice, which is copied where little of it is in a row."""
    records, places, expires = each.records, each.positions, each.expires_at_ms
    kept = Tail(QueueMemory(NodeMemory()))
    start = 0
    for position in (*gone, places[-1] + 1):
        stop = bisect_left(places, position)
        if start < stop:
            instants = expires if isinstance(expires, int) else expires[start:stop]
            kept.append_slice(records[start:stop], places[start:stop], instants)
        start = stop + (stop < len(places) and places[stop] == position)
    return kept.slices()


def _first_position(each: Slice) -> int:
    return each.positions[0]
