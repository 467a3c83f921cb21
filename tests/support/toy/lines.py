"""A toy protocol of lines: one sans-IO connection and its row are all that it is made of.

A client logs in, and says one thing a line:

    login USER PASSWORD VHOST      welcome USER@VHOST from ADDRESS
    beat SECONDS                   heartbeats from now on: an empty line each way
    echo TEXT                      TEXT
    much COUNT                     so many octets and a line end
    put TEXT                       put TEXT; blocks the client while a resource runs low
    quit                           bye, and the end

Who says anything else is told ``error`` and why, and that is the end.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import BrokerError
from amqp_server.connections.heartbeat import Heartbeat
from amqp_server.connections.intake import Intake
from amqp_server.connections.life import Course, Life
from amqp_server.connections.login import HeldRefusal, enter_vhost, log_in
from amqp_server.connections.outbox import Outbox
from amqp_server.connections.peer import Peer
from amqp_server.connections.reading import Reading
from amqp_server.connections.session import Session
from amqp_server.net.connection import Connection, MakeConnection, OnOutput
from amqp_server.protocols import ProtocolRow, Sections

HANDSHAKE_MS: Final = 2_000
LINE_MAX_BYTES: Final = 1_000
HEARTBEAT: Final = b"\n"


class State(Enum):
    """Where a connection of lines is."""

    STRANGE = auto()
    WELCOME = auto()
    GONE = auto()


class Step(Enum):
    """What happens to it."""

    LOGIN = auto()
    END = auto()


COURSE: Final = Course(
    transitions={
        (State.STRANGE, Step.LOGIN): State.WELCOME,
        (State.STRANGE, Step.END): State.GONE,
        (State.WELCOME, Step.END): State.GONE,
    },
    first=State.STRANGE,
    open=State.WELCOME,
    ended=frozenset((State.GONE,)),
    closed=State.GONE,
)


class LineError(Exception):
    """A client broke the rules."""


def scan_lines(
    buffer: bytes | memoryview, line_max_bytes: int
) -> tuple[list[bytes], int, LineError | None]:
    """Take every whole line off the front of a buffer; see ``intake.Scan``."""
    *lines, left = bytes(buffer).split(b"\n")
    consumed_bytes = len(buffer) - len(left)
    too_long = len(left) > line_max_bytes or any(len(line) > line_max_bytes for line in lines)
    return lines, consumed_bytes, LineError("the line is too long") if too_long else None


class LineConnection:
    """Fits ``net.connection.Connection`` and ``intake.Client``."""

    payload_max_bytes = LINE_MAX_BYTES
    is_waited_for = False

    def __init__(
        self,
        broker: Broker,
        peer: Peer,
        on_output: OnOutput,
        now_ms: int,
        *,
        output_max_bytes: int,
        handshake_ms: int,
    ) -> None:
        self._broker = broker
        self._on_output = on_output
        self._outbox = Outbox(output_max_bytes, on_output)
        self._heartbeat = Heartbeat(0, now_ms)
        self._refusal: HeldRefusal | None = None
        self.life = Life(COURSE, now_ms + handshake_ms)
        self.intake: Intake[bytes, LineError] = Intake(
            self, self.life, broker.turn, self._outbox, scan_lines
        )
        self.reading = Reading(
            self.intake, self._heartbeat, broker.alarms, broker.turn, lambda _: None, on_output
        )
        self.session = Session(broker, peer, self.shut_down)
        self._commands: dict[bytes, Callable[[bytes, int], None]] = {
            b"login": self._log_in,
            b"": self._hear,
        }

    @property
    def output_bytes(self) -> int:
        """What waits to be written."""
        return self._outbox.size_bytes

    # ── what the transport calls ──

    def receive_data(self, data: bytes | memoryview, now_ms: int) -> None:
        self._broker.turn.now_ms = now_ms
        if not self.life.is_over:
            self._heartbeat.received_at_ms = now_ms
            self.intake.receive(data, now_ms)
            self.reading.regulate()

    def receive_eof(self, now_ms: int) -> None:
        self._end()

    def lose(self, now_ms: int) -> None:
        self._outbox.abandon()
        self._end()

    def data_to_send(self) -> list[bytes | memoryview]:
        chunks = self._outbox.take()
        now_ms = self._broker.turn.now_ms
        if chunks:
            self._heartbeat.sent_at_ms = now_ms
        if self.intake.is_stalled and not self._outbox.is_full:
            self.intake.room_came(now_ms)
        return chunks

    def pause_deliveries(self) -> None:
        self._outbox.transport_full = True

    def resume_deliveries(self) -> None:
        self._outbox.transport_full = False
        self.intake.room_came(self._broker.turn.now_ms)

    def next_deadline_ms(self) -> int | None:
        deadlines = (self.life.ends_at_ms, self._heartbeat.next_deadline_ms())
        return min((at for at in deadlines if at is not None), default=None)

    def on_deadline(self, now_ms: int) -> None:
        is_late = self.life.is_late(now_ms)
        if is_late and self._refusal is not None:
            self._broker.logins.let_go(self.session.peer.address)
            self._refuse(self._refusal.error)
        elif is_late or self._heartbeat.is_peer_dead(now_ms):
            self._end()
        elif self._heartbeat.is_due(now_ms):
            self._heartbeat.sent_at_ms = now_ms
            self._outbox.write(HEARTBEAT)

    def shut_down(self, reason: str, now_ms: int) -> None:
        self._outbox.write(f"closing {reason}\n".encode())
        self._end()

    # ── what the intake calls ──

    def handle(self, event: bytes, now_ms: int) -> None:
        word, _, rest = event.partition(b" ")
        try:
            self._commands.get(word, self._unknown)(rest, now_ms)
        except (BrokerError, LineError, ValueError) as error:
            self._refuse(error)

    def fail(self, error: LineError, now_ms: int) -> None:
        self._refuse(error)

    def slice_ended(self, now_ms: int) -> None:
        self.reading.regulate()

    def wake(self) -> None:
        self._on_output()

    # ── lines ──

    def _log_in(self, rest: bytes, now_ms: int) -> None:
        user, password, vhost = rest.split(b" ")
        self._refusal = log_in(self.session, "PLAIN", b"\0" + user + b"\0" + password, now_ms)
        if self._refusal is not None:
            self.life.limit(self._refusal.due_ms)
            self.intake.hold()
            return
        enter_vhost(self.session, vhost.decode())
        self._broker.connection_opened(self.session)
        self.life.step(Step.LOGIN)
        self.life.limit(None)
        session = self.session
        address = session.peer.address
        self._say(f"welcome {session.username}@{session.vhost_name} from {address}".encode())
        self._commands |= {
            b"beat": self._beat,
            b"echo": lambda text, _: self._say(text),
            b"much": lambda count, _: self._say(b"x" * int(count)),
            b"put": self._put,
            b"quit": lambda _rest, _: self._quit(),
        }

    def _hear(self, rest: bytes, now_ms: int) -> None:
        """A heartbeat: that it came is noted by then."""

    def _unknown(self, rest: bytes, now_ms: int) -> None:
        raise LineError("that is not said here")

    def _beat(self, seconds: bytes, now_ms: int) -> None:
        self._heartbeat.agree(int(seconds), now_ms)
        self._on_output()

    def _put(self, text: bytes, now_ms: int) -> None:
        if self._broker.alarms.is_on:
            self.reading.block()
        self._say(b"put " + text)

    def _quit(self) -> None:
        self._say(b"bye")
        self._end()

    def _say(self, line: bytes) -> None:
        self._outbox.write(line + b"\n")

    def _refuse(self, error: Exception) -> None:
        self._say(f"error {error}".encode())
        self._end()

    def _end(self) -> None:
        if not self.life.is_over:
            self.life.step(Step.END)
            self.reading.end()
            self._broker.connection_closed(self.session)
            self.session.shut_down_by = lambda *_: None
            self._commands = {}
            self.intake.drop()
            self._on_output()


def lines_row(
    on_made: Callable[[LineConnection], None] = lambda _: None, handshake_ms: int = HANDSHAKE_MS
) -> ProtocolRow:
    """Return the row; ``on_made`` is told of each connection."""

    def connections(broker: Broker, settings: Sections) -> MakeConnection:
        limit = settings.net.write_high_watermark_bytes

        def make(peer: Peer, on_output: OnOutput, now_ms: int) -> Connection:
            made = LineConnection(
                broker, peer, on_output, now_ms, output_max_bytes=limit, handshake_ms=handshake_ms
            )
            on_made(made)
            return made

        return make

    return ProtocolRow("lines", "lines+tls", connections)
