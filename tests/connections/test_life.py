"""The life of a connection: along its course only, and in time."""

from enum import Enum, auto

import pytest

from amqp_server.connections.life import Course, Life


class State(Enum):
    KNOCKING = auto()
    OPEN = auto()
    LINGERING = auto()
    CLOSED = auto()


class Step(Enum):
    LOGIN = auto()
    REFUSED = auto()
    EOF = auto()


COURSE = Course(
    {
        (State.KNOCKING, Step.LOGIN): State.OPEN,
        (State.KNOCKING, Step.REFUSED): State.LINGERING,
        (State.OPEN, Step.EOF): State.CLOSED,
        (State.LINGERING, Step.EOF): State.CLOSED,
    },
    first=State.KNOCKING,
    open=State.OPEN,
    ended=frozenset((State.LINGERING, State.CLOSED)),
    closed=State.CLOSED,
)


@pytest.fixture
def life() -> Life[State, Step]:
    return Life(COURSE, 100)


def flags(life: Life[State, Step]) -> tuple[bool, bool, bool]:
    return life.is_open, life.is_over, life.is_closed


def test_it_is_open_then_over(life: Life[State, Step]) -> None:
    assert (life.state, flags(life)) == (State.KNOCKING, (False, False, False))
    life.step(Step.LOGIN)
    assert (life.state, flags(life)) == (State.OPEN, (True, False, False))
    life.step(Step.EOF)
    assert (life.state, flags(life)) == (State.CLOSED, (False, True, True))


def test_it_may_be_over_before_it_is_closed(life: Life[State, Step]) -> None:
    life.step(Step.REFUSED)
    assert flags(life) == (False, True, False)
    life.step(Step.EOF)
    assert flags(life) == (False, True, True)


def test_no_step_leads_where_the_course_does_not(life: Life[State, Step]) -> None:
    with pytest.raises(KeyError):
        life.step(Step.EOF)
    assert life.state is State.KNOCKING


def test_what_has_no_end_is_never_late(life: Life[State, Step]) -> None:
    assert [life.is_late(now_ms) for now_ms in (99, 100, 101)] == [False, True, True]
    life.limit(None)
    assert not life.is_late(1_000_000)


def test_another_end_has_the_deadline_reckoned_anew(life: Life[State, Step]) -> None:
    life.due_ms = 100
    life.limit(50)
    assert life.ends_at_ms == 50
    assert life.due_ms is None, "it may have come nearer"
