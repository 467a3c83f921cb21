"""A connection of a program: one channel, whose broker may be gone at any octet.

The loop hands over what was read; deliveries and answers go to callables at once, in the order in
which they came. ``call`` waits for one reply. Whatever waits when the connection ends raises
``LinkLostError``.
"""

import asyncio
import contextlib
import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from load_generator import wire
from load_generator.wire import Frame, MethodId

HOST: Final = "127.0.0.1"
REPLY_TIMEOUT_S: Final = 30.0
BASIC_GET: Final = MethodId(60, 70)
BASIC_GET_OK: Final = MethodId(60, 71)
BASIC_GET_EMPTY: Final = MethodId(60, 72)
_CONTENT: Final = frozenset({wire.BASIC_DELIVER, wire.BASIC_RETURN, BASIC_GET_OK})
_CLOSES: Final = frozenset({wire.CONNECTION_CLOSE, wire.CHANNEL_CLOSE})
_ARGUMENTS_AT: Final = 4
_BODY_SIZE_AT: Final = 4
_PROPERTIES_AT: Final = 12


class LinkLostError(Exception):
    """The connection has ended."""


class Delivery(NamedTuple):
    """A message that arrived, by consume or get."""

    tag: int
    redelivered: bool
    properties: bytes
    body: bytes


class Answer(NamedTuple):
    """A confirm."""

    tag: int
    multiple: bool
    is_ack: bool


class Link(asyncio.Protocol):
    """One connection with channel 1 open.

    Attributes:
        on_delivery: what to do with a message; None where none is expected.
        on_answer: what to do with a confirm.
        refusal: why the broker closed; None unless it did.
    """

    def __init__(self) -> None:
        self.on_delivery: Callable[[Delivery], None] | None = None
        self.on_answer: Callable[[Answer], None] | None = None
        self.refusal: str | None = None
        self.lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._expected: frozenset[MethodId] = frozenset()
        self._waiter: asyncio.Future[Frame] | None = None
        self._content: Frame | None = None
        self._properties = b""
        self._body = bytearray()
        self._body_bytes = 0

    @classmethod
    async def open(cls, port: int, vhost: str = "/") -> "Link":
        """Connect, log in to a vhost, open channel 1.

        Raises:
            LinkLostError: nobody listens, or the connection ended.
        """
        try:
            _, link = await asyncio.get_running_loop().create_connection(cls, HOST, port)
        except OSError as error:
            raise LinkLostError(str(error)) from error
        await link.call(wire.PROTOCOL_HEADER, wire.CONNECTION_START)
        tune = await link.call(wire.start_ok("guest", "guest"), wire.CONNECTION_TUNE)
        (channel_max,) = struct.unpack_from(">H", tune.payload, _ARGUMENTS_AT)
        opening = wire.method(0, wire.CONNECTION_OPEN, wire.shortstr(vhost) + b"\x00\x00")
        link.send(wire.tune_ok(channel_max, wire.FRAME_MAX_BYTES))
        await link.call(opening, wire.CONNECTION_OPEN_OK)
        await link.call(wire.method(1, wire.CHANNEL_OPEN, b"\x00"), wire.CHANNEL_OPEN_OK)
        return link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Wake all waiters."""
        self.lost.set()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(LinkLostError(self.refusal or "ended"))

    def send(self, octets: bytes) -> None:
        """Write; on a connection that has ended, the bytes are dropped."""
        assert self._transport is not None
        if not self._transport.is_closing():
            self._transport.write(octets)

    async def call(self, octets: bytes, *replies: MethodId) -> Frame:
        """Write, and return the method that answers; its content went to ``on_delivery``.

        Raises:
            LinkLostError: the connection ended first.
            TimeoutError: nothing came.
        """
        if self.lost.is_set():
            raise LinkLostError(self.refusal or "ended")
        assert self._waiter is None, "one call at a time"
        self._expected = frozenset(replies)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            self.send(octets)
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                return await self._waiter
        except TimeoutError as error:
            raise TimeoutError(f"none of {replies} in {REPLY_TIMEOUT_S:.0f} s") from error
        finally:
            self._waiter = None

    async def close(self) -> None:
        """End the connection politely."""
        goodbye = wire.method(0, wire.CONNECTION_CLOSE, struct.pack(">HBHH", 200, 0, 0, 0))
        with contextlib.suppress(LinkLostError, TimeoutError):
            await self.call(goodbye, wire.CONNECTION_CLOSE_OK)
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take the frames apart."""
        self._buffer += data
        frames, stop = wire.split_frames(self._buffer, 0, len(self._buffer))
        del self._buffer[:stop]
        for frame in frames:
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        method = wire.method_of(frame)
        if frame.kind == wire.FRAME_HEADER:
            (self._body_bytes,) = struct.unpack_from(">Q", frame.payload, _BODY_SIZE_AT)
            self._properties = frame.payload[_PROPERTIES_AT:]
            self._body.clear()
        elif frame.kind == wire.FRAME_BODY:
            self._body += frame.payload
        elif method in _CONTENT:
            self._content = frame
            return
        elif method is not None:
            self._take_method(method, frame)
        if self._content is not None and len(self._body) == self._body_bytes:
            content, self._content = self._content, None
            self._take_content(content)

    def _take_method(self, method: MethodId, frame: Frame) -> None:
        if method in {wire.BASIC_ACK, wire.BASIC_NACK}:
            assert self.on_answer is not None, "nobody asked for confirms"
            tag, bits = struct.unpack_from(">QB", frame.payload, _ARGUMENTS_AT)
            self.on_answer(Answer(tag, bool(bits & 1), method == wire.BASIC_ACK))
        elif method in _CLOSES:
            self.refusal = str(wire.refusal(frame))
            assert self._transport is not None
            self._transport.abort()
        else:
            self._resolve(method, frame)

    def _take_content(self, frame: Frame) -> None:
        method = wire.method_of(frame)
        assert method is not None, "content follows a method"
        if method == wire.BASIC_RETURN:
            return
        at = _ARGUMENTS_AT
        if method == wire.BASIC_DELIVER:
            at += 1 + frame.payload[at]
        tag, redelivered = struct.unpack_from(">QB", frame.payload, at)
        assert self.on_delivery is not None, "nobody asked for messages"
        self.on_delivery(Delivery(tag, bool(redelivered), self._properties, bytes(self._body)))
        if method == BASIC_GET_OK:
            self._resolve(method, frame)

    def _resolve(self, method: MethodId, frame: Frame) -> None:
        if self._waiter is None or self._waiter.done() or method not in self._expected:
            self.refusal = f"unexpected {method}"
            assert self._transport is not None
            self._transport.abort()
            return
        self._waiter.set_result(frame)


def message_count_of(declared: Frame) -> int:
    """Return the messages that queue.declare-ok says are ready."""
    at = _ARGUMENTS_AT + 1 + declared.payload[_ARGUMENTS_AT]
    (count,) = struct.unpack_from(">I", declared.payload, at)
    return int(count)


def get(queue: str) -> bytes:
    """Render basic.get, to be acked."""
    return wire.method(1, BASIC_GET, b"\x00\x00" + wire.shortstr(queue) + b"\x00")


def nack(tag: int) -> bytes:
    """Render basic.nack of one delivery, which goes back to its queue."""
    return wire.method(1, wire.BASIC_NACK, struct.pack(">QB", tag, 1 << 1))
