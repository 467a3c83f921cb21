"""The places of a queue's stored messages: one row for each chunk, by lane and position.

A row takes some hundred octets and stands for a chunk of up to a MiB. So the middle of a long queue
takes almost no memory.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from persistence.lane_map import LaneMap
from persistence.operations import POSITION_MAX
from persistence.settled import PositionSet
from persistence.slices import Slice, part

_first_position: Final = attrgetter("first_position")
_last_position: Final = attrgetter("last_position")


class StoredChunk(NamedTuple):
    """A chunk and its place.

    Attributes:
        lane: priority of its messages; 0 in a plain queue.
        first_position: of its first message in the queue.
        last_position: of its last message.
        message_count: messages in it, including settled ones.
        body_bytes: sum of their bodies.
        segment_number: of the file that it is in.
        file_position: of its first octet there.
        size_bytes: its octets.
        has_transient: whether a restart leaves some of its messages out.
    """

    lane: int
    first_position: int
    last_position: int
    message_count: int
    body_bytes: int
    segment_number: int
    file_position: int
    size_bytes: int
    has_transient: bool = False


class ChunkTable:
    """The chunks of a queue.

    Invariant: in a lane, chunks do not overlap; a position of the lane inside the span of a chunk
    is in the chunk, or it is settled.
    """

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes: dict[int, list[StoredChunk]] = {}

    def __iter__(self) -> Iterator[StoredChunk]:
        for lane in sorted(self._lanes):
            yield from self._lanes[lane]

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    @property
    def size_bytes(self) -> int:
        """The size of all chunks; looks at each."""
        return sum([row.size_bytes for row in self])

    def lane(self, lane: int) -> Sequence[StoredChunk]:
        """Return the chunks of a lane, by position."""
        return self._lanes.get(lane, ())

    def add(self, row: StoredChunk) -> None:
        """Note a chunk that was written."""
        rows = self._lanes.setdefault(row.lane, [])
        if rows and rows[-1].first_position > row.first_position:
            insort(rows, row, key=_first_position)
        else:
            rows.append(row)

    def remove(self, row: StoredChunk) -> None:
        """Forget a chunk."""
        rows = self._lanes[row.lane]
        del rows[bisect_left(rows, row.first_position, key=_first_position)]
        if not rows:
            del self._lanes[row.lane]

    def at_or_after(self, lane: int, position: int) -> Sequence[StoredChunk]:
        """Return the chunks of a lane whose messages end at this position or behind it."""
        rows = self._lanes.get(lane)
        return rows[bisect_left(rows, position, key=_last_position) :] if rows else ()

    def next_from(self, lane: int, position: int) -> StoredChunk | None:
        """Return the first chunk of a lane that ends at this position or behind it."""
        rows = self._lanes.get(lane, ())
        index = bisect_left(rows, position, key=_last_position)
        return rows[index] if index < len(rows) else None

    def each_next_from(self, position: int) -> list[StoredChunk]:
        """Return the first chunk of each lane that ends at this position or behind it."""
        found = [self.next_from(lane, position) for lane in self._lanes]
        return [row for row in found if row is not None]

    def overlaps(self, lane: int, first: int, stop: int) -> bool:
        """Return whether any position from ``first`` up to ``stop`` lies in a chunk's span."""
        row = self.next_from(lane, first)
        return row is not None and row.first_position < stop

    def unstored(self, lane: int, whole: Slice) -> list[Slice]:
        """Return the messages of a lane that are in none of its chunks, cut at the chunks."""
        positions = whole.positions
        row = self.next_from(lane, positions[0])
        if row is None or row.first_position > positions[-1]:
            return [whole]
        found: list[Slice] = []
        start = 0
        for row in self.at_or_after(lane, positions[0]):
            if row.first_position > positions[-1]:
                break
            before = bisect_left(positions, row.first_position, start)
            if before > start:
                found.append(part(whole, start, before))
            start = bisect_left(positions, row.last_position + 1, before)
        if start < len(positions):
            found.append(part(whole, start, len(positions)))
        return found

    def take_settled_head(self, floor: int) -> list[StoredChunk]:
        """Forget and return the chunks of all lanes that lie completely below ``floor``."""
        taken: list[StoredChunk] = []
        for lane in list(self._lanes):
            rows = self._lanes[lane]
            count = bisect_left(rows, floor, key=_last_position)
            taken += rows[:count]
            del rows[:count]
            if not rows:
                del self._lanes[lane]
        return taken

    def take_settled(self, settled: PositionSet, lanes: LaneMap | None) -> list[StoredChunk]:
        """Forget and return the chunks whose messages are all settled; looks at each chunk."""
        taken = [row for row in self if not _may_be_unsettled(row, settled, lanes)]
        for row in taken:
            self.remove(row)
        return taken

    def head_last_position(self) -> int:
        """Return the least last position of any chunk; POSITION_MAX without a chunk."""
        return min([rows[0].last_position for rows in self._lanes.values()], default=POSITION_MAX)


def _may_be_unsettled(row: StoredChunk, settled: PositionSet, lanes: LaneMap | None) -> bool:
    first, stop = row.first_position, row.last_position + 1
    if not settled.count_missing(first, stop):
        return False
    # Unsettled positions between the messages of a chunk may all be of other lanes.
    return lanes is None or lanes.may_be_in(row.lane, settled.missing(first, stop))
