"""How often messages were requeued; a restart must not forget these counts."""

from array import array
from collections.abc import Iterator
from typing import Final

from persistence.settled import PositionSet

BUCKET_POSITIONS: Final = 1_024
COUNT_MAX: Final = 0xFFFF_FFFF

_COUNT_BYTES: Final = 4
_NONE: Final = array("I", bytes(_COUNT_BYTES * BUCKET_POSITIONS))
assert _NONE.itemsize == _COUNT_BYTES, "counts are u32"


class DeliveryCounts:
    """A count for each position, 0 by default, in buckets of which only some exist."""

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[int, array[int]] = {}

    def note(self, positions: range, count: int) -> None:
        """Note how often these positions, in ascending order, were requeued by now."""
        first, stop, step = positions.start, positions.stop, positions.step
        while first < stop:
            index, inside = divmod(first, BUCKET_POSITIONS)
            bucket = self._buckets.get(index)
            if bucket is None:
                bucket = self._buckets[index] = _NONE[:]
            end = min(stop - index * BUCKET_POSITIONS, BUCKET_POSITIONS)
            marked = (end - inside + step - 1) // step
            bucket[inside:end:step] = array("I", (min(count, COUNT_MAX),)) * marked
            first += marked * step

    def forget_settled(self, settled: PositionSet) -> None:
        """Forget the buckets whose positions are all settled."""
        for index in list(self._buckets):
            first = index * BUCKET_POSITIONS
            if not settled.count_missing(first, first + BUCKET_POSITIONS):
                del self._buckets[index]

    def unsettled(self, settled: PositionSet) -> Iterator[tuple[int, int]]:
        """Yield (position, count) of requeued messages that are not settled."""
        for index in sorted(self._buckets):
            first = index * BUCKET_POSITIONS
            for position, count in enumerate(self._buckets[index], start=first):
                if count and position not in settled:
                    yield position, count
