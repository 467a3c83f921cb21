"""Messages that never end: their memory is counted for the connection, and bounded."""

from pamqp import commands

from amqp_server.broker.settings import BrokerSettings
from amqp_server.protocol.settings import MIB, ProtocolSettings
from tests.support.frames import BODY, HEADER, METHOD, content_header, frame, publish_payload
from tests.support.peer import Client, Node

LIMITED = ProtocolSettings(assembling_bytes_max=MIB, max_message_size_bytes=MIB)
HALF = 600_000


def half_a_message(peer: Client, channel: int) -> None:
    """Send the first half of a message of 1.2 MB, so to say."""
    peer.send_bytes(
        frame(METHOD, channel, publish_payload())
        + frame(HEADER, channel, content_header(HALF + 1))
        + b"".join(frame(BODY, channel, bytes(100_000)) for _ in range(HALF // 100_000))
    )


def test_unfinished_messages_are_bounded_over_all_channels() -> None:
    peer = Node(LIMITED).open()
    peer.open_channel(2)
    half_a_message(peer, 1)
    assert peer.closes() == []
    half_a_message(peer, 2)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 506)
    assert close.text.startswith("RESOURCE_ERROR - unfinished messages hold more than")


def test_finished_messages_count_no_more() -> None:
    peer = Node(LIMITED).open()
    for _ in range(4):
        half_a_message(peer, 1)
        peer.send_bytes(frame(BODY, 1, b"x"))
    assert peer.closes() == []


def test_messages_that_a_channel_took_along_count_no_more() -> None:
    node = Node(LIMITED, BrokerSettings(consumer_timeout_ms=1_000, consumer_tick_ms=100))
    peer = node.open()
    peer.declare()
    peer.publish(b"unacked")
    for _ in range(4):
        peer.send(commands.Basic.Get, queue="jobs")
        half_a_message(peer, 1)
        node.advance(2_000)
        assert peer.closed().code == 406
        peer.send(commands.Channel.CloseOk)
        peer.open_channel(1)
    half_a_message(peer, 1)
    assert peer.closes() == []
