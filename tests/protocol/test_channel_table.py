"""Channels by number: opening, closing from both sides, what is discarded, what a number costs."""

import pytest
from pamqp import commands

from amqp_server.broker.settings import BrokerSettings
from amqp_server.protocol.settings import MIB, ProtocolSettings
from tests.support.frames import (
    BODY,
    HEADER,
    METHOD,
    ack_frame,
    content_frames,
    content_header,
    frame,
    method_payload,
    publish_payload,
)
from tests.support.peer import Client, Node


@pytest.fixture
def peer() -> Client:
    return Node().open()


def soft_error(peer: Client, channel: int = 1) -> None:
    """Make the broker close a channel."""
    peer.send(commands.Queue.Declare, channel, queue="nobody's", passive=True)
    assert peer.closed().channel == channel


def test_a_soft_error_leaves_the_other_channels_alone(peer: Client) -> None:
    peer.open_channel(2)
    soft_error(peer, 2)
    peer.declare("mine", 1)
    assert peer.works()


@pytest.mark.parametrize(
    "data",
    [
        frame(METHOD, 1, publish_payload()) + content_frames(1, b"x"),
        frame(METHOD, 1, publish_payload()) + content_frames(1, b"xyz", piece_bytes=1),
        ack_frame(1, 99),
        frame(METHOD, 1, method_payload(commands.Queue.Declare, queue="late")),
        frame(METHOD, 1, method_payload(commands.Channel.Open)),
        frame(BODY, 1, b"body without an end"),
        frame(HEADER, 1, b""),
        frame(METHOD, 1, b"\x00\x63\x00\x63"),
    ],
    ids=["publish", "pieces", "ack", "declare", "open", "body", "header", "unknown method"],
)
def test_everything_is_discarded_between_a_close_and_its_answer(peer: Client, data: bytes) -> None:
    soft_error(peer)
    peer.send_bytes(data * 3)
    assert peer.receive() == []
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    peer.send(commands.Queue.Declare, queue="late", passive=True)
    assert peer.closed().code == 404


def test_closes_that_cross_are_both_answered(peer: Client) -> None:
    soft_error(peer)
    peer.send(commands.Channel.Close)
    assert [method.name for method in peer.methods()] == ["Channel.CloseOk"]
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)


def test_a_number_is_free_again_once_the_close_was_answered(peer: Client) -> None:
    for _ in range(20):
        peer.send(commands.Channel.Close)
        peer.expect(commands.Channel.CloseOk)
        peer.open_channel(1)
    assert peer.connection.session.channels_open == 1


def test_a_close_and_an_open_may_come_in_one_read(peer: Client) -> None:
    """Row 47: no wait for close-ok is needed by a client that closes itself."""
    close = frame(METHOD, 1, method_payload(commands.Channel.Close))
    reopen = frame(METHOD, 1, method_payload(commands.Channel.Open))
    peer.send_bytes((close + reopen) * 50)
    names = [method.name for method in peer.methods()]
    assert names == ["Channel.CloseOk", "Channel.OpenOk"] * 50


def test_a_number_starts_from_nothing(peer: Client) -> None:
    peer.declare()
    peer.publish(b"a")
    peer.send(commands.Confirm.Select)
    peer.send(commands.Basic.Qos, prefetch_count=1)
    peer.send(commands.Channel.Close)
    peer.open_channel(1)
    peer.consume()
    (delivery,) = [one.method for one in peer.receive() if one.body]
    assert isinstance(delivery, commands.Basic.Deliver)
    assert delivery.delivery_tag == 1
    peer.publish(b"b")
    assert peer.bodies() == [b"b"]


def test_any_number_up_to_the_limit_will_do() -> None:
    peer = Node(ProtocolSettings(channel_max=3)).open()
    peer.open_channel(65_535)
    peer.open_channel(2)
    peer.send(commands.Channel.Open, 3)
    close = peer.closed()
    assert (close.channel, close.code) == (0, 530)
    assert close.text == (
        "NOT_ALLOWED - number of channels opened (3) has reached the negotiated channel_max (3)"
    )


def test_a_channel_we_closed_counts_until_its_close_is_answered() -> None:
    peer = Node(ProtocolSettings(channel_max=1)).open()
    soft_error(peer)
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    soft_error(peer)
    peer.send(commands.Channel.Open, 2)
    assert peer.closed().code == 530


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
    """Row 24."""
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


def test_content_of_two_channels_may_be_interleaved(peer: Client) -> None:
    peer.declare()
    peer.open_channel(2)
    starts = [frame(METHOD, number, publish_payload()) for number in (1, 2)]
    headers = [frame(HEADER, number, content_header(2)) for number in (1, 2)]
    bodies = [
        frame(BODY, number, body) for number, body in [(1, b"a"), (2, b"c"), (2, b"d"), (1, b"b")]
    ]
    peer.send_bytes(b"".join([*starts, *headers, *bodies]))
    assert [peer.get(), peer.get(), peer.get()] == [b"cd", b"ab", None]


def test_a_method_between_the_frames_of_a_message_is_unexpected(peer: Client) -> None:
    peer.send_bytes(frame(METHOD, 1, publish_payload()) + frame(HEADER, 1, content_header(2)))
    peer.send(commands.Basic.Qos)
    close = peer.closed()
    assert (close.channel, close.code, close.method) == (0, 505, (60, 40))


def test_an_unfinished_message_is_in_no_queue(peer: Client) -> None:
    """Row 25."""
    peer.declare()
    peer.send_bytes(
        frame(METHOD, 1, publish_payload())
        + frame(HEADER, 1, content_header(2))
        + frame(BODY, 1, b"x")
    )
    peer.connection.receive_eof(peer.node.now_ms)
    other = peer.node.open()
    assert other.get() is None
