"""Positions as ranges: as few as possible, nothing added."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from persistence.positions import joined, ranges_of


def test_neighbours_share_a_range() -> None:
    assert ranges_of([0, 1, 2, 5, 7, 8]) == [range(3), range(5, 6), range(7, 9)]


def test_a_range_is_taken_apart_where_it_has_gaps() -> None:
    assert ranges_of(range(2, 9)) == [range(2, 9)]
    assert ranges_of(range(2, 7, 2)) == [range(2, 3), range(4, 5), range(6, 7)]


def test_nothing_is_no_range() -> None:
    assert ranges_of(range(3, 3)) == []
    assert ranges_of([]) == []


@given(positions=st.sets(st.integers(0, 60)))
def test_the_ranges_hold_just_the_positions(positions: set[int]) -> None:
    ranges = ranges_of(sorted(positions))

    assert [position for one in ranges for position in one] == sorted(positions)
    gaps = [later.start - earlier.stop for earlier, later in pairwise(ranges)]
    assert all(gap > 0 for gap in gaps)


def test_ranges_that_touch_are_one() -> None:
    assert joined([range(2), range(2, 5), range(6, 7), range(7, 9)]) == [range(5), range(6, 9)]
    assert joined([]) == []
