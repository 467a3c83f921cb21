"""Engines for the queues of one vhost: made of arguments and policies, and given changed policies.

What a queue's options promise beyond the settings of the node is logged here.
"""

import logging
from collections.abc import Callable, Mapping

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.arguments.options import (
    durability_source,
    queue_options,
    wants_at_least_once,
)
from amqp_server.broker.backing import Backing
from amqp_server.broker.queue import Queue, QueueIdentity
from amqp_server.broker.turn import Turn
from amqp_server.wire.tables import Table
from queues.asked_port import as_asked
from queues.effects import DeadLettered, DroppedAtLimit, Effect
from queues.kinds import QueueKind
from queues.options import QueueOptions
from queues.ports import EngineParts, QueueEngine

log = logging.getLogger(__name__)


class _Around:
    """What the engine of one queue asks of what is around it.

    Attributes:
        queue: the queue; known once its engine is made.
        engine: that engine.

    Args:
        turn: where the queue is marked dirty and leaves its effects.
        on_dead: called with the queue and messages that died in it.
        remove: called when the queue has expired, or is auto-delete and was left.
    """

    __slots__ = ("_on_dead", "_remove", "_turn", "engine", "queue")

    queue: Queue
    engine: QueueEngine

    def __init__(
        self,
        turn: Turn,
        on_dead: Callable[[Queue, DeadLettered], None],
        remove: Callable[[Queue], None],
    ) -> None:
        self._turn = turn
        self._on_dead = on_dead
        self._remove = remove

    def emit(self, effect: Effect) -> None:
        """Take an effect, to be carried out after the call into the engine."""
        if isinstance(effect, DeadLettered):
            self._on_dead(self.queue, effect)
        elif isinstance(effect, DroppedAtLimit):
            _log_dropped(self.queue, effect)
        else:
            self._turn.emit(self._remove_queue, effect)

    def wake_up(self) -> None:
        """Have the engine drained before the turn ends."""
        self._turn.mark_dirty(self.engine)

    def _remove_queue(self, _effect: Effect, _now_ms: int) -> None:
        self._remove(self.queue)


class QueueFactory:
    """Makes the queues of one vhost, and reconfigures them.

    Args:
        vhost_name: of that vhost.
        turn: where queues are marked dirty and leave their effects.
        policy_of: the merged policy definition for a queue name and kind.
        on_dead: called with a queue and messages that died in it.
        default_consumer_timeout_ms: without an argument or policy; None is never.
        backing: keeps messages.
    """

    def __init__(
        self,
        vhost_name: str,
        turn: Turn,
        policy_of: Callable[[str, QueueKind], Mapping[str, object]],
        on_dead: Callable[[Queue, DeadLettered], None],
        default_consumer_timeout_ms: int | None,
        backing: Backing,
    ) -> None:
        self._vhost_name = vhost_name
        self._turn = turn
        self._policy_of = policy_of
        self._on_dead = on_dead
        self._default_consumer_timeout_ms = default_consumer_timeout_ms
        self._backing = backing

    def make(
        self,
        name: str,
        kind: QueueKind,
        properties: QueueProperties,
        now_ms: int,
        *,
        owner: object | None,
        queue_id: int,
        remove: Callable[[Queue], None],
        stored_id: str = "",
    ) -> Queue:
        """Return a new queue and its engine.

        Args:
            name: of the queue.
            kind: of the queue.
            properties: the valid properties of the declare.
            now_ms: the time.
            owner: see ``Queue``.
            queue_id: see ``QueueIdentity``.
            remove: called at the end of a call into the queue in which it expired, or lost its
                last consumer and is auto-delete.
            stored_id: see ``QueueIdentity``.
        """
        policy = self._policy_of(name, kind)
        options = self._options(kind, properties.arguments, policy)

        around = _Around(self._turn, self._on_dead, remove)
        identity = QueueIdentity(self._vhost_name, name, queue_id, kind, options, stored_id)
        # By position: a call by name would build a dict for each declare.
        parts = EngineParts(
            name,
            options,
            self._backing.make_log(identity),
            around.emit,
            around.wake_up,
            now_ms,
            properties.auto_delete,
            self._backing.memory.of_queue(spills_early=queue_id != 0),
            self._turn.later,
        )
        engine = self._backing.make_engine(identity, parts)
        queue = Queue(name, self._vhost_name, kind, properties, owner, engine, queue_id, stored_id)
        around.queue, around.engine = queue, engine
        if stored_id:
            queue.asked = as_asked(engine)
        if engine.next_deadline_ms() is not None:
            self._turn.mark_dirty(engine)
        _log_promises(queue, policy)
        return queue

    def reconfigure(self, queue: Queue, now_ms: int) -> None:
        """Give a queue the options of its arguments and of the policies as they are now."""
        policy = self._policy_of(queue.name, queue.kind)
        options = self._options(queue.kind, queue.properties.arguments, policy)
        is_other_class = options.durability is not queue.engine.options.durability
        queue.engine.reconfigure(options, now_ms)
        self._turn.mark_dirty(queue.engine)
        if is_other_class:
            _log_durability(queue, policy)

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


def _log_promises(queue: Queue, policy: Mapping[str, object]) -> None:
    """Log what a new queue was asked for beyond the settings of the node."""
    arguments = queue.properties.arguments
    if not (arguments or policy):
        return
    if durability_source(arguments, policy) != "node":
        _log_durability(queue, policy)
    if wants_at_least_once(arguments, policy):
        _log_strategy(queue)


def _log_durability(queue: Queue, policy: Mapping[str, object]) -> None:
    """Log what confirms of a queue promise, where that is more than the node's own line."""
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
