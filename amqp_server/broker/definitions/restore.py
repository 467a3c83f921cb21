"""Stored definitions back into a broker, at start.

By the same functions as clients and files use, in the order of ``definitions.apply``, with the
journal muted. What cannot be applied any more is left out, reported, and stays stored: the next
version may be able to, and the messages of such a queue must not be taken for nobody's.

Source: RabbitMQ, rabbit_vhost:recover; expiry of an unused queue begins anew at a start, there too.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from amqp_server.broker.access.users import TopicPermissions, User, VhostPermissions
from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.journal import StoredJournal
from amqp_server.broker.definitions.records import (
    QUEUE_IDS_KEY,
    Key,
    RecordError,
    definition_of,
    read_queue_ids_end,
)
from amqp_server.broker.definitions.target import BrokerTarget, VhostTarget
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.steps import finish
from exchanges.bindings import Destination, DestinationKind


class Skipped(NamedTuple):
    """A stored definition that was left out; the reason is a sentence's end."""

    key: Key
    reason: str

    def __str__(self) -> str:
        kind, *names = self.key or ("definition without a key",)
        return f"{kind} {names}: {self.reason}"


class Stored(NamedTuple):
    """What is stored, as far as this version can read it.

    Attributes:
        definitions: with their keys.
        unreadable: the others.
        queue_ids_end: above every id that a queue has, or may have had.
    """

    definitions: tuple[tuple[Key, Definition], ...]
    unreadable: tuple[Skipped, ...]
    queue_ids_end: int

    @property
    def queues(self) -> dict[int, QueueDefinition]:
        """The stored queues by id: those whose messages must be kept."""
        return {
            definition.queue_id: definition
            for _, definition in self.definitions
            if isinstance(definition, QueueDefinition)
        }

    @property
    def knows_every_queue(self) -> bool:
        """Whether messages of a queue that is not in ``queues`` are nobody's."""
        return not any(each.key[:1] in {(), ("queue",)} for each in self.unreadable)


class Restored(NamedTuple):
    """What became of the stored definitions.

    Attributes:
        applied_count: how many are there again.
        skipped: the others, unreadable ones too.
    """

    applied_count: int
    skipped: tuple[Skipped, ...]


def read_stored(items: Iterable[tuple[Key, bytes]]) -> Stored:
    """Return what keys and values of the store stand for."""
    definitions: list[tuple[Key, Definition]] = []
    unreadable: list[Skipped] = []
    queue_ids_end = 1
    for key, value in items:
        try:
            if key == QUEUE_IDS_KEY:
                queue_ids_end = max(queue_ids_end, read_queue_ids_end(value))
                continue
            definition = definition_of(key, value)
        except RecordError as error:
            unreadable.append(Skipped(key, str(error)))
            continue
        definitions.append((key, definition))
        if isinstance(definition, QueueDefinition):
            queue_ids_end = max(queue_ids_end, definition.queue_id + 1)
    return Stored(tuple(definitions), tuple(unreadable), queue_ids_end)


def restore(broker: BrokerTarget, journal: StoredJournal, stored: Stored, now_ms: int) -> Restored:
    """Apply what is stored to a broker that has nothing yet.

    Args:
        broker: made with this journal, as its users are.
        journal: gives ids to queues above all that are stored, from now on.
        stored: what is to come back.
        now_ms: the time.
    """
    skipped = list(stored.unreadable)
    by_kind: dict[type, list[tuple[Key, Definition]]] = {kind: [] for kind in _ORDER}
    for key, definition in stored.definitions:
        by_kind[type(definition)].append((key, definition))
    journal.skip_queue_ids(stored.queue_ids_end)
    applied_count = 0
    with journal.muted():
        for kind in _ORDER:
            for key, definition in by_kind[kind]:
                try:
                    _apply(broker, definition, now_ms)
                except BrokerError as error:
                    skipped.append(Skipped(key, str(error)))
                else:
                    applied_count += 1
    for vhost in broker.vhosts():
        finish(vhost.exchanges.applying_policies())  # the predeclared ones were there before
    return Restored(applied_count, tuple(skipped))


_ORDER: Final[tuple[type[Definition], ...]] = (
    User,
    VhostDefinition,
    VhostPermissions,
    TopicPermissions,
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostLimitsDefinition,
    PolicyDefinition,
    ExchangeDefinition,
    QueueDefinition,
    BindingDefinition,
)
"""What comes later refers to what is before."""


def _apply(broker: BrokerTarget, definition: Definition, now_ms: int) -> None:
    match definition:
        case User():
            broker.users.put(definition)
        case VhostDefinition():
            broker.add_vhost(definition.name, is_restored=True).describe(definition)
        case VhostPermissions() | TopicPermissions():
            _apply_right(broker, definition)
        case GlobalParameterDefinition():
            broker.set_global_parameter(definition)
        case ParameterDefinition():
            broker.set_parameter(definition)
        case VhostLimitsDefinition():
            broker.vhost(definition.vhost).set_limits(definition.limits)
        case PolicyDefinition():
            vhost = broker.vhost(definition.vhost)
            vhost.set_policy(definition.policy, operator=definition.operator, is_imported=True)
        case ExchangeDefinition() | QueueDefinition() | BindingDefinition():
            _apply_topology(broker.vhost(definition.vhost), definition, now_ms)


def _apply_right(broker: BrokerTarget, right: VhostPermissions | TopicPermissions) -> None:
    if isinstance(right, VhostPermissions):
        broker.users.set_permissions(
            right.user, right.vhost, right.configure, right.write, right.read
        )
    else:
        broker.users.set_topic_permissions(
            right.user, right.vhost, right.exchange, right.write, right.read
        )


def _apply_topology(
    vhost: VhostTarget,
    definition: ExchangeDefinition | QueueDefinition | BindingDefinition,
    now_ms: int,
) -> None:
    match definition:
        case ExchangeDefinition(name, _, kind, durable, auto_delete, internal, arguments):
            vhost.exchanges.declare(
                name, ExchangeProperties(kind, durable, auto_delete, internal, arguments)
            )
        case QueueDefinition(name, _, durable, auto_delete, arguments, queue_id):
            properties = QueueProperties(
                durable, exclusive=False, auto_delete=auto_delete, arguments=arguments
            )
            vhost.queues.declare(
                name, properties, None, now_ms, may_be_reserved=True, queue_id=queue_id
            )
        case BindingDefinition(source, _, name, kind, routing_key, arguments):
            destination = Destination(DestinationKind(kind), name)
            vhost.bind(source, destination, routing_key, arguments)
