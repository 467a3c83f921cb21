"""Decides which messages of a queue are stored in one chunk.

A chunk is found by its first and last position. So every unsettled message of its lane between
these two must be in the chunk. Positions of other lanes may lie between.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from persistence.chunk_table import ChunkTable
from persistence.lane_map import LaneMap
from persistence.settled import PositionSet
from persistence.slices import Slice, halves, part

CHUNK_BYTES_MAX: Final = 1 << 20
"""A chunk ends before the message that would exceed this; a message is never cut."""


def cut_into_chunks(
    lane: int,
    slices: Sequence[Slice],
    stored: ChunkTable,
    settled: PositionSet,
    lanes: LaneMap | None,
) -> Iterator[list[Slice]]:
    """Yield the messages of a lane that are in no chunk yet, chunk by chunk.

    Args:
        lane: their priority; 0 in a plain queue.
        slices: of that lane, ascending.
        stored: chunks of the queue; the caller enters each yielded one before it asks for the next.
        settled: the settled positions.
        lanes: where messages of other lanes are; None in a plain queue.
    """
    group: list[Slice] = []
    group_bytes = 0
    gaps = _Gaps(lane, stored, settled, lanes)
    for each in slices:
        for unstored in stored.unstored(lane, each):
            for cut in _cut_at_gaps(unstored, gaps):
                for piece in halves(cut, CHUNK_BYTES_MAX):
                    first = piece.positions[0]
                    if group and (
                        group_bytes + piece.size_bytes > CHUNK_BYTES_MAX
                        or gaps.lies_between(group[-1].positions[-1] + 1, first)
                    ):
                        yield group
                        group, group_bytes = [], 0
                    group.append(piece)
                    group_bytes += piece.size_bytes
    if group:
        yield group


class _Gaps(NamedTuple):
    """Tells whether a chunk may have left-out positions inside its span."""

    lane: int
    stored: ChunkTable
    settled: PositionSet
    lanes: LaneMap | None

    def lies_between(self, first: int, stop: int) -> bool:
        """Return whether a message of the lane may be at any of these positions, stored or not."""
        if first >= stop:
            return False
        if self.stored.overlaps(self.lane, first, stop):
            return True
        missing = self.settled.missing(first, stop)
        if self.lanes is None:
            return bool(missing)
        return self.lanes.may_be_in(self.lane, missing)


def _cut_at_gaps(whole: Slice, gaps: _Gaps) -> list[Slice]:
    """Return messages in parts; each part may be one chunk."""
    positions = whole.positions
    if positions[-1] - positions[0] + 1 == len(positions):
        return [whole]
    cuts = [
        index
        for index in range(1, len(positions))
        if positions[index] - positions[index - 1] > 1
        and gaps.lies_between(positions[index - 1] + 1, positions[index])
    ]
    bounds = [0, *cuts, len(positions)]
    return [part(whole, *pair) for pair in pairwise(bounds)]
