"""Tables and property lists made to be hard to read."""

import struct

import pytest
from pamqp import commands

from amqp_server.wire.tables import DEPTH_MAX, ELEMENTS_MAX
from tests.support.frames import METHOD, content_frames, frame, property_list, publish_payload
from tests.support.peer import Client


def table(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


def nested(depth: int) -> bytes:
    octets = table(b"")
    for _ in range(depth):
        octets = table(b"\x01n" + b"F" + octets)
    return octets


def declare(peer: Client, arguments: bytes) -> None:
    peer.send(commands.Queue.Declare, queue="q", arguments=arguments)


def publish_with(peer: Client, headers: bytes, exchange: str = "") -> None:
    properties = property_list(headers=headers)
    method = frame(METHOD, 1, publish_payload(exchange))
    peer.send_bytes(method + content_frames(1, b"x", properties))


def is_refused(peer: Client) -> bool:
    close = peer.closed()
    assert peer.node.open().works()
    return (close.channel, close.code) == (0, 502)


@pytest.mark.parametrize("depth", [1, 10, DEPTH_MAX])
def test_a_table_may_be_nested(peer: Client, depth: int) -> None:
    publish_with(peer, nested(depth), "amq.headers")
    assert peer.closes() == []


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 1_000, 10_000])
@pytest.mark.parametrize("where", ["arguments", "headers"])
def test_a_table_nested_too_deep_is_refused(peer: Client, depth: int, where: str) -> None:
    if where == "arguments":
        declare(peer, nested(depth))
    else:
        publish_with(peer, nested(depth), "amq.headers")
    assert is_refused(peer)


def test_nobody_reads_headers_that_nobody_needs(peer: Client) -> None:
    publish_with(peer, nested(1_000))
    assert peer.get() == b"x"


@pytest.mark.parametrize(
    "content",
    [
        b"\x01aF" + struct.pack(">I", 2**32 - 1),
        b"\x01aA" + struct.pack(">I", 2**32 - 1),
        b"\x01aS" + struct.pack(">I", 2**32 - 1),
        b"\x01aF" + struct.pack(">I", 100) + b"\x01bV",
        b"\x01aA" + struct.pack(">I", 0) + b"V",
        b"\xffa",
        b"\x01a",
        b"\x01a\x00",
    ],
)
def test_lengths_that_do_not_fit(peer: Client, content: bytes) -> None:
    declare(peer, table(content))
    assert is_refused(peer)


@pytest.mark.parametrize("length", [2**32 - 1, 5])
def test_a_table_longer_than_its_frame_is_a_frame_error(peer: Client, length: int) -> None:
    declare(peer, struct.pack(">I", length) + b"\x01aV")
    assert peer.closed().code == 501


def test_more_elements_than_anybody_needs(peer: Client) -> None:
    declare(peer, table(b"\x01aA" + table(b"V" * (ELEMENTS_MAX + 1))))
    assert is_refused(peer)


@pytest.mark.parametrize("count", [1, 1_000])
def test_property_flags_that_go_on(peer: Client, count: int) -> None:
    method = frame(METHOD, 1, publish_payload())
    peer.send_bytes(method + content_frames(1, b"x", b"\x00\x01" * count))
    assert is_refused(peer)


@pytest.mark.parametrize(
    "content",
    [
        b"\x01aB\x01\x01aB\x02",
        b"\x00B\x01",
        b"\xff" + b"k" * 255 + b"V",
        b"\x02\xff\xfeV",
        b"\x01aD\xff\xff\xff\xff\xff",
        b"\x01ad" + struct.pack(">d", float("nan")),
        b"\x01af" + struct.pack(">f", float("-inf")),
        b"\x01aT" + b"\xff" * 8,
        b"\x01al" + b"\x80" + bytes(7),
        b"\x01aS" + table(b"\xff\x00"),
    ],
    ids=[
        "twice",
        "empty key",
        "long key",
        "key not utf-8",
        "decimal",
        "nan",
        "inf",
        "timestamp",
        "min",
        "text",
    ],
)
@pytest.mark.parametrize("exchange", ["", "amq.headers"])
def test_odd_values_come_back_byte_for_byte(peer: Client, content: bytes, exchange: str) -> None:
    peer.send(commands.Queue.Bind, queue="jobs", exchange="amq.headers")
    publish_with(peer, table(content), exchange)
    peer.consume()
    (delivery,) = [one for one in peer.receive() if one.body]
    assert delivery.header[12:] == property_list(headers=table(content))


@pytest.mark.parametrize("name", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80"])
@pytest.mark.parametrize("where", ["queue", "routing key", "exchange", "consumer tag"])
def test_names_are_utf_8(peer: Client, name: bytes, where: str) -> None:
    match where:
        case "queue":
            peer.send(commands.Queue.Declare, queue=name)
        case "routing key":
            route = b"\x00" + bytes((len(name),)) + name
            method = frame(METHOD, 1, b"\x00\x3c\x00\x28\x00\x00" + route + b"\x00")
            peer.send_bytes(method + content_frames(1, b"x"))
        case "exchange":
            peer.send(commands.Exchange.Delete, exchange=name)
        case _:
            peer.send(commands.Basic.Cancel, consumer_tag=name)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 501)
    assert close.text == "FRAME_ERROR - Malformed UTF-8 in shortstr"


def test_a_count_in_x_death_that_cannot_count_on(peer: Client) -> None:
    peer.declare(
        "sick", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "jobs"}
    )
    death = {"queue": "sick", "reason": "rejected", "count": 2**63 - 1}
    peer.publish(b"x", routing_key="sick", headers={"x-death": [death]})
    peer.send(commands.Basic.Get, queue="sick")
    peer.send(commands.Basic.Reject, delivery_tag=1, requeue=False)
    peer.receive()
    assert peer.get() == b"x"


@pytest.mark.parametrize("deaths", [1, "x", [1], [{}], [{"count": "x", "queue": 5}]], ids=str)
def test_an_x_death_that_is_none(peer: Client, deaths: object) -> None:
    peer.declare(
        "sick", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "jobs"}
    )
    peer.publish(b"x", routing_key="sick", headers={"x-death": deaths})
    peer.send(commands.Basic.Get, queue="sick")
    peer.send(commands.Basic.Reject, delivery_tag=1, requeue=False)
    peer.receive()
    assert peer.get() == b"x"
