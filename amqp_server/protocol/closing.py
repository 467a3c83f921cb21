"""The end of an AMQP connection: by an error, by either side's close, by time, or by its socket.

    fail ─ told? ── connection.close sent, close-ok awaited ──────────┐
              └───── silence for a while, then the socket is closed    ├─ closed
    the peer's connection.close, answered ────────────────────────────┤
    end of stream, missed heartbeats, no time left ───────────────────┘

In each case the first step gives back everything the connection holds of the broker. This happens
once, and in slices. The last words wait until it is done (``farewell``).

Source: AMQP 0-9-1 §2.2.4, §4.2.2, §4.10; RabbitMQ, rabbit_reader.
"""

import logging
from collections.abc import Callable
from typing import Final

from pamqp import commands

from amqp_server.broker.errors import LoginRefusedError
from amqp_server.connections.intake import Intake
from amqp_server.connections.life import Life
from amqp_server.connections.login import HeldRefusal
from amqp_server.connections.outbox import Outbox
from amqp_server.connections.reading import Reading
from amqp_server.protocol.channel_ends import ChannelEnds
from amqp_server.protocol.errors import ChannelStateError, ConnectionForcedError
from amqp_server.protocol.farewell import Farewell
from amqp_server.protocol.faults import close_method
from amqp_server.protocol.foreign_hello import is_health_check
from amqp_server.protocol.replies import INTERNAL, is_told, reply_for
from amqp_server.protocol.session import Session
from amqp_server.protocol.transitions import HANDSHAKE, TRANSITIONS, State, Step
from amqp_server.wire.errors import BrokenFramingError, WireError
from amqp_server.wire.events import Event
from amqp_server.wire.methods import encode_method, method_name

log = logging.getLogger(__name__)

CLOSE_OK_TIMEOUT_MS: Final = 30_000
"""How long a peer may take to answer connection.close (RabbitMQ's CLOSING_TIMEOUT)."""


class Closing:
    """The end of one connection.

    Attributes:
        has_seen_eof: the client sends nothing more; earlier input is still carried out.

    Invariant: everything the connection holds of the broker is released exactly once.
    """

    __slots__ = (
        "_channel_ends",
        "_farewell",
        "_intake",
        "_is_released",
        "_life",
        "_on_output",
        "_outbox",
        "_reading",
        "_refusal",
        "_session",
        "has_seen_eof",
    )

    def __init__(
        self,
        session: Session,
        life: Life[State, Step],
        intake: Intake[Event, WireError],
        reading: Reading,
        channel_ends: ChannelEnds,
        *,
        outbox: Outbox,
        on_output: Callable[[], None],
    ) -> None:
        """Begin with a connection that is alive.

        Args:
            session: the session that is told, and whose resources are given back.
            life: its state is moved on here.
            intake: dropped when nothing is carried out any more.
            reading: ends with the connection.
            channel_ends: end with the connection.
            outbox: where connection.close goes.
            on_output: called when the socket may be closed, or when more work comes before that.
        """
        self._session = session
        self._life = life
        self._intake = intake
        self._reading = reading
        self._channel_ends = channel_ends
        self._outbox = outbox
        self._farewell = Farewell(outbox)
        self._on_output = on_output
        self._refusal: LoginRefusedError | None = None
        self._is_released = False
        self.has_seen_eof = False

    # ── an error ──

    def fail(self, error: Exception, index: int, now_ms: int) -> None:
        """Answer an error that ends the connection, if this peer may be answered.

        Args:
            error: the error.
            index: class id << 16 | method id of the method at fault; 0 is none.
            now_ms: the time.
        """
        if reply_for(error) is INTERNAL:
            log.error("a bug %s", self._session, exc_info=error)
        if self._life.state is State.AWAIT_CLOSE_OK:
            self._linger(now_ms)
            return
        told = is_told(error, self._life.state, self._session.capabilities)
        if told:
            self._close(error, index, now_ms)
        elif not isinstance(error, LoginRefusedError):
            log.warning("handshake failed %s reason=%r", self._session, str(error))
        if not told or isinstance(error, BrokenFramingError):
            self._linger(now_ms)

    def refuse_later(self, held: HeldRefusal) -> None:
        """Answer a refused login when its time has come, unless the client has left before."""
        life = self._life
        assert life.ends_at_ms is not None, "a handshake has an end"
        self._refusal = held.error
        self._intake.hold()
        life.limit(min(life.ends_at_ms, held.due_ms))
        self._reading.regulate()

    def _close(self, error: Exception, index: int, now_ms: int) -> None:
        reply = reply_for(error)
        text = reply.text("" if reply is INTERNAL else str(error))
        log.warning(
            "closing connection %s method=%s code=%d text=%r",
            self._session,
            method_name(index),
            reply.code,
            text,
        )
        self._release(now_ms)
        method = close_method(commands.Connection.Close, reply.code, text, index)
        self._farewell.say(encode_method(0, method))
        self._step(Step.WE_CLOSE)
        self._life.limit(now_ms + CLOSE_OK_TIMEOUT_MS)

    def _linger(self, now_ms: int) -> None:
        self._release(now_ms)
        self._step(Step.REFUSED)
        self._life.limit(now_ms + self._session.settings.silent_close_delay_ms)

    # ── connection.close of either side ──

    def peer_closes(self, method: commands.Connection.Close, now_ms: int) -> None:
        """Answer the client's connection.close.

        Raises:
            ChannelStateError: it may not close yet (504).
        """
        state = self._life.state
        if (state, Step.PEER_CLOSED) not in TRANSITIONS:
            raise ChannelStateError(f"unexpected method in connection state {state.value}")
        self._release(now_ms, is_heard=True)
        self._farewell.say(encode_method(0, commands.Connection.CloseOk()))
        self._step(Step.PEER_CLOSED)
        code, text = method.reply_code, method.reply_text
        log.info("connection closed %s code=%d text=%.100r", self._session, code, text)

    def while_closing(self, index: int) -> None:
        """Take a method of the connection after our connection.close; most are ignored."""
        if index == commands.Connection.CloseOk.index:
            self._step(Step.CLOSE_OK)
        elif index == commands.Connection.Close.index:
            self._farewell.say(encode_method(0, commands.Connection.CloseOk()))
            self._step(Step.PEER_CLOSED)

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close with 320 CONNECTION_FORCED; before login the client is not told."""
        state = self._life.state
        if state is State.OPEN:
            self._close(ConnectionForcedError(reason), 0, now_ms)
        elif state in HANDSHAKE or state is State.LINGERING:
            self.cut_off(now_ms)

    # ── time, and the socket ──

    def time_is_over(self, now_ms: int) -> None:
        """Do what follows when the time of its state is over."""
        if self._refusal is not None:
            error, self._refusal = self._refusal, None
            self._session.broker.logins.let_go(self._session.peer.address)
            self.fail(error, 0, now_ms)
            self._intake.release()
            return
        if self._life.state in HANDSHAKE:
            log.warning("handshake timeout %s", self._session)
        self._release(now_ms)
        self._life.limit(None)
        self._step(Step.EOF)

    def cut_off(self, now_ms: int) -> None:
        """End it without telling the client."""
        self._release(now_ms)
        self._step(Step.EOF)

    def receive_eof(self, now_ms: int) -> None:
        """Note that the client sends nothing more; earlier input is carried out first."""
        self.has_seen_eof = True
        if not self._life.is_open or self._is_through:
            self._end(now_ms)

    def slice_ended(self, now_ms: int) -> None:
        """Note that earlier input was carried out; end the connection after the last of it."""
        if self._outbox.is_abandoned:
            self._outbox.take()
        if self._is_through:
            self._end(now_ms)

    @property
    def _is_through(self) -> bool:
        """Whether nothing is carried out before the end.

        A client that is gone does not keep what it holds while its events wait for something
        outside, such as a metadata store that is away.
        """
        ends, is_gone = self._channel_ends, self._outbox.is_abandoned
        if self._intake.is_stalled or ends.overlapping.waiting:
            return is_gone and ends.waits_outside
        return True

    def lose(self, now_ms: int) -> None:
        """Note that the socket is gone; answers to its input are not kept."""
        self.has_seen_eof = True
        self._outbox.abandon()
        self._intake.room_came(now_ms)
        self.receive_eof(now_ms)

    # ── the end ──

    def _end(self, now_ms: int) -> None:
        self._release(now_ms)
        session, state = self._session, self._life.state
        session.has_no_connection()
        if state is not State.CLOSED:
            is_check = is_health_check(state, self._intake.rest, session.peer)
            log.log(logging.DEBUG if is_check else logging.INFO, "connection lost %s", session)
            self._step(Step.EOF)

    def _release(self, now_ms: int, *, is_heard: bool = False) -> None:
        """Give back everything it holds: deliveries, consumers, exclusive queues.

        With ``is_heard`` the last words wait for auto-delete queues that are left, too.
        """
        if self._is_released:
            return
        self._is_released = True
        session, broker = self._session, self._session.broker
        if self._refusal is not None:
            self._refusal = None
            broker.logins.let_go(session.peer.address)
        self._reading.end()
        ending = self._channel_ends.ending_all(now_ms, is_heard=is_heard)
        if not self._farewell.begin(ending, broker.turn, self._farewell_said):
            self._on_output()
        if session.vhost is not None:
            session.vhost.queues.release(session)
        broker.connection_closed(session)
        session.replies.were_read()
        broker.turn.settle(now_ms)

    def _farewell_said(self) -> None:
        self._life.is_closed = self._life.state is State.CLOSED
        self._on_output()

    def _step(self, step: Step) -> None:
        life, farewell = self._life, self._farewell
        if step is Step.EOF:
            farewell.drop()
        life.step(step)
        if farewell.is_held:
            life.is_closed = False
        if life.is_over:
            self._intake.drop()
            self._on_output()
