"""One client's connection, sans-IO: bytes and time in, bytes and deadlines out.

The shell calls ``receive_data`` with the octets of a socket and ``on_deadline`` at
``next_deadline_ms``, and it writes the output of ``data_to_send``. An error of a peer is never
raised to the shell. It is answered with the close and the scope that ``replies`` has for it.

Source: AMQP 0-9-1 §2.2, §4.2; RabbitMQ, rabbit_reader.
"""

import logging
from collections.abc import Callable
from typing import Final

from pamqp import commands

from amqp_server.broker.broker import Broker
from amqp_server.connections.heartbeat import Heartbeat
from amqp_server.connections.intake import Intake
from amqp_server.connections.life import Life
from amqp_server.connections.login import HeldRefusal
from amqp_server.connections.outbox import Outbox
from amqp_server.connections.peer import Peer
from amqp_server.connections.reading import Reading
from amqp_server.connections.session import ConnectionState
from amqp_server.protocol.channel_table import ChannelTable
from amqp_server.protocol.closing import Closing
from amqp_server.protocol.errors import ChannelStateError
from amqp_server.protocol.faults import index_at_fault
from amqp_server.protocol.foreign_hello import described
from amqp_server.protocol.lane import Starved, feed
from amqp_server.protocol.methods import connection as methods
from amqp_server.protocol.session import Session
from amqp_server.protocol.settings import ProtocolSettings
from amqp_server.protocol.transitions import COURSE, State, Step
from amqp_server.wire.constants import (
    FRAME_METHOD,
    HEARTBEAT_FRAME,
    PROTOCOL_HEADER,
    PROTOCOL_HEADER_0_9,
    PROTOCOL_HEADER_BYTES,
)
from amqp_server.wire.errors import UnexpectedFrameError, WireError
from amqp_server.wire.events import Event, FrameEvent, is_content
from amqp_server.wire.framing import Scanner
from amqp_server.wire.methods import (
    Method,
    decode_method,
    encode_method,
    erlang_binary,
    method_index,
)
from persistence.record import Octets

log = logging.getLogger(__name__)

OUTPUT_MAX_BYTES: Final = 1_048_576
_BLOCKED_CAPABILITY: Final = "connection.blocked"


class Connection:
    """State machine of one connection: it handles channel 0 and passes the other channels on.

    Attributes:
        session: the user, and the values that were negotiated.
        life: its state, along ``transitions``; ``closing`` says how it ends.
        intake: input that is not carried out yet; its ``rest`` comes before the next read.
        reading: whether its socket is read.
        payload_max_bytes: largest payload of a frame that is taken.
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
            peer: the client's side of it.
            on_output: called when there is output, when reading begins or stops, when the socket is
                to be closed, or when only a deadline came nearer.
            now_ms: the time.
            output_max_bytes: deliveries pause while more than this waits to be written, and
                requests while twice as many bytes of answers do.
        """
        self._broker = broker
        self._turn = turn = broker.turn
        self._alarms = broker.alarms
        self._congestion = broker.congestion
        self._on_output = on_output
        self.session = Session(broker, peer, self.shut_down, settings=settings)
        self.session.state_of = self._state
        self._traffic = traffic = self.session.traffic
        self._outbox = outbox = Outbox(output_max_bytes, on_output, traffic)
        self._starved: Starved = {}
        self._heartbeat = Heartbeat(0, now_ms)
        self._timeouts_at_ms = now_ms + broker.settings.consumer_tick_ms
        self.life = Life(COURSE, now_ms + settings.handshake_timeout_ms)
        scanner = Scanner(broker.message_sizes)
        self.intake = Intake(self, self.life, turn, outbox, scanner.scan)
        self.reading = Reading(
            self.intake, self._heartbeat, broker.alarms, turn, self._tell_blocked, on_output
        )
        self.session.frame_max_bytes = settings.initial_frame_max_bytes
        self.payload_max_bytes = self.session.payload_max_bytes
        self._channels = ChannelTable(self.session, outbox, self._starved, self.intake, self._fail)
        self._closing = Closing(
            self.session,
            self.life,
            self.intake,
            self.reading,
            self._channels.ends,
            outbox=outbox,
            on_output=on_output,
        )

    # ── what the shell reads ──

    @property
    def is_waited_for(self) -> bool:
        """Whether it holds or waits for messages that other clients could have."""
        return self._channels.hold_deliveries

    def data_to_send(self) -> list[Octets]:
        """Return all output in order, and forget it; work that waited for room continues."""
        pieces = self._outbox.take()
        if pieces:
            self._heartbeat.sent_at_ms = self._turn.now_ms
        if (self.intake.is_stalled or self._starved) and not self._outbox.is_full:
            self._room_came()
        return pieces

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due; None is never.

        Traffic moves deadlines away, and that is not reported: ``on_deadline`` may then find
        nothing due, once.
        """
        life = self.life
        if life.due_ms is None:
            deadlines = [life.ends_at_ms, self._heartbeat.next_deadline_ms()]
            if len(self._channels):
                deadlines.append(self._timeouts_at_ms)
            life.due_ms = min([at for at in deadlines if at is not None], default=None)
        return life.due_ms

    # ── what the shell tells ──

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        """Take the octets of a socket; the memory is only used during the call."""
        self._turn.now_ms = now_ms
        life, intake = self.life, self.intake
        if life.is_over:
            return
        self._heartbeat.received_at_ms = now_ms
        traffic = self._traffic
        traffic.received_bytes += len(data)
        traffic.received_count += 1
        if not life.is_open and life.state is State.AWAIT_HEADER:
            data = intake.take_rest(PROTOCOL_HEADER_BYTES) + data
            if len(data) < PROTOCOL_HEADER_BYTES:
                intake.rest = bytes(data)
                return
            self._receive_header(bytes(data[:PROTOCOL_HEADER_BYTES]), now_ms)
            data = data[PROTOCOL_HEADER_BYTES:]
        intake.receive(data, now_ms)
        if self._channels.confirming:
            self._channels.answer_publishes()
        if intake.is_stalled:
            self.reading.regulate()

    def receive_eof(self, now_ms: int) -> None:
        """Note that the client sends nothing more; earlier input is carried out first."""
        self._closing.receive_eof(now_ms)

    def lose(self, now_ms: int) -> None:
        """Note that the socket is gone; answers to its input are not kept."""
        self._closing.lose(now_ms)

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
        self.life.due_ms = None
        self._turn.now_ms = now_ms
        if self.life.is_late(now_ms):
            self._closing.time_is_over(now_ms)
            return
        if self._heartbeat.is_peer_dead(now_ms):
            log.warning("missed heartbeats %s", self.session)
            self._closing.cut_off(now_ms)
            return
        if self._heartbeat.is_due(now_ms):
            self._heartbeat.sent_at_ms = now_ms
            self._outbox.write_past_held(HEARTBEAT_FRAME)
        if now_ms >= self._timeouts_at_ms:
            self._timeouts_at_ms = now_ms + self._broker.settings.consumer_tick_ms
            self._channels.ends.check_timeouts(now_ms)
            self._turn.settle(now_ms)

    def shut_down(self, reason: str, now_ms: int) -> None:
        """Close with 320 CONNECTION_FORCED; before login the client is not told."""
        self._closing.shut_down(reason, now_ms)

    # ── receiving ──

    def _receive_header(self, header: bytes, now_ms: int) -> None:
        """Accept 0-9-1 and 0-9; send our own header to other clients, and end (4.2.2)."""
        if header in {PROTOCOL_HEADER, PROTOCOL_HEADER_0_9}:
            self.life.step(Step.HEADER)
            self._outbox.write(methods.start(self.session))
            return
        peer, it = self.session.peer, described(header)
        log.info("not AMQP 0-9-1 peer=%s header=%r: %s", peer, header, it)
        self._outbox.write(PROTOCOL_HEADER)
        self._closing.cut_off(now_ms)

    def handle(self, event: Event, now_ms: int) -> None:
        """Carry one event out, for the ``intake``."""
        turn = self._turn
        try:
            if not self.life.is_open or not event[0]:
                self._on_event_unlike_most(event, now_ms)
                return
            if self._alarms.is_on and is_content(event):
                self.reading.block()
            self._channels.on_event(event, now_ms)
            if turn.effects:
                turn.settle(now_ms)
            if self._congestion.is_on and (self._congestion.is_caused or is_content(event)):
                self.intake.hold()
                self._congestion.wait(self.intake.release)
        except Exception as error:  # noqa: BLE001 — the rim: a bug of ours is this peer's 541
            self._congestion.excuse()
            self._fail(error, index_at_fault(error, event), now_ms)

    def fail(self, error: WireError, now_ms: int) -> None:
        """Answer bytes that are no frames, for the ``intake``."""
        self._fail(error, error.method_index, now_ms)

    def slice_ended(self, now_ms: int) -> None:
        """Confirm the publishes of a slice of the input, and end after the last slice."""
        self._channels.answer_publishes()
        self.reading.regulate()
        if self._closing.has_seen_eof:
            self._closing.slice_ended(now_ms)

    def wake(self) -> None:
        """Have a turn, for the ``intake``."""
        self._on_output()

    def _on_event_unlike_most(self, event: Event, now_ms: int) -> None:
        """Carry out an event that is not of a channel of an open connection."""
        if event.channel == 0:
            if not self._channels.holds_back(event):
                self._on_connection_event(event, now_ms)
        elif self.life.state is not State.AWAIT_CLOSE_OK:
            raise UnexpectedFrameError("a channel before open")

    def _room_came(self) -> None:
        """Continue the work that waited for room in the output: first input, then queues."""
        self.intake.room_came(self._turn.now_ms)
        if self._starved:
            feed(self._starved, self._turn.now_ms)
            self._on_output()

    def _on_connection_event(self, event: Event, now_ms: int) -> None:
        if not isinstance(event, FrameEvent):
            state = self.life.state
            raise ChannelStateError(f"unexpected method in connection state {state.value}")
        if event.kind != FRAME_METHOD:
            octets = erlang_binary(event.payload)
            raise UnexpectedFrameError(f"type {event.kind}, all octets = {octets}")
        index, state = method_index(event.payload), self.life.state
        if state is State.AWAIT_CLOSE_OK:
            self._closing.while_closing(index)
            return
        method = decode_method(event.payload)
        if isinstance(method, commands.Connection.Close):
            self._closing.peer_closes(method, now_ms)
        elif state is State.AWAIT_START_OK and isinstance(method, commands.Connection.StartOk):
            self._log_in(method, now_ms)
        elif state is State.AWAIT_TUNE_OK and isinstance(method, commands.Connection.TuneOk):
            self._tune(method, now_ms)
        elif state is State.AWAIT_OPEN and isinstance(method, commands.Connection.Open):
            self._open(method)
        elif state is State.OPEN and isinstance(method, commands.Connection.UpdateSecret):
            self._write(methods.update_secret(self.session, method))
            self._channels.recheck_consumers(now_ms)
        else:
            raise ChannelStateError(f"unexpected method in connection state {state.value}")

    def _log_in(self, method: commands.Connection.StartOk, now_ms: int) -> None:
        answer = methods.start_ok(self.session, method, now_ms)
        if isinstance(answer, HeldRefusal):
            self._closing.refuse_later(answer)
        else:
            self.life.step(Step.START_OK)
            self._outbox.write(answer)

    def _tune(self, method: commands.Connection.TuneOk, now_ms: int) -> None:
        methods.tune_ok(self.session, method)
        self.payload_max_bytes = self.session.payload_max_bytes
        self._heartbeat.agree(self.session.heartbeat_s, now_ms)
        self.life.due_ms = None
        self._on_output()
        self.life.step(Step.TUNE_OK)

    def _open(self, method: commands.Connection.Open) -> None:
        reply = methods.open_vhost(self.session, method)
        self.life.step(Step.OPEN)
        self.life.limit(None)
        self._broker.connection_opened(self.session)
        self._write(reply)
        log.info("connection opened %s", self.session)

    # ── small methods ──

    def _state(self) -> ConnectionState:
        """Return how the connection is, in RabbitMQ's words."""
        word = self.reading.word if self.life.is_open else self.life.state.value
        return ConnectionState(word, self._outbox.size_bytes)

    def _tell_blocked(self, is_blocked: bool) -> None:  # noqa: FBT001 -- the port's
        if _BLOCKED_CAPABILITY in self.session.capabilities:
            connection = commands.Connection
            reason = self._alarms.reason
            self._write(connection.Blocked(reason) if is_blocked else connection.Unblocked())

    def _fail(self, error: Exception, index: int, now_ms: int) -> None:
        self._closing.fail(error, index, now_ms)

    def _write(self, method: Method) -> None:
        self._outbox.write(encode_method(0, method))
