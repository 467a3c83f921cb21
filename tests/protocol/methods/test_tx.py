"""tx.select, commit and rollback: their answers, and where they are refused."""

import pytest
from pamqp import commands

from amqp_server.wire.methods import Method
from tests.support.peer import Client, Node


@pytest.fixture
def peer() -> Client:
    client = Node().open()
    client.declare()
    return client


def test_each_is_answered(peer: Client) -> None:
    for kind in (commands.Tx.Select, commands.Tx.Commit, commands.Tx.Rollback):
        peer.send(kind)
    names = [method.name for method in peer.methods()]
    assert names == ["Tx.SelectOk", "Tx.CommitOk", "Tx.RollbackOk"]


def test_selecting_again_loses_nothing(peer: Client) -> None:
    peer.send(commands.Tx.Select)
    peer.publish(b"x")
    peer.send(commands.Tx.Select)
    peer.send(commands.Tx.Commit)
    peer.receive()
    assert peer.get() == b"x"


def test_a_confirming_channel_cannot_be_transactional(peer: Client) -> None:
    """Row 45."""
    peer.send(commands.Confirm.Select)
    peer.receive()
    peer.send(commands.Tx.Select)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert close.text == "PRECONDITION_FAILED - cannot switch from confirm to tx mode"


@pytest.mark.parametrize("kind", [commands.Tx.Commit, commands.Tx.Rollback])
def test_there_must_be_a_transaction(peer: Client, kind: type[Method]) -> None:
    peer.send(kind)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert close.text == "PRECONDITION_FAILED - channel is not transactional"


def test_a_queue_that_refuses_a_publish_spoils_the_commit() -> None:
    peer = Node().open()
    peer.declare(arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    peer.send(commands.Tx.Select)
    peer.publish(b"a", b"b")
    peer.send(commands.Tx.Commit)
    close = peer.closed()
    assert (close.channel, close.code) == (1, 406)
    assert close.text == "PRECONDITION_FAILED - partial tx completion"
