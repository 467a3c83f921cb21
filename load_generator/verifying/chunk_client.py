"""Clients of streams by the stream protocol, which publish and read beside those of AMQP.

A publisher with a name publishes what has no answer again under the same publishing id. So its
messages are there once, and a second copy is the broker's mistake. Publishers and readers look for
a node that serves the stream: one that does not refuses, and their owner goes on to the next.
"""

import struct
import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from load_generator.session import wait_in_kernel
from load_generator.streams import commands
from load_generator.streams.commands import Frame
from load_generator.streams.session import StreamSession
from load_generator.verifying.client import POLL_S, ROUND_TRIP_S, SEND_S, Author, Pace, body_of
from load_generator.verifying.history import Action, Kind, Notebook, Value
from load_generator.verifying.stream_client import Bookmark, value_at
from load_generator.wire import LoadError

CREDIT: Final = 8
"""Chunks that a reader is given ahead."""
_CHUNK: Final = struct.Struct(">xBBHIqQQIII4x")
"""Behind the subscription: magic, type, entries, records, time, epoch, first offset, checksum,
octets of data and of the trailer."""
_MAGIC: Final = 0x50
_USERS: Final = 0
_U32: Final = struct.Struct(">I")
_BATCH: Final = struct.Struct(">BHII")
_IS_BATCH: Final = 0x80
_ID: Final = struct.Struct(">Q")
_ERROR: Final = struct.Struct(">QH")
_DATA_SECTIONS: Final = (b"\x00\x53\x75\xa0", b"\x00\x53\x75\xb0")
_BODY_BYTES: Final = len(body_of(Value("", 0, 0)))
_TAILS: Final = (
    _DATA_SECTIONS[0] + bytes([_BODY_BYTES]),
    _DATA_SECTIONS[1] + _U32.pack(_BODY_BYTES),
)


def body_in(message: bytes) -> bytes:
    """Return the body of an AMQP 1.0 message of the load; of another one, all of it."""
    head, body = message[:-_BODY_BYTES], message[-_BODY_BYTES:]
    return body if head.endswith(_TAILS) else message


def records_in(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield offset and octets of each message of a Deliver, whose body this is.

    Raises:
        LoadError: it is no whole chunk of messages, or its checksum is another one.
    """
    magic, kind, entry_count, count, _, _, first, checksum, data_bytes, _ = _CHUNK.unpack_from(
        chunk
    )
    data = chunk[_CHUNK.size : _CHUNK.size + data_bytes]
    if magic != _MAGIC or kind != _USERS or len(data) != data_bytes:
        raise LoadError(f"no chunk of messages: {chunk[: _CHUNK.size]!r}")
    if zlib.crc32(data) != checksum:
        raise LoadError(f"the chunk at {first} has another checksum")
    offset = first
    at = 0
    for _ in range(entry_count):
        if data[at] & _IS_BATCH:
            kind, inside_count, _, size = _BATCH.unpack_from(data, at)
            if kind != _IS_BATCH:
                raise LoadError(f"the chunk at {first} is compressed")
            inside, at = at + _BATCH.size, at + _BATCH.size + size
        else:
            inside, inside_count = at, 1
            at += _U32.size + _U32.unpack_from(data, at)[0]
        for _ in range(inside_count):
            (size,) = _U32.unpack_from(data, inside)
            inside += _U32.size
            yield offset, data[inside : inside + size]
            inside += size
            offset += 1
    if offset != first + count:
        raise LoadError(f"the chunk at {first} has {offset - first} messages, and says {count}")


def _frames(session: StreamSession) -> Iterator[Frame]:
    """Yield what comes until nothing has come for POLL_S; raises as ``read_frame``."""
    try:
        while True:
            frame = session.read_frame()
            if frame.key == commands.CLOSE:
                raise commands.refusal(frame)
            yield frame
            # What has come is taken before more is waited for, so that it is answered.
            if not session.has_frame():
                return
    except TimeoutError:
        return


class ChunkPublisher:
    """Publishes to one stream over one connection, at most a window ahead of the confirms.

    Attributes:
        waiting: what was written and not answered, by its publishing id.
    """

    def __init__(
        self,
        session: StreamSession,
        stream: str,
        node: str,
        notebook: Notebook,
        pace: Pace,
        author: Author,
        *,
        name: str = "",
    ) -> None:
        """Declare a publisher.

        Args:
            session: to publish over.
            stream: to publish to.
            node: that the session is with.
            notebook: gets the rows.
            pace: how fast.
            author: goes on with what it had to say.
            name: of the publisher, for the broker to know what it has; empty: it has none.

        Raises:
            OSError, BrokerRefusalError: as ``StreamSession.call``.
        """
        words = b"\x00" + commands.string(name) + commands.string(stream)
        session.call(commands.DECLARE_PUBLISHER, words)
        wait_in_kernel(session.socket, POLL_S, SEND_S)
        self.waiting: OrderedDict[int, Value] = OrderedDict()
        self._session = session
        self._node = node
        self._notebook = notebook
        self._pace = pace
        self._author = author
        self._is_named = bool(name)
        self._written_count = 0

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop, and then until all is answered.

        Raises:
            OSError, LoadError: the connection ended, or was silent for too long.
        """
        began_s = heard_s = time.monotonic()
        while self.waiting or not stop.is_set():
            now_s = time.monotonic()
            if not stop.is_set():
                self._write(now_s - began_s)
            if self._read() or not self.waiting:
                heard_s = now_s
            elif now_s - heard_s > self._pace.silence_s:
                raise TimeoutError("no answer to publishes")

    def give_up(self) -> None:
        """Note that nobody will say what became of the rest."""
        rest = list(self.waiting.values())
        self.waiting.clear()
        self._author.left(rest)
        self._notebook.enqueue(Kind.INFO, self._author.number, self._node, rest)

    def _write(self, age_s: float) -> None:
        count = self._pace.confirm_window - len(self.waiting)
        if self._pace.rate_per_s:
            count = min(count, int(age_s * self._pace.rate_per_s) + 1 - self._written_count)
        if count <= 0:
            return
        values = self._author.next_values(count)
        self._written_count += count
        self.waiting |= {value.counter: value for value in values}
        # Who has a name publishes a message once, however often it says so.
        news = [each for each in values if not self._is_named or self._author.is_new(each)]
        self._notebook.enqueue(Kind.INVOKE, self._author.number, self._node, news)
        items = (
            _ID.pack(value.counter) + commands.entry(commands.message(body_of(value)))
            for value in values
        )
        frame = commands.frame(commands.PUBLISH, b"\x00" + _U32.pack(count) + b"".join(items))
        self._session.socket.sendall(frame)

    def _read(self) -> bool:
        """Note the answers; return whether any came."""
        has_come = False
        for frame in _frames(self._session):
            has_come = True
            (count,) = _U32.unpack_from(frame.body, 1)
            if frame.key == commands.PUBLISH_CONFIRM:
                ids = struct.unpack_from(f">{count}Q", frame.body, 5)
                self._answered(Kind.OK, [self.waiting.pop(each, None) for each in ids])
            elif frame.key == commands.PUBLISH_ERROR:
                self._refused(frame.body)
            else:
                raise commands.refusal(frame)
        return has_come

    def _refused(self, body: bytes) -> None:
        """Who has a name must not publish behind it, and publishes it again; it may be there."""
        if self._is_named:
            raise LoadError("a publish is refused")
        ids = [each for each, _ in _ERROR.iter_unpack(body[5:])]
        self._answered(Kind.FAIL, [self.waiting.pop(each, None) for each in ids])

    def _answered(self, kind: Kind, values: list[Value | None]) -> None:
        known = [value for value in values if value is not None]
        if len(known) != len(values):
            self._notebook.odd(f"{self._node} answers a publish that does not wait")
        self._notebook.enqueue(kind, self._author.number, self._node, known)


class ChunkReader:
    """Reads a stream over one connection by the stream protocol.

    Attributes:
        seen_at: the offset of the message that a reading of the whole stream ends at, once it came.
    """

    def __init__(
        self,
        session: StreamSession,
        stream: str,
        node: str,
        notebook: Notebook,
        pace: Pace,
        bookmark: Bookmark,
        *,
        action: Action = Action.DELIVER,
        awaited: Value | None = None,
    ) -> None:
        """Subscribe; the arguments are those of ``StreamReader``.

        Raises:
            OSError, BrokerRefusalError: as ``StreamSession.call``; the node does not serve it.
        """
        session.socket.sendall(
            commands.subscribe(stream, str(bookmark.next_offset), CREDIT, filters=())
        )
        answer = session.read_answer(commands.SUBSCRIBE)
        if commands.code_of(answer) != commands.OK:
            raise commands.refusal(answer)
        wait_in_kernel(session.socket, POLL_S, SEND_S)
        self.seen_at: int | None = None
        self._session = session
        self._stream = stream
        self._node = node
        self._notebook = notebook
        self._silence_s = pace.silence_s
        self._bookmark = bookmark
        self._action = action
        self._awaited = awaited
        self._question = commands.request(commands.METADATA, commands.strings([stream]))
        self._is_asked = False

    def run(self, is_done: Callable[[], bool]) -> None:
        """Read until it is done.

        Args:
            is_done: says so; it is asked after each read.

        Raises:
            OSError, LoadError: the connection ended, or no answer came for too long.
        """
        asked_s = heard_s = time.monotonic()
        while not is_done():
            now_s = time.monotonic()
            if now_s - asked_s > ROUND_TRIP_S and not self._is_asked:
                self._session.socket.sendall(self._question)
                self._is_asked, asked_s = True, now_s
            if self._read():
                heard_s = time.monotonic()
            elif now_s - heard_s > self._silence_s:
                raise TimeoutError("no answer to a reader")

    def _read(self) -> bool:
        """Note what came, and give its credit back; return whether anything came."""
        has_come = False
        for frame in _frames(self._session):
            has_come = True
            if frame.key == commands.DELIVER:
                self._note(frame.body)
                self._session.socket.sendall(commands.credit(1))
            elif frame.key == commands.METADATA | commands.RESPONSE:
                self._is_asked = False
            else:
                raise commands.refusal(frame)
        return has_come

    def _note(self, body: bytes) -> None:
        bookmark, notebook = self._bookmark, self._notebook
        try:
            for offset, message in records_in(body):
                # A chunk begins where it begins: clients leave out what they did not ask for.
                if offset < bookmark.next_offset:
                    continue
                value = value_at(self._stream, body_in(message))
                if value.publisher < 0:
                    notebook.odd(f"{self._node} has a body of nobody at {offset}: {message[:60]!r}")
                notebook.read(self._action, bookmark.number, self._node, value, offset)
                bookmark.next_offset = offset + 1
                if value == self._awaited:
                    self.seen_at = offset
        except LoadError as error:
            notebook.odd(f"{self._node}: {error}")
            raise
