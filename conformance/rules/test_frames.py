"""Frames and hostile bytes (§1.2; the expected reactions to hostile input)."""

import contextlib
import struct

from pamqp import commands

from conformance import fields
from conformance.check import Case, Close, cases, check
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
    channel.connection.send_frame(FRAME_METHOD, 1, encode_method(commands.Basic.Qos) + b"xxx")
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
