"""Frames and methods on a socket: sends any bytes at any time, and limits every wait.

No method is validated, so that wrong ones can be sent. pamqp has the fields of the methods,
``fields`` encodes tables with their tags.
"""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, NamedTuple, Self

from pamqp import base, commands

from conformance import fields
from conformance.address import Address

FRAME_METHOD, FRAME_HEADER, FRAME_BODY, FRAME_HEARTBEAT = 1, 2, 3, 8
FRAME_END = 0xCE
FRAME_OVERHEAD_BYTES = 8
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
BASIC_CLASS_ID = 60
TIMEOUT_S = 20.0
"""How long an answer may take; RabbitMQ on a busy machine needs seconds for some."""


class Frame(NamedTuple):
    """A received frame, or the 8 bytes of a protocol header as kind ``ord("A")``."""

    kind: int
    channel: int
    payload: bytes


def encode_method(kind: type[base.Frame], **given: Any) -> bytes:  # noqa: ANN401 - per field
    """Encode a method from pamqp's table of its fields, without any validation.

    Args:
        kind: the class of pamqp.commands.
        given: fields by name; a missing field is empty, zero or false.
    """
    payload = struct.pack(">I", kind.index)
    bits, bit_count = 0, 0
    for name in kind.attributes():
        form = kind.amqp_type(name)
        value = given.pop(name, None)
        if form == "bit":
            bits |= bool(value) << bit_count
            bit_count += 1
            continue
        if bit_count:
            payload += bytes([bits])
            bits, bit_count = 0, 0
        payload += _encode_field(form, value)
    assert not given, f"{kind.name} has no fields {sorted(given)}"
    return payload + (bytes([bits]) if bit_count else b"")


def _encode_field(form: str, value: Any) -> bytes:  # noqa: ANN401 - one of the wire forms
    if form == "shortstr":
        return fields.shortstr(value or b"")
    if form == "longstr":
        return fields.longstr(value or b"")
    if form == "table":
        return fields.table(value or {})
    sizes = {"octet": ">B", "short": ">H", "long": ">I", "longlong": ">Q"}
    return struct.pack(sizes[form], value or 0)


def decode_method(payload: bytes) -> base.Frame:
    """Decode a method frame's payload with pamqp."""
    index = struct.unpack(">I", payload[:4])[0]
    assert index in commands.INDEX_MAPPING, f"the broker sent an unknown method {index:#010x}"
    # Built without its constructor, which refuses fields that RabbitMQ may send.
    kind: type[base.Frame] = commands.INDEX_MAPPING[index]
    method = kind.__new__(kind)
    method.unmarshal(payload[4:])
    return method


class Wire:
    """A socket that frames are written to and read from."""

    def __init__(self, address: Address, timeout_s: float = TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self._socket = socket.create_connection((address.host, address.port), timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        self._gathered: list[bytes] | None = None

    @contextlib.contextmanager
    def one_write(self) -> Iterator[None]:
        """Collect what the block sends, and send it in one write at its end."""
        self._gathered = []
        yield
        raw, self._gathered = b"".join(self._gathered), None
        self.send_bytes(raw)

    def send_bytes(self, raw: bytes) -> None:
        if self._gathered is not None:
            self._gathered.append(raw)
            return
        self._socket.settimeout(self.timeout_s)
        self._socket.sendall(raw)

    def send_frame(self, kind: int, channel: int, payload: bytes, end: int = FRAME_END) -> None:
        self.send_bytes(frame_bytes(kind, channel, payload, end))

    def send_method(self, channel: int, kind: type[base.Frame], **given: Any) -> None:  # noqa: ANN401
        self.send_frame(FRAME_METHOD, channel, encode_method(kind, **given))

    def read_frame(self, timeout_s: float | None = None) -> Frame | None:
        """Read one frame.

        Args:
            timeout_s: seconds to wait; None is this wire's own limit.

        Returns:
            The frame; None if the peer has ended the connection.

        Raises:
            TimeoutError: no whole frame came in time.
        """
        deadline_s = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        while True:
            frame = self._take_frame()
            if frame is not None:
                return frame
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError("the broker did not answer in time")
            self._socket.settimeout(left_s)
            try:
                piece = self._socket.recv(262144)
            except (ConnectionResetError, BrokenPipeError):
                return None
            if not piece:
                return None
            self._buffer += piece

    def _take_frame(self) -> Frame | None:
        if len(self._buffer) < FRAME_OVERHEAD_BYTES:
            return None
        if self._buffer[:4] == b"AMQP":
            header = bytes(self._buffer[:8])
            del self._buffer[:8]
            return Frame(ord("A"), 0, header)
        kind, channel, size_bytes = struct.unpack(">BHI", self._buffer[:7])
        if len(self._buffer) < size_bytes + FRAME_OVERHEAD_BYTES:
            return None
        payload = bytes(self._buffer[7 : 7 + size_bytes])
        assert self._buffer[7 + size_bytes] == FRAME_END, "the broker's frame has a wrong end"
        del self._buffer[: size_bytes + FRAME_OVERHEAD_BYTES]
        return Frame(kind, channel, payload)

    def expect_end(self, timeout_s: float | None = None) -> list[Frame]:
        """Read until the peer ends the connection; return the frames before the end."""
        said = []
        while (frame := self.read_frame(timeout_s)) is not None:
            said.append(frame)
        return said

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def frame_bytes(kind: int, channel: int, payload: bytes, end: int = FRAME_END) -> bytes:
    """Encode a frame."""
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + bytes([end])


def content_header(
    body_size: int, properties: bytes = b"\x00\x00", class_id: int = BASIC_CLASS_ID, weight: int = 0
) -> bytes:
    """Encode the payload of a content header frame."""
    return struct.pack(">HHQ", class_id, weight, body_size) + properties
