"""Work in pieces: what is done when, and by whom."""

import logging

import pytest

from amqp_server.broker.steps import (
    Steps,
    StepsJob,
    Suspended,
    advance,
    finish,
    taken_in_pieces,
)
from amqp_server.broker.turn import Turn
from tests.support.counted_clock import budget_of


def counting(done: list[int], pieces: int) -> Steps[str]:
    for number in range(pieces):
        done.append(number)
        yield
    return "all"


def test_work_is_carried_out_until_the_time_is_spent_and_goes_on_where_it_was() -> None:
    done: list[int] = []
    budget = budget_of(3)
    budget.begin()
    with pytest.raises(Suspended) as suspended:
        advance(counting(done, 5), budget.is_spent)
    assert done == [0, 1, 2]
    budget.begin()
    advance(suspended.value.steps, budget.is_spent)
    assert done == [0, 1, 2, 3, 4]


def test_a_piece_is_done_however_little_time_there_is() -> None:
    done: list[int] = []
    with pytest.raises(Suspended):
        advance(counting(done, 5), lambda: True)
    assert done == [0]


def test_what_is_finished_has_its_value() -> None:
    done: list[int] = []
    assert finish(counting(done, 5)) == "all"
    assert len(done) == 5


def test_a_job_goes_on_until_it_is_done() -> None:
    done: list[int] = []
    turn = Turn(1, budget_of(0))
    turn.budget.begin()
    job = StepsJob(counting(done, 3), turn)
    assert [job.step(1) for _ in range(4)] == [False, False, False, True]
    assert done == [0, 1, 2]


def test_a_job_that_fails_is_logged_and_over(caplog: pytest.LogCaptureFixture) -> None:
    def failing() -> Steps[None]:
        yield
        raise AssertionError("a bug")

    with caplog.at_level(logging.ERROR):
        assert StepsJob(failing(), Turn(1)).step(1)
    assert "work of many turns failed" in caplog.text


def test_what_is_taken_in_pieces_has_left_the_list() -> None:
    things = list(range(7))
    pieces = taken_in_pieces(things, 3)
    assert (next(pieces), len(things)) == ([0, 1, 2], 4)
    assert (next(pieces), len(things)) == ([3, 4, 5], 1)
    assert (next(pieces), things) == ([6], [])
    assert list(pieces) == []
