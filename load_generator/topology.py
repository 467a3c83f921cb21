"""The exchange, queues and bindings of a load, declared before it and deleted after."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from load_generator import wire
from load_generator.load import Topology
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError


@contextmanager
def declared(topology: Topology, endpoint: Endpoint, *, keep: bool = False) -> Iterator[None]:
    """Declare what a load needs, and delete it when the block ends, unless ``keep``.

    A queue of a shared topology that exists already is neither declared nor deleted.

    Raises:
        BrokerRefusalError: the broker refused.
        OSError: it does not answer.
    """
    ours = topology
    if topology.is_shared:
        with Session(endpoint) as session:
            missing = [queue for queue in topology.queues if not session.has_queue(queue)]
        ours = replace(topology, queues=missing)
    if keep:
        _declare(ours, topology, endpoint)
        yield
        return
    with deleted_after(endpoint, ours):
        _declare(ours, topology, endpoint)
        yield


@contextmanager
def deleted_after(endpoint: Endpoint, topology: Topology) -> Iterator[None]:
    """Delete a topology when the block ends, over a new connection.

    ``topology.queues`` may grow in the block. Raises the same as ``declared``.
    """
    try:
        yield
    except BaseException:
        # Report the first error, not the errors that follow from it.
        with suppress(LoadError, OSError):
            _delete(endpoint, topology)
        raise
    _delete(endpoint, topology)


def _declare(ours: Topology, topology: Topology, endpoint: Endpoint) -> None:
    with Session(endpoint) as session:
        for queue in ours.queues:
            request = wire.queue_declare(
                1, queue, topology.queue_arguments, durable=topology.durable
            )
            session.call(request, wire.QUEUE_DECLARE_OK)
        if not topology.exchange:
            return
        request = wire.exchange_declare(
            1, topology.exchange, topology.exchange_kind, durable=topology.durable
        )
        session.call(request, wire.EXCHANGE_DECLARE_OK)
        for bound in topology.bindings:
            request = wire.queue_bind(1, bound.queue, topology.exchange, bound.key, bound.arguments)
            session.call(request, wire.QUEUE_BIND_OK)


def _delete(endpoint: Endpoint, topology: Topology) -> None:
    """Delete queues and exchange; for RabbitMQ a missing one is no error."""
    with Session(endpoint) as session:
        for queue in topology.queues:
            session.call(wire.queue_delete(1, queue), wire.QUEUE_DELETE_OK)
        if topology.exchange:
            session.call(wire.exchange_delete(1, topology.exchange), wire.EXCHANGE_DELETE_OK)
