"""The publishing side of a window: rendered bytes into sockets, and confirms counted."""

import select
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from amqp_server.perf import wire
from amqp_server.perf.counting import ConfirmCounter
from amqp_server.perf.session import Endpoint, FrameReader, Session
from amqp_server.perf.topology import Topology
from amqp_server.perf.wire import BrokerRefusalError
from amqp_server.perf.workers import Board
from benchmarks.scenarios import PUBLISH_WRITE_BYTES, Flow, Paced

BACKLOG_POLL_S: Final = 0.000_5
"""How long a publisher sleeps that is far enough ahead of the consumers."""
_STOP_POLL_S: Final = 0.1
_READ_BYTES: Final = 1 << 16
_DUE: Final = struct.Struct(">Q")
_HEADERS: Final = {f"x-header-{index}": f"value {index} of the header" for index in range(16)}


def message_of(flow: Flow, topology: Topology) -> bytes:
    """Render one publish of a scenario."""
    headers = dict(list(_HEADERS.items())[: flow.header_count]) if flow.header_count else None
    return wire.publish(
        topology.exchange,
        topology.routing_key,
        wire.properties(headers),
        b"x" * flow.body_size_bytes,
    )


def publishes_per_write(flow: Flow, message_bytes: int) -> int:
    """Return how many publishes go into one write.

    A write is small against the backlog and the confirm window: else one write would make the
    publisher wait for its own tail, and the figure would be that of a stop-and-go.
    """
    count = flow.publishes_per_write or PUBLISH_WRITE_BYTES // message_bytes
    count = min(count, flow.backlog_max // 8)
    if flow.confirm_window:
        count = min(count, flow.confirm_window // 20)
    return max(1, count)


def publish_flow(
    flow: Flow, endpoint: Endpoint, topology: Topology, board: Board, ready: Callable[[], None]
) -> None:
    """Publish until the board says stop.

    Raises:
        BrokerRefusalError: the broker closed or nacked.
        OSError: the connection broke.
    """
    message = message_of(flow, topology)
    count = publishes_per_write(flow, len(message))
    sessions = [Session(endpoint) for _ in range(flow.publisher_count)]
    try:
        if flow.confirm_window:
            request = wire.method(1, wire.CONFIRM_SELECT, b"\x00")
            sessions[0].call(request, wire.CONFIRM_SELECT_OK)
        ready()
        if flow.confirm_window:
            _publish_confirmed(flow, sessions[0], message * count, count, board)
        elif len(sessions) == 1:
            _publish_stream(flow, sessions[0], message * count, count, board)
        else:
            _publish_in_turn(flow, sessions, message * count, count, board)
    finally:
        for session in sessions:
            session.close()


def _is_ahead(flow: Flow, published_count: int, board: Board) -> bool:
    """Tell whether the publishers are backlog_max ahead; then sleep a little."""
    if published_count - board.consumed_count // flow.queue_count < flow.backlog_max:
        return False
    time.sleep(BACKLOG_POLL_S)
    return True


def _publish_stream(flow: Flow, session: Session, chunk: bytes, count: int, board: Board) -> None:
    published_count = 0
    while not board.is_stopping:
        if _is_ahead(flow, published_count, board):
            continue
        session.socket.sendall(chunk)
        published_count += count
        board.published_count = published_count
        _raise_if_refused(session)


def _raise_if_refused(session: Session) -> None:
    """A publisher without confirms is sent nothing unless something is wrong."""
    readable, _, _ = select.select([session.socket], [], [], 0)
    if readable:
        for received in FrameReader(session.socket).read():
            raise wire.refusal(received)


def _publish_confirmed(
    flow: Flow, session: Session, chunk: bytes, count: int, board: Board
) -> None:
    counter = ConfirmCounter()
    published_count = 0
    while not board.is_stopping:
        while published_count - counter.confirmed_count + count > flow.confirm_window:
            _read_confirms(session, counter)
            board.confirmed_count = counter.confirmed_count
        if _is_ahead(flow, published_count, board):
            continue
        session.socket.sendall(chunk)
        published_count += count
        board.published_count = published_count


def _read_confirms(session: Session, counter: ConfirmCounter) -> None:
    octets = session.socket.recv(_READ_BYTES)
    if not octets:
        raise BrokerRefusalError("the broker ended the connection")
    counter.received(octets)


class _Lane:
    """One of many publishing connections, which must not hold up the others."""

    def __init__(self, session: Session, chunk: bytes) -> None:
        self.socket = session.socket
        self.socket.settimeout(0)
        self._chunk = memoryview(chunk)
        self._left = self._chunk[:0]

    def write(self) -> bool:
        """Write the next chunk, or the rest of the last; return True when one went out whole."""
        piece = self._left or self._chunk
        try:
            sent_bytes = self.socket.send(piece)
        except BlockingIOError:
            return False
        self._left = piece[sent_bytes:]
        return not self._left


def _publish_in_turn(
    flow: Flow, sessions: list[Session], chunk: bytes, count: int, board: Board
) -> None:
    lanes = [_Lane(session, chunk) for session in sessions]
    published_count = 0
    while not board.is_stopping:
        before = published_count
        for lane in lanes:
            if _is_ahead(flow, published_count, board):
                break
            if lane.write():
                published_count += count
                board.published_count = published_count
        if published_count == before:
            # Either every socket is full, or the consumers are behind and some lane is writable.
            select.select([], [lane.socket for lane in lanes], [], _STOP_POLL_S)


def publish_paced(
    paced: Paced, endpoint: Endpoint, topology: Topology, board: Board, ready: Callable[[], None]
) -> None:
    """Publish one message per write at a fixed rate until the board says stop.

    Raises:
        OSError: the connection broke, or the broker read nothing for the session's timeout.
    """
    _sleep_precisely()
    body = bytes(paced.body_size_bytes)
    message = bytearray(
        wire.publish(topology.exchange, topology.routing_key, wire.properties(), body)
    )
    due_at = len(message) - 1 - len(body)
    interval_ns = 1_000_000_000 // paced.rate_per_s
    published_count = 0
    with Session(endpoint) as session:
        ready()
        due_ns = time.monotonic_ns()
        while not board.is_stopping:
            now_ns = time.monotonic_ns()
            if due_ns > now_ns:
                time.sleep((due_ns - now_ns) / 1_000_000_000)
                continue
            _DUE.pack_into(message, due_at, due_ns)
            session.socket.sendall(message)
            due_ns += interval_ns
            published_count += 1
            board.published_count = published_count


def _sleep_precisely() -> None:
    """Ask the kernel to wake us within a microsecond instead of its usual fifty."""
    try:
        Path("/proc/self/timerslack_ns").write_text("1000")
    except OSError:
        # The sleeps overshoot a little more, for both brokers alike.
        return
