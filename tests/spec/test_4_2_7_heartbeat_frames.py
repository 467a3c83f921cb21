"""AMQP 0-9-1 §4.2.7: heartbeat frames."""

import pytest

from tests.support.frames import HEARTBEAT, frame
from tests.support.peer import Client, Node, Received

BEAT = frame(HEARTBEAT, 0, b"")


@pytest.fixture
def peer() -> Client:
    client = Node().connect()
    client.shake_hands(heartbeat=2)
    return client


def test_a_heartbeat_is_an_empty_frame_of_type_8_on_channel_0(peer: Client) -> None:
    peer.node.advance(1_000)
    assert peer.read_bytes() == BEAT == b"\x08\x00\x00\x00\x00\x00\x00\xce"


def test_a_heartbeat_on_another_channel_is_a_connection_error(peer: Client) -> None:
    """The channel number MUST be zero."""
    peer.send_bytes(frame(HEARTBEAT, 1, b""))
    close = peer.closed()
    assert (close.channel, close.code) == (0, 505)


def test_any_octet_stands_for_a_heartbeat(peer: Client) -> None:
    """Any sent octet is a valid substitute for a heartbeat."""
    for _ in range(5):
        peer.node.advance(3_999)
        peer.send_bytes(BEAT)
    assert not peer.is_closed()


def test_a_peer_without_a_sign_of_life_for_two_intervals_is_closed_without_a_close(
    peer: Client,
) -> None:
    """If a peer detects no incoming traffic for two heartbeat intervals or longer, it should
    close the connection without following the connection.close/close-ok handshaking."""
    peer.node.advance(4_000)
    assert peer.is_closed()
    assert set(peer.receive()) == {Received(0, None)}
