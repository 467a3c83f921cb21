"""Streams over the stream protocol: create, delete, offsets, figures."""

import pytest

from amqp_server.stream_protocol.fields import (
    I32,
    I64,
    U16,
    U64,
    string,
    string_map,
)
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, ok, refused

CREATE, DELETE = CommandKey.CREATE, CommandKey.DELETE


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    return StreamPeer.open(node)


def test_create_makes_a_durable_stream_with_its_arguments(peer: StreamPeer, node: Node) -> None:
    peer.create(
        "s",
        max_age="1h",
        max_length_bytes="1000",
        stream_max_segment_size_bytes="500",
        stream_filter_size_bytes="32",
        stream_compact_key="device",
        stream_compact_tombstone_age="1h",
        queue_leader_locator="balanced",
        initial_cluster_size="1",
        unknown="ignored",
    )
    queue = node.vhost.queues.find("s")
    assert queue is not None
    options = queue.engine.options
    assert queue.properties.durable
    assert (options.max_age_ms, options.max_length_bytes) == (3_600_000, 1000)
    assert (options.segment_bytes_max, options.filter_bytes) == (500, 32)
    assert (options.compact_key, options.tombstone_age_ms) == ("device", 3_600_000)


def test_a_name_is_given_once(peer: StreamPeer) -> None:
    peer.create("s", max_age="1h")
    exists = refused(CREATE, Code.STREAM_ALREADY_EXISTS)
    assert peer.ask(CREATE, string("s"), string_map({})) == exists


@pytest.mark.parametrize(
    ("key", "value"),
    [("max-age", "soon"), ("max-length-bytes", "many"), ("max-length-bytes", "-1")],
)
def test_a_wrong_argument_makes_nothing(peer: StreamPeer, node: Node, key: str, value: str) -> None:
    answer = peer.ask(CREATE, string("s"), string_map({key: value}))
    assert answer == refused(CREATE, Code.PRECONDITION_FAILED)
    assert node.vhost.queues.find("s") is None


def test_a_limit_of_the_vhost_holds_for_streams(peer: StreamPeer, node: Node) -> None:
    node.vhost.limits.replace({"max-queues": 1})
    peer.create("s")
    answer = peer.ask(CREATE, string("t"), string_map({}))
    assert answer == refused(CREATE, Code.PRECONDITION_FAILED)
    assert node.vhost.queues.find("t") is None


def test_a_stream_has_a_name(peer: StreamPeer) -> None:
    answer = peer.ask(CREATE, string("\r\n"), string_map({}))
    assert answer == refused(CREATE, Code.PRECONDITION_FAILED)


def test_delete(peer: StreamPeer, node: Node) -> None:
    peer.create("s")
    assert peer.ask(DELETE, string("s")) == ok(DELETE)
    assert node.vhost.queues.find("s") is None
    assert peer.ask(DELETE, string("s")) == refused(DELETE, Code.STREAM_DOES_NOT_EXIST)


def test_create_and_delete_need_the_right_to_configure(node: Node, peer: StreamPeer) -> None:
    peer.create("s")
    node.add_user("reader", "^$", ".*", ".*")
    other = StreamPeer.open(node, "reader")
    denied = Code.ACCESS_REFUSED
    assert other.ask(CREATE, string("t"), string_map({})) == refused(CREATE, denied)
    assert other.ask(DELETE, string("s")) == refused(DELETE, denied)


def test_offsets_are_stored_and_found(peer: StreamPeer) -> None:
    peer.create("s")
    key = CommandKey.QUERY_OFFSET
    none = refused(key, Code.NO_OFFSET, U64.pack(0))
    assert peer.ask(key, string("me"), string("s")) == none
    peer.send(CommandKey.STORE_OFFSET, string("me"), string("s"), U64.pack(41))
    peer.send(CommandKey.STORE_OFFSET, string("me"), string("none"), U64.pack(1))
    peer.send(CommandKey.STORE_OFFSET, string(""), string("s"), U64.pack(1))
    peer.send(CommandKey.STORE_OFFSET, string("x" * 256), string("s"), U64.pack(1))
    assert peer.receive() == []
    assert peer.ask(key, string("me"), string("s")) == ok(key, U64.pack(41))
    missing = refused(key, Code.STREAM_DOES_NOT_EXIST, U64.pack(0))
    assert peer.ask(key, string("me"), string("none")) == missing


def test_an_offset_is_not_stored_without_the_right_to_read(peer: StreamPeer, node: Node) -> None:
    peer.create("s")
    node.add_user("writer", "^$", ".*", "^$")
    other = StreamPeer.open(node, "writer")
    other.send(CommandKey.STORE_OFFSET, string("me"), string("s"), U64.pack(41))
    assert other.receive() == []
    key = CommandKey.QUERY_OFFSET
    answer = peer.ask(key, string("me"), string("s"))
    assert answer == refused(key, Code.NO_OFFSET, U64.pack(0))


def figures(first: int, last: int) -> bytes:
    values = {"first_chunk_id": first, "committed_chunk_id": last, "last_chunk_id": last}
    return I32.pack(3) + b"".join(string(key) + I64.pack(value) for key, value in values.items())


def test_figures_of_a_stream(peer: StreamPeer) -> None:
    peer.create("s")
    key = CommandKey.STREAM_STATS
    assert peer.ask(key, string("s")) == ok(key, figures(-1, -1))
    peer.declare_publisher("s")
    peer.publish(1, (0, b"a"), (1, b"b"))
    peer.publish(1, (2, b"c"))
    peer.receive()
    assert peer.ask(key, string("s")) == ok(key, figures(0, 2))
    assert peer.ask(key, string("no")) == refused(key, Code.STREAM_DOES_NOT_EXIST)


def test_an_offset_specification_is_resolved(peer: StreamPeer) -> None:
    peer.create("s")
    peer.declare_publisher("s")
    peer.publish(1, (0, b"a"))
    peer.publish(1, (0, b"b"))
    peer.receive()
    key = CommandKey.RESOLVE_OFFSET_SPEC
    for spec, offset in ((1, 0), (2, 1), (3, 2)):
        answer = peer.ask(key, string("s"), U16.pack(spec), string_map({}))
        assert answer == ok(key, U16.pack(4) + U64.pack(offset))
