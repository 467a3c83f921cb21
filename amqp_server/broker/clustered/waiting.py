"""The queue in which the messages of a delayed exchange wait, as the metadata store has it.

It is created with its exchange, in one transaction, and needs it. So it ends with it at the same
revision on every node, and what is left of it is swept. It is placed, led and mended as a quorum
queue is. It is in no table of queues: the exchange's room has it (``broker.keepers.shared_room``).
"""

from typing import Final

from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.wire.tables import Table, longstr
from cluster.definitions.waiting_queues import exchange_behind, waiting_queue_name

_ARGUMENTS: Final[Table] = {"x-queue-type": longstr("quorum")}


def waiting_queue(vhost: str, exchange: str, queue_id: str, *, durable: bool) -> QueueDefinition:
    """Return the queue behind a new exchange.

    Args:
        vhost: of the exchange.
        exchange: its name.
        queue_id: of the queue; no queue of the cluster ever had it.
        durable: whether the exchange is.
    """
    return _defined(vhost, waiting_queue_name(exchange, queue_id), durable=durable)


def known_waiting_queue(vhost: str, name: str) -> QueueDefinition | None:
    """Return a mirrored queue by its name, if messages of an exchange wait in it."""
    return None if exchange_behind(name) is None else _defined(vhost, name, durable=True)


def _defined(vhost: str, name: str, *, durable: bool) -> QueueDefinition:
    # One that is not durable has no replicas, and is of no kind of its own then.
    auto_delete = False
    return QueueDefinition(name, vhost, durable, auto_delete, _ARGUMENTS if durable else {})
