"""The consuming side of a window: deliveries counted by size, acks sent from rendered bytes."""

import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

from amqp_server.perf import wire
from amqp_server.perf.counting import DeliveryCounter
from amqp_server.perf.session import Endpoint, FrameReader, Session
from amqp_server.perf.topology import Topology
from amqp_server.perf.wire import BrokerRefusalError
from amqp_server.perf.workers import Board, Latencies, percentiles
from benchmarks.scenarios import Flow, Settle

_POLL_S: Final = 0.1
_BUFFER_BYTES: Final = 1 << 18
_DUE: Final = struct.Struct(">Q")
SAMPLE_COUNT_MAX: Final = 4_000_000


def consume_flow(
    flow: Flow, endpoint: Endpoint, topology: Topology, board: Board, ready: Callable[[], None]
) -> None:
    """Consume every queue on a connection of its own until the board says drain.

    Raises:
        BrokerRefusalError: the broker closed, cancelled, or lost or repeated a delivery.
        OSError: a connection broke.
    """
    settler = SETTLERS[flow.settle](flow)
    capacity_bytes = max(_BUFFER_BYTES, 4 * flow.body_size_bytes)
    sessions = [Session(endpoint) for _ in topology.queues]
    consumed_count = 0
    try:
        with selectors.DefaultSelector() as selector:
            for session, queue in zip(sessions, topology.queues, strict=True):
                _subscribe(session, queue, flow)
                counter = DeliveryCounter(capacity_bytes)
                selector.register(session.socket, selectors.EVENT_READ, (session, counter))
            ready()
            while not board.is_draining:
                for key, _events in selector.select(_POLL_S):
                    session, counter = key.data
                    consumed_count += _read(session, counter, settler)
                    board.consumed_count = consumed_count
    finally:
        for session in sessions:
            session.close()


def _subscribe(session: Session, queue: str, flow: Flow) -> None:
    if flow.prefetch_count:
        session.call(wire.qos(1, flow.prefetch_count), wire.BASIC_QOS_OK)
    request = wire.consume(1, queue, "c", no_ack=flow.settle is Settle.AUTO)
    session.call(request, wire.BASIC_CONSUME_OK)


def _read(session: Session, counter: DeliveryCounter, settler: "Settler") -> int:
    byte_count = session.socket.recv_into(counter.room())
    if not byte_count:
        raise BrokerRefusalError("the broker ended the connection")
    first_tag = counter.delivery_count + 1
    delivered_count = counter.received(byte_count)
    if delivered_count:
        settler.settle(session.socket, first_tag, counter.delivery_count)
    return delivered_count


class Settler:
    """Auto-ack: there is nothing to settle."""

    def __init__(self, flow: Flow) -> None:
        self._ack_every = flow.ack_every

    def settle(self, connection: socket.socket, first_tag: int, last_tag: int) -> None:
        """Settle the deliveries of a read, ``first_tag`` to ``last_tag``."""


class MultipleSettler(Settler):
    """One ack multiple at each ack_every-th delivery, as a client that counts would send it."""

    def settle(self, connection: socket.socket, first_tag: int, last_tag: int) -> None:
        """Send the acks that fall due from ``first_tag`` to ``last_tag``."""
        step = self._ack_every
        due = range(-(-first_tag // step) * step, last_tag + 1, step)
        if due:
            connection.sendall(b"".join([wire.ack(tag, multiple=True) for tag in due]))


class EachSettler(Settler):
    """One ack per delivery, those of a read in one write."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow)
        self._ring = wire.AckRing()

    def settle(self, connection: socket.socket, first_tag: int, last_tag: int) -> None:
        """Send an ack for each of ``first_tag`` to ``last_tag``."""
        for piece in self._ring.render(first_tag, last_tag):
            connection.sendall(piece)


SETTLERS: Final[dict[Settle, type[Settler]]] = {
    Settle.AUTO: Settler,
    Settle.MULTIPLE: MultipleSettler,
    Settle.EACH: EachSettler,
}


def consume_paced(
    endpoint: Endpoint, topology: Topology, board: Board, ready: Callable[[], None]
) -> Latencies | None:
    """Consume one queue and compare the instant in each body with the clock.

    Only what arrives while the board says so is sampled. The clock is read once per read of
    the socket, after it.

    Returns:
        The percentiles of at most SAMPLE_COUNT_MAX messages; None if there was none.

    Raises:
        BrokerRefusalError: anything but deliveries came.
        OSError: the connection broke.
    """
    samples_ns: list[int] = []
    with Session(endpoint) as session:
        request = wire.consume(1, topology.queues[0], "c", no_ack=True)
        session.call(request, wire.BASIC_CONSUME_OK)
        reader = FrameReader(session.socket)
        session.socket.settimeout(_POLL_S)
        ready()
        consumed_count = 0
        while not board.is_draining and len(samples_ns) < SAMPLE_COUNT_MAX:
            try:
                frames = reader.read()
            except TimeoutError:
                continue
            now_ns = time.monotonic_ns()
            due_ns = dues_ns(frames)
            consumed_count += len(due_ns)
            board.consumed_count = consumed_count
            if board.is_measuring:
                samples_ns += [now_ns - due for due in due_ns]
    return percentiles(samples_ns)


def dues_ns(frames: list[wire.Frame]) -> list[int]:
    """Return the instants in the bodies among ``frames``."""
    due_ns: list[int] = []
    for received in frames:
        if received.kind == wire.FRAME_BODY:
            due_ns += _DUE.unpack_from(received.payload)
        elif received.kind == wire.FRAME_METHOD and (
            wire.method_of(received) != wire.BASIC_DELIVER
        ):
            raise wire.refusal(received)
    return due_ns
