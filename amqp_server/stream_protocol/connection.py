"""One client's connection of the stream protocol, sans-IO: bytes and time in, bytes out.

An error of a peer is never raised to the shell. A request that is refused is answered with a code.
A frame that no command has, or that is too large, ends the connection with Close.

Source: RabbitMQ, rabbit_stream_reader.
"""

import logging
from collections.abc import Callable
from typing import Final

from amqp_server.broker.broker import Broker
from amqp_server.broker.groups.single_active import ConsumerGroups
from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.connections.heartbeat import Heartbeat
from amqp_server.connections.intake import Intake
from amqp_server.connections.life import Life
from amqp_server.connections.login import HeldRefusal
from amqp_server.connections.outbox import Outbox
from amqp_server.connections.peer import Peer
from amqp_server.connections.reading import Reading
from amqp_server.connections.session import ConnectionState
from amqp_server.stream_protocol import handshake
from amqp_server.stream_protocol.commands import Commands
from amqp_server.stream_protocol.errors import (
    FrameTooLargeError,
    OutOfStepError,
    RefusedError,
    StreamProtocolError,
)
from amqp_server.stream_protocol.fields import U16, U32, Fields, string
from amqp_server.stream_protocol.frames import HEARTBEAT_FRAME, Event, Frame, answer, frame, scan
from amqp_server.stream_protocol.keys import RESPONSE, VERSION_1, Code, CommandKey
from amqp_server.stream_protocol.publish_frame import PublishFrames
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from amqp_server.stream_protocol.transitions import COURSE, HANDSHAKE, State, Step
from persistence.record import Octets

log = logging.getLogger(__name__)

OUTPUT_MAX_BYTES: Final = 1_048_576
CLOSE_TIMEOUT_MS: Final = 10_000
"""How long a peer may take to answer our Close."""


class Connection:
    """State machine of one connection of the stream protocol.

    Attributes:
        session: the user, and what was negotiated.
        life: its state, along ``transitions``.
        intake: input that is not carried out yet.
        reading: whether its socket is read.
        payload_max_bytes: largest frame that is taken.

    Invariant: everything it holds of the broker is given back exactly once.
    """

    def __init__(
        self,
        broker: Broker,
        settings: StreamProtocolSettings,
        peer: Peer,
        on_output: Callable[[], None],
        now_ms: int,
        *,
        groups: ConsumerGroups,
        output_max_bytes: int = OUTPUT_MAX_BYTES,
    ) -> None:
        """Begin with a socket that was just accepted.

        Args:
            broker: the node's.
            settings: the section of this protocol.
            peer: the client's side of it.
            on_output: see ``net.connection.OnOutput``.
            now_ms: the time.
            groups: of the node.
            output_max_bytes: deliveries pause while more than this waits to be written.
        """
        self._broker = broker
        self._settings = settings
        self._turn = broker.turn
        self._on_output = on_output
        self.session = StreamSession(broker, peer, self.shut_down, settings=settings)
        self._outbox = Outbox(output_max_bytes, on_output, self.session.traffic)
        self._heartbeat = Heartbeat(0, now_ms)
        self.life = Life(COURSE, now_ms + settings.handshake_timeout_ms)
        self.intake = Intake(self, self.life, broker.turn, self._outbox, scan)
        self.reading = Reading(
            self.intake, self._heartbeat, broker.alarms, broker.turn, _tell_nothing, on_output
        )
        self.payload_max_bytes = handshake.INITIAL_FRAME_MAX_BYTES
        self._commands = Commands(
            self.session, groups, self._outbox, self.intake, self.reading, self.fail
        )
        self.session.state_of = self._state
        self.session.open_streams = self._commands
        self._refusal: bytes = b""
        self._holds_login = False
        self._is_released = False
        self._has_seen_eof = False

    # ── what the shell reads ──

    @property
    def is_waited_for(self) -> bool:
        """Whether it holds messages that other clients could have: a stream has no such."""
        return False

    def data_to_send(self) -> list[Octets]:
        """Return all output in order, and forget it; work that waited for room continues."""
        chunks = self._outbox.take()
        if chunks:
            self._heartbeat.sent_at_ms = self._turn.now_ms
        if (self.intake.is_stalled or self._commands.are_starved) and not self._outbox.is_full:
            self._room_came()
        return chunks

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due; None is never."""
        life = self.life
        if life.due_ms is None or self._commands.due_ms is not None:
            deadlines = (
                life.ends_at_ms,
                self._heartbeat.next_deadline_ms(),
                self._commands.due_ms,
            )
            life.due_ms = min([at for at in deadlines if at is not None], default=None)
        return life.due_ms

    # ── what the shell tells ──

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        """Take the octets of a socket; the memory is only used during the call."""
        self._turn.now_ms = now_ms
        if self.life.is_over:
            return
        self._heartbeat.received_at_ms = now_ms
        traffic = self.session.traffic
        traffic.received_bytes += len(data)
        traffic.received_count += 1
        self.intake.receive(data, now_ms)
        if self.intake.is_stalled:
            self.reading.regulate()

    def receive_eof(self, now_ms: int) -> None:
        """Note that the client sends nothing more; earlier input is carried out first."""
        self._has_seen_eof = True
        self._commands.input_ended()
        if not (self.life.is_open and self.intake.is_stalled):
            self._end(now_ms)

    def lose(self, now_ms: int) -> None:
        """Note that the socket is gone; answers to its input are not kept."""
        self._has_seen_eof = True
        self._outbox.abandon()
        self.intake.room_came(now_ms)
        self.receive_eof(now_ms)

    def pause_deliveries(self) -> None:
        """The socket takes no more: deliver nothing."""
        self._outbox.transport_full = True

    def resume_deliveries(self) -> None:
        """The socket takes bytes again."""
        self._outbox.transport_full = False
        if not self._outbox.is_full:
            self._room_came()

    def on_deadline(self, now_ms: int) -> None:
        """Do what is due: heartbeats, and the ends of states."""
        life = self.life
        life.due_ms = None
        self._turn.now_ms = now_ms
        if life.is_late(now_ms):
            self._time_is_over(now_ms)
            return
        due_ms = self._commands.due_ms
        if self._heartbeat.is_peer_dead(now_ms) or (due_ms is not None and now_ms >= due_ms):
            log.warning("missed heartbeats, or an answer %s", self.session)
            self._end(now_ms)
            return
        if self._heartbeat.is_due(now_ms):
            self._heartbeat.sent_at_ms = now_ms
            self._outbox.write_past_held(HEARTBEAT_FRAME)

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close without a Close, as RabbitMQ does: not every client expects one of the server."""
        if self.life.is_open:
            log.info("closing connection %s reason=%r", self.session, reason)
        self._end(now_ms)

    def _state(self) -> ConnectionState:
        word = self.reading.word if self.life.is_open else self.life.state.value
        return ConnectionState(word, self._outbox.size_bytes)

    # ── receiving ──

    def handle(self, event: Event, now_ms: int) -> None:
        """Carry one frame or run out, for the ``intake``."""
        try:
            if isinstance(event, PublishFrames):
                self._on_run(event, now_ms)
            elif self.life.is_open:
                self._on_frame(event, now_ms)
            elif self.life.state is State.AWAIT_CLOSE:
                self._while_closing(event, now_ms)
            else:
                self._on_handshake(event, now_ms)
        except StreamProtocolError as error:
            self.fail(error, now_ms)
        except Exception:
            log.exception("a bug %s", self.session)
            self._close(Code.INTERNAL_ERROR, "internal error", now_ms)

    def fail(self, error: StreamProtocolError, now_ms: int) -> None:
        """Answer bytes that are no frames, and frames that are no commands."""
        log.warning("closing connection %s reason=%r", self.session, str(error))
        if not self.life.is_open or isinstance(error, OutOfStepError):
            self._end(now_ms)
        elif isinstance(error, FrameTooLargeError):
            self._close(Code.FRAME_TOO_LARGE, "frame too large", now_ms)
        else:
            self._close(Code.UNKNOWN_FRAME, "unknown frame", now_ms)

    def slice_ended(self, now_ms: int) -> None:
        """Start or stop reading, and end after the last slice."""
        self.reading.regulate()
        if self._has_seen_eof:
            if self._outbox.is_abandoned:
                self._outbox.take()
            if not self.intake.is_stalled:
                self._end(now_ms)

    def wake(self) -> None:
        """Have a turn, for the ``intake``."""
        self._on_output()

    def _on_run(self, run: PublishFrames, now_ms: int) -> None:
        if self.life.is_open:
            self._commands.publish(run, now_ms)
        elif self.life.state is not State.AWAIT_CLOSE:
            raise OutOfStepError(f"Publish in connection state {self.life.state.value}")

    def _on_frame(self, event: Frame, now_ms: int) -> None:
        if event.key == CommandKey.CLOSE:
            self._peer_closes(event.body, now_ms)
        elif event.key != CommandKey.HEARTBEAT:
            self._commands.on_frame(event, now_ms)

    def _room_came(self) -> None:
        self.intake.room_came(self._turn.now_ms)
        if self._commands.are_starved:
            self._commands.room_came()
            self._on_output()

    # ── the handshake ──

    def _on_handshake(self, event: Frame, now_ms: int) -> None:
        key, version, body = event
        fields = Fields(body)
        if key == CommandKey.HEARTBEAT:
            return
        if key in {CommandKey.TUNE, CommandKey.TUNE | RESPONSE}:
            self._tune(fields, now_ms)
            return
        if version != VERSION_1:
            raise OutOfStepError(f"expected version 1 of command {key:#x}, got {version}")
        correlation_id, octets = fields.u32(), b""
        match self.life.state, key:
            case State.AWAIT_PEER_PROPERTIES, CommandKey.PEER_PROPERTIES:
                octets = handshake.peer_properties(self.session, fields)
                self._go_on(Step.PEER_PROPERTIES, now_ms)
            case State.AWAIT_SASL_HANDSHAKE, CommandKey.SASL_HANDSHAKE:
                octets = handshake.sasl_handshake(self.session, fields)
                self._go_on(Step.SASL_HANDSHAKE, now_ms)
            case State.AWAIT_AUTHENTICATE, CommandKey.SASL_AUTHENTICATE:
                self._authenticate(correlation_id, fields, now_ms)
                return
            case State.AWAIT_OPEN, CommandKey.OPEN:
                self._open(correlation_id, fields, now_ms)
                return
            case state, _:
                raise OutOfStepError(f"command {key:#x} in connection state {state.value}")
        self._outbox.write(answer(key, correlation_id, Code.OK, octets))

    def _go_on(self, step: Step, now_ms: int) -> None:
        self.life.step(step)
        self.life.limit(now_ms + self._settings.handshake_timeout_ms)

    def _authenticate(self, correlation_id: int, fields: Fields, now_ms: int) -> None:
        key = CommandKey.SASL_AUTHENTICATE
        try:
            held = handshake.sasl_authenticate(self.session, fields, now_ms)
        except RefusedError as refused:
            code, held = refused.code, None
        else:
            code = Code.OK
        if isinstance(held, HeldRefusal):
            code = Code.AUTHENTICATION_FAILURE
            self._holds_login = True
        if code is not Code.OK:
            self.session.counters.note_error(code.name)
            delay_ms = self._settings.silent_close_delay_ms
            due_ms = now_ms + delay_ms if held is None else max(held.due_ms, now_ms + delay_ms)
            self._refusal = answer(key, correlation_id, code)
            self.life.limit(due_ms)
            self.intake.hold()
            self.reading.regulate()
            return
        self._go_on(Step.AUTHENTICATED, now_ms)
        self._outbox.write(answer(key, correlation_id, Code.OK))
        self._outbox.write(handshake.tune_frame(self._settings))

    def _tune(self, fields: Fields, now_ms: int) -> None:
        if self.life.state is not State.AWAIT_TUNE:
            raise OutOfStepError("tune before a login, or twice")
        handshake.tune(self.session, fields)
        self._go_on(Step.TUNED, now_ms)
        self._heartbeat.agree(self.session.heartbeat_s, now_ms)
        self._on_output()

    def _open(self, correlation_id: int, fields: Fields, now_ms: int) -> None:
        try:
            octets = handshake.open_vhost(self.session, fields)
        except RefusedError as refused:
            self.session.counters.note_error(refused.code.name)
            self._outbox.write(answer(CommandKey.OPEN, correlation_id, refused.code))
            self._end(now_ms)
            return
        self.life.step(Step.OPEN)
        self.life.limit(None)
        self.payload_max_bytes = self.session.frame_max_bytes
        self._broker.connection_opened(self.session)
        self._outbox.write(answer(CommandKey.OPEN, correlation_id, Code.OK, octets))
        log.info("connection opened %s", self.session)

    # ── the end ──

    def _close(self, code: Code, reason: str, now_ms: int) -> None:
        if not self.life.is_open:
            self._end(now_ms)
            return
        self.session.counters.note_error(code.name)
        body = U32.pack(0) + U16.pack(code) + string(reason)
        self._outbox.write(frame(CommandKey.CLOSE, body))
        self.life.step(Step.WE_CLOSE)
        self.life.limit(now_ms + CLOSE_TIMEOUT_MS)
        self._release(now_ms)
        self._on_output()

    def _while_closing(self, event: Frame, now_ms: int) -> None:
        if event.key in {CommandKey.CLOSE | RESPONSE, CommandKey.CLOSE}:
            self._end(now_ms)

    def _peer_closes(self, body: bytes, now_ms: int) -> None:
        fields = Fields(body)
        correlation_id, code, reason = fields.u32(), fields.u16(), fields.string()
        self._outbox.write(answer(CommandKey.CLOSE, correlation_id, Code.OK))
        log.info("connection closed %s code=%d text=%.100r", self.session, code, reason)
        self._end(now_ms)

    def _time_is_over(self, now_ms: int) -> None:
        if self._refusal:
            self._outbox.write(self._refusal)
        elif self.life.state in HANDSHAKE:
            log.warning("handshake timeout %s", self.session)
        self._end(now_ms)

    def _end(self, now_ms: int) -> None:
        if self.life.state is State.CLOSED:
            return
        self.life.step(Step.END)
        self.life.limit(None)
        self._release(now_ms)
        self.intake.drop()
        self.session.has_no_connection()
        self._on_output()

    def _release(self, now_ms: int) -> None:
        """Give back everything it holds of the broker, once."""
        if self._is_released:
            return
        self._is_released = True
        if self._holds_login:
            self._broker.logins.let_go(self.session.peer.address)
        self.reading.end()
        ending: Steps[None] = self._commands.ending()
        job = StepsJob(ending, self._turn)
        if not job.step(now_ms):
            self._turn.later(job)
        self._broker.connection_closed(self.session)
        self._turn.settle(now_ms)


def _tell_nothing(_is_blocked: bool) -> None:  # noqa: FBT001 -- the port's
    """Say nothing of alarms: this protocol has no word for it."""
