"""Which request is answered by what."""

import pytest

from amqp_server.stream_protocol.dispatch import handlers
from amqp_server.stream_protocol.fields import I32, U16
from amqp_server.stream_protocol.keys import VERSIONS, CommandKey
from tests.support.peer import Node
from tests.support.stream_peer import StreamPeer, ok


@pytest.fixture
def node() -> Node:
    return Node()


@pytest.fixture
def peer(node: Node) -> StreamPeer:
    return StreamPeer.open(node)


def test_versions_are_told_in_the_order_of_keys(peer: StreamPeer) -> None:
    entries = [U16.pack(key) + U16.pack(low) + U16.pack(high) for key, low, high in VERSIONS]
    answer = peer.ask(CommandKey.EXCHANGE_COMMAND_VERSIONS, I32.pack(1) + b"\0\x08\0\1\0\2")
    assert answer == ok(
        CommandKey.EXCHANGE_COMMAND_VERSIONS, I32.pack(len(entries)) + b"".join(entries)
    )
    assert entries[:2] == [b"\0\1\0\1\0\1", b"\0\2\0\1\0\2"]
    assert peer.connection.session.deliver_version == 2


def test_every_command_of_clients_has_its_place(peer: StreamPeer) -> None:
    commands = peer.connection._commands
    answered = handlers(
        peer.connection.session, commands._publishers, commands._subscriptions
    ).keys()
    of_server = {"PUBLISH_CONFIRM", "PUBLISH_ERROR", "DELIVER", "METADATA_UPDATE"}
    of_handshake = {"PEER_PROPERTIES", "SASL_HANDSHAKE", "TUNE", "OPEN"}
    elsewhere = {"PUBLISH", "CREDIT", "STORE_OFFSET", "CLOSE", "HEARTBEAT", "CONSUMER_UPDATE"}
    named = {key.name for key in CommandKey if key not in answered}
    assert named == of_server | of_handshake | elsewhere
