"""What clients declare, bind and delete, decided by the metadata store, with RabbitMQ's texts.

Each method returns an inquiry. It raises what a single node would raise, of what the store has at
one moment, and returns the revision that this node's copy must have before the client is answered:
0 is none.

Source: RabbitMQ, rabbit_amqqueue, rabbit_exchange and rabbit_binding, for rules and texts.
"""

from collections.abc import Callable
from typing import TypeAlias

from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    check_equivalent_exchange,
    check_equivalent_queue,
)
from amqp_server.broker.clustered.checking import why_no_exchange, why_no_queue
from amqp_server.broker.clustered.deleting import deleting_queue, ended_with_queue
from amqp_server.broker.clustered.held_exchanges import PREDECLARED, is_no_exchange, properties_of
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.clustered.waiting import waiting_queue
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    QueueDefinition,
)
from amqp_server.broker.errors import (
    AccessRefusedError,
    BrokerError,
    NameTakenError,
    NotFoundError,
    PreconditionFailedError,
)
from amqp_server.broker.names import (
    RESERVED_PREFIX,
    check_not_default_exchange,
    check_unreserved,
    exchange_text,
    queue_text,
)
from amqp_server.wire.tables import matched_table
from cluster.definitions.changing import changing
from cluster.definitions.creating import Copy, Created, Creation, Exists, Missing, creating
from cluster.definitions.inquiry import Found, Inquiry
from cluster.definitions.references import References
from cluster.definitions.removing import (
    InUse,
    NothingThere,
    Removed,
    nothing,
    removing,
    removing_unused,
    unbinding,
)
from cluster.metadata.keys import DEFINITION
from cluster.metadata.port import Delete, Item, Operation, Put
from cluster.metadata.records import StoredQueueState, encode_queue_state
from exchanges.delayed_message import TYPE as DELAYED
from exchanges.errors import InvalidBindingError
from exchanges.kinds import KIND_NAMES, make_kind

PlaceQueue: TypeAlias = Callable[[QueueDefinition, str], StoredQueueState | None]
"""Takes a new queue and its id; returns its leader and replicas, None if it has none."""


def _no_lease() -> int:
    return 0


def _nowhere(_queue: QueueDefinition, _queue_id: str) -> None:
    return


class Declaring:
    """Inquiries of one node.

    Args:
        stored: keys and values of definitions.
        copy: what this node has of a key; it may be old.
        new_queue_id: returns an id that no queue of the cluster ever had.
        lease: returns the id of this node's lease, which ends what is not durable; 0 is none.
        place: says on which nodes a new queue is, with its id; None: nobody mirrors it.
    """

    def __init__(
        self,
        stored: StoredDefinitions,
        copy: Copy,
        new_queue_id: Callable[[], str],
        *,
        lease: Callable[[], int] = _no_lease,
        place: PlaceQueue = _nowhere,
    ) -> None:
        self._stored = stored
        self._references = References(stored.keys)
        self._copy = copy
        self.new_queue_id = new_queue_id
        self._lease = lease
        self._place = place

    def queue(
        self,
        vhost: str,
        name: str,
        properties: QueueProperties,
        *,
        may_be_reserved: bool = False,
        must_be_new: bool = False,
        queue_id: str = "",
    ) -> Inquiry[int]:
        """Create a queue that is not exclusive, or check that the one there is equivalent.

        It has the id that is given, or a new one.

        Raises:
            NameTakenError: it must be new, and there is one.
            PreconditionFailedError, AccessRefusedError: see ``QueueTable.declare``.
            NotFoundError: the vhost is gone (404).
            NotSupportedError: see ``refusing`` (540).
        """
        if not may_be_reserved:
            check_unreserved("queue", name)

        refused = why_no_queue(name, vhost, properties)

        def check(_found: Found | None) -> BrokerError | None:
            return refused

        queue = QueueDefinition(
            name, vhost, properties.durable, properties.auto_delete, properties.arguments
        )
        queue_id = queue_id or self.new_queue_id()
        # Who places a queue reads its arguments, and takes them for checked.
        placed = self._place(queue, queue_id) if refused is None else None
        state = self._stored.keys.queue_state(vhost, name)
        creation = yield from creating(
            self._references,
            self._put(queue, queue_id, is_durable=properties.durable),
            self._copy,
            along=() if placed is None else (Put(state, encode_queue_state(placed)),),
            check=check,
            along_ended=self._ended_with_queue,
        )
        if isinstance(creation, Exists):
            if must_be_new:
                raise NameTakenError(f"{queue_text(vhost, name)} exists")
            current = self._read(creation.item)
            assert isinstance(current, QueueDefinition), current
            check_equivalent_queue(name, vhost, _properties_of(current), properties)
        return self._revision_of(creation)

    def exchange(
        self, vhost: str, name: str, properties: ExchangeProperties, *, must_be_new: bool = False
    ) -> Inquiry[int]:
        """Create an exchange, or check that the one there is equivalent.

        Raises:
            NameTakenError: it must be new, and there is one.
            PreconditionFailedError, AccessRefusedError: see ``ExchangeTable.declare``.
            NotFoundError: the vhost is gone (404).
            NotSupportedError: see ``refusing`` (540).
        """
        check_not_default_exchange(name)
        if properties.exchange_type not in KIND_NAMES:
            raise PreconditionFailedError(f"unknown exchange type '{properties.exchange_type}'")
        if name in PREDECLARED:
            check_equivalent_exchange(name, vhost, PREDECLARED[name], properties)
            return 0

        def check(_found: Found) -> BrokerError | None:
            return why_no_exchange(name, vhost, properties)

        exchange = ExchangeDefinition(
            name,
            vhost,
            properties.exchange_type,
            properties.durable,
            properties.auto_delete,
            properties.internal,
            properties.arguments,
        )
        put = self._put(exchange, is_durable=properties.durable)
        creation = yield from creating(
            self._references, put, self._copy, along=self._behind(exchange), check=check
        )
        if isinstance(creation, Exists):
            if must_be_new:
                raise NameTakenError(f"{exchange_text(vhost, name)} exists")
            held = properties_of(self._read(creation.item))
            check_equivalent_exchange(name, vhost, held, properties)
        return self._revision_of(creation)

    def _behind(self, exchange: ExchangeDefinition) -> tuple[Operation, ...]:
        """Return what comes with an exchange: the queue in which its messages wait, if they do."""
        if exchange.exchange_type != DELAYED:
            return ()
        queue_id = self.new_queue_id()
        queue = waiting_queue(exchange.vhost, exchange.name, queue_id, durable=exchange.durable)
        put = self._put(queue, queue_id, is_durable=queue.durable)
        placed = self._place(queue, queue_id)
        if placed is None:
            return (put,)
        state = self._stored.keys.queue_state(queue.vhost, queue.name)
        return put, Put(state, encode_queue_state(placed))

    def binding(self, binding: BindingDefinition) -> Inquiry[int]:
        """Bind; what is bound already stays so.

        Raises:
            NotFoundError: one of the ends does not exist; the source is named first (404).
            PreconditionFailedError: the source's type refuses key or arguments (406).
        """
        vhost, source = binding.vhost, binding.source
        if is_no_exchange(source):
            raise NotFoundError(f"no {exchange_text(vhost, source)}")

        def check(found: Found) -> BrokerError | None:
            to = binding.destination
            if binding.destination_type == "exchange" and is_no_exchange(to):
                return NotFoundError(f"no {exchange_text(vhost, to)}")
            held = PREDECLARED.get(source)
            if held is None:
                item = found[self._stored.keys.key("x", vhost, source)]
                assert item is not None, "it is missing"
                held = properties_of(self._read(item))
            try:
                kind = make_kind(held.exchange_type, matched_table(held.arguments))
                kind.validate(binding.routing_key, matched_table(binding.arguments))
            except InvalidBindingError as error:
                return PreconditionFailedError(str(error))
            return None

        creation = yield from creating(
            self._references, self._put(binding), self._copy, check=check
        )
        return self._revision_of(creation)

    def unbinding(self, binding: BindingDefinition) -> Inquiry[int]:
        """Remove a binding; a missing one is no error.

        An auto-delete exchange goes with the last binding from it, at the same moment.
        """
        key = self._stored.key_of(binding)
        removal = yield from unbinding(self._references, key, self.goes_with_last)
        return _removed_at(removal)

    def deleting_queue(
        self, vhost: str, name: str, queue_id: str = "", led_by: str = ""
    ) -> Inquiry[int]:
        """Delete a queue, see ``deleting``. None there is no error."""
        removal = yield from deleting_queue(
            self._stored, self._references, (vhost, name), queue_id, led_by
        )
        return _removed_at(removal)

    def changing(
        self, like: Definition, change: Callable[[Definition | None], Definition | None]
    ) -> Inquiry[tuple[Definition | None, int]]:
        """Change what has the key of a definition; return what was there, and the revision.

        Args:
            like: has the key. A queue or an exchange may be changed so, and not created or deleted.
            change: takes what is there, or None, and returns what shall be, or None.

        Raises:
            NotFoundError: what it needs is not there (404); and what the change raises.
        """
        key = self._stored.key_of(like)

        def of_item(item: Item | None) -> Put | Delete | None:
            stored = None if item is None else self._stored.definition_of(item.key, item.value)
            before = None if stored is None else stored.definition
            after = change(before)
            if after == before:
                return None
            if after is None:
                return Delete(key)
            if item is None or stored is None:
                return self._put(after)
            return Put(key, self._stored.value_of(after, stored.queue_id), item.lease)

        changed = yield from changing(self._references, key, of_item)
        if isinstance(changed, Missing):
            raise self._not_found(changed.key)
        before = None if changed.before is None else self._read(changed.before)
        return before, changed.revision

    def deleting_exchange(self, vhost: str, name: str, *, if_unused: bool) -> Inquiry[int]:
        """Delete an exchange; its bindings end at the same moment. None there is no error.

        Raises:
            AccessRefusedError: the default exchange or one of the ``amq.`` set (403).
            PreconditionFailedError: ``if_unused`` and it has bindings from it (406).
        """
        check_not_default_exchange(name)
        what = exchange_text(vhost, name)
        if name.startswith(RESERVED_PREFIX):
            raise AccessRefusedError(f"deletion of system {what} not allowed")
        key = self._stored.keys.key("x", vhost, name)
        if not if_unused:
            return _removed_at((yield from removing(self._references, key)))
        users = self._references.bindings_from(vhost, name)
        removal = yield from removing_unused(self._references, key, users)
        if isinstance(removal, InUse):
            raise PreconditionFailedError(f"{what} in use")
        return _removed_at(removal)

    def sweeping(self, key: bytes) -> Inquiry[int]:
        """Delete what ended with what it needed, if it did; a queue's data may go then.

        An auto-delete exchange goes with its last binding here, too.
        """
        place = self._stored.keys.place_of(key)
        if place is not None and place.kind == "b":
            removal = yield from unbinding(
                self._references, key, self.goes_with_last, is_ended=True
            )
        else:
            is_queue = place is not None and place.kind == "q" and place.names[2] == DEFINITION
            along = self._ended_with_queue if is_queue else nothing
            removal = yield from removing(self._references, key, along=along, is_ended=True)
        return _removed_at(removal)

    def sweeping_binding(self, binding: BindingDefinition) -> Inquiry[int]:
        """Delete a binding that ended with its queue, if it did; see ``sweeping``."""
        return self.sweeping(self._stored.key_of(binding))

    def goes_with_last(self, exchange: Item) -> bool:
        """Return whether an exchange is deleted with the last binding from it."""
        return properties_of(self._read(exchange)).auto_delete

    def _put(self, definition: Definition, queue_id: str = "", *, is_durable: bool = True) -> Put:
        value = self._stored.value_of(definition, queue_id)
        lease = 0 if is_durable else self._lease()
        return Put(self._stored.key_of(definition), value, lease)

    def _read(self, item: Item) -> Definition:
        stored = self._stored.definition_of(item.key, item.value)
        assert stored is not None, item.key
        return stored.definition

    def _ended_with_queue(self, queue: Item) -> tuple[Operation, ...]:
        return ended_with_queue(self._stored, queue)

    def _revision_of(self, creation: Creation) -> int:
        """Return what the copy must have before an answer; raise what stood in the way."""
        match creation:
            case Created(revision=revision):
                return revision
            case Exists(item=item):
                return item.mod_revision
            case Missing(key=key):
                raise self._not_found(key)
            case _:
                raise creation.reason

    def _not_found(self, key: bytes) -> NotFoundError:
        place = self._stored.keys.place_of(key)
        assert place is not None, key
        if place.kind == "x":
            return NotFoundError(f"no {exchange_text(*place.names)}")
        if place.kind == "q":
            return NotFoundError(f"no {queue_text(*place.names[:2])}")
        if place.kind == "user":
            return NotFoundError(f"no such user '{place.names[0]}'")
        return NotFoundError(f"no vhost '{place.names[0]}'")


def _removed_at(removal: Removed | NothingThere | InUse) -> int:
    return removal.revision if isinstance(removal, Removed) else 0


def _properties_of(queue: QueueDefinition) -> QueueProperties:
    """Return what a declare gave; the store has no exclusive queue."""
    exclusive = False
    return QueueProperties(queue.durable, exclusive, queue.auto_delete, queue.arguments)
