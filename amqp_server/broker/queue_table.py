"""The queues of one vhost by name: declare, find, delete.

``protocol.methods`` has checked the user's rights before. This module checks the request itself.

A deleted queue is found no more, and is one of ``leaving_queues`` until all of it is gone.

Source: RabbitMQ, rabbit_amqqueue and rabbit_channel, for rules and texts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from amqp_server.broker.arguments.declare import (
    QueueProperties,
    check_equivalent_queue,
    locked_queue,
    validate_queue,
)
from amqp_server.broker.backing import IN_MEMORY, Backing
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.errors import (
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
)
from amqp_server.broker.events import EventKind, Events
from amqp_server.broker.leaving_queues import DeadLetterMover, LeavingQueues
from amqp_server.broker.names import check_unreserved, queue_text
from amqp_server.broker.ordered_keys import OrderedKeys
from amqp_server.broker.queue import Queue, queue_definition
from amqp_server.broker.queue_factory import QueueFactory
from amqp_server.broker.steps import Steps, WaitingSteps, finish, finish_or_later
from amqp_server.broker.tally import QueueTallies
from amqp_server.broker.turn import Turn
from queues.asked_port import CountsAnswer, waiting_count
from queues.kinds import QueueKind, Request

# A member of an enum costs a search at each declare.
_DECLARED: Final = EventKind.QUEUE_DECLARED
_CREATED: Final = EventKind.QUEUE_CREATED
_DELETED: Final = EventKind.QUEUE_DELETED


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
        events: hear of queues; None tells nobody.
        tallies: the sums of what queues count; None is nobody's.

    Attributes:
        names: of all queues, for views.
        paused: names of those that are paused, in the order in which they were.
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
        tallies: QueueTallies | None = None,
    ) -> None:
        self._vhost_name = vhost_name
        self._turn = turn
        self._on_change = on_change
        self._journal = backing.journal
        self._events = Events() if events is None else events
        self._decisions = backing.decisions
        self._tallies = QueueTallies() if tallies is None else tallies
        self._factory = QueueFactory(
            vhost_name, turn, policy_of, mover.note, default_consumer_timeout_ms, backing
        )
        self._leaving = LeavingQueues(turn, mover, forgetting, backing.journal, self._events)
        self._queues: dict[str, Queue] = {}
        self.names = OrderedKeys(self._queues)
        self.paused: dict[str, None] = {}
        self._owned: dict[object, dict[Queue, None]] = {}
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
        if self._departing and queue is not None and queue in self._departing:
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
        stored_id: str = "",
    ) -> Queue:
        """Create a queue, or check that the one that exists is equivalent and renew its expiry.

        Args:
            name: of the queue.
            properties: the requested properties.
            connection: makes the request; an exclusive queue belongs to it.
            now_ms: the time.
            may_be_reserved: the name was generated by the broker, now or before an export.
            queue_id: of a queue that was stored; 0 takes a new one, if it must be stored.
            stored_id: of a queue of a cluster, see ``QueueIdentity``.

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
            finish(self._leaving.finishing(name))
        if existing is not None:
            self.get(name, connection)
            check_equivalent_queue(name, self._vhost_name, existing.properties, properties)
            self.refresh(existing, now_ms)
            self._events.note(_DECLARED, self._vhost_name, name)
            return existing
        return self._new_queue(name, properties, connection, now_ms, queue_id, stored_id)

    def _new_queue(
        self,
        name: str,
        properties: QueueProperties,
        connection: object,
        now_ms: int,
        queue_id: int,
        stored_id: str,
    ) -> Queue:
        """Make a queue that is not there, see ``declare``; what must be stored is."""
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
            self._journal.save(queue_definition(name, self._vhost_name, properties, queue_id))
        queue = self._factory.make(
            name,
            kind,
            properties,
            now_ms,
            owner=owner,
            queue_id=queue_id,
            remove=self.remove,
            stored_id=stored_id,
        )
        self._enter(queue)
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
            yield from self._leaving.finishing(name)
            return 0
        queue = self.deletable(name, connection, now_ms, if_unused=if_unused, if_empty=if_empty)
        ready_count = self._withdraw(queue)
        yield from self._leaving.finishing(name)
        return ready_count

    def deletable(
        self, name: str, connection: object, now_ms: int, *, if_unused: bool, if_empty: bool
    ) -> Queue:
        """Return a queue that may be deleted, with its counts up to date.

        Raises:
            NotFoundError: there is none of this name (404); and see ``deleting``.
        """
        queue = self.get(name, connection)
        if if_unused:
            queue.check_granted(Request.DELETE_IF_UNUSED)
        if if_empty:
            queue.check_granted(Request.DELETE_IF_EMPTY)
        self.refresh(queue, now_ms)
        engine = queue.engine
        counts = CountsAnswer(waiting_count(engine), engine.consumer_count, 0)
        self.check_conditions(queue, counts, if_unused=if_unused, if_empty=if_empty)
        return queue

    def check_conditions(
        self, queue: Queue, counts: CountsAnswer, *, if_unused: bool, if_empty: bool
    ) -> None:
        """Check the conditions of a delete, with the counts of wherever the queue is led.

        Raises:
            PreconditionFailedError: it is in use, or not empty (406).
        """
        if queue.kind.heeds_delete_conditions:
            if if_empty and counts.ready_count:
                raise PreconditionFailedError(f"{queue.text} not empty")
            if if_unused and counts.consumer_count:
                raise PreconditionFailedError(f"{queue.text} in use")

    def refresh(self, queue: Queue, now_ms: int) -> None:
        """Bring a queue's counts up to date: messages that consumers can have are delivered.

        Called before ready messages are shown or taken; it counts as use of the queue.
        """
        queue.engine.touch(now_ms)
        self._turn.drain_now(queue.engine, now_ms)

    def pause(self, queue: Queue, *, is_on: bool) -> None:
        """Deliver nothing of a queue from now on, also after a restart; or deliver again.

        Raises:
            NotSupportedError: it is a stream.
        """
        engine = queue.emptied
        if engine is None:
            raise NotSupportedError(f"{queue.text} is a stream: it cannot be paused")
        if queue.is_paused is is_on:
            return
        if queue.queue_id:
            self._journal.save(replace(queue.definition, is_paused=is_on))
        queue.is_paused = is_on
        engine.pause(is_on=is_on)
        if is_on:
            self.paused[queue.name] = None
        else:
            del self.paused[queue.name]

    def is_leaving(self, name: str) -> bool:
        """Whether a queue of this name was deleted, and not all of its bindings are gone."""
        self.find(name)
        return name in self._leaving

    def is_stored(self, name: str) -> bool:
        """Whether a queue of this name survives a restart; a leaving one counts too."""
        queue = self._leaving.find(name) or self._queues.get(name)
        return queue is not None and queue.queue_id != 0

    def finishing(self, name: str) -> Steps[None]:
        """Finish the delete of a queue, so that its name can be used again."""
        return self._leaving.finishing(name)

    def remove(self, queue: Queue) -> None:
        """Delete a queue that is unused; a long delete continues in later turns.

        One of a cluster is deleted by the store, for all nodes.
        """
        if queue.is_deleted:
            return
        if self._decisions is not None and queue.stored_id:
            finish_or_later(self._ending_unused(queue, self._decisions), self._turn)
            return
        self._withdraw(queue)
        finish_or_later(self._leaving.finishing(queue.name), self._turn)

    def _ending_unused(self, queue: Queue, decisions: Decisions) -> WaitingSteps[None]:
        return decisions.ending_unused(
            self._vhost_name,
            queue.name,
            queue.stored_id,
            lambda: not queue.is_deleted and not queue.engine.consumer_count,
        )

    def removing_all(self) -> Steps[None]:
        """Delete every queue, because the vhost is about to go."""
        for queue in self:
            if not queue.is_deleted:
                self._withdraw(queue)
            yield from self._leaving.finishing(queue.name)
            yield

    def release(self, connection: object) -> None:
        """Delete the exclusive queues of a connection that ends, in later turns if many."""
        queues = self._owned.pop(connection, {})
        self._departing.update(queues)
        finish_or_later(self._releasing(queues), self._turn)

    def _releasing(self, queues: Iterable[Queue]) -> Steps[None]:
        for queue in queues:
            if not queue.is_deleted:
                self._leave(queue)
            yield from self._leaving.finishing(queue.name)
            yield

    def _enter(self, queue: Queue) -> None:
        self._queues[queue.name] = queue
        self.names.note_added(queue.name)
        self._tallies.of(queue.kind.name).open(queue.engine)
        if queue.owner is not None:
            self._owned.setdefault(queue.owner, {})[queue] = None
        self._on_change(queue.name)
        self._events.note(_DECLARED, self._vhost_name, queue.name)
        self._events.note(_CREATED, self._vhost_name, queue.name)

    def _withdraw(self, queue: Queue) -> int:
        """Remove a queue from the table; return its ready count."""
        ready_count = queue.engine.ready_count
        self._disown(queue)
        self._leave(queue)
        return ready_count

    def _leave(self, queue: Queue) -> None:
        del self._queues[queue.name]
        self.names.note_removed(queue.name)
        queue.is_deleted = True
        self._departing.pop(queue, None)
        self.paused.pop(queue.name, None)
        self._tallies.of(queue.kind.name).close(queue.engine)
        self._leaving.add(queue)
        self._on_change(queue.name)
        self._events.note(_DELETED, self._vhost_name, queue.name)

    def _disown(self, queue: Queue) -> None:
        owned = self._owned.get(queue.owner) if queue.owner is not None else None
        if owned is not None:
            del owned[queue]
            if not owned:
                del self._owned[queue.owner]

    def applying_policies(self, now_ms: int) -> Steps[None]:
        """Give every queue the options of its arguments and policies when its turn comes."""
        for queue in self:
            if not queue.is_deleted:
                self._factory.reconfigure(queue, now_ms)
                yield
