"""How a channel looks: its mode, and what its transaction holds."""

from pamqp import commands

from amqp_server.broker.views import Views
from tests.support.peer import Node


def test_a_transaction_shows_what_it_holds() -> None:
    node = Node()
    client = node.open()
    client.declare()
    client.publish(b"0")
    client.send(commands.Basic.Get, queue="jobs")
    client.send(commands.Tx.Select)
    client.publish(b"1")
    client.send(commands.Basic.Ack, delivery_tag=1)
    (channel,) = Views(node.broker).channels().items
    assert (channel.is_transactional, channel.confirms) == (True, False)
    assert (channel.uncommitted, channel.unsettled) == (1, 1)
