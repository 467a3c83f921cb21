"""The life of a connection: the table against what must be true of it."""

import pytest

from amqp_server.protocol.transitions import HANDSHAKE, TRANSITIONS, State, Step

LIFE = [Step.HEADER, Step.START_OK, Step.TUNE_OK, Step.OPEN]


def test_a_good_life_opens_and_closes() -> None:
    state = State.AWAIT_HEADER
    for step in [*LIFE, Step.PEER_CLOSED]:
        state = TRANSITIONS[state, step]
    assert state is State.CLOSED


def test_a_close_of_ours_waits_for_its_answer() -> None:
    state = TRANSITIONS[State.OPEN, Step.WE_CLOSE]
    assert TRANSITIONS[state, Step.PEER_CLOSED] is state
    assert TRANSITIONS[state, Step.CLOSE_OK] is State.CLOSED


@pytest.mark.parametrize("state", State)
def test_the_end_of_the_socket_is_the_end_anywhere(state: State) -> None:
    assert TRANSITIONS[state, Step.EOF] is State.CLOSED


def test_every_state_is_reached_and_left() -> None:
    assert {State.AWAIT_HEADER, *TRANSITIONS.values()} == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State)


@pytest.mark.parametrize("state", [State.CLOSED, State.LINGERING])
def test_from_the_end_nothing_leads_back(state: State) -> None:
    assert {after for (before, _), after in TRANSITIONS.items() if before is state} == {
        State.CLOSED
    }


@pytest.mark.parametrize("step", LIFE)
def test_a_step_of_the_handshake_is_taken_once(step: Step) -> None:
    assert [state in HANDSHAKE for state, taken in TRANSITIONS if taken is step] == [True]
