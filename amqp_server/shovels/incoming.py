"""What a client of AMQP 0-9-1 receives: octets cut into frames, content put together.

Frames are cut within the limit that was negotiated, and content within what its header says.

Source: AMQP 0-9-1 §2.3.5, §4.2.3, §4.2.6.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from pamqp import commands

from amqp_server.shovels.errors import RemoteError
from amqp_server.wire.constants import (
    BODY_MAX_BYTES,
    FRAME_BODY,
    FRAME_END,
    FRAME_HEAD_BYTES,
    FRAME_HEADER,
    FRAME_METHOD,
)
from amqp_server.wire.methods import Method, decode_method
from amqp_server.wire.properties import HEADER_FIXED_BYTES

FRAME_MAX_BYTES: Final = 131_072
"""Of a frame, until less is negotiated."""

HEAD: Final = struct.Struct(">BHI")

_BODY_SIZE: Final = struct.Struct(">Q")
_BODY_SIZE_AT: Final = 4


class Delivery(NamedTuple):
    """A message.

    Attributes:
        header: payload of its content header.
    """

    tag: int
    exchange: str
    routing_key: str
    header: bytes
    body: bytes
    redelivered: bool = False


class Unroutable(NamedTuple):
    """A message that we published and that reached no queue."""


class Received(NamedTuple):
    """A method without content, and its channel."""

    method: Method
    channel: int


Event: TypeAlias = Delivery | Unroutable | Received


class Incoming:
    """The input of one connection.

    Attributes:
        frame_max_bytes: larger frames are refused.
    """

    def __init__(self) -> None:
        self.frame_max_bytes = FRAME_MAX_BYTES
        self._buffer = bytearray()
        self._method: commands.Basic.Deliver | commands.Basic.Return | None = None
        self._header = b""
        self._bodies: list[bytes] = []
        self._missing_bytes = 0

    def feed(self, octets: bytes) -> Iterator[Event]:
        """Yield what is complete now.

        Raises:
            RemoteError: it is not what AMQP allows.
            WireError: a method that cannot be decoded.
        """
        buffer, position = self._buffer, 0
        buffer += octets
        while len(buffer) - position >= FRAME_HEAD_BYTES:
            if buffer.startswith(b"AMQP", position):
                raise RemoteError("the other broker speaks another version of AMQP")
            kind, channel, size = HEAD.unpack_from(buffer, position)
            if size > self.frame_max_bytes:
                raise RemoteError(f"the other broker sent a frame of {size} octets")
            end = position + FRAME_HEAD_BYTES + size
            if len(buffer) <= end:
                break
            if buffer[end] != FRAME_END:
                raise RemoteError("the other broker sent a frame without its end")
            payload = bytes(buffer[position + FRAME_HEAD_BYTES : end])
            position = end + 1
            event = self._event_of(kind, channel, payload)
            if event is not None:
                yield event
        del buffer[:position]

    def _event_of(self, kind: int, channel: int, payload: bytes) -> Event | None:
        if kind in {FRAME_HEADER, FRAME_BODY}:
            return self._on_content(kind, payload)
        if kind != FRAME_METHOD:
            return None
        method = decode_method(payload)
        if not isinstance(method, commands.Basic.Deliver | commands.Basic.Return):
            return Received(method, channel)
        self._method, self._header, self._bodies = method, b"", []
        return None

    def _on_content(self, kind: int, payload: bytes) -> Delivery | Unroutable | None:
        method = self._method
        if method is None or (kind == FRAME_HEADER) == bool(self._header):
            raise RemoteError("the other broker sent content that belongs to nothing")
        if kind == FRAME_HEADER:
            if len(payload) < HEADER_FIXED_BYTES:
                raise RemoteError("the other broker sent a content header that is cut short")
            self._header = payload
            (self._missing_bytes,) = _BODY_SIZE.unpack_from(payload, _BODY_SIZE_AT)
            if self._missing_bytes > BODY_MAX_BYTES:
                raise RemoteError(f"the other broker sends {self._missing_bytes} octets at once")
        else:
            self._bodies.append(payload)
            self._missing_bytes -= len(payload)
        if self._missing_bytes < 0:
            raise RemoteError("the other broker sent more content than it said")
        if self._missing_bytes:
            return None
        header, body = self._header, b"".join(self._bodies)
        self._method, self._header, self._bodies = None, b"", []
        if isinstance(method, commands.Basic.Return):
            return Unroutable()
        key = method.routing_key or ""
        tag, is_again = method.delivery_tag or 0, bool(method.redelivered)
        return Delivery(tag, method.exchange, key, header, body, is_again)
