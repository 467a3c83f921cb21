"""Moves one queue: what its source delivers is published at the target, then acked.

It is over when the source has nothing ready, says so behind the last ack, and all that came is
confirmed. Any error ends it, and the source then has again what was not acked.
"""

import hashlib
import select
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from amqp_server.migrating.passage import confirm_in, content_of, count_in, publish_of
from amqp_server.migrating.tally import Tally
from amqp_server.net.timers import now_ms
from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import Frame, LoadError

PREFETCH_COUNT: Final = 500
ASK_S: Final = 0.2
"""A source that delivers nothing for so long is asked whether it has anything."""
STUCK_MS: Final = 20_000
"""Most time without a delivery or a confirm."""
EXCHANGE_PREFIX: Final = "haremq-migrate."
_READ_BYTES: Final = 1 << 18


class MoveError(Exception):
    """A queue cannot be moved, or not to its end; the text says why."""


def exchange_of(queue: str) -> str:
    """Return the name of the exchange that a queue's messages pass at the target."""
    return EXCHANGE_PREFIX + hashlib.sha256(queue.encode()).hexdigest()[:32]


class _Side:
    """One connection, and the octets that came."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.socket = session.socket
        self._buffer = bytearray(session.take_rest())

    def has_octets(self) -> bool:
        """Return whether something came that select does not see: in the TLS layer."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    def frames(self) -> list[Frame]:
        octets = self.socket.recv(_READ_BYTES)
        if not octets:
            raise MoveError("the broker ended the connection")
        self._buffer += octets
        frames, stop = wire.split_frames(self._buffer, 0, len(self._buffer))
        del self._buffer[:stop]
        return frames


class QueueMove:
    """One move; ``run`` it once.

    Attributes:
        moved_count: messages that are at the target, and acked at the source.
    """

    def __init__(self, source: Endpoint, target: Endpoint, queue: str) -> None:
        """Nothing is connected.

        Args:
            source: where it is, with its vhost.
            target: where a queue of the same name is.
            queue: name of both.
        """
        self.moved_count = 0
        self._endpoints = source, target
        self._queue = queue
        self._exchange = exchange_of(queue)
        self._tally = Tally()
        self._is_asked = self._is_begun = False

    def run(self) -> None:
        """Move what is there.

        Raises:
            MoveError: it is not at its end; what was not acked is at the source still.
        """
        source, target = self._endpoints
        try:
            with Session(target) as taking:
                self._is_begun = True
                self._prepare(taking)
                with Session(source) as giving:
                    giving.call(wire.qos(1, PREFETCH_COUNT), wire.BASIC_QOS_OK)
                    consume = wire.consume(1, self._queue, "haremq-migrate", no_ack=False)
                    giving.call(consume, wire.BASIC_CONSUME_OK)
                    self._pass_on(_Side(giving), _Side(taking))
        except BlockingIOError as error:
            raise MoveError("a broker took nothing for too long; has it an alarm?") from error
        except (OSError, LoadError, ValueError) as error:
            raise MoveError(str(error)) from error
        finally:
            # Also where it failed, or the user has enough: what is confirmed is in the queue.
            if self._is_begun:
                self._clean_up(target)

    def _prepare(self, taking: Session) -> None:
        taking.call(wire.method(1, wire.CONFIRM_SELECT, b"\x00"), wire.CONFIRM_SELECT_OK)
        declare = wire.exchange_declare(1, self._exchange, "fanout")
        taking.call(declare, wire.EXCHANGE_DECLARE_OK)
        taking.call(wire.queue_bind(1, self._queue, self._exchange, ""), wire.QUEUE_BIND_OK)

    def _clean_up(self, target: Endpoint) -> None:
        with suppress(OSError, LoadError), Session(target) as taking:
            taking.call(wire.exchange_delete(1, self._exchange), wire.EXCHANGE_DELETE_OK)

    def _pass_on(self, giving: _Side, taking: _Side) -> None:
        tally, known, known_ms = self._tally, (0, 0), now_ms()
        while True:
            sides = _readable(giving, taking)
            if giving in sides:
                frames = giving.frames()
                if self._is_over(frames):
                    return
                self._publish(frames, taking)
            if taking in sides:
                self._take_confirms(taking.frames(), giving)
            if not sides and tally.is_settled and not self._is_asked:
                # The answer comes behind the acks, so it says that they have arrived.
                self._is_asked = True
                giving.socket.sendall(wire.queue_declare(1, self._queue, passive=True))
            if (tally.written, tally.safe) != known:
                known, known_ms = (tally.written, tally.safe), now_ms()
            elif now_ms() - known_ms > STUCK_MS:
                raise MoveError(self._stuck_text())

    def _stuck_text(self) -> str:
        if not self._tally.is_settled:
            return f"the target confirms nothing for {STUCK_MS // 1000} s"
        return (
            f"the source has messages, and delivers nothing for {STUCK_MS // 1000} s: other"
            " consumers come first, or it is paused"
        )

    def _is_over(self, frames: Sequence[Frame]) -> bool:
        """Take the answer to a question, if it came; return whether nothing is left."""
        for frame in frames:
            if wire.method_of(frame) == wire.QUEUE_DECLARE_OK:
                self._is_asked = False
                return count_in(frame.payload) == 0 and self._tally.is_settled and len(frames) == 1
        return False

    def _publish(self, frames: Sequence[Frame], taking: _Side) -> None:
        pieces = []
        for frame in frames:
            called = wire.method_of(frame)
            if called == wire.BASIC_DELIVER:
                self._tally.written += 1
                pieces.append(publish_of(frame.payload, self._exchange))
            elif frame.kind in {wire.FRAME_HEADER, wire.FRAME_BODY}:
                pieces.append(content_of(frame, taking.session.frame_max_bytes))
            elif called is not None and called != wire.QUEUE_DECLARE_OK:
                raise wire.refusal(frame)
        if pieces:
            taking.socket.sendall(b"".join(pieces))

    def _take_confirms(self, frames: Sequence[Frame], giving: _Side) -> None:
        """Ack at the source what is confirmed, also what was before a refusal."""
        tally = self._tally
        try:
            for frame in frames:
                self._take_confirm(frame)
        finally:
            if tally.safe > self.moved_count:
                giving.socket.sendall(wire.ack(tally.safe, multiple=True))
                self.moved_count = tally.safe

    def _take_confirm(self, frame: Frame) -> None:
        called = wire.method_of(frame)
        if called == wire.BASIC_ACK:
            number, multiple = confirm_in(frame.payload)
            self._tally.confirmed(number, multiple=multiple)
        elif called == wire.BASIC_NACK:
            raise MoveError("the target refused a message (basic.nack): its queue may be full")
        elif called == wire.BASIC_RETURN:
            raise MoveError("the target returned a message: its queue is gone")
        elif called is not None:
            raise wire.refusal(frame)


def _readable(giving: _Side, taking: _Side) -> list[_Side]:
    """Return which of them have something, after ``ASK_S`` at the latest."""
    sides = [giving, taking]
    if buffered := [side for side in sides if side.has_octets()]:
        return buffered
    ready, _, _ = select.select([side.socket for side in sides], [], [], ASK_S)
    return [side for side in sides if side.socket in ready]
