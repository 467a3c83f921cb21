"""Definitions into a broker: what is there already stays as it is, nothing is ever deleted.

Item by item, in the order of the document, in which each finds what it names. Whoever has other
things to do meanwhile takes the steps one at a time.

Source: RabbitMQ, definitions import: additive, idempotent, an entity that exists is skipped;
policies, users and permissions are replaced.
"""

from collections.abc import Iterator

from amqp_server.broker.access.users import TopicPermissions, User, VhostPermissions
from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    with_default_queue_type,
)
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    Document,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    Placed,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.references import with_references
from amqp_server.broker.definitions.target import BrokerTarget, VhostTarget
from amqp_server.broker.errors import BrokerError
from exchanges.bindings import Destination, DestinationKind
from exchanges.errors import ExchangeError


def apply_definitions(broker: BrokerTarget, document: Document, now_ms: int) -> tuple[str, ...]:
    """Add what a document defines and the broker does not have.

    Returns:
        What was left out, when the document was read and now: a line each, its path in front.
    """
    document = with_references(document, broker)
    refused = [line for line in application(broker, document, now_ms) if line is not None]
    return (*document.left_out, *refused)


def application(broker: BrokerTarget, document: Document, now_ms: int) -> Iterator[str | None]:
    """Apply a document step by step; each takes one item, or applies policies to one thing.

    Args:
        broker: where to.
        document: as ``with_references`` returned it.
        now_ms: the time.

    Yields:
        After each step None, or a line about an item that the broker refused.
    """
    changed_vhosts: dict[str, None] = {}
    for item in document.placed:
        if isinstance(item.definition, ExchangeDefinition | QueueDefinition):
            yield from _apply_policies(broker, changed_vhosts, now_ms)
        refused = _refused(broker, item, now_ms)
        if refused is None and isinstance(item.definition, PolicyDefinition):
            changed_vhosts[item.definition.vhost] = None
        yield refused
    yield from _apply_policies(broker, changed_vhosts, now_ms)


def _apply_policies(broker: BrokerTarget, names: dict[str, None], now_ms: int) -> Iterator[None]:
    """Apply the policies of vhosts to what is there; to what comes they are applied as it comes."""
    while names:
        name = names.popitem()[0]
        if broker.has_vhost(name):  # others have their turns in between
            yield from broker.vhost(name).applying_policies(now_ms)


def _refused(broker: BrokerTarget, item: Placed, now_ms: int) -> str | None:
    try:
        _apply(broker, item.definition, now_ms)
    except (BrokerError, ExchangeError) as error:
        return f"{item.path}: {error}"
    return None


def _apply(broker: BrokerTarget, definition: Definition, now_ms: int) -> None:
    match definition:
        case User():
            broker.users.put(definition)
        case VhostDefinition(name):
            broker.add_vhost(name).describe(definition)
        case VhostPermissions(user, vhost, configure, write, read):
            broker.users.set_permissions(user, vhost, configure, write, read)
        case TopicPermissions(user, vhost, exchange, write, read):
            broker.users.set_topic_permissions(user, vhost, exchange, write, read)
        case GlobalParameterDefinition():
            broker.set_global_parameter(definition)
        case ParameterDefinition():
            broker.set_parameter(definition)
        case _:
            _apply_in_vhost(broker.vhost(definition.vhost), definition, now_ms)


def _apply_in_vhost(
    vhost: VhostTarget,
    definition: VhostLimitsDefinition
    | PolicyDefinition
    | ExchangeDefinition
    | QueueDefinition
    | BindingDefinition,
    now_ms: int,
) -> None:
    match definition:
        case VhostLimitsDefinition(_, limits):
            vhost.set_limits(limits)
        case PolicyDefinition(_, policy, operator):
            vhost.set_policy(policy, operator=operator, is_imported=True)
        case ExchangeDefinition(name, _, kind, durable, auto_delete, internal, arguments):
            if not vhost.exchanges.exists(name):
                properties = ExchangeProperties(kind, durable, auto_delete, internal, arguments)
                vhost.exchanges.declare(name, properties)
        case QueueDefinition():
            _declare(vhost, definition, now_ms)
        case BindingDefinition(source, _, name, word, routing_key, arguments):
            destination = Destination(DestinationKind(word), name)
            vhost.bind(source, destination, routing_key, arguments)


def _declare(vhost: VhostTarget, queue: QueueDefinition, now_ms: int) -> None:
    if vhost.queues.find(queue.name) is not None:
        return
    arguments = with_default_queue_type(
        queue.arguments,
        vhost.default_queue_kind,
        durable=queue.durable,
        exclusive=False,
        auto_delete=queue.auto_delete,
    )
    vhost.queues.declare(
        queue.name,
        QueueProperties(queue.durable, False, queue.auto_delete, arguments),  # noqa: FBT003
        None,
        now_ms,
        may_be_reserved=True,  # an export holds amq.gen names
    )
