"""Renders records as frames: deliveries, get-ok and returns. It decodes no property.

A delivery is three frames (4.2.6). In the deliveries of one run only tag and body differ. So the
renderer builds the other octets once, and repeats them while route, header and body size stay the
same:

    | method frame head | deliver, consumer tag | delivery tag | redelivered, route | end
    | header frame head | header                                                    | end
    | body frame head   | body                                                      | end  ...

A large body is not copied between them. It leaves as a piece of its own, which is the memory it was
received into.

This is the interpreted twin and the specification: no policy, no state between calls.
"""

import struct
from collections.abc import Sequence
from typing import Final

from amqp_server.wire.constants import (
    BASIC_DELIVER,
    CLASS_BASIC,
    FRAME_BODY,
    FRAME_END,
    FRAME_END_OCTET,
    FRAME_HEADER,
    FRAME_METHOD,
    METHOD_ACK,
    METHOD_NACK,
)
from amqp_server.wire.tables import encode_shortstr
from persistence.kernels import COMPILED
from persistence.record import LARGE_BODY_BYTES, Octets, Record, Run

_HEAD: Final = struct.Struct(">BHI")
_TAG: Final = struct.Struct(">Q")
_GET_OK: Final = struct.Struct(">HHQB")
_RETURN: Final = struct.Struct(">HHH")
_CONFIRM_BYTES: Final = 13
_CONFIRM: Final = struct.Struct(">BHIHHQBB")
_U32: Final = struct.Struct(">I")
_TAG_AND_REDELIVERED_BYTES: Final = 9


class HeaderTooLargeError(Exception):
    """A content header does not fit into a frame of the client that would get it."""


def deliver_prefix(consumer_tag: str) -> bytes:
    """Return the octets every basic.deliver to this consumer starts with: ids and consumer tag."""
    return BASIC_DELIVER + encode_shortstr(consumer_tag)


def render_deliveries(
    channel: int,
    prefix: bytes,
    first_tag: int,
    run: Run,
    payload_max_bytes: int,
    *,
    redelivered: bool,
) -> bytes:
    """Return the frames that deliver a run, tags counting up from ``first_tag``.

    Args:
        channel: number of the consumer's channel.
        prefix: from ``deliver_prefix``.
        first_tag: delivery tag of the first message.
        run: the messages.
        payload_max_bytes: body frames are split at this payload size.
        redelivered: the bit of every one of them.

    Raises:
        HeaderTooLargeError: a header does not fit into a frame.
    """
    _check_headers(run, payload_max_bytes)
    out: list[bytes] = []
    append = out.append
    pack_tag = _TAG.pack
    tag = first_tag
    route = header = head = middle = b""
    body_bytes = -1
    for record in run:
        body = record[2]
        if record[1] is not header or record[0] is not route or len(body) != body_bytes:
            route, header = record[0], record[1]
            body_bytes = len(body)
            size = len(prefix) + _TAG_AND_REDELIVERED_BYTES + len(route)
            head = _HEAD.pack(FRAME_METHOD, channel, size) + prefix
            flag = b"\x01" if redelivered else b"\x00"
            middle = flag + route + FRAME_END_OCTET + _header_frame(channel, header)
            if 0 < body_bytes <= payload_max_bytes:
                middle += _HEAD.pack(FRAME_BODY, channel, body_bytes)
        append(head)
        append(pack_tag(tag))
        append(middle)
        if 0 < body_bytes <= payload_max_bytes:
            append(body)
            append(FRAME_END_OCTET)
        elif body_bytes:
            out += _split_body(channel, body, payload_max_bytes)
        tag += 1
    return b"".join(out)


def render_dealt(
    channel: int,
    prefixes: Sequence[bytes],
    first_tag: int,
    run: Run,
    payload_max_bytes: int,
    *,
    redelivered: bool,
) -> bytes:
    """Return the frames that deliver a run to several consumers of a channel in turn.

    Args:
        channel: number of the consumers' channel.
        prefixes: from ``deliver_prefix``; the first is for the consumer of the first message, the
            second for that of the second, and so on, round and round.
        first_tag: as in ``render_deliveries``.
        run: as there.
        payload_max_bytes: as there.
        redelivered: as there.

    Raises:
        HeaderTooLargeError: a header does not fit into a frame.
    """
    _check_headers(run, payload_max_bytes)
    ways = len(prefixes)
    flag = b"\x01" if redelivered else b"\x00"
    out: list[bytes] = []
    for index, record in enumerate(run):
        method = prefixes[index % ways] + _TAG.pack(first_tag + index) + flag + record.route
        out.append(_with_content(channel, method, record, payload_max_bytes))
    return b"".join(out)


def render_large_deliveries(
    channel: int,
    prefix: bytes,
    first_tag: int,
    run: Run,
    payload_max_bytes: int,
    *,
    redelivered: bool,
) -> list[Octets]:
    """Return the octets of ``render_deliveries`` in pieces, without copying what is large.

    The payload of each body frame of ``LARGE_BODY_BYTES`` or more is a piece, as a view where that
    saves a copy. The octets between two such payloads are another piece.

    Raises:
        HeaderTooLargeError: a header does not fit into a frame.
    """
    _check_headers(run, payload_max_bytes)
    flag = b"\x01" if redelivered else b"\x00"
    output: list[Octets] = []
    small: list[Octets] = []
    for tag, record in enumerate(run, first_tag):
        method = prefix + _TAG.pack(tag) + flag + record.route
        small += (_HEAD.pack(FRAME_METHOD, channel, len(method)), method, FRAME_END_OCTET)
        small.append(_header_frame(channel, record.header))
        body = memoryview(record.body)
        for start in range(0, len(body), payload_max_bytes):
            payload = body[start : start + payload_max_bytes]
            small.append(_HEAD.pack(FRAME_BODY, channel, len(payload)))
            if len(payload) >= LARGE_BODY_BYTES:
                output += (b"".join(small), payload)
                small = [FRAME_END_OCTET]
            else:
                small += (payload, FRAME_END_OCTET)
    output.append(b"".join(small))
    return output


def render_get_ok(
    channel: int,
    delivery_tag: int,
    record: Record,
    payload_max_bytes: int,
    ready_count: int,
    *,
    redelivered: bool,
) -> bytes:
    """Return basic.get-ok with its content (1.8.3.11); ``ready_count`` messages remain."""
    head = _GET_OK.pack(60, 71, delivery_tag, redelivered)
    method = head + record.route + _U32.pack(ready_count)
    return _with_content(channel, method, record, payload_max_bytes)


def render_return(
    channel: int, reply_code: int, reply_text: str, record: Record, payload_max_bytes: int
) -> bytes:
    """Return basic.return with its content (1.8.3.10)."""
    method = _RETURN.pack(60, 50, reply_code) + encode_shortstr(reply_text) + record.route
    return _with_content(channel, method, record, payload_max_bytes)


def render_confirm(channel: int, publish_sequence: int, *, multiple: bool, rejected: bool) -> bytes:
    """Return the frame of basic.ack, or of basic.nack when ``rejected`` (RabbitMQ, confirms)."""
    method_id = METHOD_NACK if rejected else METHOD_ACK
    return _CONFIRM.pack(
        FRAME_METHOD,
        channel,
        _CONFIRM_BYTES,
        CLASS_BASIC,
        method_id,
        publish_sequence,
        multiple,
        FRAME_END,
    )


def _with_content(channel: int, method: bytes, record: Record, payload_max_bytes: int) -> bytes:
    return b"".join(
        [
            _HEAD.pack(FRAME_METHOD, channel, len(method)),
            method,
            FRAME_END_OCTET,
            _header_frame(channel, record.header),
            *_split_body(channel, record.body, payload_max_bytes),
        ]
    )


def _check_headers(run: Run, payload_max_bytes: int) -> None:
    if max([len(record[1]) for record in run], default=0) > payload_max_bytes:
        raise HeaderTooLargeError


def _header_frame(channel: int, header: bytes) -> bytes:
    return _HEAD.pack(FRAME_HEADER, channel, len(header)) + header + FRAME_END_OCTET


def _split_body(channel: int, body: bytes, payload_max_bytes: int) -> list[bytes]:
    out: list[bytes] = []
    for start in range(0, len(body), payload_max_bytes):
        piece = body[start : start + payload_max_bytes]
        out += (_HEAD.pack(FRAME_BODY, channel, len(piece)), piece, FRAME_END_OCTET)
    return out


if COMPILED:
    from amqp_server.wire import _content  # type: ignore[attr-defined]

    render_deliveries = _content.render_deliveries
    render_dealt = _content.render_dealt
    render_large_deliveries = _content.render_large_deliveries
