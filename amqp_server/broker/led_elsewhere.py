"""A queue of a cluster that this node has led, and leads no more: who watches it is told."""

from collections.abc import Iterable

from amqp_server.broker.broker import Broker
from amqp_server.broker.queue import Queue, Watcher
from amqp_server.broker.steps import Steps, StepsJob


def tell_led_elsewhere(broker: Broker, vhost: str, name: str) -> None:
    """Tell who watches a queue, in turns to come; one that is not there has nobody.

    Args:
        broker: of the node.
        vhost: of the queue.
        name: of the queue.
    """
    queue = broker.vhost(vhost).queues.look_at(name) if broker.has_vhost(vhost) else None
    if queue is not None and queue.watchers:
        telling = _telling(queue, list(queue.watchers))
        broker.turn.resume(StepsJob(telling, broker.turn))


def _telling(queue: Queue, watchers: Iterable[Watcher]) -> Steps[None]:
    """Tell them one by one: each may have a connection of its own, which is then written to."""
    for watcher in watchers:
        if watcher in queue.watchers:
            watcher.queue_led_elsewhere(queue)
        yield
