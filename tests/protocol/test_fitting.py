"""Headers that do not fit into a frame of the client that gets them."""

from collections.abc import Iterator

import pytest
from pamqp import commands

from amqp_server.protocol.fitting import fitted
from amqp_server.stream_protocol.keys import CommandKey
from amqp_server.wire.constants import FRAME_MIN_BYTES
from amqp_server.wire.properties import split
from persistence.record import NO_TTL, Record
from tests.support.frames import HEADER
from tests.support.peer import Client, Node, decode
from tests.support.stream_peer import StreamPeer, publish_body

SMALL = FRAME_MIN_BYTES
"""The smallest frame that clients may agree on."""

LIMIT = SMALL - 8


def frames_in(octets: bytes) -> Iterator[tuple[int, int]]:
    """Yield kind and size of payload of each frame."""
    while octets:
        size_bytes = int.from_bytes(octets[3:7])
        yield octets[0], size_bytes
        octets = octets[size_bytes + 8 :]


def headers_of(header: bytes) -> dict[str, object]:
    return {name: field.value for name, field in split(header).headers().items()}


def small_client(node: Node) -> Client:
    """Return a client that takes the smallest frames."""
    client = node.connect()
    client.shake_hands(frame_max=SMALL)
    client.open_channel(1)
    return client


def received(client: Client) -> list[dict[str, object]]:
    """Return the headers of what came; no header frame is too large."""
    found = []
    for _ in range(20):
        octets = client.read_bytes()
        assert all(size <= LIMIT for kind, size in frames_in(octets) if kind == HEADER)
        found += [headers_of(one.header) for one in decode(octets) if one.header]
    return found


def test_the_largest_fields_go_until_it_fits() -> None:
    node = Node()
    client = node.open()
    client.declare()
    headers = {"a": "x" * 3_000, "b": 7, "c": "y" * 2_000, "d": "z" * 1_000}
    client.publish(b"body", headers=headers, app_id="me", reply_to="r" * 255)
    client.send(commands.Basic.Get, queue="jobs", no_ack=True)
    (got,) = [one for one in client.receive() if one.header]
    record = Record(b"\0\0", got.header, b"body", 0, 0, NO_TTL)
    for limit in range(len(got.header), 700, -97):
        (fits,) = fitted([record], limit)
        assert len(fits.header) <= limit
        properties = split(fits.header)
        assert (properties.text("app_id"), properties.text("reply_to")) == ("me", "r" * 255)
        left = headers_of(fits.header)
        assert left.items() <= headers_of(got.header).items()
        assert "b" in left
    assert fitted([record], len(got.header)) == [record]


@pytest.mark.parametrize("how", ["consume", "two", "get", "large"])
def test_a_consumer_of_small_frames_gets_what_fits(how: str) -> None:
    node = Node()
    publisher, client = node.open(), small_client(node)
    publisher.declare()
    body = b"m" * 100_000 if how == "large" else b"m"
    publisher.publish(body, headers={"small": 1})
    publisher.publish(body, headers={"large": "x" * 9_000, "small": 2})
    publisher.publish(body, headers={"small": 3})
    if how == "get":
        for _ in range(3):
            client.send(commands.Basic.Get, queue="jobs", no_ack=True)
    else:
        for number in range(2 if how == "two" else 1):
            client.send(commands.Basic.Consume, queue="jobs", consumer_tag=str(number))
    if how == "two":
        publisher.publish(body, headers={"large": "x" * 9_000, "small": 4})
    found = sorted(str(each["small"]) for each in received(client))
    assert found == (["1", "2", "3", "4"] if how == "two" else ["1", "2", "3"])
    assert client.works()


def test_a_stream_clients_message_with_very_large_properties_is_read_over_amqp() -> None:
    node = Node()
    stream, client = StreamPeer.open(node), node.open()
    stream.create("s")
    stream.declare_publisher("s")
    large = b"\xb1" + (200_000).to_bytes(4, "big") + b"x" * 200_000
    entries = b"\xa1\x05large" + large + b"\xa1\x05small\xa1\x03yes"
    section = b"\x00\x53\x74\xd1" + (len(entries) + 4).to_bytes(4, "big") + b"\x00\x00\x00\x04"
    message = section + entries + b"\x00\x53\x75\xa0\x01m"
    stream.send(CommandKey.PUBLISH, publish_body(1, (1, message)))
    client.send(commands.Basic.Qos, prefetch_count=10)
    client.send(
        commands.Basic.Consume,
        queue="s",
        consumer_tag="c",
        arguments={"x-stream-offset": "first"},
    )
    (got,) = [one for one in client.receive() if one.header]
    assert len(got.header) <= node.protocol.frame_max_bytes - 8
    assert headers_of(got.header) == {"small": b"yes", "x-stream-offset": 0}
    assert got.body == b"m"
