"""Positions of messages as ranges, as a log settles and finds them.

A position is the number of a message in its queue. In a priority queue each position is in a lane.
"""

from collections.abc import Iterable
from typing import Final

LANE_MAX: Final = 254
"""The highest number of a lane: the priorities 254 and 255 of a queue that has both share one, and
255 stands for none where a lane is an octet."""


def ranges_of(positions: Iterable[int]) -> list[range]:
    """Return ascending positions as the fewest contiguous ranges.

    Args:
        positions: distinct, ascending.
    """
    if isinstance(positions, range) and positions.step == 1:
        return [positions] if positions else []
    ranges: list[range] = []
    start = stop = -1
    for position in positions:
        if position != stop:
            if stop > start:
                ranges.append(range(start, stop))
            start = position
        stop = position + 1
    if stop > start:
        ranges.append(range(start, stop))
    return ranges


def joined(ranges: Iterable[range]) -> list[range]:
    """Return ascending contiguous ranges, and join those that touch."""
    found: list[range] = []
    for each in ranges:
        if found and found[-1].stop == each.start:
            found[-1] = range(found[-1].start, each.stop)
        else:
            found.append(each)
    return found
