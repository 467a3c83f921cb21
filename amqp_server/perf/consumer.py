"""A consuming worker: deliveries counted by size, acks sent from rendered bytes."""

import selectors
import time
from collections.abc import Callable, Sequence
from typing import Final

from amqp_server.perf import wire
from amqp_server.perf.acks import SETTLERS, Settler
from amqp_server.perf.board import Tally
from amqp_server.perf.counting import DeliveryCounter
from amqp_server.perf.load import Load, Settle
from amqp_server.perf.session import Endpoint, Session
from amqp_server.perf.wire import BrokerRefusalError

CONSUMERS_MAX: Final = 2_000
"""Of one worker."""
_POLL_S: Final = 0.1
_READ_BYTES_MAX: Final = 1 << 18
_READ_BYTES_MIN: Final = 1 << 14
_BUFFERS_BYTES: Final = 1 << 21
"""Of one worker: what its caches can hold matters more than how large one read is."""


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
    settler = SETTLERS[load.settle](load)
    latencies = tally.latencies if load.has_instants else None
    capacity_bytes = buffer_bytes(len(indexes), len(load.body))
    sessions: list[Session] = []
    consumed_count = 0
    try:
        with selectors.DefaultSelector() as selector:
            sessions.extend(Session(endpoint) for _ in indexes)
            if not load.publisher_keys:
                # What is in the queues is all there will be, so it is not taken too early.
                ready()
                tally.board.await_go()
            for session, index in zip(sessions, indexes, strict=True):
                _subscribe(session, load.consumer_queues[index], load)
                counter = DeliveryCounter(capacity_bytes, latencies)
                selector.register(session.socket, selectors.EVENT_READ, (session, counter))
            if load.publisher_keys:
                ready()
            while not tally.board.is_draining:
                for key, _events in selector.select(_POLL_S):
                    session, counter = key.data
                    consumed_count += _read(session, counter, settler)
                    tally.set_consumed(consumed_count)
            for key in list(selector.get_map().values()):
                session, counter = key.data
                settler.settle_rest(session.socket, counter.delivery_count)
    finally:
        for session in sessions:
            session.close()


def buffer_bytes(consumer_count: int, body_bytes: int) -> int:
    """Return the size of a consumer's receive buffer: several messages, all buffers cached."""
    fair_bytes = max(_READ_BYTES_MIN, min(_READ_BYTES_MAX, _BUFFERS_BYTES // consumer_count))
    return max(fair_bytes, 4 * body_bytes)


def _subscribe(session: Session, queue: str, load: Load) -> None:
    if load.prefetch_count:
        session.call(wire.qos(1, load.prefetch_count), wire.BASIC_QOS_OK)
    request = wire.consume(1, queue, "c", no_ack=load.settle is Settle.AUTO)
    session.call(request, wire.BASIC_CONSUME_OK)


def _read(session: Session, counter: DeliveryCounter, settler: Settler) -> int:
    byte_count = session.socket.recv_into(counter.room())
    if not byte_count:
        raise BrokerRefusalError("the broker ended the connection")
    first_tag = counter.delivery_count + 1
    delivered_count = counter.received(byte_count, time.monotonic_ns())
    if delivered_count:
        settler.settle(session.socket, first_tag, counter.delivery_count)
    return delivered_count
