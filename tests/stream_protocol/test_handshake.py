"""The way in: properties, login, limits, vhost."""

import pytest

from amqp_server.stream_protocol.fields import I32, U32, string, string_map, strings
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import Answer, StreamPeer, ok, refused

PLAIN = [string("PLAIN"), I32.pack(12), b"\0guest\0guest"]


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    return StreamPeer.open(node)


def test_the_handshake(node: Node) -> None:
    peer = StreamPeer(node)
    properties = peer.ask(CommandKey.PEER_PROPERTIES, string_map({"connection_name": "me"}))
    assert properties.body.startswith(ok(0).body)
    assert b"RabbitMQ" in properties.body
    assert peer.ask(CommandKey.SASL_HANDSHAKE) == ok(
        CommandKey.SASL_HANDSHAKE, strings(["PLAIN", "AMQPLAIN"])
    )
    peer.request(CommandKey.SASL_AUTHENTICATE, *PLAIN)
    tune = Answer(CommandKey.TUNE, U32.pack(1 << 20) + U32.pack(60))
    assert peer.receive() == [ok(CommandKey.SASL_AUTHENTICATE), tune]
    peer.send(CommandKey.TUNE | RESPONSE, U32.pack(0), U32.pack(30))
    where = string_map({"advertised_host": "127.0.0.1", "advertised_port": "5552"})
    assert peer.ask(CommandKey.OPEN, string("/")) == ok(CommandKey.OPEN, where)
    assert (peer.connection.session.frame_max_bytes, peer.connection.session.heartbeat_s) == (
        1 << 20,
        30,
    )
    assert peer.connection.session.client_name == "me"
    assert [each.username for each in node.broker.connections()] == ["guest"]


def test_a_wrong_password_is_answered_late_and_then_the_socket_is_closed(node: Node) -> None:
    peer = StreamPeer(node)
    peer.request(CommandKey.PEER_PROPERTIES, string_map({}))
    peer.request(CommandKey.SASL_HANDSHAKE)
    peer.receive()
    peer.request(CommandKey.SASL_AUTHENTICATE, string("PLAIN"), I32.pack(4), b"\0a\0b")
    assert peer.receive() == []
    due_ms = peer.connection.next_deadline_ms()
    assert due_ms == node.now_ms + 3_000
    peer.connection.on_deadline(due_ms)
    key = CommandKey.SASL_AUTHENTICATE
    assert peer.receive() == [refused(key, Code.AUTHENTICATION_FAILURE)]
    assert peer.connection.life.is_closed


@pytest.mark.parametrize(
    ("mechanism", "response", "code"),
    [
        ("SCRAM", b"", Code.SASL_MECHANISM_NOT_SUPPORTED),
        ("PLAIN", b"nothing", Code.SASL_ERROR),
    ],
)
def test_a_login_that_cannot_be_read(
    node: Node, mechanism: str, response: bytes, code: Code
) -> None:
    peer = StreamPeer(node)
    peer.request(CommandKey.PEER_PROPERTIES, string_map({}))
    peer.request(CommandKey.SASL_HANDSHAKE)
    peer.receive()
    peer.request(CommandKey.SASL_AUTHENTICATE, string(mechanism), I32.pack(len(response)), response)
    peer.connection.on_deadline(node.now_ms + 3_000)
    assert peer.receive() == [refused(CommandKey.SASL_AUTHENTICATE, code)]


def test_a_vhost_that_is_not_there_ends_the_connection(node: Node) -> None:
    peer = StreamPeer(node)
    peer.log_in()
    peer.send(CommandKey.TUNE, U32.pack(0), U32.pack(0))
    peer.receive()
    assert peer.ask(CommandKey.OPEN, string("no")) == refused(
        CommandKey.OPEN, Code.VHOST_ACCESS_FAILURE
    )
    assert peer.connection.life.is_closed


def test_another_login_may_not_change_mechanism_or_user(peer: StreamPeer) -> None:
    key = CommandKey.SASL_AUTHENTICATE
    assert peer.ask(key, *PLAIN) == ok(key)
    other = peer.ask(key, string("EXTERNAL"), I32.pack(-1))
    assert other == refused(key, Code.SASL_CANNOT_CHANGE_MECHANISM)
    other = peer.ask(key, string("PLAIN"), I32.pack(4), b"\0a\0b")
    assert other == refused(key, Code.SASL_CANNOT_CHANGE_USERNAME)
