"""One subscription: whole chunks, as the client's output and filter allow."""

import pytest

from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64, string
from amqp_server.stream_protocol.keys import CommandKey
from amqp_server.stream_protocol.subscription import (
    BYTES_PER_MESSAGE,
    CHUNK_COST,
    EXTENT_BYTES_MAX,
    EXTENT_BYTES_MIN,
)
from persistence.streams.chunk_filter import LOOKS_MAX, LOOKS_PER_CHUNK, LOOKS_PER_MESSAGE
from persistence.streams.extent import Extent
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, at_offset, entry, publish_each


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


@pytest.fixture
def read_bytes(peer: StreamPeer, node: Node, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the extents that were read of the stream."""
    queue = node.vhost.queues.find("s")
    assert queue is not None
    assert queue.stream is not None
    sizes, stream_log = [], queue.stream.log
    read = stream_log.read

    def counted(from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        extent = read(from_offset, max_bytes, checks=checks)
        sizes.append(0 if extent is None else len(extent.octets))
        return extent

    monkeypatch.setattr(stream_log, "read", counted)
    return sizes


def test_little_credit_reads_little_where_chunks_are_small(
    peer: StreamPeer, read_bytes: list[int]
) -> None:
    """The log looks at each chunk that it reads, so a credit must not read thousands of them."""
    publish_each(peer, *[bytes(8)] * 2_000)
    peer.subscribe("s", credit=1)
    received = len(peer.chunks())
    for _ in range(100):
        peer.send(CommandKey.CREDIT, U8.pack(1), U16.pack(1))
        received += len(peer.chunks())
    assert received == 101
    assert max(read_bytes[1:]) <= EXTENT_BYTES_MIN


def test_much_credit_reads_ever_more(peer: StreamPeer, read_bytes: list[int]) -> None:
    publish_each(peer, *[bytes(30_000)] * 100)
    peer.subscribe("s", credit=1_000)
    total = 0
    while chunks := peer.chunks():
        total += len(chunks)
    assert total == 100
    assert EXTENT_BYTES_MAX // 2 < max(read_bytes) <= EXTENT_BYTES_MAX


def test_the_last_chunk_is_asked_for_once_a_read(
    peer: StreamPeer, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_each(peer, *[bytes(8)] * 10)
    peer.request(
        CommandKey.EXCHANGE_COMMAND_VERSIONS, U32.pack(1), U16.pack(8), U16.pack(1), U16.pack(2)
    )
    peer.receive()
    queue = node.vhost.queues.find("s")
    assert queue is not None
    assert queue.stream is not None
    asked: list[bool] = []

    def last_chunk_offset() -> int:
        asked.append(True)
        return 9

    monkeypatch.setattr(queue.stream.log, "last_chunk_offset", last_chunk_offset)
    peer.subscribe("s", credit=10)
    assert [chunk.committed_chunk_id for chunk in peer.chunks()] == [9] * 10
    assert len(asked) == 1


def test_many_wanted_values_are_looked_for_in_few_chunks_at_once() -> None:
    node = Node()
    peer = StreamPeer.open(node)
    peer.create("s")
    peer.declare_publisher("s")
    valued = U8.pack(1) + I32.pack(1) + U64.pack(0) + string("other") + entry(b"m")
    for _ in range(12):
        peer.send(CommandKey.PUBLISH, valued, version=2)
    peer.receive()
    wanted = {f"filter.{number}": f"v{number}" for number in range(LOOKS_MAX // 4)}
    peer.subscribe("s", properties=wanted)
    peer.receive()
    subscription = peer.connection._commands._subscriptions._by_id[1]
    assert subscription.offset == 12
    subscription.offset = 0
    served = [subscription.serve(2_000, node.now_ms) for _ in range(3)]
    assert subscription.offset < 12
    assert all(LOOKS_MAX // LOOKS_PER_MESSAGE - 64 <= each.cost < 4_000 for each in served)


def test_filter_values_that_were_looked_for_count_as_messages(peer: StreamPeer) -> None:
    valued = U8.pack(1) + I32.pack(1) + U64.pack(0) + string("other") + entry(b"m")
    peer.send(CommandKey.PUBLISH, valued, version=2)
    wanted = {f"filter.{number}": str(number) for number in range(1_000)}
    peer.subscribe("s", properties=wanted, credit=1)
    peer.receive()
    subscription = peer.connection._commands._subscriptions._by_id[1]
    subscription.offset = 0
    assert subscription.serve(64, 1).cost >= CHUNK_COST + 1_000 // LOOKS_PER_MESSAGE


def test_the_octets_that_were_read_count_as_messages(peer: StreamPeer) -> None:
    publish_each(peer, bytes(200_000))
    peer.subscribe("s", credit=1)
    peer.receive()
    subscription = peer.connection._commands._subscriptions._by_id[1]
    subscription.offset, subscription.credit = 0, 1
    assert subscription.serve(2_048, 1).cost >= 200_000 // BYTES_PER_MESSAGE


def test_chunks_that_are_left_out_count_too(peer: StreamPeer) -> None:
    publish_each(peer, *[b""] * 300)
    peer.subscribe("s", credit=1, properties={"filter.0": "v"})
    subscription = peer.connection._commands._subscriptions._by_id[1]
    subscription.offset = 0
    served = subscription.serve(2_048, 1)
    assert subscription.offset == LOOKS_MAX // LOOKS_PER_CHUNK
    assert served.cost >= LOOKS_MAX // LOOKS_PER_MESSAGE
