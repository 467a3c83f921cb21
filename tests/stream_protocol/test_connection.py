"""A connection of the stream protocol: handshake, requests, and its ends."""

import pytest

from amqp_server.stream_protocol.fields import I32, U8, U16, U32, string, string_map
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from amqp_server.stream_protocol.transitions import State
from tests.support.peer import Node
from tests.support.stream_peer import (
    CORRELATION_ID,
    Answer,
    StreamPeer,
    ok,
)

PLAIN = [string("PLAIN"), I32.pack(12), b"\0guest\0guest"]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    return StreamPeer.open(node)


@pytest.mark.parametrize("key", [CommandKey.OPEN, CommandKey.SASL_HANDSHAKE, CommandKey.CREATE, 99])
def test_a_command_out_of_step_closes_the_socket(node: Node, key: int) -> None:
    peer = StreamPeer(node)
    peer.request(key, string_map({}))
    assert peer.receive() == []
    assert peer.connection.life.is_closed


def test_the_handshake_has_a_time_limit_for_each_step(node: Node) -> None:
    peer = StreamPeer(node)
    assert peer.connection.next_deadline_ms() == node.now_ms + 10_000
    node.now_ms += 9_000
    peer.request(CommandKey.PEER_PROPERTIES, string_map({}))
    assert peer.connection.next_deadline_ms() == node.now_ms + 10_000
    peer.connection.on_deadline(node.now_ms + 10_000)
    assert peer.connection.life.is_closed


def test_input_may_be_cut_anywhere(node: Node) -> None:
    peer = StreamPeer(node)
    body = U32.pack(CORRELATION_ID) + string_map({"a": "b"})
    for octet in frame(CommandKey.PEER_PROPERTIES, body):
        peer.send_bytes(bytes([octet]))
    assert len(peer.receive()) == 1


@pytest.mark.parametrize(
    "octets",
    [
        frame(0x77, b""),
        frame(CommandKey.CREATE, b""),
        frame(CommandKey.CREATE, U32.pack(1) + b"\xff"),
        frame(CommandKey.CREATE, U32.pack(1) + string("s") + I32.pack(1 << 30)),
        frame(CommandKey.CREATE, U32.pack(1) + string("s") + string_map({}) + b"more"),
        frame(CommandKey.CREATE, U32.pack(1) + string("s") + string_map({}), version=2),
        frame(CommandKey.PUBLISH, b"\0"),
        frame(CommandKey.PUBLISH, b"\0\0\0\0\1" + bytes(8)),
        frame(CommandKey.PUBLISH, b"\0\x7f\xff\xff\xff"),
        frame(CommandKey.DELIVER, b""),
        frame(CommandKey.CREDIT, b"\1"),
        b"\0\0\0\1\0",
    ],
)
def test_a_frame_that_is_no_command_ends_the_connection_with_its_code(
    peer: StreamPeer, octets: bytes
) -> None:
    peer.send_bytes(octets)
    body = U32.pack(0) + U16.pack(Code.UNKNOWN_FRAME) + string("unknown frame")
    assert peer.receive() == [Answer(CommandKey.CLOSE, body)]
    assert peer.connection.life.state is State.AWAIT_CLOSE
    peer.send(CommandKey.CLOSE | RESPONSE, U32.pack(0), U16.pack(Code.OK))
    assert peer.connection.life.is_closed


def test_a_frame_that_is_too_large_is_refused_by_its_size(peer: StreamPeer) -> None:
    peer.send_bytes(U32.pack((1 << 20) + 1))
    body = U32.pack(0) + U16.pack(Code.FRAME_TOO_LARGE) + string("frame too large")
    assert peer.receive() == [Answer(CommandKey.CLOSE, body)]
    peer.connection.on_deadline(peer.node.now_ms + 10_000)
    assert peer.connection.life.is_closed


def test_before_open_a_frame_is_at_most_8_kib(node: Node) -> None:
    peer = StreamPeer(node)
    peer.send_bytes(U32.pack(8_193))
    assert peer.receive() == []
    assert peer.connection.life.is_closed


def test_close_is_answered_and_ends_everything(peer: StreamPeer) -> None:
    answer = peer.ask(CommandKey.CLOSE, U16.pack(1), string("bye"))
    assert answer == ok(CommandKey.CLOSE)
    assert peer.connection.life.is_closed
    assert list(peer.node.broker.connections()) == []
    peer.connection.lose(peer.node.now_ms)


def test_the_broker_closes_without_a_word(peer: StreamPeer) -> None:
    peer.connection.shut_down("node stops", peer.node.now_ms)
    assert (peer.receive(), peer.connection.life.is_closed) == ([], True)
    assert list(peer.node.broker.connections()) == []


def test_heartbeats_go_both_ways(node: Node) -> None:
    peer = StreamPeer(node)
    peer.log_in()
    peer.send(CommandKey.TUNE, U32.pack(0), U32.pack(10))
    peer.request(CommandKey.OPEN, string("/"))
    peer.receive()
    node.now_ms += 5_000
    peer.connection.on_deadline(node.now_ms)
    assert peer.receive() == [Answer(CommandKey.HEARTBEAT, b"")]
    peer.send(CommandKey.HEARTBEAT)
    node.now_ms += 20_000
    peer.connection.on_deadline(node.now_ms)
    assert peer.connection.life.is_closed


def test_an_end_of_stream_ends_it(peer: StreamPeer) -> None:
    peer.connection.receive_eof(peer.node.now_ms)
    assert peer.connection.life.is_closed
    assert list(peer.node.broker.connections()) == []


def test_a_bug_of_ours_is_one_connections_error(
    peer: StreamPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(peer.connection._commands, "on_frame", broken)
    peer.send(CommandKey.CREDIT, U8.pack(1), U16.pack(1))
    (answer,) = peer.receive()
    assert answer.body[4:6] == U16.pack(Code.INTERNAL_ERROR)
