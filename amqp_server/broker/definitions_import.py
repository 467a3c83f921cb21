"""Definitions into a broker: what is there already stays as it is, nothing is ever deleted.

Order: users, vhosts, rights, limits and policies, then exchanges, queues, bindings, so that each
finds what it names.

Source: RabbitMQ, definitions import: additive, idempotent, an entity that exists is skipped;
policies, users and permissions are replaced.
"""

from amqp_server.broker.arguments import (
    ExchangeProperties,
    QueueProperties,
    with_default_queue_type,
)
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions import BindingDefinition, Definitions, check_references
from amqp_server.broker.vhost import Vhost
from exchanges.bindings import Destination, DestinationKind


def apply_definitions(broker: Broker, definitions: Definitions, now_ms: int) -> None:
    """Add what the definitions name and the broker does not have.

    Raises:
        DefinitionsError: they refer to a user or vhost that exists nowhere; nothing was applied.
        BrokerError: a binding that its exchange refuses, or names that do not exist; a queue that
            cannot be of its vhost's default type; what came before it was applied.
    """
    check_references(
        definitions,
        [user.name for user in broker.users.list()],
        [vhost.name for vhost in broker.vhosts()],
    )
    _apply_rights(broker, definitions)
    for item in definitions.global_parameters:
        broker.set_global_parameter(item)
    for parameter in definitions.parameters:
        broker.set_parameter(parameter)
    _apply_vhost_rules(broker, definitions, now_ms)
    for exchange in definitions.exchanges:
        vhost = broker.vhost(exchange.vhost)
        if not vhost.exchanges.exists(exchange.name):
            properties = ExchangeProperties(
                exchange.exchange_type,
                exchange.durable,
                exchange.auto_delete,
                exchange.internal,
                exchange.arguments,
            )
            vhost.exchanges.declare(exchange.name, properties)
    for queue in definitions.queues:
        vhost = broker.vhost(queue.vhost)
        if vhost.queues.find(queue.name) is None:
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
    for binding in definitions.bindings:
        _bind(broker.vhost(binding.vhost), binding)


def _apply_rights(broker: Broker, definitions: Definitions) -> None:
    users = broker.users
    for user in definitions.users:
        users.put(user)
    for item in definitions.vhosts:
        broker.add_vhost(item.name).describe(item)
    for held in definitions.permissions:
        users.set_permissions(held.user, held.vhost, held.configure, held.write, held.read)
    for topic in definitions.topic_permissions:
        users.set_topic_permissions(
            topic.user, topic.vhost, topic.exchange, topic.write, topic.read
        )


def _apply_vhost_rules(broker: Broker, definitions: Definitions, now_ms: int) -> None:
    for item in definitions.vhost_limits:
        broker.vhost(item.vhost).set_limits(item.limits)
    changed = (*definitions.policies, *definitions.operator_policies)
    for policy in changed:
        broker.vhost(policy.vhost).set_policy(policy.policy, operator=policy.operator)
    for name in {policy.vhost for policy in changed}:
        broker.vhost(name).apply_policies(now_ms)


def _bind(vhost: Vhost, binding: BindingDefinition) -> None:
    destination = Destination(DestinationKind(binding.destination_type), binding.destination)
    vhost.bind(binding.source, destination, binding.routing_key, binding.arguments)
