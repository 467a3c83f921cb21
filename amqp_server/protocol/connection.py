"""One client's connection, sans-IO: bytes and time in, bytes and deadlines out.

The shell calls ``receive_data`` with what a socket gave, ``on_deadline`` at ``next_deadline_ms``,
and writes what ``data_to_send`` returns. A peer's fault never raises out of here: it is answered
with the close that ``replies`` has for it, at the scope that it has.

Source: AMQP 0-9-1 §2.2, §4.2; RabbitMQ, rabbit_reader.
"""

import logging
from collections.abc import Callable
from typing import Final

from pamqp import commands

from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import LoginRefusedError
from amqp_server.connections.heartbeat import Heartbeat
from amqp_server.connections.intake import Intake
from amqp_server.connections.login import HeldRefusal
from amqp_server.connections.outbox import Outbox
from amqp_server.connections.peer import Peer
from amqp_server.protocol.channel_table import ChannelTable, close_method, index_at_fault
from amqp_server.protocol.errors import ChannelStateError, ConnectionForcedError
from amqp_server.protocol.farewell import Farewell
from amqp_server.protocol.foreign_hello import described, is_health_check
from amqp_server.protocol.lane import Starved, feed
from amqp_server.protocol.methods import connection as methods
from amqp_server.protocol.replies import INTERNAL, is_told, reply_for
from amqp_server.protocol.session import Session
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.protocol.transitions import HANDSHAKE, TRANSITIONS, State, Step
from amqp_server.wire.constants import (
    FRAME_METHOD,
    HEARTBEAT_FRAME,
    PROTOCOL_HEADER,
    PROTOCOL_HEADER_0_9,
    PROTOCOL_HEADER_BYTES,
)
from amqp_server.wire.errors import BrokenFramingError, UnexpectedFrameError, WireError
from amqp_server.wire.events import Event, FrameEvent, is_content
from amqp_server.wire.framing import scan
from amqp_server.wire.methods import (
    Method,
    decode_method,
    encode_method,
    erlang_binary,
    method_index,
    method_name,
)
from persistence.record import Octets

log = logging.getLogger(__name__)

CLOSE_OK_TIMEOUT_MS: Final = 30_000
"""How long a peer may take to answer connection.close (RabbitMQ's CLOSING_TIMEOUT)."""

OUTPUT_MAX_BYTES: Final = 1_048_576
_ENDED: Final = frozenset((State.LINGERING, State.CLOSED))
_BLOCKED_CAPABILITY: Final = "connection.blocked"


class Connection:
    """State machine of one connection; see ``transitions``.

    Attributes:
        session: who is there and what was agreed.
        intake: what was read and is not carried out yet; ``rest`` of it comes before the next.
        state: where in its life it is.
        wants_read: False while blocked by an alarm, or while the ``intake`` is stalled.
        is_closed: whether the socket must be closed, once what is buffered was sent.
        is_over: nothing more is carried out.
        payload_max_bytes: largest payload of a frame that is taken.
        due_ms: what ``next_deadline_ms`` returned last; None when that may have come nearer since.

    Invariant: ``state`` only moves along ``TRANSITIONS``.
    Invariant: what the connection holds of the broker is released exactly once.
    """

    def __init__(
        self,
        broker: Broker,
        settings: ProtocolSettings,
        peer: Peer,
        on_output: Callable[[], None],
        now_ms: int,
        output_max_bytes: int = OUTPUT_MAX_BYTES,
    ) -> None:
        """Begin with a socket that was just accepted.

        Args:
            broker: the node's.
            settings: the protocol section.
            peer: who is there.
            on_output: called when there is output, ``wants_read`` or ``is_closed`` changed, or
                nothing but a deadline came nearer.
            now_ms: the time.
            output_max_bytes: deliveries pause while more than this waits to be written, and
                requests while twice as many bytes of answers do.
        """
        self._broker = broker
        self._turn = broker.turn
        self._alarms = broker.alarms
        self._on_output = on_output
        self._outbox = Outbox(output_max_bytes, on_output)
        self._farewell = Farewell(self._outbox)
        self._starved: Starved = {}
        self.intake = Intake(self, broker.turn, self._outbox, scan)
        self._has_seen_eof = False
        self._congestion = broker.congestion
        self._held: LoginRefusedError | None = None
        self._heartbeat = Heartbeat(0, now_ms)
        self._ends_at_ms: int | None = now_ms + settings.handshake_timeout_ms
        self._timeouts_at_ms = now_ms + broker.settings.consumer_tick_ms
        self._is_blocked = False
        self._is_released = False
        self._is_open = False
        self.is_over = False
        self.due_ms: int | None = None
        self.wants_read = True
        self.is_closed = False
        self.state = State.AWAIT_HEADER
        self.session = Session(broker, peer, self.shut_down, settings=settings)
        self.session.frame_max_bytes = settings.initial_frame_max_bytes
        self.payload_max_bytes = self.session.payload_max_bytes
        self._channels = ChannelTable(
            self.session, self._outbox, self._starved, self.intake, self._fail
        )

    # ── what the shell reads ──

    @property
    def has_logged_in(self) -> bool:
        """Whether it is open; who has not got so far may be anybody."""
        return self._is_open

    @property
    def is_blocked(self) -> bool:
        """Whether an alarm keeps it from being read."""
        return self._is_blocked

    @property
    def is_waited_for(self) -> bool:
        """Whether it holds messages, or is to get some, that others could have."""
        return self._channels.hold_deliveries

    def data_to_send(self) -> list[Octets]:
        """Return all output in order, and forget it; what waited for room goes on."""
        chunks = self._outbox.take()
        if chunks:
            self._heartbeat.sent_at_ms = self._turn.now_ms
        if (self.intake.is_stalled or self._starved) and not self._outbox.is_full:
            self._room_came()
        return chunks

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due; None is never.

        Traffic moves deadlines away and does not count: ``on_deadline`` finds, once, nothing due.
        """
        if self.due_ms is None:
            deadlines = [self._ends_at_ms, self._heartbeat.next_deadline_ms()]
            if len(self._channels):
                deadlines.append(self._timeouts_at_ms)
            self.due_ms = min([at for at in deadlines if at is not None], default=None)
        return self.due_ms

    # ── what the shell tells ──

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        """Take what a socket gave; the memory is only used during the call."""
        self._turn.now_ms = now_ms
        if self.is_over:
            return
        self._heartbeat.received_at_ms = now_ms
        if self.state is State.AWAIT_HEADER:
            data = self.intake.take_rest(PROTOCOL_HEADER_BYTES) + data
            if len(data) < PROTOCOL_HEADER_BYTES:
                self.intake.rest = bytes(data)
                return
            self._receive_header(bytes(data[:PROTOCOL_HEADER_BYTES]))
            data = data[PROTOCOL_HEADER_BYTES:]
        intake = self.intake
        intake.receive(data, now_ms)
        if self._channels.confirming:
            self._channels.flush_confirms()
        if intake.is_stalled:
            self._read_or_not()

    def receive_eof(self, now_ms: int) -> None:
        """Note that the client sends nothing more; what came before is carried out first."""
        self._has_seen_eof = True
        if not (self._is_open and self.intake.is_stalled):
            self._end(now_ms)

    def lose(self, now_ms: int) -> None:
        """Note that the socket is gone; answers to what was read of it are not kept."""
        self._has_seen_eof = True
        self._outbox.abandon()
        self.intake.room_came(now_ms)
        self.receive_eof(now_ms)

    def _end(self, now_ms: int) -> None:
        self._release(now_ms)
        self.session.has_no_connection()
        if self.state is not State.CLOSED:
            is_check = is_health_check(self.state, self.intake.rest, self.session.peer)
            log.log(logging.DEBUG if is_check else logging.INFO, "connection lost %s", self.session)
            self._step(Step.EOF)

    def pause_deliveries(self) -> None:
        """The socket takes no more: deliver nothing."""
        self._outbox.transport_full = True

    def resume_deliveries(self) -> None:
        """The socket takes bytes again."""
        self._outbox.transport_full = False
        self.session.replies.were_read()
        if not self._outbox.is_full:
            self._room_came()

    def on_deadline(self, now_ms: int) -> None:
        """Do what is due: heartbeats, timeouts."""
        self.due_ms = None
        self._turn.now_ms = now_ms
        if self._ends_at_ms is not None and now_ms >= self._ends_at_ms:
            self._time_is_over(now_ms)
            return
        if self._heartbeat.is_peer_dead(now_ms):
            log.warning("missed heartbeats %s", self.session)
            self._release(now_ms)
            self._step(Step.EOF)
            return
        if self._heartbeat.is_due(now_ms):
            self._heartbeat.sent_at_ms = now_ms
            self._outbox.write_past_held(HEARTBEAT_FRAME)
        if now_ms >= self._timeouts_at_ms:
            self._timeouts_at_ms = now_ms + self._broker.settings.consumer_tick_ms
            self._channels.check_timeouts(now_ms)
            self._turn.settle(now_ms)

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close with 320 CONNECTION_FORCED; before login there is nobody to tell."""
        if self.state is State.OPEN:
            self._close(ConnectionForcedError(reason), 0, now_ms)
        elif self.state in HANDSHAKE or self.state is State.LINGERING:
            self._release(now_ms)
            self._step(Step.EOF)

    # ── receiving ──

    def _receive_header(self, header: bytes) -> None:
        """Accept 0-9-1 and 0-9; to anybody else say what we speak, and leave (4.2.2)."""
        if header in {PROTOCOL_HEADER, PROTOCOL_HEADER_0_9}:
            self._step(Step.HEADER)
            self._outbox.write(methods.start(self.session))
            return
        peer, it = self.session.peer, described(header)
        log.info("not AMQP 0-9-1 peer=%s header=%r: %s", peer, header, it)
        self._outbox.write(PROTOCOL_HEADER)
        self._step(Step.EOF)

    def handle(self, event: Event, now_ms: int) -> None:
        """Carry one event out, for the ``intake``."""
        turn = self._turn
        try:
            if not self._is_open or not event[0]:
                self._on_event_unlike_most(event, now_ms)
                return
            if self._alarms.is_on and is_content(event):
                self._block()
            self._channels.on_event(event, now_ms)
            if turn.effects:
                turn.settle(now_ms)
            if self._congestion.is_on and (self._congestion.is_brought_about or is_content(event)):
                self.intake.hold()
                self._congestion.wait(self.intake.release)
        except Exception as error:  # noqa: BLE001 — the rim: a bug of ours is this peer's 541
            self._congestion.excuse()
            self._fail(error, index_at_fault(error, event), now_ms)

    def fail(self, error: WireError, now_ms: int) -> None:
        """Answer bytes that are no frames, for the ``intake``."""
        self._fail(error, error.method_index, now_ms)

    def slice_ended(self, now_ms: int) -> None:
        """Confirm what a slice of the input published, and end where it was the last one."""
        self._channels.flush_confirms()
        self._read_or_not()
        if self._has_seen_eof:
            if self._outbox.is_abandoned:
                self._outbox.take()
            if not self.intake.is_stalled:
                self._end(now_ms)

    def wake(self) -> None:
        """Have a turn, for the ``intake``."""
        self._on_output()

    def _on_event_unlike_most(self, event: Event, now_ms: int) -> None:
        """Carry out what does not come on a channel of an open connection."""
        if event.channel == 0:
            self._on_connection_event(event, now_ms)
        elif self.state is not State.AWAIT_CLOSE_OK:
            raise UnexpectedFrameError("a channel before open")

    def _room_came(self) -> None:
        """Go on with what waited for room in the output: input first, then queues."""
        self.intake.room_came(self._turn.now_ms)
        if self._starved:
            feed(self._starved, self._turn.now_ms)
            self._on_output()

    def _on_connection_event(self, event: Event, now_ms: int) -> None:
        if not isinstance(event, FrameEvent):
            raise ChannelStateError(f"unexpected method in connection state {self.state.value}")
        if event.kind != FRAME_METHOD:
            octets = erlang_binary(event.payload)
            raise UnexpectedFrameError(f"type {event.kind}, all octets = {octets}")
        index = method_index(event.payload)
        if self.state is State.AWAIT_CLOSE_OK:
            self._while_closing(index)
            return
        method = decode_method(event.payload)
        if isinstance(method, commands.Connection.Close):
            self._peer_closes(method, now_ms)
        elif self.state is State.AWAIT_START_OK and isinstance(method, commands.Connection.StartOk):
            self._log_in(method, now_ms)
        elif self.state is State.AWAIT_TUNE_OK and isinstance(method, commands.Connection.TuneOk):
            methods.tune_ok(self.session, method)
            self.payload_max_bytes = self.session.payload_max_bytes
            self._heartbeat = Heartbeat(self.session.heartbeat_s, now_ms)
            self.due_ms = None
            self._on_output()
            self._step(Step.TUNE_OK)
        elif self.state is State.AWAIT_OPEN and isinstance(method, commands.Connection.Open):
            self._open(method)
        elif self.state is State.OPEN and isinstance(method, commands.Connection.UpdateSecret):
            self._write(methods.update_secret(self.session, method))
            self._channels.recheck_consumers(now_ms)
        else:
            raise ChannelStateError(f"unexpected method in connection state {self.state.value}")

    def _log_in(self, method: commands.Connection.StartOk, now_ms: int) -> None:
        answer = methods.start_ok(self.session, method, now_ms)
        if isinstance(answer, HeldRefusal):
            assert self._ends_at_ms is not None, "a handshake has an end"
            self._held = answer.error
            self.intake.hold()
            self._ends_at_ms, self.due_ms = min(self._ends_at_ms, answer.due_ms), None
            self._read_or_not()
        else:
            self._step(Step.START_OK)
            self._outbox.write(answer)

    def _open(self, method: commands.Connection.Open) -> None:
        reply = methods.open_vhost(self.session, method)
        self._step(Step.OPEN)
        self._ends_at_ms = self.due_ms = None
        self._broker.connection_opened(self.session)
        self._alarms.subscribe(self._on_alarm)
        self._write(reply)
        log.info("connection opened %s", self.session)

    # ── closing ──

    def _peer_closes(self, method: commands.Connection.Close, now_ms: int) -> None:
        if (self.state, Step.PEER_CLOSED) not in TRANSITIONS:
            raise ChannelStateError(f"unexpected method in connection state {self.state.value}")
        self._release(now_ms)
        self._farewell.say(encode_method(0, commands.Connection.CloseOk()))
        self._step(Step.PEER_CLOSED)
        code, text = method.reply_code, method.reply_text
        log.info("connection closed %s code=%d text=%.100r", self.session, code, text)

    def _while_closing(self, index: int) -> None:
        if index == commands.Connection.CloseOk.index:
            self._step(Step.CLOSE_OK)
            self._on_output()
        elif index == commands.Connection.Close.index:
            self._farewell.say(encode_method(0, commands.Connection.CloseOk()))
            self._step(Step.PEER_CLOSED)

    def _fail(self, error: Exception, index: int, now_ms: int) -> None:
        """Answer an error that ends the connection, as far as this peer is to be answered."""
        if reply_for(error) is INTERNAL:
            log.error("a bug %s", self.session, exc_info=error)
        if self.state is State.AWAIT_CLOSE_OK:
            self._linger(now_ms)
            return
        told = is_told(error, self.state, self.session.capabilities)
        if told:
            self._close(error, index, now_ms)
        elif not isinstance(error, LoginRefusedError):
            log.warning("handshake failed %s reason=%r", self.session, str(error))
        if not told or isinstance(error, BrokenFramingError):
            self._linger(now_ms)

    def _close(self, error: Exception, index: int, now_ms: int) -> None:
        reply = reply_for(error)
        text = reply.text("" if reply is INTERNAL else str(error))
        name = method_name(index)
        log.warning(
            "closing connection %s method=%s code=%d text=%r", self.session, name, reply.code, text
        )
        self._release(now_ms)
        close = close_method(commands.Connection.Close, reply.code, text, index)
        self._farewell.say(encode_method(0, close))
        self._step(Step.WE_CLOSE)
        self._ends_at_ms = now_ms + CLOSE_OK_TIMEOUT_MS
        self.due_ms = None

    def _linger(self, now_ms: int) -> None:
        self._release(now_ms)
        self._step(Step.REFUSED)
        self._ends_at_ms = now_ms + self.session.settings.silent_close_delay_ms
        self.due_ms = None

    def _time_is_over(self, now_ms: int) -> None:
        if self._held is not None:
            error, self._held = self._held, None
            self._broker.logins.let_go(self.session.peer.address)
            self._fail(error, 0, now_ms)
            self.intake.release()
            return
        if self.state in HANDSHAKE:
            log.warning("handshake timeout %s", self.session)
        self._release(now_ms)
        self._ends_at_ms = self.due_ms = None
        self._step(Step.EOF)

    def _release(self, now_ms: int) -> None:
        """Give back what the connection holds: deliveries, consumers, exclusive queues."""
        if self._is_released:
            return
        self._is_released, self._is_blocked = True, False
        if self._held is not None:
            self._held = None
            self._broker.logins.let_go(self.session.peer.address)
        self.wants_read = not self.intake.is_stalled
        ending = self._channels.ending_all(now_ms)
        if not self._farewell.begin(ending, self._turn, self._farewell_said):
            self._on_output()
        if self.session.vhost is not None:
            self.session.vhost.queues.release(self.session)
        self._broker.connection_closed(self.session)
        self._alarms.unsubscribe(self._on_alarm)
        self.session.replies.were_read()
        self._turn.settle(now_ms)

    def _farewell_said(self) -> None:
        self.is_closed = self.state is State.CLOSED
        self._on_output()

    # ── alarms ──

    def _block(self) -> None:
        """A publish came while a resource runs low: read no more until it does not."""
        if self._is_blocked:
            return
        self._is_blocked = True
        if _BLOCKED_CAPABILITY in self.session.capabilities:
            self._write(commands.Connection.Blocked(self._alarms.reason))
        self._read_or_not()

    def _on_alarm(self, _now_ms: int) -> None:
        if not self._is_blocked or self._alarms.is_on:
            return
        self._is_blocked = False
        if _BLOCKED_CAPABILITY in self.session.capabilities:
            self._write(commands.Connection.Unblocked())
        self._read_or_not()

    # ── small things ──

    def _step(self, step: Step) -> None:
        self.state = TRANSITIONS[self.state, step]
        self._is_open = self.state is State.OPEN
        self.is_over = self.state in _ENDED
        if step is Step.EOF:
            self._farewell.drop()
        self.is_closed = self.state is State.CLOSED and not self._farewell.is_held
        if self.is_over:
            self.intake.drop()
            self._on_output()

    def _read_or_not(self) -> None:
        """Have the socket read, or not: then what the client says is not heard, nor its silence."""
        wants_read = not (self._is_blocked or self.intake.is_stalled)
        if wants_read is not self.wants_read:
            self.wants_read = wants_read
            self._heartbeat.hear(can_be_heard=wants_read, now_ms=self._turn.now_ms)
        self._on_output()

    def _write(self, method: Method) -> None:
        self._outbox.write(encode_method(0, method))
