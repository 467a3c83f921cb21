"""The lane of each position of a priority queue, from the first unsettled position on.

A chunk holds positions of one lane only. Positions of other lanes lie between them. Before
positions are left out of a chunk's span, the map tells whether they are of other lanes.
"""

from collections.abc import Sequence
from typing import Final

from persistence.positions import LANE_MAX
from persistence.record import Run, priorities_of
from persistence.settled import BUCKET_POSITIONS, PositionSet

_UNKNOWN: Final = 255
_OCTETS: Final = bytes(range(256))


def lane_of(priority: int, max_priority: int | None) -> int:
    """Return the lane of a message: 0 in a plain queue, else its priority or the queue's maximum.

    The priorities 254 and 255 of a queue that has both share a lane.
    """
    return 0 if max_priority is None else min(priority, max_priority, LANE_MAX)


def lanes_of(run: Run, max_priority: int) -> bytes:
    """Return the lane of each message of a priority queue, an octet each: see ``lane_of``."""
    top = min(max_priority, LANE_MAX)
    return priorities_of(run).translate(_OCTETS[: top + 1] + _OCTETS[top : top + 1] * (255 - top))


class LaneMap:
    """A lane for each position: one octet.

    A position that was not noted may be in any lane.
    """

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[int, bytearray] = {}

    def note(self, first_position: int, lanes: bytes) -> None:
        """Note the lanes of consecutive positions."""
        at = 0
        while at < len(lanes):
            index, inside = divmod(first_position + at, BUCKET_POSITIONS)
            bucket = self._buckets.get(index)
            if bucket is None:
                bucket = self._buckets[index] = bytearray((_UNKNOWN,)) * BUCKET_POSITIONS
            count = min(len(lanes) - at, BUCKET_POSITIONS - inside)
            bucket[inside : inside + count] = lanes[at : at + count]
            at += count

    def may_be_in(self, lane: int, positions: Sequence[range]) -> bool:
        """Return whether any of these positions may be in the lane."""
        return any(
            lane in octets or _UNKNOWN in octets
            for some in positions
            for octets in self._octets(some)
        )

    def lanes_at(self, positions: Sequence[int]) -> list[int]:
        """Return the lanes of positions that were noted."""
        buckets = self._buckets
        return [buckets[at // BUCKET_POSITIONS][at % BUCKET_POSITIONS] for at in positions]

    def forget_settled(self, settled: PositionSet) -> None:
        """Forget the parts that lie completely below the first unsettled position."""
        lowest = settled.floor // BUCKET_POSITIONS
        for index in [index for index in self._buckets if index < lowest]:
            del self._buckets[index]

    def _octets(self, positions: range) -> list[bytes | bytearray]:
        found: list[bytes | bytearray] = []
        at = positions.start
        while at < positions.stop:
            index, inside = divmod(at, BUCKET_POSITIONS)
            count = min(positions.stop - at, BUCKET_POSITIONS - inside)
            bucket = self._buckets.get(index)
            found.append(bytes((_UNKNOWN,)) if bucket is None else bucket[inside : inside + count])
            at += count
        return found
