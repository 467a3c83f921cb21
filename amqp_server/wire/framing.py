"""The scanner: cuts received bytes into frames and runs of like publishes.

    byte 0        1         3       7                 7+size
         | type   | channel | size  | payload ...     | frame-end
             u8       u16      u32     size octets       0xCE

The scanner emits the events of ``wire.events``: publishes, each complete in the buffer with at most
one body frame, go into runs and bursts, and acks into ranges. Any other frame is a ``FrameEvent``,
which the channel assembles. Heartbeats are checked and dropped.

This is the interpreted twin and the specification: no policy, no state between calls but the sizes.

Source: AMQP 0-9-1 §4.2.3; RabbitMQ's reader for texts and tolerance.
"""

import struct
from bisect import bisect_left
from typing import Final, NamedTuple

from amqp_server.wire.broken_frames import bad_end, check_heartbeat, too_large
from amqp_server.wire.constants import (
    BASIC_ACK,
    BASIC_PUBLISH,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEAD_BYTES,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
)
from amqp_server.wire.errors import WireError
from amqp_server.wire.events import AckRange, Event, FrameEvent, PublishBurst, PublishRun, Scan
from amqp_server.wire.properties import HEADER_FIXED_BYTES, traits_of
from persistence.kernels import COMPILED
from persistence.record import LARGE_BODY_BYTES, Record, body_bytes, uniform_run

METHODS_PER_BURST_MAX: Final = 256
"""Distinct method payloads of one burst; the index of one fits an octet."""

STRETCH_ALONE_COUNT: Final = 16
"""A run of this many messages is an event of its own; joining it to a burst would copy it."""

SIZE_BOUNDS_BYTES: Final = (
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
)
"""The largest sizes of the classes of ``MessageSizes``; larger messages are a class of their own.

Source: RabbitMQ 4, ``rabbitmq_message_size_bytes``.
"""

_HEAD: Final = struct.Struct(">BHI")
_U64: Final = struct.Struct(">Q")
_BASIC_CLASS: Final = b"\x00\x3c\x00\x00"
_ROUTE_AT: Final = 6
_ACK_PAYLOAD_BYTES: Final = 13
_ACK_FRAME_BYTES: Final = _ACK_PAYLOAD_BYTES + FRAME_OVERHEAD_BYTES
_ACK_TAG_AT: Final = FRAME_HEAD_BYTES + len(BASIC_ACK)
_MULTIPLE_AT: Final = _ACK_TAG_AT + 8
_HEARTBEAT: Final = FrameEvent(0, FRAME_HEARTBEAT, b"")


class _Content(NamedTuple):
    """A header payload, where the body starts and stops, and where the content ends."""

    header: bytes
    start: int
    stop: int
    end: int


_ASSEMBLE: Final = _Content(b"", 0, 0, 0)
_CONTENT_KINDS: Final = frozenset((FRAME_METHOD, FRAME_HEADER, FRAME_BODY))


class MessageSizes:
    """How many messages of each size came, by the size of their bodies.

    Attributes:
        total_bytes: of all bodies.
    """

    def __init__(self) -> None:
        self._counts = [0] * (len(SIZE_BOUNDS_BYTES) + 1)
        self.total_bytes = 0

    @property
    def counts(self) -> tuple[int, ...]:
        """Messages of each class, as ``SIZE_BOUNDS_BYTES`` has them, and larger ones."""
        return tuple(self._counts)

    def note(self, size_bytes: int) -> None:
        """Count a message."""
        self._counts[bisect_left(SIZE_BOUNDS_BYTES, size_bytes)] += 1
        self.total_bytes += size_bytes


class Scanner:
    """Scans as ``scan`` does, and counts the messages of runs and bursts by their sizes."""

    def __init__(self, sizes: MessageSizes) -> None:
        self._sizes = sizes

    def scan(self, buffer: bytes | memoryview, payload_max_bytes: int) -> Scan:
        """Take every complete event off the front of a buffer; see ``scan``."""
        found = scan(buffer, payload_max_bytes)
        for event in found.events:
            if isinstance(event, PublishRun | PublishBurst):
                for record in event.records:
                    self._sizes.note(len(record.body))
        return found


def scan(buffer: bytes | memoryview, payload_max_bytes: int) -> Scan:
    """Take every complete event off the front of a buffer.

    Args:
        buffer: bytes as received, in order; events keep nothing of it.
        payload_max_bytes: the largest payload that passes (tolerance included).

    Returns:
        The events, how many bytes they took, and the error that stopped the scan, if one did. A
        frame that is too large is found from its head alone.
    """
    buffer = bytes(buffer)
    events: list[Event] = []
    position = 0
    size_bytes = len(buffer)
    try:
        while size_bytes - position >= FRAME_HEAD_BYTES:
            kind, _, payload_bytes = _HEAD.unpack_from(buffer, position)
            if payload_bytes > payload_max_bytes:
                raise too_large(kind, payload_bytes, payload_max_bytes)
            end = position + FRAME_OVERHEAD_BYTES + payload_bytes
            if end > size_bytes:
                break
            if buffer[end - 1] != FRAME_END:
                raise bad_end(buffer, position, end)
            event, position = _event(buffer, position, end, payload_max_bytes)
            if event is None:
                break
            if event is not _HEARTBEAT:
                events.append(event)
    except WireError as error:
        # Without its traceback the error keeps no Python frames alive, which would refer to it.
        return Scan(events, position, error.with_traceback(None))
    return Scan(events, position, None)


def _event(
    buffer: bytes, position: int, end: int, payload_max_bytes: int
) -> tuple[Event | None, int]:
    """Return the event that starts with this frame and where the next one starts.

    None instead of an event means that more bytes must come first.
    """
    kind, channel, payload_bytes = _HEAD.unpack_from(buffer, position)
    if kind == FRAME_METHOD:
        if buffer.startswith(BASIC_PUBLISH, position + FRAME_HEAD_BYTES):
            return _publishes(buffer, position, end, payload_max_bytes)
        if payload_bytes == _ACK_PAYLOAD_BYTES and buffer.startswith(
            BASIC_ACK, position + FRAME_HEAD_BYTES
        ):
            return _ack_range(buffer, position, channel)
    payload = _payload(buffer, position, end)
    if kind in _CONTENT_KINDS:
        return FrameEvent(channel, kind, payload), end
    check_heartbeat(kind, channel, payload)
    return _HEARTBEAT, end


def _payload(buffer: bytes, position: int, end: int) -> bytes:
    return buffer[position + FRAME_HEAD_BYTES : end - 1]


def _publishes(
    buffer: bytes, position: int, method_end: int, payload_max_bytes: int
) -> tuple[Event | None, int]:
    """Collect the publishes from ``position`` on that go together.

    Returns:
        The run or burst and where it ends; a FrameEvent when the content must be assembled from
        frames; None while the only body frame of the first message is incomplete. The caller must
        then pass the message again.
    """
    _, channel, _ = _HEAD.unpack_from(buffer, position)
    method = _payload(buffer, position, method_end)
    if not _is_route(method[_ROUTE_AT:-1]):
        return FrameEvent(channel, FRAME_METHOD, method), method_end
    gathered = _Gathered(buffer, position, channel, payload_max_bytes)
    stopped_by = gathered.take(buffer[position:method_end], payload_max_bytes)
    records = gathered.records
    if not records:
        if stopped_by is None:
            return None, position
        return FrameEvent(channel, FRAME_METHOD, method), method_end
    if len(records) < STRETCH_ALONE_COUNT and body_bytes(records) < LARGE_BODY_BYTES:
        gathered.take_others()
    if len(gathered.methods) == 1:
        return PublishRun(channel, method, records, gathered.flags), gathered.position
    methods = tuple(publish[FRAME_HEAD_BYTES:-1] for publish in gathered.methods)
    order = bytes(gathered.order)
    return PublishBurst(channel, methods, order, records, gathered.flags), gathered.position


class _Gathered:
    """Publishes of one channel, from some position on.

    Attributes:
        position: where they end.
        methods: the frames of their basic.publish, each with its number.
        order: for each message the number of its frame.
    """

    def __init__(self, buffer: bytes, position: int, channel: int, payload_max_bytes: int) -> None:
        self._buffer = buffer
        self._channel = channel
        self._payload_max_bytes = payload_max_bytes
        self.position = position
        self.methods: dict[bytes, int] = {}
        self.order = bytearray()
        self.records: list[Record] = []
        self.flags = 0

    def take(self, publish: bytes, body_max_bytes: int) -> "_Content | None":
        """Take the messages that begin with this frame, until another comes.

        Returns:
            What stopped it: the last message's content where the next begins with another frame;
            None where the buffer ends too early; ``_ASSEMBLE`` at a message of several body frames,
            a wrong one, or one larger than ``body_max_bytes``.
        """
        buffer = self._buffer
        before = len(self.records)
        content: _Content | None = _ASSEMBLE
        while buffer.startswith(publish, self.position):
            at = self.position + len(publish)
            content = _content(buffer, at, self._channel, self._payload_max_bytes)
            if content is None or content.stop - content.start > body_max_bytes:
                break
            if content is _ASSEMBLE or not self._add(publish, content):
                # The channel refuses it, if the channel is open.
                content = _ASSEMBLE
                break
        if taken_count := len(self.records) - before:
            number = self.methods.setdefault(publish, len(self.methods))
            self.order += bytes((number,)) * taken_count
        return content

    def _add(self, publish: bytes, content: "_Content") -> bool:
        """Take a message and those that differ only in the body; none if a property is wrong."""
        try:
            traits = traits_of(content.header)
        except WireError:
            return False
        self.flags |= traits.flags
        route = publish[FRAME_HEAD_BYTES + _ROUTE_AT : -2]
        body = self._buffer[content.start : content.stop]
        first = Record(route, content.header, body, *traits)
        bodies, self.position = _alike(self._buffer, self.position, content)
        self.records.append(first)
        if bodies:
            self.records += uniform_run(first, bodies)
        return True

    def take_others(self) -> None:
        """Go on with messages of other payloads, as long as they are small and simple."""
        while publish := self._next_publish():
            if publish not in self.methods and len(self.methods) == METHODS_PER_BURST_MAX:
                return
            before = self.position
            self.take(publish, LARGE_BODY_BYTES - 1)
            if self.position == before:
                return

    def _next_publish(self) -> bytes:
        """Return the basic.publish that comes next on the channel; empty if something else does."""
        buffer, position = self._buffer, self.position
        if position + FRAME_OVERHEAD_BYTES > len(buffer):
            return b""
        kind, channel, size = _HEAD.unpack_from(buffer, position)
        if kind != FRAME_METHOD or channel != self._channel or size > self._payload_max_bytes:
            return b""
        publish = buffer[position : position + FRAME_OVERHEAD_BYTES + size]
        if len(publish) < FRAME_OVERHEAD_BYTES + size or publish[-1] != FRAME_END:
            return b""
        if not publish.startswith(BASIC_PUBLISH, FRAME_HEAD_BYTES):
            return b""
        return publish if _is_route(publish[FRAME_HEAD_BYTES + _ROUTE_AT : -2]) else b""


def _is_route(route: bytes) -> bool:
    """Whether these octets are exactly two shortstrs (exchange, routing key)."""
    if not route or len(route) < route[0] + 2:
        return False
    return len(route) == route[0] + 2 + route[route[0] + 1]


def _content(
    buffer: bytes, position: int, channel: int, payload_max_bytes: int
) -> "_Content | None":
    """Read a content header and its only body frame.

    Returns:
        Where the content is; None when the buffer ends too early; ``_ASSEMBLE`` when the content
        has several body frames or is wrong. Then the frames are passed on one by one.
    """
    if position + FRAME_OVERHEAD_BYTES > len(buffer):
        return None
    kind, on_channel, size = _HEAD.unpack_from(buffer, position)
    if kind != FRAME_HEADER or on_channel != channel:
        return _ASSEMBLE
    if not HEADER_FIXED_BYTES <= size <= payload_max_bytes:
        return _ASSEMBLE
    end = position + FRAME_OVERHEAD_BYTES + size
    if end > len(buffer):
        return None
    header = _payload(buffer, position, end)
    if buffer[end - 1] != FRAME_END or not header.startswith(_BASIC_CLASS):
        return _ASSEMBLE
    return _body(buffer, end, channel, header, payload_max_bytes)


def _body(
    buffer: bytes, position: int, channel: int, header: bytes, payload_max_bytes: int
) -> "_Content | None":
    """Read the only body frame of this header; return the same as ``_content``."""
    (body_bytes,) = _U64.unpack_from(header, len(_BASIC_CLASS))
    if body_bytes == 0:
        return _Content(header, position, position, position)
    if body_bytes > payload_max_bytes:
        return _ASSEMBLE
    start = position + FRAME_HEAD_BYTES
    if start > len(buffer):
        return None
    if _HEAD.unpack_from(buffer, position) != (FRAME_BODY, channel, body_bytes):
        return _ASSEMBLE
    stop = start + int(body_bytes)
    if stop >= len(buffer):
        return None
    if buffer[stop] != FRAME_END:
        return _ASSEMBLE
    return _Content(header, start, stop, stop + 1)


def _alike(buffer: bytes, position: int, content: "_Content") -> tuple[list[bytes], int]:
    """Return the bodies of messages that differ from this one only there, and their end."""
    head = buffer[position : content.start]
    head_bytes = len(head)
    body_stop = content.stop - position
    step = content.end - position
    bodies: list[bytes] = []
    position = content.end
    last = len(buffer) - step
    starts_with = buffer.startswith
    while position <= last and starts_with(head, position):
        if buffer[position + step - 1] != FRAME_END:
            break
        bodies.append(buffer[position + head_bytes : position + body_stop])
        position += step
    return bodies, position


def _ack_range(buffer: bytes, position: int, channel: int) -> tuple[AckRange, int]:
    """Collect consecutive single acks whose tags count up by one."""
    first = last = _U64.unpack_from(buffer, position + _ACK_TAG_AT)[0]
    multiple = buffer[position + _MULTIPLE_AT] & 1 == 1
    head = buffer[position : position + _ACK_TAG_AT]
    position += _ACK_FRAME_BYTES
    if multiple:
        return AckRange(channel, first, last, multiple=True), position
    stop = len(buffer) - _ACK_FRAME_BYTES
    tag_of = _U64.unpack_from
    while position <= stop and buffer.startswith(head, position):
        tag = tag_of(buffer, position + _ACK_TAG_AT)[0]
        tail = buffer[position + _MULTIPLE_AT : position + _ACK_FRAME_BYTES]
        if tag != last + 1 or tail != b"\x00\xce":
            break
        last = tag
        position += _ACK_FRAME_BYTES
    return AckRange(channel, first, last, multiple=False), position


if COMPILED:
    from amqp_server.wire import _framing  # type: ignore[attr-defined]

    MessageSizes = _framing.MessageSizes  # type: ignore[misc]
    Scanner = _framing.Scanner  # type: ignore[misc]
    scan = _framing.scan
