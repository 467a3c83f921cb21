"""Writes of a turn: few at once, many cut by time, and each in order."""

from amqp_server.net.flushing import FLUSHED_AT_ONCE_MAX, Flushing
from tests.support.counted_clock import budget_of


class Output:
    def __init__(self, number: int, flushed: list[int]) -> None:
        self._number = number
        self._flushed = flushed

    def flush(self, now_ms: int) -> None:
        self._flushed.append(self._number)


def marked(flushing: Flushing, flushed: list[int], numbers: range) -> None:
    flushing.marked += [Output(number, flushed) for number in numbers]


def test_few_are_flushed_at_once() -> None:
    flushing, flushed = Flushing(budget_of(1)), list[int]()
    marked(flushing, flushed, range(FLUSHED_AT_ONCE_MAX))
    flushing.flush(1, carries_on=False)
    assert flushed == list(range(FLUSHED_AT_ONCE_MAX))
    assert not flushing.is_waiting


def test_many_are_cut_by_time_and_flushed_in_order() -> None:
    flushing, flushed = Flushing(budget_of(10)), list[int]()
    marked(flushing, flushed, range(200))
    slices = []
    while flushing.is_waiting:
        before = len(flushed)
        flushing.flush(1, carries_on=True)
        slices.append(len(flushed) - before)
    assert flushed == list(range(200))
    assert max(slices) <= FLUSHED_AT_ONCE_MAX + 10
    assert min(slices) >= 1


def test_what_is_new_does_not_wait_for_what_is_left_over() -> None:
    flushing, flushed = Flushing(budget_of(1)), list[int]()
    marked(flushing, flushed, range(100))
    flushing.flush(1, carries_on=True)
    count = len(flushed)
    marked(flushing, flushed, range(100, 102))
    flushing.flush(1, carries_on=False)
    assert flushed[count:] == [100, 101]
    marked(flushing, flushed, range(102, 103))
    flushing.flush(1, carries_on=True)
    assert flushed[count + 2 :][:2] == [102, count]


def test_who_always_has_output_again_keeps_nobody_waiting() -> None:
    flushing, flushed = Flushing(budget_of(40)), list[int]()
    marked(flushing, flushed, range(1_000))
    turns_count = 0
    while len(set(flushed)) < 1_000:
        before = len(flushed)
        flushing.flush(1, carries_on=True)
        for number in flushed[before:]:
            flushing.marked.append(Output(number, flushed))
        turns_count += 1
    assert turns_count < 100
