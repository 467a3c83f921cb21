"""Queues of one vhost that were deleted, until all that belonged to them is gone.

A deleted queue is found no more. Its dead letters, bindings, definition and log go after it, in
steps. Until the last of them has gone its name is *leaving*, as that of an exchange.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Protocol

from amqp_server.broker.definitions.journal import Journal
from amqp_server.broker.events import EventKind, Events
from amqp_server.broker.queue import Consumer, Queue, Watcher
from amqp_server.broker.steps import Steps, finish_or_later
from amqp_server.broker.turn import Turn
from queues.effects import DeadLettered, Effect, QueueUnused


class DeadLetterMover(Protocol):
    """Moves dead letters of queues to their exchanges; ``broker.moves.mover`` implements it."""

    def note(self, queue: Queue, dead: DeadLettered) -> None:
        """Start to move messages, in the order in which they were noted."""

    def finishing(self, queue: Queue) -> Steps[None]:
        """Move all messages that wait in a queue before it goes."""


class LeavingQueues:
    """The deleted queues of one vhost whose names cannot be used again yet.

    Args:
        turn: where their engines are forgotten, and where a long end continues.
        mover: moves their dead letters.
        forgetting: removes the bindings of a queue that is gone.
        journal: keeps their definitions.
        events: hears that their consumers went.
    """

    def __init__(
        self,
        turn: Turn,
        mover: DeadLetterMover,
        forgetting: Callable[[str], Steps[None]],
        journal: Journal,
        events: Events,
    ) -> None:
        self._turn = turn
        self._mover = mover
        self._forgetting = forgetting
        self._journal = journal
        self._events = events
        self._leaving: dict[str, tuple[Queue, Steps[None]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._leaving

    def find(self, name: str) -> Queue | None:
        """Return the leaving queue of this name; None if there is none."""
        leaving = self._leaving.get(name)
        return None if leaving is None else leaving[0]

    def add(self, queue: Queue) -> None:
        """Begin the end of a queue that was just deleted; nothing of it goes before a step."""
        self._leaving[queue.name] = (queue, self._ending(queue))

    def finishing(self, name: str) -> Steps[None]:
        """Finish the end of a queue, so that its name can be used again."""
        leaving = self._leaving.get(name)
        if leaving is not None:
            for _ in leaving[1]:  # another caller may continue it in between
                yield

    def _ending(self, queue: Queue) -> Steps[None]:
        self._turn.forget(queue.engine)
        consumers, queue.consumers = queue.consumers, {}
        watchers, queue.watchers = queue.watchers, {}
        for consumer in consumers:
            consumer.is_cancelled = True
            self._events.note(EventKind.CONSUMER_DELETED, queue.vhost_name, queue.name, consumer)
        yield from self._mover.finishing(queue)
        # In this order: should a crash keep a part, no binding is without its queue, and no queue
        # that is still defined has lost its messages.
        yield from self._forgetting(queue.name)
        if queue.queue_id:
            self._journal.forget(queue.definition)
        queue.engine.delete()
        del self._leaving[queue.name]
        if consumers or watchers:
            self._tell_later(queue, consumers, watchers)

    def _tell_later(
        self, queue: Queue, consumers: dict[Consumer, None], watchers: dict[Watcher, None]
    ) -> None:
        """Tell consumers after the client that deleted their queue was answered, as RabbitMQ."""
        telling = _telling(queue, consumers, watchers)

        def tell(_effect: Effect, _now_ms: int) -> None:
            finish_or_later(telling, self._turn)

        self._turn.emit(tell, QueueUnused(queue.name))


def _telling(
    queue: Queue, consumers: dict[Consumer, None], watchers: dict[Watcher, None]
) -> Steps[None]:
    """Tell them one by one: each may have a connection of its own, which is then written to."""
    # In RabbitMQ a channel keeps those of a queue in this order.
    for consumer in sorted(consumers, key=attrgetter("consumer_tag")):
        consumer.queue_deleted()
        yield
    for watcher in watchers:
        watcher.queue_deleted(queue)
        yield
