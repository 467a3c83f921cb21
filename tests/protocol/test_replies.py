"""The one table of codes: every error has a reply, and its text fits a shortstr."""

import inspect
from types import ModuleType

import pytest

from amqp_server.broker import errors as broker_errors
from amqp_server.broker.errors import InvalidMessageError, LoginRefusedError, MechanismError
from amqp_server.protocol import errors as protocol_errors
from amqp_server.protocol.errors import (
    AssemblyLimitError,
    ChannelLimitError,
    NegotiationError,
)
from amqp_server.protocol.replies import (
    CLOSE_CAPABILITY,
    INTERNAL,
    REPLIES,
    Reply,
    Scope,
    is_told,
    reply_for,
)
from amqp_server.protocol.transitions import State
from amqp_server.wire import errors as wire_errors
from amqp_server.wire.errors import BrokenFramingError, FrameError

ROOTS = {"ProtocolError", "BrokerError", "WireError"}
SOFT = {403, 404, 405, 406}
EVERY_REPLY: list[Reply] = list(dict.fromkeys(REPLIES.values()))


def errors_of(module: ModuleType) -> list[type[Exception]]:
    found = [value for _, value in inspect.getmembers(module, inspect.isclass)]
    return [
        value for value in found if issubclass(value, Exception) and value.__name__ not in ROOTS
    ]


@pytest.mark.parametrize("module", [broker_errors, protocol_errors, wire_errors])
def test_every_error_a_client_can_cause_has_a_reply(module: ModuleType) -> None:
    errors = errors_of(module)
    assert errors
    assert [kind.__name__ for kind in errors if not set(kind.__mro__) & set(REPLIES)] == []


@pytest.mark.parametrize(
    "reply", EVERY_REPLY, ids=lambda reply: f"{reply.name} {reply.scope.value}"
)
def test_soft_codes_close_the_channel_and_hard_ones_the_connection(reply: Reply) -> None:
    """But for a refused login, 403 where no channel is, and what one channel alone is refused."""
    if reply is REPLIES[broker_errors.LoginRefusedError]:
        assert reply.scope is Scope.CONNECTION
    elif reply in {
        REPLIES[broker_errors.NodeLimitError],
        REPLIES[broker_errors.UndecidedError],
    }:
        assert reply.scope is Scope.CHANNEL
    else:
        assert (reply.scope is Scope.CHANNEL) == (reply.code in SOFT)


def test_an_error_that_is_listed_nowhere_is_a_bug_of_ours() -> None:
    assert reply_for(KeyError("x")) is INTERNAL
    assert (INTERNAL.code, INTERNAL.text("")) == (541, "INTERNAL_ERROR")


@pytest.mark.parametrize(
    ("error", "code"),
    [(ChannelLimitError("x"), 530), (BrokenFramingError("x"), 501), (AssemblyLimitError("x"), 506)],
)
def test_an_error_has_the_reply_of_its_nearest_base(error: Exception, code: int) -> None:
    assert reply_for(error).code == code
    assert reply_for(ChannelLimitError("x")) is REPLIES[NegotiationError]


def test_a_text_is_the_name_and_the_explanation() -> None:
    assert reply_for(InvalidMessageError("")).text("why") == "PRECONDITION_FAILED - why"


@pytest.mark.parametrize("explanation", ["x" * 1000, "é" * 300, "x" + "é" * 300, "\U0001f407" * 99])
def test_a_long_text_is_cut_to_255_octets_between_characters(explanation: str) -> None:
    text = reply_for(FrameError("")).text(explanation)
    octets = text.encode()
    assert 252 <= len(octets) <= 255
    assert text.endswith("...")
    assert "\ufffd" not in text


def test_a_text_of_255_octets_is_whole() -> None:
    explanation = "x" * (255 - len("FRAME_ERROR - "))
    assert reply_for(FrameError("")).text(explanation).endswith("x")


def test_a_name_with_lone_surrogates_can_be_told() -> None:
    assert reply_for(FrameError("")).text("\udcff") == "FRAME_ERROR - ?"


@pytest.mark.parametrize(
    ("error", "state", "capabilities", "expected"),
    [
        (FrameError("x"), State.OPEN, (), True),
        (FrameError("x"), State.AWAIT_OPEN, (), True),
        (FrameError("x"), State.AWAIT_TUNE_OK, (), False),
        (NegotiationError("x"), State.AWAIT_TUNE_OK, (), True),
        (LoginRefusedError("x"), State.AWAIT_START_OK, (), False),
        (LoginRefusedError("x"), State.AWAIT_START_OK, (CLOSE_CAPABILITY,), True),
        (MechanismError("x"), State.AWAIT_START_OK, (CLOSE_CAPABILITY,), False),
    ],
)
def test_before_tune_ok_hardly_anybody_is_told(
    error: Exception, state: State, capabilities: tuple[str, ...], *, expected: bool
) -> None:
    assert is_told(error, state, frozenset(capabilities)) is expected
