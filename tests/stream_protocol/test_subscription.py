"""One subscription: whole chunks, as the client's output and filter allow."""

import pytest

from amqp_server.stream_protocol.fields import U8, U16, U32, U64
from amqp_server.stream_protocol.keys import CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, at_offset, publish_each


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    return peer


def test_the_chunk_that_holds_the_offset_is_sent_whole(peer: StreamPeer) -> None:
    peer.publish(1, (0, b"0"), (0, b"1"), (0, b"2"))
    peer.receive()
    peer.subscribe("s", spec=at_offset(1))
    (chunk,) = peer.chunks()
    assert (chunk.header.first_offset, chunk.messages) == (0, [b"0", b"1", b"2"])


def test_version_2_tells_the_last_committed_chunk(peer: StreamPeer) -> None:
    publish_each(peer, b"0", b"1")
    peer.request(
        CommandKey.EXCHANGE_COMMAND_VERSIONS, U32.pack(1), U16.pack(8), U16.pack(1), U16.pack(2)
    )
    peer.receive()
    peer.subscribe("s")
    assert [chunk.committed_chunk_id for chunk in peer.chunks()] == [1, 1]


def test_a_full_output_stops_chunks_until_it_was_taken(node: Node) -> None:
    peer = StreamPeer.open(node, output_max_bytes=1_000)
    peer.create("s")
    peer.declare_publisher("s")
    publish_each(peer, *[bytes(600) for _ in range(6)])
    peer.subscribe("s", credit=100)
    node.end_turns()
    assert peer.connection._outbox.size_bytes < 2_500
    total = 0
    for _ in range(10):
        total += len(peer.chunks())
    assert total == 6


def test_a_filter_leaves_out_chunks_without_its_values(peer: StreamPeer) -> None:
    for value, message in ((b"eu", b"0"), (b"us", b"1"), (b"", b"2")):
        filtered = U16.pack(len(value)) + value if value else b"\xff\xff"
        item = U64.pack(0) + filtered + len(message).to_bytes(4, "big") + message
        peer.send(CommandKey.PUBLISH, U8.pack(1), U32.pack(1), item, version=2)
    peer.receive()
    peer.subscribe("s", 1, properties={"filter.0": "eu"})
    assert [chunk.messages for chunk in peer.chunks()] == [[b"0"]]
    peer.subscribe("s", 2, properties={"filter.0": "us", "match-unfiltered": "true"})
    assert [chunk.messages for chunk in peer.chunks()] == [[b"1"], [b"2"]]
