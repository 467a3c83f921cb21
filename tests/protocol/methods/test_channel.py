"""channel.flow, and the ticket of old clients."""

from pamqp import commands

from amqp_server.wire.methods import AccessRequest, AccessRequestOk
from tests.support.peer import Node


def test_a_client_may_ask_us_to_go_on() -> None:
    peer = Node().open()
    peer.send(commands.Channel.Flow, active=True)
    assert peer.expect(commands.Channel.FlowOk).active is True


def test_a_client_may_not_ask_us_to_stop() -> None:
    peer = Node().open()
    peer.send(commands.Channel.Flow, active=False)
    close = peer.closed()
    assert (close.channel, close.code, close.text) == (0, 540, "NOT_IMPLEMENTED - active=false")


def test_a_ticket_is_given_to_who_asks() -> None:
    peer = Node().open()
    peer.send(AccessRequest, realm="/data", read=True)
    assert peer.expect(AccessRequestOk).ticket == 1
