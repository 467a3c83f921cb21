"""The queues of one vhost by name: declare, find, delete.

``protocol.methods`` has checked the user's rights before. This module checks the request itself.

A deleted queue is gone at once. Its bindings go after it, in steps. As for an exchange, its name is
*leaving* until the last one has gone.

Source: RabbitMQ, rabbit_amqqueue and rabbit_channel, for rules and texts.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Final, Protocol

from sortedcontainers import SortedList

from amqp_server.broker.arguments.declare import (
    QueueProperties,
    check_equivalent_queue,
    locked_queue,
    validate_queue,
)
from amqp_server.broker.arguments.options import (
    durability_source,
    queue_options,
    wants_at_least_once,
)
from amqp_server.broker.backing import IN_MEMORY, Backing
from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.broker.errors import (
    NotFoundError,
    PreconditionFailedError,
)
from amqp_server.broker.events import EventKind, Events
from amqp_server.broker.names import check_unreserved, queue_text
from amqp_server.broker.queue import Queue, QueueIdentity
from amqp_server.broker.steps import Steps, StepsJob, finish
from amqp_server.broker.turn import Turn
from amqp_server.wire.tables import Table
from queues.effects import DeadLettered, DroppedAtLimit, Effect, QueueUnused
from queues.kinds import QueueKind, Request
from queues.options import QueueOptions
from queues.ports import EngineParts

log = logging.getLogger(__name__)

PIECES_AT_ONCE_MAX: Final = 64
"""Bindings that go at once with a queue, or queues that go at once with their connection."""

_DONE: Final = object()


class DeadLetterMover(Protocol):
    """Moves dead letters of queues to their exchanges; ``broker.moves.mover`` implements it."""

    def note(self, queue: Queue, dead: DeadLettered) -> None:
        """Start to move messages, in the order in which they were noted."""

    def finishing(self, queue: Queue) -> Steps[None]:
        """Move all messages that wait in a queue before it goes."""


class QueueTable:
    """Queues of one vhost.

    Args:
        vhost_name: for the texts.
        turn: where queues are marked dirty and leave their effects.
        policy_of: the merged policy definition for a queue name and kind.
        on_change: called with the name of a queue that came or went.
        forgetting: removes the bindings of a queue that is gone.
        mover: moves dead letters.
        default_consumer_timeout_ms: without an argument or policy; None is never.
        backing: keeps messages, and the definitions of durable queues that are not exclusive.

    Attributes:
        names: of all queues, for views; changed only here.
    """

    def __init__(
        self,
        vhost_name: str,
        turn: Turn,
        policy_of: Callable[[str, QueueKind], Mapping[str, object]],
        on_change: Callable[[str], None],
        mover: DeadLetterMover,
        default_consumer_timeout_ms: int | None,
        *,
        forgetting: Callable[[str], Steps[None]],
        backing: Backing = IN_MEMORY,
        events: Events | None = None,
    ) -> None:
        self._vhost_name = vhost_name
        self._turn = turn
        self._policy_of = policy_of
        self._on_change = on_change
        self._forgetting = forgetting
        self._mover = mover
        self._default_consumer_timeout_ms = default_consumer_timeout_ms
        self._journal = backing.journal
        self._backing = backing
        self._events = Events() if events is None else events
        self._queues: dict[str, Queue] = {}
        self.names: SortedList[str] = SortedList()
        self._owned: dict[object, dict[Queue, None]] = {}
        self._leaving: dict[str, tuple[Queue, Steps[None]]] = {}
        # Exclusive queues of ended connections: each is deleted in turn, or when it is looked up.
        self._departing: dict[Queue, None] = {}

    def __len__(self) -> int:
        return len(self._queues) - len(self._departing)

    def __iter__(self) -> Iterator[Queue]:
        return iter(tuple(self._queues.values()))

    def look_at(self, name: str) -> Queue | None:
        """Return a queue for views, not for use; None if there is none."""
        queue = self._queues.get(name)
        return None if queue is None or queue in self._departing else queue

    def find(self, name: str) -> Queue | None:
        """Return a queue of any owner; None if there is none."""
        queue = self._queues.get(name)
        if queue is not None and queue in self._departing:
            self._leave(queue)
            return None
        return queue

    def get(self, name: str, connection: object) -> Queue:
        """Return a queue that this connection may use.

        Raises:
            NotFoundError: there is none of this name (404).
            ResourceLockedError: it is exclusive to another connection (405).
        """
        queue = self.find(name)
        if queue is None:
            raise NotFoundError(f"no {queue_text(self._vhost_name, name)}")
        if queue.owner is not None and queue.owner is not connection:
            raise locked_queue(queue.name, queue.vhost_name)
        return queue

    def declare(
        self,
        name: str,
        properties: QueueProperties,
        connection: object,
        now_ms: int,
        *,
        may_be_reserved: bool = False,
        queue_id: int = 0,
    ) -> Queue:
        """Create a queue, or check that the one that exists is equivalent and renew its expiry.

        Args:
            name: of the queue.
            properties: the requested properties.
            connection: makes the request; an exclusive queue belongs to it.
            now_ms: the time.
            may_be_reserved: the name was generated by the broker, now or before an export.
            queue_id: of a queue that was stored; 0 takes a new one, if it must be stored.

        Raises:
            PreconditionFailedError: an invalid argument, or it exists with other properties (406).
            ResourceLockedError: it belongs to another connection, or is exclusive and should not
                be, or the other way round (405).
            AccessRefusedError: a reserved name (403), unless it ``may_be_reserved``.
        """
        if not may_be_reserved:
            check_unreserved("queue", name)
        existing = self.find(name)
        if name in self._leaving:
            finish(self.finishing(name))
        if existing is not None:
            self.get(name, connection)
            check_equivalent_queue(name, self._vhost_name, existing.properties, properties)
            self.refresh(existing, now_ms)
            self._note(EventKind.QUEUE_DECLARED, existing)
            return existing
        kind = validate_queue(
            name,
            self._vhost_name,
            properties.arguments,
            durable=properties.durable,
            exclusive=properties.exclusive,
            auto_delete=properties.auto_delete,
        )
        owner = connection if properties.exclusive else None
        # RabbitMQ, rabbit_channel: a durable exclusive queue still ends with its connection.
        if properties.durable and owner is None:
            queue_id = queue_id or self._journal.new_queue_id()
        if queue_id:
            self._journal.save(self._definition(name, properties, queue_id))
        queue = self._create(name, kind, properties, owner, queue_id, now_ms)
        self._queues[name] = queue
        self.names.add(name)
        if owner is not None:
            self._owned.setdefault(owner, {})[queue] = None
        self._on_change(name)
        self._note(EventKind.QUEUE_DECLARED, queue)
        self._note(EventKind.QUEUE_CREATED, queue)
        return queue

    def deleting(
        self, name: str, connection: object, now_ms: int, *, if_unused: bool, if_empty: bool
    ) -> Steps[int]:
        """Delete a queue; return how many ready messages went with it, 0 if there was none.

        Raises:
            ResourceLockedError: it is exclusive to another connection (405).
            NotSupportedError: a condition that its kind does not know (540).
            PreconditionFailedError: it is in use, or not empty (406).
        """
        if self.find(name) is None:
            yield from self.finishing(name)
            return 0
        queue = self.get(name, connection)
        if if_unused:
            queue.check_granted(Request.DELETE_IF_UNUSED)
        if if_empty:
            queue.check_granted(Request.DELETE_IF_EMPTY)
        self.refresh(queue, now_ms)
        if queue.kind.heeds_delete_conditions:
            if if_empty and queue.engine.ready_count:
                raise PreconditionFailedError(f"{queue.text} not empty")
            if if_unused and queue.engine.consumer_count:
                raise PreconditionFailedError(f"{queue.text} in use")
        ready_count = self._withdraw(queue)
        yield from self.finishing(name)
        return ready_count

    def refresh(self, queue: Queue, now_ms: int) -> None:
        """Bring a queue's counts up to date: messages that consumers can have are delivered.

        Called before ready messages are shown or taken; it counts as use of the queue.
        """
        queue.engine.touch(now_ms)
        self._turn.drain_now(queue.engine, now_ms)

    def is_leaving(self, name: str) -> bool:
        """Whether a queue of this name was deleted, and not all of its bindings are gone."""
        self.find(name)
        return name in self._leaving

    def is_stored(self, name: str) -> bool:
        """Whether a queue of this name survives a restart; a leaving one counts too."""
        leaving = self._leaving.get(name)
        queue = self._queues.get(name) if leaving is None else leaving[0]
        return queue is not None and queue.queue_id != 0

    def finishing(self, name: str) -> Steps[None]:
        """Finish the delete of a queue, so that its name can be used again."""
        leaving = self._leaving.get(name)
        if leaving is not None:
            for _ in leaving[1]:  # another caller may continue it in between
                yield

    def remove(self, queue: Queue) -> None:
        """Delete a queue without conditions; a long delete continues in later turns."""
        if queue.is_deleted:
            return
        self._withdraw(queue)
        self._finish_or_later(self._leaving[queue.name][1])

    def _finish_or_later(self, steps: Steps[None]) -> None:
        for _ in range(PIECES_AT_ONCE_MAX):
            if next(steps, _DONE) is _DONE:
                return
        self._turn.later(StepsJob(steps, self._turn.budget.is_spent))

    def removing_all(self) -> Steps[None]:
        """Delete every queue, because the vhost is about to go."""
        for queue in self:
            if not queue.is_deleted:
                self._withdraw(queue)
            yield from self.finishing(queue.name)
            yield

    def release(self, connection: object) -> None:
        """Delete the exclusive queues of a connection that ends, in later turns if many."""
        queues = self._owned.pop(connection, {})
        self._departing.update(queues)
        self._finish_or_later(self._releasing(queues))

    def _releasing(self, queues: Iterable[Queue]) -> Steps[None]:
        for queue in queues:
            if not queue.is_deleted:
                self._leave(queue)
            yield from self.finishing(queue.name)
            yield

    def _withdraw(self, queue: Queue) -> int:
        """Remove a queue from the table; return its ready count."""
        ready_count = queue.engine.ready_count
        self._disown(queue)
        self._leave(queue)
        return ready_count

    def _note(self, kind: EventKind, queue: Queue) -> None:
        self._events.note(kind, self._vhost_name, queue.name)

    def _leave(self, queue: Queue) -> None:
        del self._queues[queue.name]
        self.names.remove(queue.name)
        queue.is_deleted = True
        self._departing.pop(queue, None)
        self._leaving[queue.name] = (queue, self._leaving_steps(queue))
        self._on_change(queue.name)
        self._note(EventKind.QUEUE_DELETED, queue)

    def _leaving_steps(self, queue: Queue) -> Steps[None]:
        self._turn.forget(queue.engine)
        consumers, queue.consumers = queue.consumers, {}
        for consumer in consumers:
            consumer.is_cancelled = True
            self._events.note(EventKind.CONSUMER_DELETED, self._vhost_name, queue.name, consumer)
        yield from self._mover.finishing(queue)
        # In this order: should a crash keep a part, no binding is without its queue, and no queue
        # that is still defined has lost its messages.
        yield from self._forgetting(queue.name)
        if queue.queue_id:
            self._journal.forget(self._definition(queue.name, queue.properties, queue.queue_id))
        queue.engine.delete()
        del self._leaving[queue.name]

        def tell_consumers(_effect: Effect, _now_ms: int) -> None:
            # In RabbitMQ a channel keeps those of a queue in this order.
            for consumer in sorted(consumers, key=attrgetter("consumer_tag")):
                consumer.queue_deleted()

        if consumers:
            # A client that deletes and consumes it hears of the deletion first, as in RabbitMQ.
            self._turn.emit(tell_consumers, QueueUnused(queue.name))

    def _disown(self, queue: Queue) -> None:
        owned = self._owned.get(queue.owner) if queue.owner is not None else None
        if owned is not None:
            del owned[queue]
            if not owned:
                del self._owned[queue.owner]

    def applying_policies(self, now_ms: int) -> Steps[None]:
        """Give every queue the options of its arguments and policies when its turn comes."""
        for queue in self:
            if queue.is_deleted:
                continue
            policy = self._policy_of(queue.name, queue.kind)
            options = self._options(queue.kind, queue.properties.arguments, policy)
            is_other_class = options.durability is not queue.engine.options.durability
            queue.engine.reconfigure(options, now_ms)
            self._turn.mark_dirty(queue.engine)
            if is_other_class:
                self._log_durability(queue, policy)
            yield

    def _create(
        self,
        name: str,
        kind: QueueKind,
        properties: QueueProperties,
        owner: object | None,
        queue_id: int,
        now_ms: int,
    ) -> Queue:
        policy = self._policy_of(name, kind)
        options = self._options(kind, properties.arguments, policy)

        def emit(effect: Effect) -> None:
            if isinstance(effect, DeadLettered):
                self._mover.note(queue, effect)
            elif isinstance(effect, DroppedAtLimit):
                _log_dropped(queue, effect)
            else:
                self._turn.emit(remove, effect)

        def remove(_effect: Effect, _now_ms: int) -> None:
            self.remove(queue)

        def wake_up() -> None:
            self._turn.mark_dirty(engine)

        parts = EngineParts(
            name,
            options,
            log=self._backing.make_log(
                QueueIdentity(self._vhost_name, name, queue_id, kind, options)
            ),
            emit=emit,
            wake_up=wake_up,
            now_ms=now_ms,
            auto_delete=properties.auto_delete,
            memory=self._backing.memory.of_queue(spills_early=queue_id != 0),
        )
        engine = kind.make_engine(parts)
        queue = Queue(name, self._vhost_name, kind, properties, owner, engine, queue_id)
        if engine.next_deadline_ms() is not None:
            self._turn.mark_dirty(engine)
        if durability_source(properties.arguments, policy) != "node":
            self._log_durability(queue, policy)
        if wants_at_least_once(properties.arguments, policy):
            _log_strategy(queue)
        return queue

    def _definition(self, name: str, properties: QueueProperties, queue_id: int) -> QueueDefinition:
        return QueueDefinition(
            name,
            self._vhost_name,
            properties.durable,
            properties.auto_delete,
            properties.arguments,
            queue_id,
        )

    def _options(
        self, kind: QueueKind, arguments: Table, policy: Mapping[str, object]
    ) -> QueueOptions:
        return queue_options(
            kind,
            arguments,
            policy,
            self._default_consumer_timeout_ms,
            self._backing.default_durability,
        )

    def _log_durability(self, queue: Queue, policy: Mapping[str, object]) -> None:
        """Say what confirms of a queue promise, where that is more than the node's own line."""
        if queue.queue_id:
            log.info(
                "durability queue=%r vhost=%r durability=%s by=%s",
                queue.name,
                queue.vhost_name,
                queue.engine.options.durability.value,
                durability_source(queue.properties.arguments, policy),
            )


def _log_strategy(queue: Queue) -> None:
    """Log queues whose dead letters are not kept as requested."""
    if not queue.engine.options.dead_letters_at_least_once:
        log.warning(
            "dead-letter-strategy at-least-once needs overflow reject-publish, so it is"
            " at-most-once queue=%r vhost=%r overflow=%s",
            queue.name,
            queue.vhost_name,
            queue.engine.options.overflow.value,
        )


def _log_dropped(queue: Queue, dropped: DroppedAtLimit) -> None:
    """Log that messages are lost, because their consumers gave them back too often."""
    log.warning(
        "messages dropped by the delivery limit queue=%r vhost=%r count=%d limit=%s"
        " dead_letter_exchange=none",
        queue.name,
        queue.vhost_name,
        dropped.count,
        queue.engine.options.delivery_limit,
    )
