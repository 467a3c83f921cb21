"""Names as long and as odd as they may be, reserved names, arguments, expirations."""

import logging

import pytest
from pamqp import commands

from amqp_server.wire.tables import Field
from tests.support.frames import PROTOCOL_HEADER
from tests.support.peer import Client, Node

LONGEST = ["x" * 255, "\U0001f407" * 63 + "abc"]
ODD = ["\0", "\x1b[31mred", "\u202egnp", "<script>alert(1)</script>", "%00", "../../etc", "'; --"]


@pytest.mark.parametrize("name", [*LONGEST, *ODD])
def test_a_name_works_wherever_it_may_stand(peer: Client, name: str) -> None:
    peer.send(commands.Exchange.Declare, exchange=name, exchange_type="topic")
    peer.declare(name)
    peer.send(commands.Queue.Bind, queue=name, exchange=name, routing_key=name)
    peer.send(commands.Basic.Consume, queue=name, consumer_tag=name)
    peer.receive()
    peer.publish(b"x", exchange=name, routing_key=name)
    (delivery,) = peer.receive()
    method = delivery.method
    assert isinstance(method, commands.Basic.Deliver)
    assert (method.consumer_tag, method.exchange, method.routing_key) == (name, name, name)
    peer.send(commands.Queue.Delete, queue=name)
    assert peer.expect(commands.Basic.Cancel).consumer_tag == name


def test_a_log_line_cannot_be_forged(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    forged = "x\nERROR haremq fake"
    node.add_user("ann")
    peer = node.connect()
    peer.send_bytes(PROTOCOL_HEADER)
    peer.log_in(forged)
    peer = node.open()
    peer.send(commands.Queue.Declare, queue=f"q{forged}", passive=True)
    peer.send(commands.Connection.Close, 0, reply_code=200, reply_text=forged)
    node.connect().send_bytes(b"AM\nP\r\n\x1b[")
    text = [record.getMessage() for record in caplog.records]
    assert len(text) >= 4
    assert [line for line in text if "\n" in line or "\r" in line or "\x1b" in line] == []


@pytest.mark.parametrize("kind", ["queue", "exchange"])
def test_a_reserved_name(peer: Client, kind: str) -> None:
    if kind == "queue":
        peer.send(commands.Queue.Declare, queue="amq.x")
    else:
        peer.send(commands.Exchange.Declare, exchange="amq.x", exchange_type="direct")
    close = peer.closed()
    assert (close.channel, close.code) == (1, 403)


def test_other_arguments_and_anothers_queue(node: Node, peer: Client) -> None:
    peer.declare("mine", exclusive=True)
    other = node.open()
    other.send(commands.Queue.Declare, queue="mine")
    other.open_channel(2)
    other.send(commands.Queue.Declare, 2, queue="jobs", arguments={"x-max-length": 5})
    closes = [(close.channel, close.code) for close in other.closes()]
    assert closes == [(2, 406)]


@pytest.mark.parametrize(
    "arguments",
    [
        {"x-max-length": -1},
        {"x-max-length": "a"},
        {"x-max-length": Field("T", 2**63)},
        {"x-max-length": 1.5},
        {"x-max-length": True},
        {"x-max-length": {}},
        {"x-max-length-bytes": [1]},
        {"x-message-ttl": 1.0},
        {"x-message-ttl": -1},
        {"x-message-ttl": 2**63 - 1},
        {"x-expires": 0},
        {"x-max-priority": 256},
        {"x-queue-type": "none"},
        {"x-queue-type": 5},
        {"x-overflow": "explode"},
        {"x-dead-letter-exchange": 5},
        {"x-dead-letter-routing-key": "orphan"},
        {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k" * 256},
        {"x-single-active-consumer": "yes"},
    ],
    ids=str,
)
def test_an_argument_of_a_wrong_type_or_size(peer: Client, arguments: dict[str, object]) -> None:
    peer.send(commands.Queue.Declare, queue="q", arguments=arguments)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (50, 10))
    assert [queue.name for queue in peer.node.vhost.queues] == ["jobs"]


@pytest.mark.parametrize("expiration", ["-1", "1e9", "x", "1" + "0" * 30, "", b"\xff", "9" * 255])
def test_an_expiration_that_is_no_time(peer: Client, expiration: str | bytes) -> None:
    peer.publish(b"x", expiration=expiration)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (1, 406, (60, 40))
    assert len(close.text.encode()) <= 255
