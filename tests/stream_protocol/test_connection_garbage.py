"""Nothing of a stream connection's life needs the cyclic collector."""

from collections.abc import Callable

import pytest

from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64, string, string_map, strings
from amqp_server.stream_protocol.keys import RESPONSE, CommandKey
from tests.support.garbage import without_collector
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, publish_body

ROUNDS = 12


def nothing(_peer: StreamPeer) -> None:
    """Open, and no more."""


def publishes(peer: StreamPeer) -> None:
    peer.create("s")
    peer.declare_publisher("s", reference="r")
    peer.publish(1, (1, b"one"), (2, b"two"))
    peer.receive()
    peer.publish(9, (1, b"nobody's"))
    peer.request(CommandKey.DELETE_PUBLISHER, U8.pack(1))


def unconfirmed(peer: StreamPeer) -> None:
    peer.create("s")
    peer.declare_publisher("s")
    peer.connection.receive_data(
        b"".join([U32.pack(30), b"\0\2\0\1", publish_body(1, (1, b"x"))])[:34], peer.node.now_ms
    )


def reads(peer: StreamPeer) -> None:
    peer.create("s")
    peer.declare_publisher("s")
    peer.publish(1, (1, b"one"))
    peer.subscribe("s", properties={"filter.0": "a", "match-unfiltered": "true"})
    peer.send(CommandKey.CREDIT, U8.pack(1), U16.pack(1))
    peer.send(CommandKey.CREDIT, U8.pack(7), U16.pack(1))
    peer.receive()


def is_in_a_group(peer: StreamPeer) -> None:
    peer.create("s")
    properties = {"single-active-consumer": "true", "name": "n"}
    peer.subscribe("s", 1, properties=properties)
    peer.subscribe("s", 2, properties=properties)
    for number in (1, 2, 3):
        peer.send(CommandKey.CONSUMER_UPDATE | RESPONSE, U32.pack(number), b"\0\1\0\1")
    peer.receive()


def loses_a_stream(peer: StreamPeer) -> None:
    reads(peer)
    peer.request(CommandKey.DELETE, string("s"))


def has_a_super_stream(peer: StreamPeer) -> None:
    both = strings(["p-0", "p-1"])
    peer.request(CommandKey.CREATE_SUPER_STREAM, string("p"), both, both, string_map({}))
    peer.receive()
    peer.request(CommandKey.PARTITIONS, string("p"))
    peer.request(CommandKey.ROUTE, string("p-1"), string("p"))
    peer.request(CommandKey.DELETE_SUPER_STREAM, string("p"))


def asks(peer: StreamPeer) -> None:
    peer.create("s")
    peer.request(CommandKey.METADATA, strings(["s", "none"]))
    peer.request(CommandKey.STREAM_STATS, string("s"))
    peer.send(CommandKey.STORE_OFFSET, string("r"), string("s"), U64.pack(1))
    peer.request(CommandKey.QUERY_OFFSET, string("r"), string("s"))
    peer.request(CommandKey.QUERY_OFFSET, string("r"), string("none"))
    peer.request(CommandKey.EXCHANGE_COMMAND_VERSIONS, I32.pack(0))


def sends_garbage(peer: StreamPeer) -> None:
    peer.send_bytes(b"\0\0\0\4\x7f\x7f\0\1")


def closes(peer: StreamPeer) -> None:
    peer.request(CommandKey.CLOSE, U16.pack(1), string("bye"))


@pytest.mark.parametrize(
    "live",
    [
        nothing,
        publishes,
        unconfirmed,
        reads,
        is_in_a_group,
        loses_a_stream,
        has_a_super_stream,
        asks,
        sends_garbage,
        closes,
    ],
)
def test_a_connections_life_leaves_nothing(live: Callable[[StreamPeer], None]) -> None:
    node = Node()
    with without_collector() as kinds:
        for _ in range(ROUNDS):
            peer = StreamPeer.open(node)
            live(peer)
            peer.receive()
            peer.connection.lose(node.now_ms)
            node.end_turns()
            del peer.connection, peer
            other = StreamPeer.open(node)
            other.request(CommandKey.DELETE, string("s"))
            other.receive()
            other.connection.lose(node.now_ms)
            node.end_turns()
            del other.connection, other
    assert not kinds, dict(kinds)


@pytest.mark.parametrize("password", ["guest", "wrong"])
def test_a_handshake_that_ends_leaves_nothing(password: str) -> None:
    node = Node()
    with without_collector() as kinds:
        for _ in range(ROUNDS):
            peer = StreamPeer(node)
            peer.log_in(password)
            peer.connection.lose(node.now_ms)
            node.end_turns()
            del peer.connection, peer
    assert not kinds, dict(kinds)
