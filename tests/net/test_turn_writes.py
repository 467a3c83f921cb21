"""Writes of a turn: few at once, many cut by time, and each in order."""

from amqp_server.net.turn_writes import WRITTEN_AT_ONCE_MAX, TurnWrites
from tests.support.counted_clock import budget_of


class Output:
    def __init__(self, number: int, flushed: list[int]) -> None:
        self._number = number
        self._flushed = flushed

    def flush(self, now_ms: int) -> None:
        self._flushed.append(self._number)


def marked(writes: TurnWrites, flushed: list[int], numbers: range) -> None:
    writes.marked += [Output(number, flushed) for number in numbers]


def test_few_are_flushed_at_once() -> None:
    writes, flushed = TurnWrites(budget_of(1)), list[int]()
    marked(writes, flushed, range(WRITTEN_AT_ONCE_MAX))
    writes.flush(1, carries_on=False)
    assert flushed == list(range(WRITTEN_AT_ONCE_MAX))
    assert not writes.is_waiting


def test_many_are_cut_by_time_and_flushed_in_order() -> None:
    writes, flushed = TurnWrites(budget_of(10)), list[int]()
    marked(writes, flushed, range(200))
    slices = []
    while writes.is_waiting:
        before = len(flushed)
        writes.flush(1, carries_on=True)
        slices.append(len(flushed) - before)
    assert flushed == list(range(200))
    assert max(slices) <= WRITTEN_AT_ONCE_MAX + 10
    assert min(slices) >= 1


def test_what_is_new_does_not_wait_for_what_is_left_over() -> None:
    writes, flushed = TurnWrites(budget_of(1)), list[int]()
    marked(writes, flushed, range(100))
    writes.flush(1, carries_on=True)
    count = len(flushed)
    marked(writes, flushed, range(100, 102))
    writes.flush(1, carries_on=False)
    assert flushed[count:] == [100, 101]
    marked(writes, flushed, range(102, 103))
    writes.flush(1, carries_on=True)
    assert flushed[count + 2 :][:2] == [102, count]


def test_who_always_has_output_again_keeps_nobody_waiting() -> None:
    writes, flushed = TurnWrites(budget_of(40)), list[int]()
    marked(writes, flushed, range(1_000))
    turns_count = 0
    while len(set(flushed)) < 1_000:
        before = len(flushed)
        writes.flush(1, carries_on=True)
        for number in flushed[before:]:
            writes.marked.append(Output(number, flushed))
        turns_count += 1
    assert turns_count < 100
