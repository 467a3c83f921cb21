"""Renders the frames of a load generator before the clock starts, and reads those of the broker.

    byte 0      1         3         7                 7 + size
         | type | channel | size    | payload ...     | 0xCE |
           u8     u16       u32       size bytes        u8

A publish is a method frame, a header frame and body frames; so is a delivery. Only what a load
needs is here. It uses no other package of HareMQ, so that every broker is measured in the same way.

Source: AMQP 0-9-1 §4.2.3 (frames), §4.2.6 (content), §1.5 to §1.8 (class and method ids).
"""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
FRAME_METHOD: Final = 1
FRAME_HEADER: Final = 2
FRAME_BODY: Final = 3
FRAME_END: Final = 0xCE
FRAME_OVERHEAD_BYTES: Final = 8
FRAME_HEAD_BYTES: Final = 7
FRAME_MAX_BYTES: Final = 131_072
"""The value that we ask for in tune-ok, which is RabbitMQ's own default."""
ACK_FRAME_BYTES: Final = 21

_HEAD: Final = struct.Struct(">BHI")
_METHOD_ID: Final = struct.Struct(">HH")
_CONTENT_HEADER: Final = struct.Struct(">HHQH")
_ACK: Final = struct.Struct(">BHIHHQBB")
_CLASS_BASIC: Final = 60
_FLAG_HEADERS: Final = 1 << 13
_FLAG_DELIVERY_MODE: Final = 1 << 12
_FLAG_PRIORITY: Final = 1 << 11
_FLAG_REPLY_TO: Final = 1 << 9
_REPLY_CODE_AT: Final = 4
_REPLY_TEXT_AT: Final = 6
_SHORTSTR_BYTES_MAX: Final = 255
_CAPABILITIES: Final = ("publisher_confirms", "basic.nack", "authentication_failure_close")


class MethodId(NamedTuple):
    """Class and method id of a method frame."""

    class_id: int
    method_id: int


CONNECTION_START: Final = MethodId(10, 10)
CONNECTION_START_OK: Final = MethodId(10, 11)
CONNECTION_TUNE: Final = MethodId(10, 30)
CONNECTION_TUNE_OK: Final = MethodId(10, 31)
CONNECTION_OPEN: Final = MethodId(10, 40)
CONNECTION_OPEN_OK: Final = MethodId(10, 41)
CONNECTION_CLOSE: Final = MethodId(10, 50)
CONNECTION_CLOSE_OK: Final = MethodId(10, 51)
CONNECTION_BLOCKED: Final = MethodId(10, 60)
CONNECTION_UNBLOCKED: Final = MethodId(10, 61)
CHANNEL_OPEN: Final = MethodId(20, 10)
CHANNEL_OPEN_OK: Final = MethodId(20, 11)
CHANNEL_CLOSE: Final = MethodId(20, 40)
CHANNEL_CLOSE_OK: Final = MethodId(20, 41)
EXCHANGE_DECLARE: Final = MethodId(40, 10)
EXCHANGE_DECLARE_OK: Final = MethodId(40, 11)
EXCHANGE_DELETE: Final = MethodId(40, 20)
EXCHANGE_DELETE_OK: Final = MethodId(40, 21)
QUEUE_DECLARE: Final = MethodId(50, 10)
QUEUE_DECLARE_OK: Final = MethodId(50, 11)
QUEUE_BIND: Final = MethodId(50, 20)
QUEUE_BIND_OK: Final = MethodId(50, 21)
QUEUE_DELETE: Final = MethodId(50, 40)
QUEUE_DELETE_OK: Final = MethodId(50, 41)
BASIC_QOS: Final = MethodId(60, 10)
BASIC_QOS_OK: Final = MethodId(60, 11)
BASIC_CONSUME: Final = MethodId(60, 20)
BASIC_CONSUME_OK: Final = MethodId(60, 21)
BASIC_PUBLISH: Final = MethodId(60, 40)
BASIC_RETURN: Final = MethodId(60, 50)
BASIC_DELIVER: Final = MethodId(60, 60)
BASIC_GET: Final = MethodId(60, 70)
BASIC_GET_OK: Final = MethodId(60, 71)
BASIC_GET_EMPTY: Final = MethodId(60, 72)
BASIC_ACK: Final = MethodId(60, 80)
BASIC_NACK: Final = MethodId(60, 120)
CONFIRM_SELECT: Final = MethodId(85, 10)
CONFIRM_SELECT_OK: Final = MethodId(85, 11)


FieldValue: TypeAlias = str | bool | int
"""A value of our field tables: longstr, bool, or a signed integer of 64 bits."""


class LoadError(Exception):
    """The load cannot be made or measured; the text gives the reason."""


class BrokerRefusalError(LoadError):
    """The broker closed the connection or channel, or sent a frame that no load causes."""


class Frame(NamedTuple):
    """One frame; ``payload`` is a copy, so it outlives the receive buffer."""

    kind: int
    channel: int
    payload: bytes


def shortstr(text: str) -> bytes:
    """Render a shortstr: length octet, then at most 255 bytes of UTF-8.

    Raises:
        LoadError: it is longer.
    """
    octets = text.encode()
    if len(octets) > _SHORTSTR_BYTES_MAX:
        raise LoadError(f"a name or key of {len(octets)} bytes; AMQP allows {_SHORTSTR_BYTES_MAX}")
    return bytes((len(octets),)) + octets


def longstr(octets: bytes) -> bytes:
    """Render a longstr: u32 length, then the bytes."""
    return struct.pack(">I", len(octets)) + octets


def table(entries: Mapping[str, FieldValue]) -> bytes:
    """Render a field table, its u32 length first."""
    return longstr(b"".join(shortstr(key) + _field(value) for key, value in entries.items()))


def _field(value: FieldValue) -> bytes:
    # In Python a bool is an int; in AMQP it is a type of its own.
    if isinstance(value, bool):
        return b"t" + bytes((value,))
    if isinstance(value, int):
        return b"l" + struct.pack(">q", value)
    return b"S" + longstr(value.encode())


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """Render one frame."""
    return _HEAD.pack(kind, channel, len(payload)) + payload + bytes((FRAME_END,))


def method(channel: int, method_id: MethodId, arguments: bytes = b"") -> bytes:
    """Render a method frame; ``arguments`` are its fields as wire bytes."""
    return frame(FRAME_METHOD, channel, _METHOD_ID.pack(*method_id) + arguments)


def start_ok(username: str, password: str, *, hears_of_alarms: bool = False) -> bytes:
    """Render connection.start-ok with PLAIN and the capabilities clients usually announce.

    Args:
        username: of the login.
        password: of the login.
        hears_of_alarms: announce the capability ``connection.blocked``, so that a broker says when
            it stops reading; without it the broker stops reading silently.
    """
    announced = _CAPABILITIES + ("connection.blocked",) * hears_of_alarms
    capabilities = table(dict.fromkeys(announced, True))
    name = shortstr("product") + b"S" + longstr(b"HareMQ perf")
    properties = longstr(name + shortstr("capabilities") + b"F" + capabilities)
    response = longstr(b"\x00" + username.encode() + b"\x00" + password.encode())
    arguments = properties + shortstr("PLAIN") + response + shortstr("en_US")
    return method(0, CONNECTION_START_OK, arguments)


def tune_ok(channel_max: int, frame_max_bytes: int) -> bytes:
    """Render connection.tune-ok; it turns heartbeats off, so that none comes between deliveries."""
    return method(0, CONNECTION_TUNE_OK, struct.pack(">HIH", channel_max, frame_max_bytes, 0))


def exchange_declare(channel: int, exchange: str, kind: str, *, durable: bool = False) -> bytes:
    """Render exchange.declare."""
    flags = bytes((durable << 1,))
    arguments = b"\x00\x00" + shortstr(exchange) + shortstr(kind) + flags + table({})
    return method(channel, EXCHANGE_DECLARE, arguments)


def exchange_delete(channel: int, exchange: str) -> bytes:
    """Render exchange.delete, even if the exchange is in use."""
    return method(channel, EXCHANGE_DELETE, b"\x00\x00" + shortstr(exchange) + b"\x00")


def queue_declare(
    channel: int,
    queue: str,
    arguments: Mapping[str, FieldValue] | None = None,
    *,
    durable: bool = False,
    passive: bool = False,
) -> bytes:
    """Render queue.declare of a shared queue that stays until it is deleted.

    Args:
        channel: its number.
        queue: name.
        arguments: None is an empty table.
        durable: the queue survives a restart.
        passive: declare nothing; a queue that does not exist closes the channel with 404.
    """
    flags = bytes((passive | durable << 1,))
    fields = b"\x00\x00" + shortstr(queue) + flags + table(arguments or {})
    return method(channel, QUEUE_DECLARE, fields)


def queue_bind(
    channel: int,
    queue: str,
    exchange: str,
    binding_key: str,
    arguments: Mapping[str, FieldValue] | None = None,
) -> bytes:
    """Render queue.bind; ``arguments`` None is an empty table."""
    names = shortstr(queue) + shortstr(exchange) + shortstr(binding_key)
    return method(channel, QUEUE_BIND, b"\x00\x00" + names + b"\x00" + table(arguments or {}))


def queue_delete(channel: int, queue: str) -> bytes:
    """Render queue.delete, even if the queue is full or in use."""
    return method(channel, QUEUE_DELETE, b"\x00\x00" + shortstr(queue) + b"\x00")


def qos(channel: int, prefetch_count: int) -> bytes:
    """Render basic.qos per consumer; 0 is no limit."""
    return method(channel, BASIC_QOS, struct.pack(">IHB", 0, prefetch_count, 0))


def consume(
    channel: int,
    queue: str,
    consumer_tag: str,
    arguments: Mapping[str, FieldValue] | None = None,
    *,
    no_ack: bool,
) -> bytes:
    """Render basic.consume."""
    flags = b"\x02" if no_ack else b"\x00"
    names = shortstr(queue) + shortstr(consumer_tag)
    return method(channel, BASIC_CONSUME, b"\x00\x00" + names + flags + table(arguments or {}))


def get(channel: int, queue: str) -> bytes:
    """Render basic.get with acks."""
    return method(channel, BASIC_GET, b"\x00\x00" + shortstr(queue) + b"\x00")


def properties(
    headers: Mapping[str, FieldValue] | None = None,
    reply_to: str = "",
    *,
    persistent: bool = False,
    priority: int | None = None,
) -> bytes:
    """Render the property flags and list of a message.

    Args:
        headers: the headers table; None leaves the property out.
        reply_to: the reply-to property; empty leaves it out.
        persistent: delivery-mode 2; else 1.
        priority: the priority property; None leaves it out.
    """
    flags, values = _FLAG_DELIVERY_MODE, bytes((1 + persistent,))
    if headers is not None:
        flags, values = flags | _FLAG_HEADERS, table(headers) + values
    if priority is not None:
        flags, values = flags | _FLAG_PRIORITY, values + bytes((priority,))
    if reply_to:
        flags, values = flags | _FLAG_REPLY_TO, values + shortstr(reply_to)
    return struct.pack(">H", flags) + values


def publish(
    exchange: str,
    routing_key: str,
    content_properties: bytes,
    body: bytes,
    *,
    mandatory: bool = False,
    frame_max_bytes: int = FRAME_MAX_BYTES,
) -> bytes:
    """Render basic.publish on channel 1 with its content.

    Args:
        exchange: name; empty is the default exchange.
        routing_key: of the message.
        content_properties: flags and values, from ``properties``.
        body: any length; an empty body has no body frame.
        mandatory: the message is returned if it is unroutable.
        frame_max_bytes: largest frame; longer bodies have several.
    """
    flags = bytes((mandatory,))
    arguments = b"\x00\x00" + shortstr(exchange) + shortstr(routing_key) + flags
    (property_flags,) = struct.unpack_from(">H", content_properties)
    head = _CONTENT_HEADER.pack(_CLASS_BASIC, 0, len(body), property_flags)
    piece_bytes = frame_max_bytes - FRAME_OVERHEAD_BYTES
    pieces = [body[start : start + piece_bytes] for start in range(0, len(body), piece_bytes)]
    return b"".join(
        [
            method(1, BASIC_PUBLISH, arguments),
            frame(FRAME_HEADER, 1, head + content_properties[2:]),
            *(frame(FRAME_BODY, 1, piece) for piece in pieces),
        ]
    )


def ack(delivery_tag: int, *, multiple: bool, channel: int = 1) -> bytes:
    """Render basic.ack, ACK_FRAME_BYTES long."""
    return _ACK.pack(FRAME_METHOD, channel, 13, *BASIC_ACK, delivery_tag, multiple, FRAME_END)


def split_frames(buffer: bytes | bytearray, start: int, end: int) -> tuple[list[Frame], int]:
    """Take the complete frames of ``buffer[start:end]``.

    Returns:
        The frames, and the position just past the last of them.

    Raises:
        BrokerRefusalError: a frame does not end in 0xCE.
    """
    frames: list[Frame] = []
    while end - start >= _HEAD.size:
        kind, channel, size_bytes = _HEAD.unpack_from(buffer, start)
        stop = start + _HEAD.size + size_bytes
        if stop >= end:
            break
        if buffer[stop] != FRAME_END:
            raise BrokerRefusalError(f"a frame ends in 0x{buffer[stop]:02X}, not 0xCE")
        frames.append(Frame(kind, channel, bytes(buffer[start + _HEAD.size : stop])))
        start = stop + 1
    return frames, start


def method_of(received: Frame) -> MethodId | None:
    """Return the method of a method frame; None for any other frame."""
    if received.kind != FRAME_METHOD:
        return None
    return MethodId(*_METHOD_ID.unpack_from(received.payload))


def reply_code(received: Frame) -> int | None:
    """Return the code of a connection.close or channel.close; None for any other frame."""
    if method_of(received) not in {CONNECTION_CLOSE, CHANNEL_CLOSE}:
        return None
    (code,) = struct.unpack_from(">H", received.payload, _REPLY_CODE_AT)
    return int(code)


def refusal(received: Frame) -> BrokerRefusalError:
    """Return the error that describes an unexpected frame."""
    code = reply_code(received)
    if code is None:
        called = method_of(received)
        return BrokerRefusalError(f"unexpected frame of type {received.kind}: {called}")
    length = received.payload[_REPLY_TEXT_AT]
    text = received.payload[_REPLY_TEXT_AT + 1 : _REPLY_TEXT_AT + 1 + length]
    return BrokerRefusalError(f"closed by the broker: {code} {text.decode(errors='replace')}")
