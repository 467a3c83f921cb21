"""The life of a connection of the stream protocol, as a table.

Rule: a pair that is absent is a protocol violation.

Source: RabbitMQ, rabbit_stream_reader.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from amqp_server.connections.life import Course


class State(Enum):
    """A state of a connection."""

    AWAIT_PEER_PROPERTIES = "tcp_connected"
    AWAIT_SASL_HANDSHAKE = "peer_properties_exchanged"
    AWAIT_AUTHENTICATE = "authenticating"
    AWAIT_TUNE = "tuning"
    AWAIT_OPEN = "tuned"
    OPEN = "running"
    AWAIT_CLOSE = "closing"
    REFUSED = "refused"
    CLOSED = "closed"

    # Enum's own hash is a Python function, and every read looks a state up.
    __hash__ = object.__hash__


class Step(Enum):
    """What can happen to a connection as a whole."""

    PEER_PROPERTIES = "properties exchanged"
    SASL_HANDSHAKE = "mechanisms told"
    AUTHENTICATED = "login accepted"
    TUNED = "limits agreed"
    OPEN = "vhost opened"
    WE_CLOSE = "we sent close"
    REFUSED = "we refused the login, and will say so"
    END = "the socket or its time is over, or close was answered"

    __hash__ = object.__hash__


_TRANSITIONS: Final[Mapping[tuple[State, Step], State]] = {
    (State.AWAIT_PEER_PROPERTIES, Step.PEER_PROPERTIES): State.AWAIT_SASL_HANDSHAKE,
    (State.AWAIT_SASL_HANDSHAKE, Step.SASL_HANDSHAKE): State.AWAIT_AUTHENTICATE,
    (State.AWAIT_AUTHENTICATE, Step.AUTHENTICATED): State.AWAIT_TUNE,
    (State.AWAIT_AUTHENTICATE, Step.REFUSED): State.REFUSED,
    (State.AWAIT_TUNE, Step.TUNED): State.AWAIT_OPEN,
    (State.AWAIT_OPEN, Step.OPEN): State.OPEN,
    (State.OPEN, Step.WE_CLOSE): State.AWAIT_CLOSE,
    **{(state, Step.END): State.CLOSED for state in State},
}

COURSE: Final = Course(
    _TRANSITIONS,
    first=State.AWAIT_PEER_PROPERTIES,
    open=State.OPEN,
    ended=frozenset((State.REFUSED, State.CLOSED)),
    closed=State.CLOSED,
)

HANDSHAKE: Final = frozenset(
    (
        State.AWAIT_PEER_PROPERTIES,
        State.AWAIT_SASL_HANDSHAKE,
        State.AWAIT_AUTHENTICATE,
        State.AWAIT_TUNE,
        State.AWAIT_OPEN,
    )
)
"""States that have a time limit."""
