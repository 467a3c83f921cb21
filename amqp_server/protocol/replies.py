"""The only table of the errors that a client is sent, and of what each of them closes.

Soft errors close the channel, hard ones the connection (AMQP 0-9-1 §1.2, §4.10; RabbitMQ's
choice where the specification leaves it open).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from amqp_server.broker.errors import (
    AccessRefusedError,
    DeletionProtectedError,
    InvalidMessageError,
    LoginRefusedError,
    MalformedCredentialsError,
    MechanismError,
    NodeLimitError,
    NotAllowedError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    ReplyConsumerError,
    ResourceLockedError,
    UndecidedError,
    UnreadableError,
)
from amqp_server.protocol.errors import (
    AssemblyLimitError,
    ChannelStateError,
    CommandInvalidError,
    ConnectionForcedError,
    DeliveryTimeoutError,
    LostReplyError,
    ModeError,
    NegotiationError,
    UnknownDeliveryTagError,
)
from amqp_server.protocol.transitions import State
from amqp_server.wire import constants
from amqp_server.wire.errors import (
    FrameError,
    MethodSyntaxError,
    UnexpectedFrameError,
    UnknownMethodError,
)

CLOSE_CAPABILITY: Final = "authentication_failure_close"
REPLY_TEXT_MAX_BYTES: Final = 255
_ELLIPSIS: Final = "..."


class Scope(Enum):
    """What an error closes."""

    CHANNEL = "channel"
    CONNECTION = "connection"


class Reply(NamedTuple):
    """A reply code with its name and what it closes."""

    code: int
    name: str
    scope: Scope

    def text(self, explanation: str) -> str:
        """Return ``NAME - explanation``, cut to what a shortstr holds as RabbitMQ cuts it."""
        text = f"{self.name} - {explanation}" if explanation else self.name
        octets = text.encode("utf-8", "replace")
        if len(octets) <= REPLY_TEXT_MAX_BYTES:
            return octets.decode()
        kept = octets[: REPLY_TEXT_MAX_BYTES - len(_ELLIPSIS)]
        return kept.decode("utf-8", "ignore") + _ELLIPSIS


INTERNAL: Final = Reply(constants.INTERNAL_ERROR, "INTERNAL_ERROR", Scope.CONNECTION)
_REFUSED: Final = Reply(constants.ACCESS_REFUSED, "ACCESS_REFUSED", Scope.CHANNEL)
_PRECONDITION: Final = Reply(constants.PRECONDITION_FAILED, "PRECONDITION_FAILED", Scope.CHANNEL)
_NOT_ALLOWED: Final = Reply(constants.NOT_ALLOWED, "NOT_ALLOWED", Scope.CONNECTION)
_COMMAND_INVALID: Final = Reply(constants.COMMAND_INVALID, "COMMAND_INVALID", Scope.CONNECTION)
_SYNTAX_ERROR: Final = Reply(constants.SYNTAX_ERROR, "SYNTAX_ERROR", Scope.CONNECTION)

REPLIES: Final[Mapping[type[Exception], Reply]] = {
    AccessRefusedError: _REFUSED,
    LoginRefusedError: Reply(constants.ACCESS_REFUSED, "ACCESS_REFUSED", Scope.CONNECTION),
    NotFoundError: Reply(constants.NOT_FOUND, "NOT_FOUND", Scope.CHANNEL),
    ResourceLockedError: Reply(constants.RESOURCE_LOCKED, "RESOURCE_LOCKED", Scope.CHANNEL),
    PreconditionFailedError: _PRECONDITION,
    # No method of AMQP deletes a vhost or looks at a queue; these are for management alone.
    DeletionProtectedError: _PRECONDITION,
    UnreadableError: INTERNAL,
    NotAllowedError: _NOT_ALLOWED,
    NotSupportedError: Reply(constants.NOT_IMPLEMENTED, "NOT_IMPLEMENTED", Scope.CONNECTION),
    MechanismError: _COMMAND_INVALID,
    MalformedCredentialsError: _SYNTAX_ERROR,
    ChannelStateError: Reply(constants.CHANNEL_ERROR, "CHANNEL_ERROR", Scope.CONNECTION),
    CommandInvalidError: _COMMAND_INVALID,
    AssemblyLimitError: Reply(constants.RESOURCE_ERROR, "RESOURCE_ERROR", Scope.CONNECTION),
    # The specification has it as a hard error. But only the channel's work ends here.
    NodeLimitError: Reply(constants.RESOURCE_ERROR, "RESOURCE_ERROR", Scope.CHANNEL),
    # RabbitMQ closes the connection. Its other channels can do all that asks no store.
    UndecidedError: Reply(constants.INTERNAL_ERROR, "INTERNAL_ERROR", Scope.CHANNEL),
    DeliveryTimeoutError: _PRECONDITION,
    NegotiationError: _NOT_ALLOWED,
    UnknownDeliveryTagError: _PRECONDITION,
    InvalidMessageError: _PRECONDITION,
    ModeError: _PRECONDITION,
    ReplyConsumerError: _PRECONDITION,
    LostReplyError: Reply(constants.INTERNAL_ERROR, "INTERNAL_ERROR", Scope.CONNECTION),
    ConnectionForcedError: Reply(
        constants.CONNECTION_FORCED, "CONNECTION_FORCED", Scope.CONNECTION
    ),
    FrameError: Reply(constants.FRAME_ERROR, "FRAME_ERROR", Scope.CONNECTION),
    UnexpectedFrameError: Reply(constants.UNEXPECTED_FRAME, "UNEXPECTED_FRAME", Scope.CONNECTION),
    MethodSyntaxError: _SYNTAX_ERROR,
    UnknownMethodError: _COMMAND_INVALID,
}


def reply_for(error: Exception) -> Reply:
    """Return the reply of the nearest listed base class, or INTERNAL_ERROR (a bug of ours)."""
    return next((REPLIES[base] for base in type(error).__mro__ if base in REPLIES), INTERNAL)


def is_told(error: Exception, state: State, capabilities: frozenset[str]) -> bool:
    """Return whether a client is answered an error that ends its connection.

    Before tune-ok the only error that is sent is a refused login, to a client that announced to
    understand it. For others the socket stays open for a while and is then closed (RabbitMQ).

    Args:
        error: what went wrong.
        state: where in its life the connection is.
        capabilities: those of the client.
    """
    return (
        state in {State.OPEN, State.AWAIT_OPEN}
        or isinstance(error, NegotiationError)
        or (isinstance(error, LoginRefusedError) and CLOSE_CAPABILITY in capabilities)
    )
