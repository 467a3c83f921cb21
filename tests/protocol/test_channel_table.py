"""Channels by number: how they open, what is discarded, and content in pieces."""

import pytest
from pamqp import commands

from amqp_server.protocol.settings import ProtocolSettings
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
    peer.soft_error()
    peer.send_bytes(data * 3)
    assert peer.receive() == []
    peer.send(commands.Channel.CloseOk)
    peer.open_channel(1)
    peer.send(commands.Queue.Declare, queue="late", passive=True)
    assert peer.closed().code == 404


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
    peer.declare()
    peer.send_bytes(
        frame(METHOD, 1, publish_payload())
        + frame(HEADER, 1, content_header(2))
        + frame(BODY, 1, b"x")
    )
    peer.connection.receive_eof(peer.node.now_ms)
    other = peer.node.open()
    assert other.get() is None


def test_the_size_of_each_message_counts_once_however_it_came() -> None:
    node = Node(ProtocolSettings(max_message_size_bytes=300))
    peer, sizes = node.open(), node.broker.message_sizes
    peer.declare("jobs")
    method = frame(METHOD, 1, publish_payload("", "jobs"))
    peer.send_bytes(method + content_frames(1, b"x" * 10))
    peer.send_bytes(method + content_frames(1, b"x" * 200, piece_bytes=50))
    for octet in method + content_frames(1, b"x" * 20):
        peer.send_bytes(bytes((octet,)))
    assert (sizes.counts[:2], sizes.total_bytes) == ((2, 1), 230)
    peer.send_bytes(method + content_frames(1, b"x" * 301, piece_bytes=100))
    assert peer.closed().code == 406
    assert sizes.total_bytes == 230, "as in RabbitMQ, a message over the limit is not counted"
