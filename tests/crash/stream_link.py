"""A connection of a program to the stream protocol, whose broker may be gone at any octet.

Frames are written by hand, so that the client shares no code with what it tests. Whatever waits
when the connection ends raises ``LinkLostError``.
"""

import asyncio
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tests.crash.link import HOST, REPLY_TIMEOUT_S, LinkLostError

DECLARE_PUBLISHER: Final = 0x01
PUBLISH: Final = 0x02
PUBLISH_CONFIRM: Final = 0x03
PUBLISH_ERROR: Final = 0x04
QUERY_SEQUENCE: Final = 0x05
SUBSCRIBE: Final = 0x07
DELIVER: Final = 0x08
CREDIT: Final = 0x09
STORE_OFFSET: Final = 0x0A
QUERY_OFFSET: Final = 0x0B
CREATE: Final = 0x0D
DELETE: Final = 0x0E
TUNE: Final = 0x14
STREAM_STATS: Final = 0x1C
OK: Final = 1
DOES_NOT_EXIST: Final = 2
PRECONDITION_FAILED: Final = 17
NO_OFFSET: Final = 19
FIRST: Final = b"\x00\x01"
LAST: Final = b"\x00\x02"
NEXT: Final = b"\x00\x03"

_PROPERTIES: Final = 0x11
_HANDSHAKE: Final = 0x12
_AUTHENTICATE: Final = 0x13
_OPEN: Final = 0x15
_ANSWER: Final = 0x8000
_FRAME_BYTES: Final = 1 << 20
_SUBSCRIBER: Final = 1
_CHUNK: Final = struct.Struct(">BBHIqQQIII4x")
_SUB_BATCH: Final = struct.Struct(">BHII")
_SUB_BATCH_BIT: Final = 0x80
_LENGTH: Final = struct.Struct(">I")


class Chunk(NamedTuple):
    """What one Deliver brought.

    Attributes:
        first_offset: of its first message.
        messages: as they lie there; sub-batches are taken apart.
    """

    first_offset: int
    messages: Sequence[bytes]

    @property
    def next_offset(self) -> int:
        """Behind its last message."""
        return self.first_offset + len(self.messages)


def string(text: str) -> bytes:
    """Write a string."""
    octets = text.encode()
    return struct.pack(">h", len(octets)) + octets


def string_map(entries: Mapping[str, str]) -> bytes:
    """Write a map of strings."""
    items = [string(key) + string(value) for key, value in entries.items()]
    return struct.pack(">i", len(items)) + b"".join(items)


def at_offset(offset: int) -> bytes:
    """Return the specification of an offset."""
    return struct.pack(">HQ", 4, offset)


def simple_entry(message: bytes) -> bytes:
    """Return a message as an entry."""
    return _LENGTH.pack(len(message)) + message


def sub_batch(messages: Iterable[bytes]) -> bytes:
    """Return messages as one entry that is not compressed."""
    records = [simple_entry(message) for message in messages]
    octets = b"".join(records)
    return _SUB_BATCH.pack(_SUB_BATCH_BIT, len(records), len(octets), len(octets)) + octets


class StreamLink(asyncio.Protocol):
    """One connection, logged in, with at most one subscription.

    Attributes:
        on_confirm: is told the publishing ids that were confirmed.
        on_chunk: is told what was delivered.
        refusal: a publish that was refused; None unless one was.
    """

    def __init__(self) -> None:
        self.on_confirm: Callable[[Sequence[int]], None] | None = None
        self.on_chunk: Callable[[Chunk], None] | None = None
        self.refusal: str | None = None
        self.lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._expected = 0
        self._waiter: asyncio.Future[bytes] | None = None

    @classmethod
    async def open(cls, port: int) -> "StreamLink":
        """Connect, log in, enter the default vhost.

        Raises:
            LinkLostError: nobody listens, or the connection ended.
        """
        try:
            _, link = await asyncio.get_running_loop().create_connection(cls, HOST, port)
        except OSError as error:
            raise LinkLostError(str(error)) from error
        response = b"\0guest\0guest"
        await link.ask(_PROPERTIES, string_map({"connection_name": "kill loop"}))
        await link.ask(_HANDSHAKE)
        link._expected = TUNE
        link._waiter = asyncio.get_running_loop().create_future()
        login = string("PLAIN") + struct.pack(">i", len(response)) + response
        link.send(_AUTHENTICATE, bytes(4), login)
        await link._reply()
        link.send(TUNE, struct.pack(">II", _FRAME_BYTES, 0))
        await link.ask(_OPEN, string("/"))
        return link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Wake all waiters."""
        self.lost.set()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(LinkLostError("ended"))

    async def close(self) -> None:
        """End the connection."""
        assert self._transport is not None
        self._transport.close()
        await self.lost.wait()

    def send(self, key: int, *parts: bytes) -> None:
        """Write a frame; on a connection that has ended, it is dropped."""
        assert self._transport is not None
        body = b"".join(parts)
        if not self._transport.is_closing():
            self._transport.write(struct.pack(">IHH", len(body) + 4, key, 1) + body)

    async def ask(self, key: int, *parts: bytes, allowed: Sequence[int] = ()) -> bytes:
        """Send a request; return what its answer has behind the correlation id: code and fields.

        Raises:
            LinkLostError: the connection ended first.
            AssertionError: it was refused, with another code than those allowed.
        """
        if self.lost.is_set():
            raise LinkLostError("ended")
        assert self._waiter is None, "one request at a time"
        self._expected = key | _ANSWER
        self._waiter = asyncio.get_running_loop().create_future()
        self.send(key, bytes(4), *parts)
        answer = (await self._reply())[4:]
        (code,) = struct.unpack_from(">H", answer)
        assert code in {OK, *allowed}, f"command {key:#x} was refused: {code}"
        return answer

    async def _reply(self) -> bytes:
        assert self._waiter is not None
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S):
                return await self._waiter
        except TimeoutError as error:
            raise TimeoutError(f"no answer {self._expected:#x}") from error
        finally:
            self._waiter = None

    async def subscribe(self, stream: str, spec: bytes, credit: int) -> None:
        """Subscribe to a stream."""
        head = struct.pack(">B", _SUBSCRIBER) + string(stream) + spec
        await self.ask(SUBSCRIBE, head, struct.pack(">H", credit), string_map({}))

    def give_credit(self, credit: int) -> None:
        """Ask for more chunks."""
        self.send(CREDIT, struct.pack(">BH", _SUBSCRIBER, credit))

    async def stored_offset(self, reference: str, stream: str) -> int | None:
        """Return what is stored for a consumer; None is nothing."""
        question = string(reference) + string(stream)
        answer = await self.ask(QUERY_OFFSET, question, allowed=(NO_OFFSET,))
        code, offset = struct.unpack(">HQ", answer)
        return None if code == NO_OFFSET else int(offset)

    async def sequence(self, reference: str, stream: str) -> int:
        """Return the highest publishing id that is stored for a publisher."""
        answer = await self.ask(QUERY_SEQUENCE, string(reference) + string(stream))
        return int(struct.unpack(">HQ", answer)[1])

    async def last_chunk_offset(self, stream: str) -> int:
        """Return the first offset of the last chunk; -1 where there is none."""
        answer = await self.ask(STREAM_STATS, string(stream))
        key = string("committed_chunk_id")
        return int(struct.unpack_from(">q", answer, answer.index(key) + len(key))[0])

    def data_received(self, data: bytes) -> None:
        """Take the frames apart."""
        self._buffer += data
        at = 0
        while at + 4 <= len(self._buffer):
            stop = at + 4 + _LENGTH.unpack_from(self._buffer, at)[0]
            if stop > len(self._buffer):
                break
            (key,) = struct.unpack_from(">H", self._buffer, at + 4)
            self._take(key, bytes(self._buffer[at + 8 : stop]))
            at = stop
        del self._buffer[:at]

    def _take(self, key: int, body: bytes) -> None:
        if key == self._expected and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(body)
        elif key == DELIVER:
            assert self.on_chunk is not None, "nobody subscribed"
            self.on_chunk(chunk_of(body[1:]))
        elif key == PUBLISH_CONFIRM:
            assert self.on_confirm is not None, "nobody published"
            (count,) = struct.unpack_from(">i", body, 1)
            self.on_confirm(struct.unpack_from(f">{count}Q", body, 5))
        elif key == PUBLISH_ERROR:
            self.refusal = f"a publish was refused: {body[:40].hex()}"


def chunk_of(octets: bytes) -> Chunk:
    """Take a chunk apart.

    Raises:
        AssertionError: it is not whole.
    """
    _, _, entries, records, _, _, first_offset, crc, data_bytes, _ = _CHUNK.unpack_from(octets)
    data = octets[_CHUNK.size :]
    assert len(data) == data_bytes, f"a chunk of {len(data)} octets says {data_bytes}"
    assert zlib.crc32(data) == crc, f"the chunk at {first_offset} is damaged"
    messages: list[bytes] = []
    at = 0
    for _ in range(entries):
        stop = at
        if data[at] & _SUB_BATCH_BIT:
            _, count, _, size_bytes = _SUB_BATCH.unpack_from(data, at)
            at += _SUB_BATCH.size
            stop = at + size_bytes
        else:
            count = 1
        for _ in range(count):
            (size_bytes,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + size_bytes
            messages.append(data[at - size_bytes : at])
        assert stop <= at, "a sub-batch is longer than its messages"
    assert (at, len(messages)) == (len(data), records), f"the chunk at {first_offset} miscounts"
    return Chunk(first_offset, messages)
