"""Which messages share a chunk: as many as fit, and none is left out inside of it."""

from collections.abc import Sequence

from persistence.chunk_table import ChunkTable, StoredChunk
from persistence.chunking import CHUNK_BYTES_MAX, cut_into_chunks
from persistence.lane_map import LaneMap
from persistence.record import Record
from persistence.settled import PositionSet
from persistence.slices import Slice
from tests.support.records import HEADER, ROUTE


def slice_of(*positions: int, size_bytes: int = 0) -> Slice:
    places: Sequence[int] = positions
    if positions[-1] - positions[0] + 1 == len(positions):
        places = range(positions[0], positions[-1] + 1)
    body = bytes(size_bytes)
    return Slice([Record(ROUTE, HEADER, body) for _ in positions], places)


def chunks_of(
    *slices: Slice,
    lane: int = 0,
    stored: ChunkTable | None = None,
    settled: PositionSet | None = None,
    lanes: LaneMap | None = None,
) -> list[list[int]]:
    """Return the positions of each chunk, entered in the table as a log does."""
    table = ChunkTable() if stored is None else stored
    found: list[list[int]] = []
    for group in cut_into_chunks(lane, slices, table, settled or PositionSet(), lanes):
        positions = [at for each in group for at in each.positions]
        table.add(StoredChunk(lane, positions[0], positions[-1], len(positions), 0, 1, 0, 1))
        found.append(positions)
    return found


def test_pieces_that_follow_each_other_share_a_chunk() -> None:
    assert chunks_of(slice_of(0, 1), slice_of(2), slice_of(3, 4)) == [[0, 1, 2, 3, 4]]


def test_a_chunk_ends_before_it_is_too_large() -> None:
    half_bytes = CHUNK_BYTES_MAX // 2
    assert chunks_of(slice_of(*range(3), size_bytes=half_bytes)) == [[0], [1], [2]]
    assert chunks_of(slice_of(0, size_bytes=3 * CHUNK_BYTES_MAX)) == [[0]], "none is cut"


def test_what_is_stored_is_left_out_and_lies_in_no_other_chunk() -> None:
    table = ChunkTable()
    assert chunks_of(slice_of(3, 4), stored=table) == [[3, 4]]
    assert chunks_of(slice_of(*range(8)), stored=table) == [[0, 1, 2], [5, 6, 7]]
    assert chunks_of(slice_of(*range(8)), stored=table) == []


def test_only_what_is_settled_may_be_missing_inside_of_a_chunk() -> None:
    settled = PositionSet()
    settled.add(range(2, 3))
    assert chunks_of(slice_of(0, 1, 3, 5, 6), settled=settled) == [[0, 1, 3], [5, 6]]


def test_positions_of_other_lanes_may_lie_between() -> None:
    lanes = LaneMap()
    lanes.note(0, bytes([0, 3, 0, 3, 0]))
    assert chunks_of(slice_of(0, 2, 4), lanes=lanes) == [[0, 2, 4]]
    assert chunks_of(slice_of(0, 4), lanes=lanes) == [[0], [4]], "2 is of the same lane"
    assert chunks_of(slice_of(5, 7), lanes=lanes) == [[5], [7]], "6 may be of any"
