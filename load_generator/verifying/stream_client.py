"""The readers of a stream: each goes on where it was, over whatever connection, and notes it all.

It reads from offset 0 on. A reading of the whole stream ends at a message that was published for
that, once all other publishers had ended.
"""

import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from load_generator import wire
from load_generator.session import Session
from load_generator.verifying.client import (
    ROUND_TRIP_S,
    FrameReader,
    Pace,
    Publisher,
    body_of,
    value_in,
)
from load_generator.verifying.history import Action, Notebook, Value
from load_generator.wire import FieldValue, Frame, LoadError

SILENCE_S: Final = 10.0
"""A whole stream is read without longer breaks."""
WHOLE_S: Final = 120.0
PREFETCH_COUNT: Final = 1_000
_OFFSET: Final = b"\x0fx-stream-offsetl"
_I64: Final = struct.Struct(">q")
_TAG: Final = struct.Struct(">Q")


@dataclass(slots=True)
class Bookmark:
    """Where a reader of a stream goes on.

    Attributes:
        number: of the reader.
        next_offset: of the message that it has not seen; 0 is the first one.
    """

    number: int
    next_offset: int = 0


def value_at(stream: str, body: bytes) -> Value:
    """Return which message of a stream a body is.

    One that is not the body of a message of that stream, octet for octet, is publisher -1, with its
    checksum as the counter.
    """
    value = value_in(body)
    if value.queue == stream and body == body_of(value):
        return value
    return Value(stream, -1, zlib.crc32(body))


def offset_in(header: bytes) -> int:
    """Return the offset that the content header of a delivery names; raises LoadError."""
    at = header.find(_OFFSET)
    if at < 0:
        raise LoadError("a message of a stream came without its offset")
    return int(_I64.unpack_from(header, at + len(_OFFSET))[0])


class StreamReader:
    """Reads a stream over one connection, and acks what it has noted.

    Attributes:
        awaited: the message that a reading of the whole stream ends at; None: it has no end.
        seen_at: its offset, once it has come.
    """

    def __init__(
        self,
        session: Session,
        stream: str,
        node: str,
        notebook: Notebook,
        pace: Pace,
        bookmark: Bookmark,
        *,
        action: Action = Action.DELIVER,
        awaited: Value | None = None,
    ) -> None:
        """Subscribe.

        Args:
            session: to read over.
            stream: its name.
            node: that the session is with.
            notebook: gets the rows.
            pace: its prefetch and its longest silence.
            bookmark: where to begin; it is moved.
            action: of the rows.
            awaited: see the class.

        Raises:
            OSError, BrokerRefusalError: as ``Session.call``.
        """
        offset: FieldValue = bookmark.next_offset or "first"
        session.call(wire.qos(1, pace.prefetch_count), wire.BASIC_QOS_OK)
        consume = wire.consume(1, stream, "r", {"x-stream-offset": offset}, no_ack=False)
        session.call(consume, wire.BASIC_CONSUME_OK)
        self._session = session
        self._frames = FrameReader(session)
        self._stream = stream
        self._node = node
        self._notebook = notebook
        self._silence_s = pace.silence_s
        self._bookmark = bookmark
        self._action = action
        self._question = wire.queue_declare(1, stream, passive=True)
        self._is_asked = False
        self.awaited = awaited
        self.seen_at: int | None = None
        self._coming_tag = 0
        self._noted_tag = 0
        self._offset = 0

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
        """Note what came, and ack it; return whether anything came."""
        frames = self._frames.frames()
        tag = self._noted_tag
        for frame in frames:
            self._take(frame)
        if self._noted_tag != tag:
            self._session.socket.sendall(wire.ack(self._noted_tag, multiple=True))
        return bool(frames)

    def _take(self, frame: Frame) -> None:
        called = wire.method_of(frame)
        if called == wire.BASIC_DELIVER:
            (self._coming_tag,) = _TAG.unpack_from(frame.payload, 5 + frame.payload[4])
        elif called == wire.QUEUE_DECLARE_OK:
            self._is_asked = False
        elif called is not None:
            raise wire.refusal(frame)
        elif frame.kind == wire.FRAME_HEADER:
            self._offset = offset_in(frame.payload)
        elif frame.kind == wire.FRAME_BODY:
            self._note(frame.payload)
            self._noted_tag = self._coming_tag

    def _note(self, body: bytes) -> None:
        value, bookmark = value_at(self._stream, body), self._bookmark
        if value.publisher < 0:
            self._notebook.odd(
                f"{self._node} has a body of nobody at {self._offset}: {body[:60]!r}"
            )
        self._notebook.read(self._action, bookmark.number, self._node, value, self._offset)
        bookmark.next_offset = max(bookmark.next_offset, self._offset + 1)
        if value == self.awaited:
            self.seen_at = self._offset


def read_whole(session: Session, stream: str, node: str, notebook: Notebook, last: Value) -> int:
    """Read a stream from its first message to the last one, and return the offset of that.

    Args:
        session: to read over.
        stream: its name.
        node: that the session is with.
        notebook: gets a DRAIN row for each message, and an END row for the last.
        last: was published and confirmed when all other publishers had ended.

    Raises:
        OSError, LoadError: it did not come to the end.
    """
    bookmark = Bookmark(notebook.number())
    pace = Pace(prefetch_count=PREFETCH_COUNT, silence_s=SILENCE_S)
    reader = StreamReader(
        session, stream, node, notebook, pace, bookmark, action=Action.DRAIN, awaited=last
    )
    until_s = time.monotonic() + WHOLE_S
    reader.run(lambda: reader.seen_at is not None or time.monotonic() > until_s)
    if reader.seen_at is None:
        raise LoadError(f"the end of {stream} did not come in {WHOLE_S:.0f} s")
    notebook.read(Action.END, bookmark.number, node, last, reader.seen_at)
    return reader.seen_at


def publish_last(session: Session, stream: str, node: str, notebook: Notebook) -> Value | None:
    """Publish what a reading of the whole stream ends at; None: it is refused.

    Raises:
        OSError, LoadError: nobody says what became of it.
    """
    publisher = Publisher(session, stream, node, notebook, Pace(silence_s=SILENCE_S))
    try:
        return publisher.publish_one()
    finally:
        publisher.give_up()
