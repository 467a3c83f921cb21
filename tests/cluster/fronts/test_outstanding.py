"""What a front half has is found by its numbers, and given up once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.fronts.errors import FrontError
from cluster.fronts.outstanding import Outstanding
from queues.batch import Batch
from tests.support.records import run_of


def batch(first: int, count: int, step: int = 1) -> Batch:
    positions = range(first, first + count * step, step)
    return Batch(positions, run_of(*[b"%d" % at for at in positions]))


def positions(outstanding: Outstanding, numbers: range) -> list[int]:
    return [at for each in outstanding.settle(numbers) for at in each.positions]


def test_numbers_go_on_without_gaps() -> None:
    outstanding = Outstanding()
    told = [outstanding.add(batch(40, 3, 2)), outstanding.add(batch(7, 1))]
    assert [each.positions for each in told] == [range(1, 4), range(4, 5)]
    assert positions(outstanding, range(1, 5)) == [40, 42, 44, 7]
    assert outstanding.count == 0


def test_they_are_settled_in_parts_and_in_any_order() -> None:
    outstanding = Outstanding()
    outstanding.add(batch(10, 6))
    assert positions(outstanding, range(2, 6, 2)) == [11, 13]
    assert positions(outstanding, range(1, 2)) == [10]
    assert [each.positions for each in outstanding.take_all()] == [range(12, 13), range(14, 16)]


@pytest.mark.parametrize(
    "numbers", [range(1, 2), range(3, 6), range(4), range(9, 10), range(2, 0, -1)]
)
def test_what_it_does_not_have_is_refused(numbers: range) -> None:
    outstanding = Outstanding()
    outstanding.add(batch(10, 4))
    list(outstanding.settle(range(1, 2)))
    with pytest.raises(FrontError, match="settles"):
        list(outstanding.settle(numbers))


@given(st.lists(st.integers(1, 6), max_size=30), st.randoms())
def test_everything_is_given_up_once(counts: list[int], chance: object) -> None:
    outstanding = Outstanding()
    first = 0
    for count in counts:
        outstanding.add(batch(first, count))
        first += count
    numbers = list(range(1, first + 1))
    chance.shuffle(numbers)  # type: ignore[attr-defined]
    half = numbers[: len(numbers) // 2]
    settled = [at for number in half for at in positions(outstanding, range(number, number + 1))]
    assert settled == [number - 1 for number in half]
    left = [at for each in outstanding.take_all() for at in each.positions]
    assert sorted(left + settled) == list(range(first))


def test_batches_that_are_done_do_not_pile_up() -> None:
    outstanding = Outstanding()
    outstanding.add(batch(0, 1))
    for number in range(2, 1_000):
        outstanding.add(batch(number, 1))
        list(outstanding.settle(range(number, number + 1)))
    assert len(outstanding._spans) < 200
