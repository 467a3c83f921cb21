"""Sets of positions as ranges: what a log is told to settle."""

from collections.abc import Iterable


def ranges_of(positions: Iterable[int]) -> list[range]:
    """Return ascending positions as the fewest contiguous ranges.

    Args:
        positions: distinct, ascending.
    """
    ranges: list[range] = []
    first = last = -1
    for position in positions:
        if position == last + 1 and ranges:
            last = position
            ranges[-1] = range(first, last + 1)
            continue
        first = last = position
        ranges.append(range(first, last + 1))
    return ranges


def joined(ranges: Iterable[range]) -> list[range]:
    """Return ascending contiguous ranges, those that touch as one."""
    found: list[range] = []
    for each in ranges:
        if found and found[-1].stop == each.start:
            found[-1] = range(found[-1].start, each.stop)
        else:
            found.append(each)
    return found
