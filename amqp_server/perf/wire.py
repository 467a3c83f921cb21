"""The bytes a load generator sends, rendered before the clock starts, and frames as they arrive.

    byte 0      1         3         7                 7 + size
         | type | channel | size    | payload ...     | 0xCE |
           u8     u16       u32       size bytes        u8

A publish is a method frame, a header frame and body frames; a delivery the same. Only what
scenarios need is here, and no package of HareMQ is used: both brokers meet the same stranger.

Source: AMQP 0-9-1 §4.2.3 (frames), §4.2.6 (content), §1.5 to §1.8 (class and method ids).
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

PROTOCOL_HEADER: Final = b"AMQP\x00\x00\x09\x01"
FRAME_METHOD: Final = 1
FRAME_HEADER: Final = 2
FRAME_BODY: Final = 3
FRAME_END: Final = 0xCE
FRAME_OVERHEAD_BYTES: Final = 8
FRAME_MAX_BYTES: Final = 131_072
"""What we ask for in tune-ok: RabbitMQ's own default."""
ACK_FRAME_BYTES: Final = 21

_HEAD: Final = struct.Struct(">BHI")
_METHOD_ID: Final = struct.Struct(">HH")
_CONTENT_HEADER: Final = struct.Struct(">HHQH")
_ACK: Final = struct.Struct(">BHIHHQBB")
_CLASS_BASIC: Final = 60
_FLAG_HEADERS: Final = 1 << 13
_FLAG_DELIVERY_MODE: Final = 1 << 12
_FLAG_REPLY_TO: Final = 1 << 9
_REPLY_TEXT_AT: Final = 6


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
CHANNEL_OPEN: Final = MethodId(20, 10)
CHANNEL_OPEN_OK: Final = MethodId(20, 11)
CHANNEL_CLOSE: Final = MethodId(20, 40)
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
BASIC_DELIVER: Final = MethodId(60, 60)
BASIC_ACK: Final = MethodId(60, 80)
CONFIRM_SELECT: Final = MethodId(85, 10)
CONFIRM_SELECT_OK: Final = MethodId(85, 11)


class LoadError(Exception):
    """A window cannot be measured; the text says what the broker did."""


class BrokerRefusalError(LoadError):
    """The broker closed the connection or channel, or sent what no scenario provokes."""


class Frame(NamedTuple):
    """One frame; ``payload`` is a copy, so it outlives the receive buffer."""

    kind: int
    channel: int
    payload: bytes


def shortstr(text: str) -> bytes:
    """Render a shortstr: length octet, then at most 255 bytes of UTF-8."""
    octets = text.encode()
    return bytes((len(octets),)) + octets


def longstr(octets: bytes) -> bytes:
    """Render a longstr: u32 length, then the bytes."""
    return struct.pack(">I", len(octets)) + octets


def table(entries: Mapping[str, str | bool]) -> bytes:
    """Render a field table of longstr and bool values, its u32 length first."""
    content = b"".join(
        shortstr(key)
        + (b"t" + bytes((value,)) if isinstance(value, bool) else b"S" + longstr(value.encode()))
        for key, value in entries.items()
    )
    return longstr(content)


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    """Render one frame."""
    return _HEAD.pack(kind, channel, len(payload)) + payload + bytes((FRAME_END,))


def method(channel: int, method_id: MethodId, arguments: bytes = b"") -> bytes:
    """Render a method frame; ``arguments`` are its fields as wire bytes."""
    return frame(FRAME_METHOD, channel, _METHOD_ID.pack(*method_id) + arguments)


def start_ok(username: str, password: str) -> bytes:
    """Render connection.start-ok with PLAIN and the capabilities clients usually announce.

    ``connection.blocked`` is left out: a blocked publisher here is stopped by TCP alone.
    """
    capabilities = table({"publisher_confirms": True, "basic.nack": True})
    name = shortstr("product") + b"S" + longstr(b"HareMQ benchmarks")
    properties = longstr(name + shortstr("capabilities") + b"F" + capabilities)
    response = longstr(b"\x00" + username.encode() + b"\x00" + password.encode())
    arguments = properties + shortstr("PLAIN") + response + shortstr("en_US")
    return method(0, CONNECTION_START_OK, arguments)


def tune_ok(channel_max: int) -> bytes:
    """Render connection.tune-ok: FRAME_MAX_BYTES, and no heartbeats between the deliveries."""
    return method(0, CONNECTION_TUNE_OK, struct.pack(">HIH", channel_max, FRAME_MAX_BYTES, 0))


def exchange_declare(channel: int, exchange: str, kind: str) -> bytes:
    """Render exchange.declare of a transient exchange."""
    arguments = b"\x00\x00" + shortstr(exchange) + shortstr(kind) + b"\x00" + table({})
    return method(channel, EXCHANGE_DECLARE, arguments)


def exchange_delete(channel: int, exchange: str) -> bytes:
    """Render exchange.delete, whoever uses it."""
    return method(channel, EXCHANGE_DELETE, b"\x00\x00" + shortstr(exchange) + b"\x00")


def queue_declare(channel: int, queue: str) -> bytes:
    """Render queue.declare of a transient, shared queue that stays until it is deleted."""
    return method(channel, QUEUE_DECLARE, b"\x00\x00" + shortstr(queue) + b"\x00" + table({}))


def queue_bind(channel: int, queue: str, exchange: str, binding_key: str) -> bytes:
    """Render queue.bind without arguments."""
    names = shortstr(queue) + shortstr(exchange) + shortstr(binding_key)
    return method(channel, QUEUE_BIND, b"\x00\x00" + names + b"\x00" + table({}))


def queue_delete(channel: int, queue: str) -> bytes:
    """Render queue.delete, full or in use."""
    return method(channel, QUEUE_DELETE, b"\x00\x00" + shortstr(queue) + b"\x00")


def qos(channel: int, prefetch_count: int) -> bytes:
    """Render basic.qos per consumer; 0 is no limit."""
    return method(channel, BASIC_QOS, struct.pack(">IHB", 0, prefetch_count, 0))


def consume(channel: int, queue: str, consumer_tag: str, *, no_ack: bool) -> bytes:
    """Render basic.consume."""
    flags = b"\x02" if no_ack else b"\x00"
    names = shortstr(queue) + shortstr(consumer_tag)
    return method(channel, BASIC_CONSUME, b"\x00\x00" + names + flags + table({}))


def properties(headers: Mapping[str, str] | None = None, reply_to: str = "") -> bytes:
    """Render the property flags and list of a transient message (delivery-mode 1).

    Args:
        headers: the headers table; None leaves the property out.
        reply_to: the reply-to property; empty leaves it out.
    """
    flags, values = _FLAG_DELIVERY_MODE, b"\x01"
    if headers is not None:
        flags, values = flags | _FLAG_HEADERS, table(headers) + values
    if reply_to:
        flags, values = flags | _FLAG_REPLY_TO, values + shortstr(reply_to)
    return struct.pack(">H", flags) + values


def publish(
    exchange: str, routing_key: str, content_properties: bytes, body: bytes, channel: int = 1
) -> bytes:
    """Render basic.publish with its content, the body cut at FRAME_MAX_BYTES.

    Args:
        exchange: name; empty is the default exchange.
        routing_key: as published.
        content_properties: flags and values, from ``properties``.
        body: any length; none gives no body frame.
        channel: the channel it travels on.
    """
    arguments = b"\x00\x00" + shortstr(exchange) + shortstr(routing_key) + b"\x00"
    (flags,) = struct.unpack_from(">H", content_properties)
    head = _CONTENT_HEADER.pack(_CLASS_BASIC, 0, len(body), flags) + content_properties[2:]
    piece_bytes = FRAME_MAX_BYTES - FRAME_OVERHEAD_BYTES
    pieces = [body[start : start + piece_bytes] for start in range(0, len(body), piece_bytes)]
    return b"".join(
        [
            method(channel, BASIC_PUBLISH, arguments),
            frame(FRAME_HEADER, channel, head),
            *(frame(FRAME_BODY, channel, piece) for piece in pieces),
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


def refusal(received: Frame) -> BrokerRefusalError:
    """Return the error that says what a frame nobody asked for contains."""
    called = method_of(received)
    if called not in {CONNECTION_CLOSE, CHANNEL_CLOSE}:
        return BrokerRefusalError(f"unexpected frame of type {received.kind}: {called}")
    (code,) = struct.unpack_from(">H", received.payload, 4)
    length = received.payload[_REPLY_TEXT_AT]
    text = received.payload[_REPLY_TEXT_AT + 1 : _REPLY_TEXT_AT + 1 + length]
    return BrokerRefusalError(f"closed by the broker: {code} {text.decode(errors='replace')}")


class AckRing:
    """Single acks of consecutive delivery tags, rendered once and patched as tags grow.

    All acks of 65,536 tags lie in one buffer; they differ from those of the next 65,536 only in
    the six upper octets of the tag, which are written with a stride. An ack so costs its copy
    into the socket and nothing else.
    """

    _TAGS: Final = 1 << 16
    _UPPER_AT: Final = 11
    _UPPER_BYTES: Final = 6

    def __init__(self) -> None:
        self._buffer = bytearray().join(ack(tag, multiple=False) for tag in range(self._TAGS))
        self._view = memoryview(self._buffer)
        self._upper = 0

    def render(self, first_tag: int, last_tag: int) -> Sequence[memoryview]:
        """Return the acks of ``first_tag`` to ``last_tag``; valid until the next call."""
        pieces: list[memoryview] = []
        upper, low = divmod(first_tag, self._TAGS)
        if last_tag // self._TAGS != upper:
            # The ring holds one span of tags, so the caller's bytes must be kept aside.
            split_tag = (upper + 1) * self._TAGS
            pieces += [memoryview(bytes(piece)) for piece in self.render(first_tag, split_tag - 1)]
            return [*pieces, *self.render(split_tag, last_tag)]
        self._turn_to(upper)
        stop = last_tag - upper * self._TAGS + 1
        return [self._view[low * ACK_FRAME_BYTES : stop * ACK_FRAME_BYTES]]

    def _turn_to(self, upper: int) -> None:
        if upper == self._upper:
            return
        for index, octet in enumerate(upper.to_bytes(self._UPPER_BYTES, "big")):
            self._buffer[self._UPPER_AT + index :: ACK_FRAME_BYTES] = bytes((octet,)) * self._TAGS
        self._upper = upper
