"""Settled positions: a floor, buckets behind what holds it back, the same after a restart."""

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.errors import DamagedError
from persistence.settled import BUCKET_POSITIONS, BUCKETS_MAX, PositionSet

UP_TO = 3 * BUCKET_POSITIONS

ranges = st.builds(
    lambda first, count, step: range(first, first + count * step, step),
    st.one_of(st.integers(0, 60), st.integers(0, UP_TO)),
    st.one_of(st.integers(0, 12), st.integers(0, UP_TO)),
    st.integers(1, 7),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(ranges, max_size=8), st.integers(0, UP_TO), st.integers(0, UP_TO))
def test_it_is_the_set_that_a_naive_one_is(added: list[range], one: int, other: int) -> None:
    naive: set[int] = set()
    positions = PositionSet()
    for some in added:
        assert positions.add(some) == len(set(some) - naive)
        naive.update(some)
        positions.check_invariants()
    first, stop = sorted((one, other))

    missing = [at for at in range(first, stop) if at not in naive]
    assert positions.count_missing(first, stop) == len(missing)
    assert [at for found in positions.missing(first, stop) for at in found] == missing
    assert [first in positions, stop in positions] == [first in naive, stop in naive]
    restored = PositionSet.decode(positions.encode())
    restored.check_invariants()
    assert restored.encode() == positions.encode()
    assert restored.missing(0, 9 * UP_TO) == positions.missing(0, 9 * UP_TO)


def test_in_order_there_is_a_floor_and_nothing_else() -> None:
    positions = PositionSet()
    for first in range(0, 1_000_000, 100):
        assert positions.add(range(first, first + 100)) == 100
    assert positions.floor == 1_000_000
    assert len(positions.encode()) == 12


def test_full_buckets_behind_one_unsettled_position_cost_next_to_nothing() -> None:
    positions = PositionSet()
    positions.add(range(1, 100 * BUCKET_POSITIONS))
    assert positions.floor == 0
    assert len(positions.encode()) < 200
    assert positions.add(range(1)) == 1
    assert positions.floor == 100 * BUCKET_POSITIONS


def test_missing_positions_are_as_few_ranges_as_possible_across_buckets() -> None:
    positions = PositionSet()
    positions.add(range(4 * BUCKET_POSITIONS, 4 * BUCKET_POSITIONS + 1))
    positions.add(range(2 * BUCKET_POSITIONS, 2 * BUCKET_POSITIONS + 1))
    assert positions.missing(5, 5 * BUCKET_POSITIONS) == [
        range(5, 2 * BUCKET_POSITIONS),
        range(2 * BUCKET_POSITIONS + 1, 4 * BUCKET_POSITIONS),
        range(4 * BUCKET_POSITIONS + 1, 5 * BUCKET_POSITIONS),
    ]


def test_a_copy_does_not_change_with_the_set() -> None:
    positions = PositionSet(3)
    positions.add(range(5, 9, 2))
    copied = positions.copy()
    positions.add(range(3, 20))
    assert copied.missing(0, 10) == [range(3, 5), range(6, 7), range(8, 10)]


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        struct.pack("<QI", 0, 1),
        struct.pack("<QI", 0, 0) + b"more",
        struct.pack("<QIQII", 0, 1, 0, BUCKETS_MAX + 1, 0),
        struct.pack("<QIQII", 0, 1, 0, 1, 4) + b"junk",
        *(
            struct.pack("<QIQII", 0, 1, 0, 1, len(bucket)) + bucket
            for bucket in (
                zlib.compress(bytes(BUCKET_POSITIONS - 1)),
                zlib.compress(bytes(BUCKET_POSITIONS + 1)),
                zlib.compress(bytes(BUCKET_POSITIONS - 1) + b"\x02"),
            )
        ),
    ],
)
def test_octets_of_no_set_are_refused(encoded: bytes) -> None:
    with pytest.raises(DamagedError):
        PositionSet.decode(encoded)
