"""Slices of a queue: cut without copying, joined again, in another clock."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.settled import PositionSet
from persistence.slices import (
    Slice,
    expiries_of,
    halves,
    joined,
    part,
    positions_of,
    shifted,
    stretches_outside,
)
from tests.support.records import run_of


def slice_at(positions: Sequence[int], expires_at_ms: int | list[int] = 0) -> Slice:
    return Slice(run_of(*[b"%d" % at for at in positions]), positions, expires_at_ms)


def bodies(slices: Sequence[Slice]) -> list[int]:
    return [int(record.body) for each in slices for record in each.records]


def test_a_part_has_its_positions_and_its_expiries() -> None:
    whole = slice_at(range(5, 9), [0, 7, 8, 0])
    assert part(whole, 1, 3) == (whole.records[1:3], range(6, 8), [7, 8])
    assert part(slice_at(range(5, 9), 3), 2, 4).expires_at_ms == 3
    assert part(whole, 0, 4) is whole


def test_never_is_never_in_every_clock() -> None:
    assert shifted(0, 500) == 0
    assert shifted([0, 100], -500) == [0, 1]
    assert shifted(100, 500) == 600


def test_slices_without_a_gap_are_one_range() -> None:
    one, two = slice_at(range(3, 5)), slice_at([5, 6])
    assert positions_of([one, two]) == range(3, 7)
    assert positions_of([one, slice_at([6, 8])]) == [3, 4, 6, 8]
    assert joined([one]) is one
    together = joined([one, slice_at([6, 8], 9)])
    assert bodies([together]) == [3, 4, 6, 8]
    assert together.expires_at_ms == [0, 0, 9, 9]


def test_one_expiry_is_kept_as_one() -> None:
    assert expiries_of([slice_at(range(2), 5), slice_at(range(2, 3), 5)]) == 5
    assert expiries_of([slice_at(range(2), 5), slice_at(range(2, 3), [6])]) == [5, 5, 6]


@given(
    st.sets(st.integers(0, 40), min_size=1),
    st.sets(st.integers(0, 40)),
    st.booleans(),
)
def test_what_lies_outside_a_set_is_cut_out_in_order(
    positions: set[int], members: set[int], contiguous: bool
) -> None:
    places: Sequence[int] = sorted(positions)
    if contiguous:
        places = range(places[0], places[-1] + 1)
    settled = PositionSet()
    for member in members:
        settled.add(range(member, member + 1))
    found = stretches_outside(slice_at(places), settled)
    assert bodies(found) == [at for at in places if at not in members]
    assert [at for each in found for at in each.positions] == bodies(found)


def test_what_lies_between_messages_of_a_lane_is_not_walked_over() -> None:
    """Of 255 lanes each has a message here and there: all of the others would be looked at."""

    class Asked(PositionSet):
        def missing(self, first: int, stop: int) -> list[range]:
            raise AssertionError(f"asked for {stop - first} positions")

    settled = Asked()
    settled.add(range(0, 1_000_000, 3))
    found = stretches_outside(slice_at([1, 3, 500_000, 999_999]), settled)
    assert bodies(found) == [1, 500_000]


@pytest.mark.parametrize("max_bytes", [1, 150, 10_000])
def test_halves_keep_order_and_never_cut_a_message(max_bytes: int) -> None:
    found = halves(slice_at(range(9)), max_bytes)
    assert bodies(found) == list(range(9))
    assert all(each.size_bytes <= max_bytes or len(each.positions) == 1 for each in found)
