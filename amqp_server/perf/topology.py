"""The exchange, queues and bindings of one window, declared before it and deleted after."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from amqp_server.perf import wire
from amqp_server.perf.session import Endpoint, Session
from amqp_server.perf.wire import LoadError
from benchmarks.scenarios import Flow


class Topology(NamedTuple):
    """Where a window publishes to and consumes from.

    Attributes:
        exchange: empty is the default exchange.
        routing_key: that of every publish.
        queues: each has one consumer.
    """

    exchange: str
    routing_key: str
    queues: Sequence[str]


def topology_of(flow: Flow, prefix: str) -> Topology:
    """Name what a scenario needs; ``prefix`` makes the names a window's own."""
    queues = tuple(f"{prefix}.{index}" for index in range(flow.queue_count))
    if not flow.exchange_kind:
        return Topology("", queues[0], queues)
    # The key of the binding in the middle; a fanout exchange takes no notice.
    return Topology(prefix, _words(flow.binding_count // 2, "reading"), queues)


def _words(index: int, last_word: str) -> str:
    return f"site.{index}.{last_word}"


@contextmanager
def declared(flow: Flow, endpoint: Endpoint, prefix: str) -> Iterator[Topology]:
    """Declare what a scenario needs, and delete it when the block ends.

    Raises:
        BrokerRefusalError: the broker would not.
        OSError: it does not answer.
    """
    topology = topology_of(flow, prefix)
    with deleted_after(endpoint, topology):
        with Session(endpoint) as session:
            _declare(flow, session, topology)
        yield topology


@contextmanager
def deleted_after(endpoint: Endpoint, topology: Topology) -> Iterator[None]:
    """Delete a topology when the block ends, over a connection that nothing has upset yet.

    ``topology.queues`` may grow in the block. Raises as ``declared``.
    """
    try:
        yield
    except BaseException:
        # What went wrong is to be told, not what goes wrong because of it.
        with suppress(LoadError, OSError):
            _delete(endpoint, topology)
        raise
    _delete(endpoint, topology)


def _declare(flow: Flow, session: Session, topology: Topology) -> None:
    for queue in topology.queues:
        session.call(wire.queue_declare(1, queue), wire.QUEUE_DECLARE_OK)
    if not topology.exchange:
        return
    request = wire.exchange_declare(1, topology.exchange, flow.exchange_kind)
    session.call(request, wire.EXCHANGE_DECLARE_OK)
    for queue in topology.queues:
        for index in range(flow.binding_count):
            request = wire.queue_bind(1, queue, topology.exchange, _words(index, "*"))
            session.call(request, wire.QUEUE_BIND_OK)


def _delete(endpoint: Endpoint, topology: Topology) -> None:
    """Delete queues and exchange; what does not exist is no error to RabbitMQ."""
    with Session(endpoint) as session:
        for queue in topology.queues:
            session.call(wire.queue_delete(1, queue), wire.QUEUE_DELETE_OK)
        if topology.exchange:
            session.call(wire.exchange_delete(1, topology.exchange), wire.EXCHANGE_DELETE_OK)
