"""The life of a connection, as a table.

Rule: a pair that is absent is a protocol violation.

Source: AMQP 0-9-1 §2.2.4, §4.2.2; the words in texts are those of RabbitMQ's reader.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from amqp_server.connections.life import Course


class State(Enum):
    """A state of a connection; the value is RabbitMQ's word for it."""

    AWAIT_HEADER = "pre_init"
    AWAIT_START_OK = "starting"
    AWAIT_TUNE_OK = "tuning"
    AWAIT_OPEN = "opening"
    OPEN = "running"
    AWAIT_CLOSE_OK = "closing"
    LINGERING = "lingering"
    CLOSED = "closed"

    # Enum's own hash is a Python function, and every read looks a state up several times.
    __hash__ = object.__hash__


class Step(Enum):
    """What can happen to a connection as a whole."""

    HEADER = "protocol header accepted"
    START_OK = "login accepted"
    TUNE_OK = "limits agreed"
    OPEN = "vhost opened"
    WE_CLOSE = "we sent connection.close"
    CLOSE_OK = "the peer answered it"
    PEER_CLOSED = "the peer sent connection.close, answered"
    REFUSED = "we will close the socket after a while, without a word more"
    EOF = "the socket or its time is over"

    __hash__ = object.__hash__


TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = {
    (State.AWAIT_HEADER, Step.HEADER): State.AWAIT_START_OK,
    (State.AWAIT_START_OK, Step.START_OK): State.AWAIT_TUNE_OK,
    (State.AWAIT_TUNE_OK, Step.TUNE_OK): State.AWAIT_OPEN,
    (State.AWAIT_OPEN, Step.OPEN): State.OPEN,
    (State.OPEN, Step.PEER_CLOSED): State.CLOSED,
    (State.AWAIT_OPEN, Step.PEER_CLOSED): State.CLOSED,
    (State.AWAIT_TUNE_OK, Step.PEER_CLOSED): State.CLOSED,
    (State.OPEN, Step.WE_CLOSE): State.AWAIT_CLOSE_OK,
    (State.AWAIT_OPEN, Step.WE_CLOSE): State.AWAIT_CLOSE_OK,
    (State.AWAIT_TUNE_OK, Step.WE_CLOSE): State.AWAIT_CLOSE_OK,
    (State.AWAIT_START_OK, Step.WE_CLOSE): State.AWAIT_CLOSE_OK,
    (State.AWAIT_CLOSE_OK, Step.PEER_CLOSED): State.AWAIT_CLOSE_OK,  # both closed: answer, wait
    (State.AWAIT_CLOSE_OK, Step.CLOSE_OK): State.CLOSED,
    (State.AWAIT_START_OK, Step.REFUSED): State.LINGERING,
    (State.AWAIT_TUNE_OK, Step.REFUSED): State.LINGERING,
    (State.AWAIT_OPEN, Step.REFUSED): State.LINGERING,
    (State.OPEN, Step.REFUSED): State.LINGERING,
    (State.AWAIT_CLOSE_OK, Step.REFUSED): State.LINGERING,
    **{(state, Step.EOF): State.CLOSED for state in State},
}

COURSE: Final = Course(
    TRANSITIONS,
    first=State.AWAIT_HEADER,
    open=State.OPEN,
    ended=frozenset((State.LINGERING, State.CLOSED)),
    closed=State.CLOSED,
)

HANDSHAKE: Final = frozenset(
    (State.AWAIT_HEADER, State.AWAIT_START_OK, State.AWAIT_TUNE_OK, State.AWAIT_OPEN)
)
"""States that the handshake timeout ends."""
