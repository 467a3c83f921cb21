"""Frames, content assembly and hostile bytes (§1.2; the expected reactions to hostile input)."""

import contextlib
import struct

from pamqp import commands

from conformance import fields
from conformance.check import Case, Close, Differs, cases, check
from conformance.client import Connection
from conformance.events import ClosedByPeerError, ConnectionLostError
from conformance.peer import Peer
from conformance.wire import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    content_header,
    encode_method,
)

FRAME_MAX_BYTES = 4096


@check(
    "frame.end.wrong",
    ref="1.2-frame-types",
    expect=Close(
        501,
        "type 1, all octets = <<0,60,0,10,0,0,0,0,0,0,0>>: {invalid_frame_end_marker,0}",
        "connection",
        (0, 0),
    ),
)
def a_wrong_frame_end_is_a_frame_error(peer: Peer) -> None:
    channel = peer.channel()
    method = encode_method(commands.Basic.Qos)
    channel.connection.send_frame(FRAME_METHOD, 1, method, end=0)
    peer.expect_closed(channel.connection, 0, ends=False)


SIZES = {
    "exact": Case(0, "accepted"),
    "1-above": Case(1, "accepted"),
    "8-above": Case(8, "accepted"),
}


@cases("frame.size.", SIZES, ref="1.1-frame-tolerance", ninth=20)
def a_frame_up_to_8_bytes_above_the_limit_is_accepted(peer: Peer, above_bytes: int) -> None:
    channel = peer.channel(frame_max=FRAME_MAX_BYTES)
    queue = peer.queue(channel)
    body = b"x" * (FRAME_MAX_BYTES - 8 + above_bytes)
    channel.send(commands.Basic.Publish, routing_key=queue)
    channel.connection.send_frame(FRAME_HEADER, 1, content_header(len(body)))
    channel.connection.send_frame(FRAME_BODY, 1, body)
    event = channel.get_one(queue)
    assert event.body == body


@check(
    "frame.size.9-above",
    ref="1.1-frame-tolerance",
    ninth=20,
    expect=Close(
        501,
        "type 3, all octets = <<>>: {frame_too_large,4097,4088}",
        "connection",
        (0, 0),
    ),
)
def a_frame_9_bytes_above_the_limit_is_refused_from_its_header_alone(peer: Peer) -> None:
    connection = peer.connection(frame_max=FRAME_MAX_BYTES)
    connection.send_bytes(struct.pack(">BHI", FRAME_BODY, 1, FRAME_MAX_BYTES - 8 + 9))
    peer.expect_closed(connection, 0, ends=False)


@check(
    "frame.size.4-GiB",
    ref="1.1-frame-tolerance",
    ninth=20,
    expect=Close(
        501,
        "type 1, all octets = <<>>: {frame_too_large,4294967295,131064}",
        "connection",
        (0, 0),
    ),
)
def a_frame_of_4_gib_is_refused_from_its_header_alone(peer: Peer) -> None:
    connection = peer.connection()
    connection.send_bytes(struct.pack(">BHI", FRAME_METHOD, 0, 2**32 - 1))
    peer.expect_closed(connection, 0, ends=False)


FRAME_TYPES: dict[str, Case[int]] = {
    f"type-{kind}": Case(
        kind, Close(501, f"type {kind}, all octets = <<>>: unknown_frame", "connection", (0, 0))
    )
    for kind in (0, 4, 9, 255)
}


@cases("frame.unknown.", FRAME_TYPES, ref="1.2-frame-types")
def a_frame_of_an_unknown_type_is_refused(peer: Peer, kind: int) -> None:
    channel = peer.channel()
    channel.connection.send_frame(kind, 1, b"")
    peer.expect_closed(channel.connection, 0)


@check(
    "frame.method.empty",
    ref="1.2-frame-types",
    expect=Close(501, "type 1, all octets = <<>>: unknown_frame", "connection", (0, 0)),
)
def an_empty_method_frame_is_refused(peer: Peer) -> None:
    channel = peer.channel()
    channel.connection.send_frame(FRAME_METHOD, 1, b"")
    peer.expect_closed(channel.connection, 0)


@check("frame.heartbeat", ref="1.1-heartbeats")
def a_heartbeat_is_taken_in_silence(peer: Peer) -> None:
    channel = peer.channel()
    channel.connection.send_frame(FRAME_HEARTBEAT, 0, b"")
    channel.sync()


@check(
    "frame.heartbeat.on-channel",
    ref="1.1-heartbeats",
    expect=Close(505, "type 8, all octets = <<>>", "connection", (0, 0)),
)
def a_heartbeat_on_a_channel_closes_the_connection(peer: Peer) -> None:
    channel = peer.channel()
    channel.connection.send_frame(FRAME_HEARTBEAT, 1, b"")
    peer.expect_closed(channel.connection, 0)


@check("frame.heartbeat.sent", ref="1.1-heartbeats")
def the_server_beats_at_half_the_agreed_interval(peer: Peer) -> None:
    connection = peer.connection(heartbeat=1)
    frame = connection.read_frame(1.5)
    assert frame is not None, "the broker ended the connection"
    assert (frame.kind, frame.channel, frame.payload) == (FRAME_HEARTBEAT, 0, b""), frame


@check("frame.heartbeat.missed", ref="1.1-heartbeats")
def a_peer_that_is_silent_for_two_intervals_is_dropped(peer: Peer) -> None:
    connection = peer.connection(heartbeat=1)
    said = connection.expect_end(4.5)
    assert all(frame.kind == FRAME_HEARTBEAT for frame in said), said


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


def _declare_with(raw_arguments: bytes) -> bytes:
    return encode_method(
        commands.Queue.Declare, queue="conformance.hostile", exclusive=True, arguments=raw_arguments
    )


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = fields.elements({"k": fields.Typed("F", inner)})
    return inner


CLIPPED = "the connection's end"
HOSTILE_METHODS = {
    "unknown-class": Case(b"\x00\x63\x00\x0a", CLIPPED),
    "unknown-method": Case(b"\x00\x3c\x00\x63", CLIPPED),
    "half-an-id": Case(b"\x00\x3c", CLIPPED),
    "truncated": Case(encode_method(commands.Queue.Declare, queue="conformance.cut")[:-3], CLIPPED),
    "array-beyond-table": Case(_declare_with(b"\x01kA\x00\x00\xff\xff"), CLIPPED),
    "table-beyond-frame": Case(
        struct.pack(">I", commands.Queue.Declare.index) + b"\0\0\0\0" + b"\xff\xff\xff\xff", CLIPPED
    ),
    "longstr-beyond-table": Case(_declare_with(b"\x01kS\xff\xff\xff\xff"), CLIPPED),
    "unknown-field-type": Case(_declare_with(b"\x01k?\x00"), CLIPPED),
    "key-without-value": Case(_declare_with(b"\x01k"), CLIPPED),
}


@cases("hostile.method.", HOSTILE_METHODS, ref="1.2-table-types")
def a_method_that_cannot_be_decoded_closes_the_connection(peer: Peer, method: bytes) -> None:
    channel = peer.channel()
    channel.connection.send_frame(FRAME_METHOD, 1, method)
    try:
        closed = channel.connection.await_close(1)
    except ConnectionLostError:
        # Bytes that crash RabbitMQ's decoder end the connection without a close.
        assert not peer.is_haremq, "the connection ended without a word"
    else:
        assert closed.scope == "connection", closed
        assert closed.code in {501, 502, 503, 540, 541}, closed
    peer.channel().sync()


@check(
    "hostile.method.trailing-bytes",
    ref="1.2-table-types",
    expect=Close(501, "cannot decode <<0,0,0,0,0,0,0,120,120,120>>", "connection", (60, 10)),
)
def bytes_behind_the_last_argument_are_refused(peer: Peer) -> None:
    channel = peer.channel()
    channel.connection.send_frame(FRAME_METHOD, 1, QOS + b"xxx")
    peer.expect_closed(channel.connection, 1)


HOSTILE_HEADERS = {
    "empty": Case(b"", CLIPPED),
    "flags-without-end": Case(content_header(0, b"\xff\xff" * 50), CLIPPED),
    "property-cut-off": Case(content_header(0, b"\x80\x00\x20abc"), CLIPPED),
    "headers-beyond-frame": Case(content_header(0, b"\x20\x00\xff\xff\xff\xff"), CLIPPED),
}


@cases("hostile.header.", HOSTILE_HEADERS, ref="1.2-table-types")
def a_content_header_that_cannot_be_decoded_disturbs_nobody_else(peer: Peer, header: bytes) -> None:
    """RabbitMQ decodes properties late or never; another broker may refuse them at once."""
    channel = peer.channel()
    channel.send(commands.Basic.Publish)
    channel.connection.send_frame(FRAME_HEADER, 1, header)
    with contextlib.suppress(OSError):
        channel.send(commands.Basic.Qos)
    code = 0
    try:
        channel.next_event()
    except ClosedByPeerError as error:
        code = error.closed.code
    assert code in {0, 501, 502, 505, 541}, f"closed with {code}"
    peer.channel().sync()


@check("hostile.table.depth-10", ref="1.2-table-types")
def a_table_nested_ten_deep_is_accepted(peer: Peer) -> None:
    channel = peer.channel()
    queue = peer.queue(channel)
    channel.publish(b"m", routing_key=queue, headers=_nested(10))
    event = channel.get_one(queue)
    assert event.raw_properties == fields.properties(headers=_nested(10))


DEEP = {"1000": Case(1000, "survived"), "8000": Case(8000, "survived")}


@cases("hostile.table.depth-", DEEP, ref="1.2-table-types")
def a_table_nested_too_deep_disturbs_nobody_else(peer: Peer, depth: int) -> None:
    """RabbitMQ accepts them. A broker may refuse them, but only on that connection."""
    channel = peer.channel()
    channel.connection.send_frame(FRAME_METHOD, 1, _declare_with(_nested(depth)))
    other = peer.channel()
    other.declare(peer.name("alive"), exclusive=True)


@check("hostile.table.many-voids", ref="1.2-table-types")
def an_array_of_a_hundred_thousand_voids_disturbs_nobody_else(peer: Peer) -> None:
    """RabbitMQ passes them on. A broker may limit the elements, but only on that connection."""
    channel = peer.channel()
    queue = peer.queue(channel)
    voids = fields.Typed("A", [fields.Typed("V", None)] * 100_000)
    channel.publish(b"m", routing_key=queue, headers={"voids": voids})
    peer.channel().declare(queue, passive=True)


@check("hostile.idle-contents", ref="1.2-content-assembly")
def contents_that_never_end_go_with_their_connection(peer: Peer) -> None:
    connection = peer.connection()
    for number in range(1, 101):
        connection.channel(number).send(commands.Basic.Publish)
        connection.send_frame(FRAME_HEADER, number, content_header(2**20))
        connection.send_frame(FRAME_BODY, number, b"x" * 1000)
    connection.close()
    peer.channel().sync()


@check(
    "hostile.shortstr.not-utf-8",
    ref="1.2-shortstr-utf-8",
    expect=Close(
        501,
        "Malformed UTF-8 in shortstr",
        "connection",
        (0, 0),
    ),
)
def a_name_that_is_not_utf_8_is_refused(peer: Peer) -> None:
    channel = peer.channel()
    channel.send(commands.Queue.Declare, queue=b"\xff\xfe", exclusive=True)
    peer.expect_closed(channel.connection, 1)
