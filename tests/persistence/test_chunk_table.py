"""The table of chunks: what is stored, what is next, and what nobody needs any more."""

from persistence.chunk_table import ChunkTable, StoredChunk
from persistence.lane_map import LaneMap
from persistence.operations import POSITION_MAX
from persistence.settled import PositionSet
from persistence.slices import Slice
from tests.support.records import run_of


def row(first: int, last: int, lane: int = 0, segment_number: int = 1) -> StoredChunk:
    return StoredChunk(lane, first, last, last - first + 1, 9, segment_number, 32, 100)


def table_of(*rows: StoredChunk) -> ChunkTable:
    table = ChunkTable()
    for each in rows:
        table.add(each)
    return table


def test_rows_are_by_lane_and_position_in_whatever_order_they_come() -> None:
    table = table_of(row(50, 59), row(10, 19), row(70, 79, lane=2), row(30, 39))
    assert [each.first_position for each in table] == [10, 30, 50, 70]
    assert len(table) == 4
    assert table.next_from(0, 20) == row(30, 39)
    assert table.next_from(0, 35) == row(30, 39)
    assert table.next_from(0, 60) is None
    assert table.next_from(1, 0) is None
    assert table.head_last_position() == 19


def test_a_table_without_rows_is_false_and_ends_nowhere() -> None:
    table = table_of(row(1, 2))
    table.remove(row(1, 2))
    assert not table
    assert table.head_last_position() == POSITION_MAX


def test_only_what_is_in_no_chunk_is_unstored() -> None:
    table = table_of(row(10, 19), row(30, 39))
    whole = Slice(run_of(*[b"%d" % at for at in range(5, 45)]), range(5, 45))
    assert [each.positions for each in table.unstored(0, whole)] == [
        range(5, 10),
        range(20, 30),
        range(40, 45),
    ]
    some = Slice(run_of(b"", b"", b""), [8, 12, 25])
    assert [each.positions for each in table.unstored(0, some)] == [[8], [25]]
    assert table.unstored(1, whole) == [whole]
    inside = Slice(run_of(b""), range(12, 13))
    assert table.unstored(0, inside) == []


def test_the_next_chunk_of_each_lane_is_found() -> None:
    places = ((0, 0), (0, 20), (2, 5), (3, 0))
    rows = [row(first, first + 9, lane) for lane, first in places]
    table = table_of(*rows)
    assert set(table.each_next_from(10)) == {rows[1], rows[2]}
    assert table.each_next_from(30) == []


def test_an_overlap_is_one_of_spans() -> None:
    table = table_of(row(10, 19))
    assert [table.overlaps(0, *span) for span in ((0, 10), (0, 11), (19, 30), (20, 30))] == [
        False,
        True,
        True,
        False,
    ]


def test_what_lies_below_the_floor_is_taken_from_every_lane() -> None:
    table = table_of(row(0, 9), row(10, 19), row(5, 12, lane=3))
    assert table.take_settled_head(13) == [row(0, 9), row(5, 12, lane=3)]
    assert list(table) == [row(10, 19)]


def test_what_is_settled_behind_the_floor_is_found_by_a_look_at_each() -> None:
    table = table_of(row(0, 9), row(10, 19), row(20, 29))
    settled = PositionSet()
    settled.add(range(10, 20))
    settled.add(range(20, 29))
    assert table.take_settled(settled, None) == [row(10, 19)]


def test_what_other_lanes_have_in_between_keeps_no_chunk() -> None:
    table = table_of(row(0, 4, lane=1))
    lanes = LaneMap()
    lanes.note(0, bytes((1, 0, 1, 0, 1)))
    settled = PositionSet()
    settled.add(range(0, 3, 2))
    assert table.take_settled(settled, lanes) == []
    settled.add(range(4, 5))
    assert table.take_settled(settled, lanes) == [row(0, 4, lane=1)]
