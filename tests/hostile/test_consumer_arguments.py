"""Arguments of the consumers of many clients: bounded for the node, and others go on."""

from collections.abc import Mapping

import pytest
from pamqp import commands

from amqp_server.broker.node_budget import NodeLimits
from amqp_server.protocol.argument_memory import FIELD_BYTES
from conformance import fields
from tests.support.frames import METHOD, frame
from tests.support.peer import Client, Node

LIMIT_BYTES = 1 << 20
SMALL_FIELDS = {f"k{number}": True for number in range(1_000)}


@pytest.fixture
def node() -> Node:
    node = Node(limits=NodeLimits(arguments_bytes=LIMIT_BYTES))
    peer = node.open()
    peer.declare()
    return node


def consume(peer: Client, tag: str, arguments: Mapping[str, object], channel: int = 1) -> None:
    names = fields.shortstr("jobs") + fields.shortstr(tag)
    payload = b"\x00\x3c\x00\x14\x00\x00" + names + b"\x00" + fields.table(dict(arguments))
    peer.send_bytes(frame(METHOD, channel, payload))


def held(node: Node) -> int:
    return node.broker.consumer_arguments.used_bytes


@pytest.mark.parametrize(
    "arguments",
    [SMALL_FIELDS, {"large": "x" * 60_000}, {"deep": [[[{"a": [None] * 900}]]]}],
    ids=["fields", "text", "nested"],
)
def test_arguments_of_many_consumers_are_bounded_and_another_consumes(
    node: Node, arguments: dict[str, object]
) -> None:
    good = node.open()
    consume(good, "mine", {"x-priority": 10})
    hostile = [node.open() for _ in range(20)]
    refused = 0
    for number in range(200):
        peer = hostile[number % len(hostile)]
        consume(peer, f"c{number}", arguments)
        assert held(node) <= LIMIT_BYTES
        for close in peer.closes():
            assert (close.channel, close.code) == (1, 506)
            assert "broker.consumer_arguments_bytes_max" in close.text
            refused += 1
            peer.send(commands.Channel.CloseOk)
            peer.open_channel(1)
    assert refused > 10
    good.receive()
    good.publish(b"x")
    assert good.bodies() == [b"x"]
    assert held(node) >= 2 * FIELD_BYTES


def test_one_request_alone_may_be_too_much(node: Node) -> None:
    peer = node.open()
    consume(peer, "c", {f"k{number}": True for number in range(8_000)})
    close = peer.closed()
    assert (close.code, close.method) == (506, (60, 20))
    assert held(node) == 0
    assert peer.node.vhost.queues.get("jobs", peer.connection.session).consumers == {}


@pytest.mark.parametrize(
    "ends", ["cancel", "close", "connection", "lost", "queue", "exclusive", "error"]
)
def test_nothing_is_held_of_what_is_over(node: Node, ends: str) -> None:
    peer, other = node.open(), node.open()
    for number in range(3):
        consume(peer, f"c{number}", {"x-priority": number})
    assert held(node) == 3 * (2 * FIELD_BYTES + len("x-priority"))
    if ends == "cancel":
        for number in range(3):
            peer.send(commands.Basic.Cancel, consumer_tag=f"c{number}")
    elif ends == "close":
        peer.send(commands.Channel.Close)
    elif ends == "connection":
        peer.send(commands.Connection.Close, 0, reply_code=200)
    elif ends == "lost":
        peer.connection.lose(node.now_ms)
    elif ends == "queue":
        other.send(commands.Queue.Delete, queue="jobs")
    elif ends == "exclusive":
        other.send(commands.Basic.Consume, queue="jobs", exclusive=True, arguments={"x": "y"})
        assert other.closed().code == 403
        assert held(node) == 3 * (2 * FIELD_BYTES + len("x-priority"))
        peer.send(commands.Channel.Close)
    else:
        peer.soft_error()
    node.end_turns()
    assert held(node) == 0


def test_consumers_without_arguments_hold_nothing(node: Node) -> None:
    peer = node.open()
    consume(peer, "c", {})
    assert held(node) == 0


def test_a_channel_that_is_open_again_counts_from_nothing(node: Node) -> None:
    peer = node.open()
    consume(peer, "c", SMALL_FIELDS)
    peer.soft_error()
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    consume(peer, "c", {"a": True})
    assert held(node) == 2 * FIELD_BYTES + 1
    peer.send(commands.Basic.Cancel, consumer_tag="c")
    assert held(node) == 0
