"""The asyncio side of one connection, of any protocol.

The sans-IO connection makes every decision, and this class makes every system call. It reads into
the loop's shared buffer, and writes once in each turn:

    | waits in the connection's outbox, up to its marks | one write, unsent | the kernel's buffer |

At most one write waits for the kernel. Until it has gone, output stays in the outbox, which tells
deliveries from answers. Deliveries stop at a mark there. Reading continues, so that a client that
publishes and consumes at once cannot block itself, and its acks, heartbeats and end are seen.
Reading stops while the connection says so. Then ``departure`` notes when the peer leaves.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from amqp_server.connections.peer import Peer
from amqp_server.net.connection import Connection, MakeConnection
from amqp_server.net.departure import Departure
from amqp_server.net.reactor import Reactor
from amqp_server.net.receive_buffer import REST_BYTES_MAX
from amqp_server.net.timers import Watch

log = logging.getLogger(__name__)

CLOSE_GRACE_MS: Final = 3_000
"""How long a peer may take to read our last bytes and close its side, before it is cut off."""

_JOIN_BYTES_MAX: Final = 65_536
"""Up to this size a copy costs no more than a vector of buffers; at 1 MiB it costs 15 % more."""


Identify: TypeAlias = Callable[[ssl.SSLObject | None], Peer]
"""Returns the peer; takes the result of the TLS handshake, if there was one."""


class Transport(asyncio.BufferedProtocol):
    """One accepted connection.

    Invariants: the connection gets every byte once and in order, then ``lose``; only ``flush``
    writes, and only the last write may come while an earlier one is unsent; ``on_lost`` is called
    once if, and only if, ``was_made``.
    """

    __slots__ = (
        "_close_grace_ms",
        "_closes_at_ms",
        "_connection",
        "_departure",
        "_has_seen_eof",
        "_has_spoken",
        "_identify",
        "_is_live",
        "_is_marked",
        "_is_reading",
        "_is_started",
        "_is_tls",
        "_is_waiting",
        "_is_write_paused",
        "_make_connection",
        "_on_lost",
        "_on_made",
        "_reactor",
        "_transport",
        "_watch",
        "_write_high_watermark_bytes",
        "peer",
        "was_made",
    )

    _connection: Connection
    _transport: asyncio.Transport
    _watch: Watch
    peer: Peer

    def __init__(
        self,
        reactor: Reactor,
        make_connection: MakeConnection,
        identify: Identify,
        on_made: Callable[["Transport"], None],
        on_lost: Callable[["Transport"], None],
        *,
        write_high_watermark_bytes: int,
        close_grace_ms: int = CLOSE_GRACE_MS,
    ) -> None:
        """Wait for the loop to connect this to a socket.

        Args:
            reactor: the loop's shared parts.
            make_connection: makes the sans-IO connection once the peer is known.
            identify: returns the peer, after the TLS handshake.
            on_made: called when there is a connection to shut down.
            on_lost: called when the socket is gone.
            write_high_watermark_bytes: TLS hands over less at a time than a socket; this much may
                be unsent in it before output waits in the outbox.
            close_grace_ms: a peer that delays our closing for longer is cut off.
        """
        self._reactor = reactor
        self._make_connection = make_connection
        self._identify = identify
        self._on_made = on_made
        self._on_lost = on_lost
        self._write_high_watermark_bytes = write_high_watermark_bytes
        self._close_grace_ms = close_grace_ms
        self._closes_at_ms: int | None = None
        self._departure = Departure(reactor.hang_ups)
        self._is_reading = True
        self._is_waiting = False
        self._is_started = True
        self._is_write_paused = False
        self._is_marked = False
        self._is_tls = False
        self._is_live = False
        self._has_spoken = False
        self._has_seen_eof = False
        self.was_made = False

    @property
    def unsent_bytes(self) -> int:
        """Written bytes that the kernel has not taken yet."""
        return self._transport.get_write_buffer_size()

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Make the sans-IO connection, because TCP, PROXY and TLS are done."""
        self._transport = cast("asyncio.Transport", transport)
        self.was_made = True
        ssl_object = cast("ssl.SSLObject | None", self._transport.get_extra_info("ssl_object"))
        self._is_tls = ssl_object is not None
        # Without TLS each write is made at once, and bytes that the kernel refuses pause us.
        high_bytes = self._write_high_watermark_bytes if self._is_tls else 0
        self._transport.set_write_buffer_limits(high=high_bytes // 2, low=high_bytes // 8)
        self._guarded(self._make, ssl_object)

    def _make(self, ssl_object: ssl.SSLObject | None) -> None:
        self.peer = self._identify(ssl_object)
        self._connection = self._make_connection(self.peer, self._on_output, self._reactor.now_ms())
        self._watch = self._reactor.deadlines.watch(self)
        self._is_live = True
        self._on_made(self)

    @property
    def has_logged_in(self) -> bool:
        """Whether the client has logged in; only for use while it is connected."""
        return self._connection.life.is_open

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the loop's receive buffer until ``buffer_updated``, which follows at once."""
        return self._reactor.rounds.buffer.lent

    def buffer_updated(self, nbytes: int) -> None:
        """Feed the connection, and run the turn that follows."""
        rounds = self._reactor.rounds
        if rounds.last_reader is not self:
            rounds.last_reader = self
            rounds.changes_count += 1
        # TLS takes as much from the socket as we lend it, and gives us a little less of it.
        if nbytes >= rounds.piece_bytes or (self._is_tls and nbytes >= rounds.piece_bytes // 2):
            self._wait_for_round()
        if self._closes_at_ms is not None:
            return  # read until the peer closes, since unread bytes turn our FIN into a reset
        if not self._has_spoken:
            self._has_spoken = True
            log.debug("accepting connection name=%s", self.peer)
        reactor = self._reactor
        now_ms = reactor.begin_turn()
        connection, buffer = self._connection, rounds.buffer
        try:
            intake = connection.intake
            if intake.rest:
                data = buffer.received(nbytes, intake.take_rest(REST_BYTES_MAX))
            else:
                data = buffer.lent[:nbytes]
            connection.receive_data(data, now_ms)
        except Exception as error:  # noqa: BLE001 — it is logged
            self._give_up(error)
        reactor.finish_input(nbytes, now_ms)

    def eof_received(self) -> bool | None:
        """Let the transport close itself, after the remaining output was sent.

        Returns:
            True if the transport stays, because earlier input is not all carried out.
        """
        if self._is_closing():
            return None  # TLS may call this in the middle of its own close
        now_ms = self._reactor.begin_turn()
        self._has_seen_eof = True
        self._guarded(self._connection.receive_eof, now_ms)
        self._on_output()
        self._reactor.finish_turn(now_ms)
        if self._is_closing():
            return None
        if self._is_tls:  # TLS closes whatever we return
            self._closes_at_ms = now_ms + self._close_grace_ms
            self._reactor.deadlines.refresh(self._watch)
            return None
        self._is_started = False  # the loop does not read it any more
        self._regulate_reading()
        return True

    def _is_closing(self) -> bool:
        return self._closes_at_ms is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Requeue the messages that the peer had not settled; others may get them in this turn."""
        if not self._is_live:
            self._on_lost(self)
            return
        now_ms = self._reactor.begin_turn()
        self._reactor.deadlines.forget(self._watch)
        self._reactor.rounds.forget(self)
        if self._has_spoken:
            reason = "closed" if exc is None else f"lost: {exc}"
            log.debug("connection gone name=%s reason=%s", self.peer, reason)
        else:
            log.debug("health check name=%s", self.peer)
        self._departure.forget(self._transport)
        self._guarded(self._connection.lose, now_ms)
        self._closes_at_ms = now_ms
        self._reactor.finish_turn(now_ms)
        self._on_lost(self)
        # They refer to each other. This cuts the cycle, so the garbage collector has no work. A
        # transport of TLS refers to us for as long as it exists.
        del self._transport
        del self._connection, self._make_connection, self._identify, self._on_made, self._on_lost

    def pause_writing(self) -> None:
        """Stop deliveries, because the peer is slower than they are."""
        self._is_write_paused = True
        self._guarded(self._connection.pause_deliveries)

    def resume_writing(self) -> None:
        """Deliver again, in a turn of its own: this may be called in the middle of a write."""
        self._is_write_paused = False
        self._guarded(self._connection.resume_deliveries)
        self._on_output()

    # Called by the reactor and the deadlines.

    def flush(self, now_ms: int) -> None:
        """Write the turn's output at once, then read, wait or close, as the connection wants."""
        self._is_marked = False
        if self._closes_at_ms is not None or self._transport.is_closing():
            return
        connection = self._connection
        life = connection.life
        try:
            if not self._is_write_paused or life.is_closed:
                pieces = connection.data_to_send()
                if len(pieces) == 1:
                    self._transport.write(pieces[0])
                elif pieces:
                    self._write(pieces)
            if life.is_closed:
                self._begin_to_close(now_ms)
            elif connection.reading.is_wanted is not self._is_reading:
                self._regulate_reading()
            if life.due_ms is None or self._closes_at_ms is not None:
                self._reactor.deadlines.refresh(self._watch)
        except Exception as error:  # noqa: BLE001 — it is logged
            self._give_up(error)

    def next_deadline_ms(self) -> int | None:
        """Return the connection's next deadline; while closing, when the peer is cut off."""
        if self._closes_at_ms is not None:
            return self._closes_at_ms
        due_ms, look_at_ms = self._connection.next_deadline_ms(), self._departure.look_at_ms
        if due_ms is None or look_at_ms is None:
            return look_at_ms if due_ms is None else due_ms
        return min(due_ms, look_at_ms)

    def on_deadline(self, now_ms: int) -> None:
        """Pass the time on to the connection, or cut off a peer that delays the end."""
        if self._closes_at_ms is not None:
            self.abort()
            return
        departure = self._departure
        if departure.look_at_ms is not None and now_ms >= departure.look_at_ms:
            unsent_bytes = self.unsent_bytes if self._is_write_paused else None
            if departure.is_lost_cause(self._connection, unsent_bytes):
                log.info("connection given up, its peer has left name=%s", self.peer)
                self.abort()
                return
            self._look_again(now_ms + self._close_grace_ms)
        self._guarded(self._connection.on_deadline, now_ms)
        self._on_output()

    # Called by the server.

    def shut_down(self, reason: str) -> None:
        """Let the connection tell its peer that we close it, and the reason."""
        if self._closes_at_ms is None:
            self._guarded(self._connection.shut_down, reason, self._reactor.now_ms())
            self._on_output()

    def abort(self) -> None:
        """Cut the connection at once; ``connection_lost`` follows."""
        if self._is_live:
            self._reactor.deadlines.forget(self._watch)
        self._transport.abort()

    def _on_output(self) -> None:
        if not self._is_marked:
            self._is_marked = True
            self._reactor.mark(self)

    def _write(self, pieces: list[bytes | memoryview]) -> None:
        """Write several buffers at once; they are joined if a copy is cheaper than a vector.

        TLS always gets one piece, as each would become a record of its own.
        """
        if self._is_tls or sum(map(len, pieces)) <= _JOIN_BYTES_MAX:
            self._transport.write(b"".join(pieces))
        else:
            self._transport.writelines(pieces)

    def _regulate_reading(self) -> None:
        """Start or stop reading, as the connection wants."""
        wants_read = self._connection.reading.is_wanted and not self._has_seen_eof
        if wants_read is not self._is_reading:
            self._is_reading = wants_read
            self._start_or_stop()
            if wants_read:
                self._departure.forget(self._transport)
            else:
                self._departure.watch(self._transport, self._on_hang_up)

    def _wait_for_round(self) -> None:
        """Let the others be read before this is read again."""
        self._is_waiting = True
        self._start_or_stop()
        self._reactor.rounds.filled(self)

    def read_on(self) -> None:
        """Begin a round: see ``ReadRounds.filled``."""
        self._is_waiting = False
        self._start_or_stop()

    def _start_or_stop(self) -> None:
        """Make the loop read the socket, or not read it."""
        is_started = self._is_reading and not self._is_waiting
        if is_started is self._is_started or self._transport.is_closing():
            return
        self._is_started = is_started
        if is_started:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _on_hang_up(self, is_reset: bool) -> None:  # noqa: FBT001 — the port's
        self._departure.note(is_reset=is_reset)
        if self._closes_at_ms is None:
            self._look_again(self._reactor.now_ms() + (0 if is_reset else self._close_grace_ms))

    def _look_again(self, at_ms: int) -> None:
        """Check a peer that has left after a while, because its last input may be wanted."""
        self._departure.look_again(at_ms, self.unsent_bytes)
        self._reactor.deadlines.refresh(self._watch)

    def _begin_to_close(self, now_ms: int) -> None:
        """Send the buffered output and then an end of stream; the peer's end closes the socket.

        If we closed at once, the kernel would answer bytes still under way with a reset, which can
        overtake our last output. TLS has its own closing message.
        """
        self._closes_at_ms = now_ms + self._close_grace_ms
        self._departure.forget(self._transport)
        if self._is_tls or self._has_seen_eof:
            self._transport.close()
            return
        self._is_reading = True
        self._start_or_stop()
        self._transport.write_eof()

    def _guarded(self, work: Callable[..., None], *args: object) -> None:
        """Do a step; if our own code fails, give up only this connection."""
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001 — it is logged
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        log.error("connection failed; it is cut off", exc_info=error)
        self._closes_at_ms = self._reactor.now_ms()
        self.abort()
