"""A value from outside: steps wait for it, whoever carries them on, and cost nothing meanwhile."""

from typing import cast

import pytest

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.steps import Steps, StepsJob, WaitingSteps, finish, finish_or_later
from amqp_server.broker.turn import Turn


class Rig:
    """A turn that counts how often it is asked for, and steps that wait."""

    def __init__(self) -> None:
        self.turn = Turn(1)
        self.wakes_count = 0
        self.turn.woken_by(self._wake)
        self.awaited = Awaited[str]()
        self.came: list[str] = []

    def _wake(self) -> None:
        self.wakes_count += 1

    def waiting(self) -> WaitingSteps[None]:
        yield None
        try:
            self.came.append((yield from self.awaited.value()))
        except ValueError as error:
            self.came.append(f"failed: {error}")

    def is_more_after_a_turn(self) -> bool:
        return self.turn.end(1)


def test_what_waits_is_no_work_of_a_turn_until_its_value_comes() -> None:
    rig = Rig()
    rig.turn.later(job := StepsJob(rig.waiting(), rig.turn))
    assert [rig.is_more_after_a_turn(), rig.turn.waiting_count] == [False, 0]
    assert (rig.came, rig.wakes_count, job.is_done) == ([], 0, False)
    rig.awaited.set("here")
    assert (rig.came, rig.wakes_count) == ([], 1), "steps go on in a turn, and it is asked for"
    assert not rig.is_more_after_a_turn()
    assert (rig.came, job.is_done) == (["here"], True)


def test_an_error_is_raised_where_the_steps_wait() -> None:
    rig = Rig()
    finish_or_later(rig.waiting(), rig.turn)
    rig.is_more_after_a_turn()
    rig.awaited.fail(ValueError("away"))
    rig.is_more_after_a_turn()
    assert rig.came == ["failed: away"]


def test_a_value_that_is_there_is_not_waited_for() -> None:
    rig = Rig()
    rig.awaited.set("here")
    assert [*rig.waiting()] == [None]
    assert rig.came == ["here"]
    called: list[int] = []
    rig.awaited.wait(lambda: called.append(1))
    assert called == [1], "whoever comes late is called at once"


def test_all_who_wait_go_on() -> None:
    rig = Rig()
    for _ in range(3):
        finish_or_later(rig.waiting(), rig.turn)
    rig.is_more_after_a_turn()
    rig.awaited.set("here")
    rig.is_more_after_a_turn()
    assert rig.came == ["here"] * 3


def test_steps_that_are_gone_hear_of_nothing() -> None:
    rig = Rig()
    steps = rig.waiting()
    rig.turn.later(StepsJob(steps, rig.turn))
    rig.is_more_after_a_turn()
    steps.close()
    rig.awaited.set("here")
    assert not rig.is_more_after_a_turn()
    assert rig.came == []


def test_steps_that_are_carried_on_too_early_wait_on() -> None:
    rig = Rig()
    steps = rig.waiting()
    assert [next(steps), next(steps), next(steps)] == [None, rig.awaited, rig.awaited]


def test_steps_that_wait_cannot_be_finished_at_once() -> None:
    with pytest.raises(AssertionError, match="something outside"):
        finish(cast("Steps[None]", Rig().waiting()))


def test_a_value_comes_once() -> None:
    rig = Rig()
    rig.awaited.set("here")
    with pytest.raises(AssertionError, match="once"):
        rig.awaited.fail(ValueError())
