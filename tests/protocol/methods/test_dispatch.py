"""The table of methods: complete for a client, and closed to everything else."""

import pytest
from pamqp import commands

from amqp_server.protocol.methods.dispatch import HANDLERS
from amqp_server.wire.methods import METHODS, AccessRequestOk, Method
from tests.support.frames import METHOD, frame, method_payload
from tests.support.peer import Node

BY_THE_CHANNEL_TABLE = {commands.Channel.Open, commands.Channel.Close, commands.Channel.CloseOk}
BY_THE_SCANNER = {commands.Basic.Publish}
CONNECTION_CLASS = 10


def of_a_client() -> set[type[Method]]:
    """Return what a client may send on a channel, by the specification and its extensions."""
    return {
        kind
        for kind in METHODS.values()
        if kind.index >> 16 != CONNECTION_CLASS
        and not kind.name.endswith("Ok")
        and kind
        not in {
            commands.Basic.Deliver,
            commands.Basic.Return,
            commands.Basic.GetEmpty,
            AccessRequestOk,
        }
    }


def test_every_method_of_a_client_has_its_function() -> None:
    others = BY_THE_CHANNEL_TABLE | BY_THE_SCANNER
    assert {kind.name for kind in of_a_client() - others - set(HANDLERS)} == set()
    assert {kind.name for kind in set(HANDLERS) - of_a_client()} == set()


@pytest.mark.parametrize(
    "index",
    sorted(
        kind.index
        for kind in set(METHODS.values()) - set(HANDLERS) - BY_THE_CHANNEL_TABLE - BY_THE_SCANNER
    ),
)
def test_any_other_method_is_not_for_a_client_to_send(index: int) -> None:
    """503 or, for what changes the connection, 504 as RabbitMQ has it."""
    peer = Node().open()
    peer.send_bytes(frame(METHOD, 1, method_payload(METHODS[index])))
    close = peer.closed()
    assert (close.channel, close.code) == (0, 503)
    assert close.method == (index >> 16, index & 0xFFFF)


def test_a_method_without_a_reply_says_nothing() -> None:
    peer = Node().open()
    peer.send(commands.Queue.Declare, queue="q", nowait=True)
    assert peer.receive() == []
