"""A queue that this node serves no more, or from another engine: who watches it is told."""

from collections.abc import Callable, Iterable

from amqp_server.broker.broker import Broker
from amqp_server.broker.queue import Queue, Watcher
from amqp_server.broker.steps import Steps, StepsJob


def tell_led_elsewhere(broker: Broker, vhost: str, name: str) -> None:
    """Tell who watches a queue that it is served here no more, in turns to come.

    One that is not there has nobody.

    Args:
        broker: of the node.
        vhost: of the queue.
        name: of the queue.
    """
    _tell(broker, vhost, name, _is_elsewhere)


def tell_led_here(broker: Broker, vhost: str, name: str) -> None:
    """Tell who watches a stream that this node leads it now; until then its mirror was read."""
    _tell(broker, vhost, name, _is_here)


def _tell(broker: Broker, vhost: str, name: str, tell: Callable[[Watcher, Queue], None]) -> None:
    queue = broker.vhost(vhost).queues.look_at(name) if broker.has_vhost(vhost) else None
    if queue is not None and queue.watchers:
        telling = _telling(queue, list(queue.watchers), tell)
        broker.turn.resume(StepsJob(telling, broker.turn))


def _is_elsewhere(watcher: Watcher, queue: Queue) -> None:
    watcher.queue_led_elsewhere(queue)


def _is_here(watcher: Watcher, queue: Queue) -> None:
    watcher.queue_led_here(queue)


def _telling(
    queue: Queue, watchers: Iterable[Watcher], tell: Callable[[Watcher, Queue], None]
) -> Steps[None]:
    """Tell them one by one: each may have a connection of its own, which is then written to."""
    for watcher in watchers:
        if watcher in queue.watchers:
            tell(watcher, queue)
        yield
