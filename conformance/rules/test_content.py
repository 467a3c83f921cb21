"""Content frames: their order, their sizes, and messages that are cut off (§1.2)."""

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Connection
from conformance.peer import Peer
from conformance.wire import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_METHOD,
    content_header,
    encode_method,
)


def _send(connection: Connection, *frames: tuple[int, bytes]) -> None:
    for kind, payload in frames:
        connection.send_frame(kind, 1, payload)


PUBLISH = encode_method(commands.Basic.Publish)


QOS = encode_method(commands.Basic.Qos)


UNEXPECTED: dict[str, Case[list[tuple[int, bytes]]]] = {
    "header-instead-of-method": Case(
        [(FRAME_HEADER, content_header(0))],
        Close(505, "expected method frame, got non method frame instead", "connection", (0, 0)),
    ),
    "body-instead-of-method": Case(
        [(FRAME_BODY, b"x")],
        Close(505, "expected method frame, got non method frame instead", "connection", (0, 0)),
    ),
    "method-instead-of-header": Case(
        [(FRAME_METHOD, PUBLISH), (FRAME_METHOD, QOS)],
        Close(
            505,
            "expected content header for class 60, got non content header frame instead",
            "connection",
            (60, 40),
        ),
    ),
    "body-instead-of-header": Case(
        [(FRAME_METHOD, PUBLISH), (FRAME_BODY, b"x")],
        Close(
            505,
            "expected content header for class 60, got non content header frame instead",
            "connection",
            (60, 40),
        ),
    ),
    "header-of-another-class": Case(
        [(FRAME_METHOD, PUBLISH), (FRAME_HEADER, content_header(0, class_id=50))],
        Close(
            505,
            "expected content header for class 60, got one for class 50 instead",
            "connection",
            (60, 40),
        ),
    ),
    "method-instead-of-body": Case(
        [(FRAME_METHOD, PUBLISH), (FRAME_HEADER, content_header(1)), (FRAME_METHOD, QOS)],
        Close(
            505,
            "expected content body, got non content body frame instead",
            "connection",
            (60, 40),
        ),
    ),
    "second-header": Case(
        [
            (FRAME_METHOD, PUBLISH),
            (FRAME_HEADER, content_header(1)),
            (FRAME_HEADER, content_header(1)),
        ],
        Close(
            505,
            "expected content body, got non content body frame instead",
            "connection",
            (60, 40),
        ),
    ),
}


@cases("content.", UNEXPECTED, ref="1.2-content-assembly")
def content_out_of_order_closes(peer: Peer, frames: list[tuple[int, bytes]]) -> None:
    channel = peer.channel()
    _send(channel.connection, *frames)
    peer.expect_closed(channel.connection, 1)


NOT_NOTICED = Differs(
    "3.10 does not compare sizes: it waits for the rest of the content", "silence"
)


def _oversized(frames: list[tuple[int, bytes]], text: str) -> Case[list[tuple[int, bytes]]]:
    return Case(frames, Close(501, text, "connection", (60, 40)), rabbitmq_310=NOT_NOTICED)


TOO_LONG = {
    "body-too-long": _oversized(
        [(FRAME_METHOD, PUBLISH), (FRAME_HEADER, content_header(2)), (FRAME_BODY, b"xxx")],
        "content body frame exceeds remaining content size",
    ),
    "body-size-above-maximum": _oversized(
        [(FRAME_METHOD, PUBLISH), (FRAME_HEADER, content_header(2**29 + 1))],
        "content body size 536870913 exceeds maximum allowed size 536870912",
    ),
    "body-size-2^64-1": _oversized(
        [(FRAME_METHOD, PUBLISH), (FRAME_HEADER, content_header(2**64 - 1))],
        "content body size 18446744073709551615 exceeds maximum allowed size 536870912",
    ),
}


@cases("content.", TOO_LONG, ref="1.2-content-assembly")
def content_beyond_its_size_closes(peer: Peer, frames: list[tuple[int, bytes]]) -> None:
    channel = peer.channel()
    _send(channel.connection, *frames)
    if peer.expected == "silence":
        channel.connection.channel(2)
    else:
        peer.expect_closed(channel.connection, 1)


BODIES: dict[str, Case[tuple[int, tuple[bytes, ...]]]] = {
    "no-frame": Case((0, ()), b""),
    "empty-frames": Case((2, (b"", b"x", b"", b"y")), b"xy"),
    "one-byte-frames": Case((300, tuple(b"z" for _ in range(300))), b"z" * 300),
}


@cases("content.body.", BODIES, ref="1.2-zero-length")
def a_body_may_come_in_any_pieces(peer: Peer, given: tuple[int, tuple[bytes, ...]]) -> None:
    body_size, pieces = given
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.send(commands.Basic.Publish, routing_key=queue)
    channel.connection.send_frame(FRAME_HEADER, 1, content_header(body_size))
    for piece in pieces:
        channel.connection.send_frame(FRAME_BODY, 1, piece)
    event = channel.get_one(queue)
    assert event.body == peer.expected


@check(
    "content.body.empty-frame-after-empty-body",
    ref="1.2-zero-length",
    expect=Close(505, "expected method frame, got non method frame instead", "connection", (0, 0)),
)
def a_body_frame_after_an_empty_body_is_unexpected(peer: Peer) -> None:
    channel = peer.channel()
    frames = [(FRAME_METHOD, PUBLISH), (FRAME_HEADER, content_header(0)), (FRAME_BODY, b"")]
    _send(channel.connection, *frames)
    peer.expect_closed(channel.connection, 1)


@check("content.interleaved-channels", ref="1.2-content-assembly")
def contents_of_two_channels_may_interleave(peer: Peer) -> None:
    connection = peer.connection()
    channels = [connection.channel(1), connection.channel(2)]
    queue = peer.queue(channels[0])
    for channel in channels:
        channel.send(commands.Basic.Publish, routing_key=queue)
    for channel in channels:
        connection.send_frame(FRAME_HEADER, channel.number, content_header(2))
    for piece in (b"a", b"b"):
        for channel in channels:
            connection.send_frame(FRAME_BODY, channel.number, piece)
    for channel in channels:
        channel.sync()
    channels[0].settle(queue)
    assert [event.body for event in channels[0].drain(queue)] == [b"ab", b"ab"]


@check("content.other-channel-works-meanwhile", ref="1.2-content-assembly")
def an_unfinished_content_holds_up_no_other_channel(peer: Peer) -> None:
    connection = peer.connection()
    first, second = connection.channel(1), connection.channel(2)
    first.send(commands.Basic.Publish)
    connection.send_frame(FRAME_HEADER, 1, content_header(100))
    second.sync()


@check("content.cut-by-disconnect", ref="1.2-content-assembly")
def a_message_cut_off_by_a_disconnect_is_in_no_queue(peer: Peer) -> None:
    publisher, observer = peer.channel(), peer.channel()
    queue = peer.queue(observer)
    publisher.send(commands.Basic.Publish, routing_key=queue)
    publisher.connection.send_frame(FRAME_HEADER, 1, content_header(100))
    publisher.connection.send_frame(FRAME_BODY, 1, b"half")
    publisher.connection.close()
    observer.await_count(queue, 0)


@check("hostile.idle-contents", ref="1.2-content-assembly")
def contents_that_never_end_go_with_their_connection(peer: Peer) -> None:
    connection = peer.connection()
    for number in range(1, 101):
        connection.channel(number).send(commands.Basic.Publish)
        connection.send_frame(FRAME_HEADER, number, content_header(2**20))
        connection.send_frame(FRAME_BODY, number, b"x" * 1000)
    connection.close()
    peer.channel().sync()
