"""The clients of the load: they publish or consume over one connection, and note what they see.

Each runs until it is told to stop, or until its connection ends or is silent for too long. Then
its owner connects it to another node. Times are in seconds of ``time.monotonic``.
"""

import struct
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from load_generator import wire
from load_generator.session import Session, wait_in_kernel
from load_generator.verifying.history import Action, Kind, Notebook, Value
from load_generator.wire import BrokerRefusalError, Frame

POLL_S: Final = 0.02
SEND_S: Final = 5.0
ROUND_TRIP_S: Final = 0.25
"""How often a consumer asks for a reply, which says that its acks have arrived."""
_READ_BYTES: Final = 1 << 16
_TAG: Final = struct.Struct(">Q")
_PROPERTIES: Final = wire.properties(persistent=True)
_BODY_BYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Pace:
    """How clients work.

    Attributes:
        confirm_window: most publishes of a connection that wait for their confirm.
        rate_per_s: publishes of one connection; 0 is as fast as it can.
        prefetch_count: of each consumer.
        silence_s: a client that waits for something leaves its node after so long a silence.
    """

    confirm_window: int = 200
    rate_per_s: int = 500
    prefetch_count: int = 50
    silence_s: float = 3.0


def body_of(value: Value) -> bytes:
    """Return the body of a message, which says which one it is."""
    return f"{value.queue} {value.publisher} {value.counter} ".encode().ljust(_BODY_BYTES, b".")


def value_in(body: bytes) -> Value:
    """Return which message a body is; one of somebody else is publisher -1 of its own text."""
    parts = body.split(b" ")
    try:
        return Value(parts[0].decode(), int(parts[1]), int(parts[2]))
    except (IndexError, ValueError):
        return Value(body[:40].decode(errors="replace"), -1, 0)


class FrameReader:
    """Reads the frames of a connection in small waits."""

    def __init__(self, session: Session) -> None:
        """Read what comes behind the last reply of a session."""
        self._socket = session.socket
        self._buffer = bytearray(session.take_rest())
        wait_in_kernel(self._socket, POLL_S, SEND_S)

    def frames(self) -> list[Frame]:
        """Return what came within POLL_S.

        Raises:
            BrokerRefusalError: the broker ended the connection.
            OSError: the connection is gone.
        """
        try:
            octets = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            octets = b""
        else:
            if not octets:
                raise BrokerRefusalError("the broker ended the connection")
        self._buffer += octets
        frames, stop = wire.split_frames(self._buffer, 0, len(self._buffer))
        del self._buffer[:stop]
        return frames


class Author:
    """Who publishes to a queue, over one connection or one after another.

    Attributes:
        number: no two have the same.
        unanswered: what earlier connections left without an answer, which is published again first.
    """

    def __init__(self, queue: str, number: int) -> None:
        """Begin with the message 1."""
        self.number = number
        self.unanswered: deque[Value] = deque()
        self._queue = queue
        self._last_counter = 0
        self._told = 0

    def is_new(self, value: Value) -> bool:
        """Return whether this was not asked of the message, nor of a later one, before."""
        is_new = value.counter > self._told
        self._told = max(self._told, value.counter)
        return is_new

    def next_values(self, count: int) -> list[Value]:
        """Return so many messages to be published now, in the order of their counters."""
        again = min(count, len(self.unanswered))
        values = [self.unanswered.popleft() for _ in range(again)]
        for _ in range(count - again):
            self._last_counter += 1
            values.append(Value(self._queue, self.number, self._last_counter))
        return values

    def left(self, values: Sequence[Value]) -> None:
        """Take back what a connection has published, and will not hear of."""
        self.unanswered.extendleft(reversed(values))


class Publisher:
    """Publishes to one queue over one connection, at most a window ahead of the confirms.

    Attributes:
        waiting: what was written and not answered, by its number on the channel.
        last_confirmed: the message that was confirmed last; None: none was.
    """

    def __init__(
        self,
        session: Session,
        queue: str,
        node: str,
        notebook: Notebook,
        pace: Pace,
        author: Author | None = None,
    ) -> None:
        """Select confirms.

        Args:
            session: to publish over.
            queue: to publish to.
            node: that the session is with.
            notebook: gets the rows.
            pace: how fast.
            author: goes on with what it had to say; None is a new one.

        Raises:
            OSError, BrokerRefusalError: as ``Session.call``.
        """
        session.call(wire.method(1, wire.CONFIRM_SELECT, b"\x00"), wire.CONFIRM_SELECT_OK)
        self.waiting: OrderedDict[int, Value] = OrderedDict()
        self._session = session
        self._reader = FrameReader(session)
        self._queue = queue
        self._node = node
        self._notebook = notebook
        self._pace = pace
        self._author = author or Author(queue, notebook.number())
        self._number = self._author.number
        self.last_confirmed: Value | None = None
        self._written_count = 0
        self._returned: set[Value] = set()

    def run(self, stop: threading.Event) -> None:
        """Publish until told to stop, and then until all is answered.

        Raises:
            OSError, BrokerRefusalError: the connection ended, or was silent for too long.
        """
        began_s = heard_s = time.monotonic()
        while True:
            is_stopping = stop.is_set()
            if is_stopping and not self.waiting:
                return
            if not is_stopping:
                self._write(time.monotonic() - began_s)
            if self._read() or not self.waiting:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > self._pace.silence_s:
                raise TimeoutError("no answer to publishes")

    def publish_one(self) -> Value | None:
        """Publish one message and return it once it is confirmed; None: it is refused.

        Raises:
            OSError, BrokerRefusalError: as ``run``.
        """
        self._publish(1)
        stop = threading.Event()
        stop.set()
        self.run(stop)
        return self.last_confirmed

    def give_up(self) -> None:
        """Note that nobody will say what became of the rest."""
        rest = list(self.waiting.values())
        self.waiting.clear()
        self._author.left(rest)
        self._notebook.enqueue(Kind.INFO, self._number, self._node, rest)

    def _write(self, age_s: float) -> None:
        count = self._pace.confirm_window - len(self.waiting)
        if self._pace.rate_per_s:
            count = min(count, int(age_s * self._pace.rate_per_s) + 1 - self._written_count)
        if count > 0:
            self._publish(count)

    def _publish(self, count: int) -> None:
        values = self._author.next_values(count)
        self.waiting.update(enumerate(values, self._written_count + 1))
        self._written_count += count
        self._notebook.enqueue(Kind.INVOKE, self._number, self._node, values)
        pieces = [
            wire.publish("", self._queue, _PROPERTIES, body_of(value), mandatory=True)
            for value in values
        ]
        self._session.socket.sendall(b"".join(pieces))

    def _read(self) -> bool:
        """Note the answers; return whether any came."""
        frames = self._reader.frames()
        for frame in frames:
            called = wire.method_of(frame)
            if called is None:
                # The body of a message that is returned; its ack comes next.
                if frame.kind == wire.FRAME_BODY:
                    self._returned.add(value_in(frame.payload))
            elif called in {wire.BASIC_ACK, wire.BASIC_NACK}:
                self._answered(frame.payload, is_ack=called == wire.BASIC_ACK)
            elif called not in {
                wire.BASIC_RETURN,
                wire.CONNECTION_BLOCKED,
                wire.CONNECTION_UNBLOCKED,
            }:
                raise wire.refusal(frame)
        return bool(frames)

    def _answered(self, payload: bytes, *, is_ack: bool) -> None:
        (tag,) = _TAG.unpack_from(payload, 4)
        tags = [tag]
        if payload[12] & 1:
            tags = []
            for waiting in self.waiting:
                if waiting > tag:
                    break
                tags.append(waiting)
        if tag > self._written_count:
            self._notebook.odd(f"{self._node} answers publish {tag} of {self._written_count}")
        values = [value for one in tags if (value := self.waiting.pop(one, None))]
        if not values:
            self._notebook.odd(f"{self._node} answers publish {tag} twice")
        gone = [value for value in values if value in self._returned]
        kept = [value for value in values if value not in self._returned]
        kind = Kind.OK if is_ack else Kind.FAIL
        if is_ack and kept:
            self.last_confirmed = kept[-1]
        self._notebook.enqueue(kind, self._number, self._node, kept)
        self._notebook.enqueue(Kind.FAIL, self._number, self._node, gone)


class Consumer:
    """Consumes from one queue over one connection, and acks what it has noted."""

    def __init__(
        self, session: Session, queue: str, node: str, notebook: Notebook, pace: Pace
    ) -> None:
        """Subscribe; raises as ``Session.call``."""
        session.call(wire.qos(1, pace.prefetch_count), wire.BASIC_QOS_OK)
        session.call(wire.consume(1, queue, "c", no_ack=False), wire.BASIC_CONSUME_OK)
        self._session = session
        self._reader = FrameReader(session)
        self._node = node
        self._notebook = notebook
        self._silence_s = pace.silence_s
        self._number = notebook.number()
        self._question = wire.queue_declare(1, queue, passive=True)
        self._tag = 0
        self._redelivered = False
        self._acked: list[Value] = []  # written, and no question behind them yet
        self._asked: list[list[Value]] = []  # acks in front of each question

    def run(self, stop: threading.Event) -> None:
        """Consume until told to stop.

        Raises:
            OSError, BrokerRefusalError: the connection ended, or no answer came for too long.
        """
        asked_s = heard_s = time.monotonic()
        while not stop.is_set():
            now_s = time.monotonic()
            if now_s - asked_s > ROUND_TRIP_S and not self._asked:
                self._ask()
                asked_s = now_s
            if self._read():
                heard_s = time.monotonic()
            elif now_s - heard_s > self._silence_s:
                raise TimeoutError("no answer to a consumer")
        self._close()

    def _close(self) -> None:
        """Wait a moment for the last question, so that the last acks are known to have arrived."""
        self._ask()
        deadline_s = time.monotonic() + self._silence_s
        while self._asked and time.monotonic() < deadline_s:
            self._read(takes=False)

    def _ask(self) -> None:
        acked, self._acked = self._acked, []
        self._asked.append(acked)
        self._session.socket.sendall(self._question)

    def _read(self, *, takes: bool = True) -> bool:
        """Note the deliveries and ack them; return whether anything came."""
        frames = self._reader.frames()
        values: list[Value] = []
        for frame in frames:
            called = wire.method_of(frame)
            if called == wire.BASIC_DELIVER:
                self._delivered(frame.payload)
            elif called == wire.QUEUE_DECLARE_OK:
                self._notebook.ack(Kind.OK, self._number, self._node, self._asked.pop(0))
            elif frame.kind == wire.FRAME_BODY and takes:
                value = value_in(frame.payload)
                values.append(value)
                self._notebook.deliver(
                    Action.DELIVER,
                    self._number,
                    self._node,
                    value,
                    redelivered=self._redelivered,
                )
            elif called is not None:
                raise wire.refusal(frame)
        if values:
            self._notebook.ack(Kind.INVOKE, self._number, self._node, values)
            self._session.socket.sendall(wire.ack(self._tag, multiple=True))
            self._acked += values
        return bool(frames)

    def _delivered(self, payload: bytes) -> None:
        flag_at = 4 + 1 + payload[4] + _TAG.size
        (self._tag,) = _TAG.unpack_from(payload, flag_at - _TAG.size)
        self._redelivered = bool(payload[flag_at])


def drain(session: Session, queues: Sequence[str], node: str, notebook: Notebook) -> int:
    """Get and ack all that is ready in some queues, and return how many messages it was.

    Raises:
        OSError, BrokerRefusalError: the node does not serve one of them.
    """
    number = notebook.number()
    got_count = 0
    for queue in queues:
        while True:
            session.socket.sendall(wire.get(1, queue))
            frame = session.read_frame()
            if wire.method_of(frame) == wire.BASIC_GET_EMPTY:
                break
            if wire.method_of(frame) != wire.BASIC_GET_OK:
                raise wire.refusal(frame)
            (tag,) = _TAG.unpack_from(frame.payload, 4)
            redelivered = bool(frame.payload[4 + _TAG.size])
            session.read_frame()
            value = value_in(session.read_frame().payload)
            notebook.deliver(Action.DRAIN, number, node, value, redelivered=redelivered)
            session.socket.sendall(wire.ack(tag, multiple=False))
            got_count += 1
    return got_count
