"""tx.select, commit and rollback: their answers, and where they are refused."""

import pytest
from pamqp import commands

from amqp_server.broker.backing import Backing
from amqp_server.wire.methods import Method
from tests.support.ordered_logs import OrderedLogs
from tests.support.peer import Client, Node


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


def test_what_is_published_goes_before_what_is_acked() -> None:
    """A crash that keeps a part of a commit keeps no ack without what it was acked for."""
    logs = OrderedLogs()
    node = Node(backing=Backing(make_log=logs.make_log))
    peer = node.open()
    peer.declare()
    peer.declare("done")
    peer.publish(b"order")
    peer.receive()
    peer.send(commands.Tx.Select)
    peer.send(commands.Basic.Get, queue="jobs")
    peer.send(commands.Basic.Ack, delivery_tag=1)
    peer.publish(b"result", routing_key="done")
    peer.send(commands.Tx.Commit)
    peer.receive()
    assert [(each.what, each.body) for each in logs.noted] == [
        ("append", b"order"),
        ("append", b"result"),
        ("settle", b"order"),
    ]
