"""Direct replies: they come without a queue, and what nobody reads has a bound."""

import re

import pytest
from pamqp import commands

from amqp_server.broker.reply_consumers import UNREAD_BYTES_MAX
from amqp_server.wire.properties import split
from tests.support.peer import Client


def test_direct_replies_come_without_a_queue(peer: Client) -> None:
    server = peer.node.open()
    server.consume(no_ack=True)
    server.receive()
    peer.consume("amq.rabbitmq.reply-to", no_ack=True)
    peer.receive()
    peer.publish(b"ask", reply_to="amq.rabbitmq.reply-to")
    (request,) = server.receive()
    name = split(request.header).text("reply_to")
    assert name is not None
    assert re.fullmatch(r"amq\.rabbitmq\.reply-to\.g1h2[\w+/]{38}==\.[\w+/]{22}==", name)
    server.publish(b"answer", b"another", routing_key=name)
    assert peer.bodies() == [b"answer", b"another"]
    peer.send(commands.Basic.Cancel, consumer_tag="me")
    peer.receive()
    server.publish(b"late", routing_key=name, mandatory=True)
    assert server.bodies() == [b"late"]
    assert peer.receive() == []


def test_replies_that_nobody_reads_are_bounded_and_come_again_when_they_are_read(
    peer: Client, caplog: pytest.LogCaptureFixture
) -> None:
    server = peer.node.open()
    server.consume(no_ack=True)
    peer.consume("amq.rabbitmq.reply-to", no_ack=True)
    peer.receive()
    peer.publish(b"ask", reply_to="amq.rabbitmq.reply-to")
    name = split(server.receive()[-1].header).text("reply_to") or ""
    peer.connection.pause_deliveries()
    unread, mib = peer.node.broker.unread_replies, bytes(1 << 20)
    for _ in range(40):
        server.publish(mib, routing_key=name)
    assert UNREAD_BYTES_MAX * 0.9 < unread.used_bytes <= UNREAD_BYTES_MAX
    assert len(peer.bodies()) == UNREAD_BYTES_MAX // len(mib) - 1
    assert ["direct replies are dropped" in text for text in caplog.messages] == [True]
    peer.connection.resume_deliveries()
    assert unread.used_bytes == 0
    server.publish(b"again", routing_key=name)
    assert peer.bodies() == [b"again"]
