"""A consuming worker: counts deliveries by size, and sends acks from rendered bytes."""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from load_generator import wire
from load_generator.acks import SETTLERS, Settler
from load_generator.board import Tally
from load_generator.counting import DeliveryCounter
from load_generator.load import Load, Settle
from load_generator.session import Endpoint, Session, wait_in_kernel
from load_generator.wire import BrokerRefusalError, FieldValue

CONSUMERS_MAX: Final = 2_000
"""Most consumers of one worker."""
WAKE_BYTES_MAX: Final = 1 << 14
LEISURE_S: Final = 0.004
"""Deliveries that are too few to wake a consumer wait at most this long."""
_POLL_S: Final = 0.1
_READ_BYTES_MAX: Final = 1 << 18
_READ_BYTES_MIN: Final = 1 << 14
_BUFFERS_BYTES: Final = 1 << 21
"""All buffers of one worker; they fit into a cache, which matters more than large reads."""


def consume(
    load: Load,
    endpoint: Endpoint,
    indexes: Sequence[int],
    tally: Tally,
    ready: Callable[[], None],
) -> None:
    """Consume as the consumers with these indexes until the board says drain.

    Raises:
        BrokerRefusalError: the broker closed, cancelled, or lost or repeated a delivery.
        OSError: a connection broke.
    """
    latencies = tally.latencies if load.has_instants else None
    capacity_bytes = buffer_bytes(len(indexes), len(load.body))
    sessions: list[Session] = []
    try:
        sessions.extend(Session(endpoint) for _ in indexes)
        if not load.publisher_keys:
            # No publisher adds messages in this case, so a consumer must not start too early.
            ready()
            tally.board.await_go()
        drains = [
            _Drain(session, DeliveryCounter(capacity_bytes, latencies), SETTLERS[load.settle](load))
            for session in sessions
        ]
        for drain, index in zip(drains, indexes, strict=True):
            _subscribe(drain.session, load.consumer_queues[index], load)
        if load.publisher_keys:
            ready()
        if len(drains) == 1:
            low_water_bytes = wake_bytes(load) if endpoint.tls is None else 1
            _consume_alone(drains[0], low_water_bytes, tally)
        else:
            _consume_in_turn(drains, tally)
        for drain in drains:
            drain.settle_rest()
    finally:
        for session in sessions:
            session.close()


class _Drain:
    """One consumer: its connection, the counter of its deliveries, and its settler."""

    def __init__(self, session: Session, counter: DeliveryCounter, settler: Settler) -> None:
        self.session = session
        self.counter = counter
        self._settler = settler
        self._receive_into = session.socket.recv_into

    def read(self) -> None:
        """Count and settle the deliveries of one read.

        Raises:
            BlockingIOError: nothing came within the timeout of the socket.
        """
        byte_count = self._receive_into(self.counter.room())
        if not byte_count:
            raise BrokerRefusalError("the broker ended the connection")
        self._count(byte_count)

    def read_rest(self) -> None:
        """Count the deliveries behind the reply to basic.consume."""
        octets = self.session.take_rest()
        while octets:
            room = self.counter.room()
            piece = octets[: len(room)]
            room[: len(piece)] = piece
            self._count(len(piece))
            octets = octets[len(piece) :]

    def settle_rest(self) -> None:
        """Settle the remaining deliveries at the end."""
        self._settler.settle_rest(self.session.socket, self.counter.delivery_count)

    def _count(self, byte_count: int) -> None:
        counter = self.counter
        first_tag = counter.delivery_count + 1
        if counter.received(byte_count, time.monotonic_ns()):
            self._settler.settle(self.session.socket, first_tag, counter.delivery_count)


def _consume_alone(drain: _Drain, low_water_bytes: int, tally: Tally) -> None:
    """Consume over the only connection of a worker, which waits in its own receive call."""
    connection, counter = drain.session.socket, drain.counter
    wait_in_kernel(connection, _POLL_S if low_water_bytes == 1 else LEISURE_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, low_water_bytes)
    drain.read_rest()
    tally.set_consumed(counter.delivery_count)
    while not tally.board.is_draining:
        try:
            drain.read()
        except BlockingIOError:
            continue
        tally.set_consumed(counter.delivery_count)


def _consume_in_turn(drains: Sequence[_Drain], tally: Tally) -> None:
    """Consume over several connections, from those that have something to read."""
    with selectors.DefaultSelector() as selector:
        for drain in drains:
            selector.register(drain.session.socket, selectors.EVENT_READ, drain)
            drain.read_rest()
        consumed_count = sum(drain.counter.delivery_count for drain in drains)
        tally.set_consumed(consumed_count)
        while not tally.board.is_draining:
            for key, _events in selector.select(_POLL_S):
                drain = key.data
                consumed_count -= drain.counter.delivery_count
                # With TLS a socket may be readable before a delivery has come.
                with suppress(BlockingIOError):
                    drain.read()
                consumed_count += drain.counter.delivery_count
                tally.set_consumed(consumed_count)


def wake_bytes(load: Load) -> int:
    """Return the bytes that must have come before the kernel wakes a consumer; 1 is any.

    A consumer that only empties the queues should not run for every message. If latency is
    measured, or the broker waits for acks, it runs at once. The bytes that it leaves are few
    compared with the backlog, so that no publisher waits for them.
    """
    if load.has_instants or load.settle is not Settle.AUTO or not load.publisher_keys:
        return 1
    if not load.backlog_max:
        return WAKE_BYTES_MAX
    fair_count = load.backlog_max * load.copies // max(1, len(load.consumer_queues))
    return max(1, min(WAKE_BYTES_MAX, fair_count * len(load.body) // 8))


def buffer_bytes(consumer_count: int, body_bytes: int) -> int:
    """Return the size of a consumer's receive buffer: several messages, if all fit the cache."""
    fair_bytes = max(_READ_BYTES_MIN, min(_READ_BYTES_MAX, _BUFFERS_BYTES // consumer_count))
    return max(fair_bytes, 4 * body_bytes)


def _subscribe(session: Session, queue: str, load: Load) -> None:
    if load.prefetch_count:
        session.call(wire.qos(1, load.prefetch_count), wire.BASIC_QOS_OK)
    arguments: dict[str, FieldValue] = {}
    if load.offset:
        arguments["x-stream-offset"] = int(load.offset) if load.offset.isdecimal() else load.offset
    if load.filters:
        arguments["x-stream-filter"] = load.filters[0]
    request = wire.consume(1, queue, "c", arguments, no_ack=load.settle is Settle.AUTO)
    session.call(request, wire.BASIC_CONSUME_OK)
