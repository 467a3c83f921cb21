"""From ``Definitions`` to the JSON that RabbitMQ's users keep, diff and load elsewhere.

Source: RabbitMQ 3.13, the shape of ``GET /api/definitions``.
"""

from amqp_server.broker.definitions.definition import Definitions, PolicyDefinition
from amqp_server.broker.definitions.readers import (
    OPERATOR_POLICY_COMPONENT,
    VHOST_LIMITS_COMPONENT,
)
from amqp_server.wire.tables import Field, Table


def export_definitions(
    definitions: Definitions, product: str, version: str, cluster_name: str
) -> dict[str, object]:
    """Return a document that ``json.dumps`` takes and ``parse_definitions`` reads back.

    Args:
        definitions: what to export.
        product: that we announce, ``RabbitMQ`` unless configured otherwise.
        version: that we announce; tools look at it.
        cluster_name: where it came from.
    """
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": product,
        "product_version": version,
        "rabbitmq_definition_format": "cluster",
        "original_cluster_name": cluster_name,
        "explanation": f"Definitions of cluster '{cluster_name}'",
        **_accounts(definitions),
        "parameters": _parameters(definitions),
        "global_parameters": [
            {"name": item.name, "value": item.value} for item in definitions.global_parameters
        ],
        "policies": [
            {"vhost": item.vhost, "name": item.policy.name, **_policy(item)}
            for item in definitions.policies
        ],
        **_topology(definitions),
    }


def _accounts(definitions: Definitions) -> dict[str, object]:
    return {
        "users": [
            {
                "name": user.name,
                "password_hash": user.password_hash,
                "hashing_algorithm": user.hashing_algorithm,
                "tags": sorted(user.tags),
                "limits": dict(user.limits),
            }
            for user in definitions.users
        ],
        "vhosts": [
            {
                "name": vhost.name,
                "description": vhost.description,
                "tags": list(vhost.tags),
                "metadata": {
                    "description": vhost.description,
                    "tags": list(vhost.tags),
                    **(
                        {"default_queue_type": vhost.default_queue_type.value}
                        if vhost.default_queue_type is not None
                        else {}
                    ),
                },
            }
            for vhost in definitions.vhosts
        ],
        "permissions": [
            {
                "user": held.user,
                "vhost": held.vhost,
                "configure": held.configure,
                "write": held.write,
                "read": held.read,
            }
            for held in definitions.permissions
        ],
        "topic_permissions": [
            {
                "user": held.user,
                "vhost": held.vhost,
                "exchange": held.exchange,
                "write": held.write,
                "read": held.read,
            }
            for held in definitions.topic_permissions
        ],
    }


def _parameters(definitions: Definitions) -> list[dict[str, object]]:
    """Return other components' parameters, and what RabbitMQ keeps as parameters, too."""
    others = [
        (item.vhost, item.component, item.name, item.value) for item in definitions.parameters
    ]
    limits = [
        (item.vhost, VHOST_LIMITS_COMPONENT, "limits", dict(item.limits))
        for item in definitions.vhost_limits
    ]
    operators = [
        (item.vhost, OPERATOR_POLICY_COMPONENT, item.policy.name, _policy(item))
        for item in definitions.operator_policies
    ]
    return [
        {"vhost": vhost, "component": component, "name": name, "value": value}
        for vhost, component, name, value in (*others, *limits, *operators)
    ]


def _policy(item: PolicyDefinition) -> dict[str, object]:
    return {
        "pattern": item.policy.pattern,
        "apply-to": item.policy.apply_to,
        "definition": dict(item.policy.definition),
        "priority": item.policy.priority,
    }


def _topology(definitions: Definitions) -> dict[str, object]:
    return {
        "queues": [
            {
                "name": queue.name,
                "vhost": queue.vhost,
                "durable": queue.durable,
                "auto_delete": queue.auto_delete,
                "arguments": _table(queue.arguments),
            }
            for queue in definitions.queues
        ],
        "exchanges": [
            {
                "name": exchange.name,
                "vhost": exchange.vhost,
                "type": exchange.exchange_type,
                "durable": exchange.durable,
                "auto_delete": exchange.auto_delete,
                "internal": exchange.internal,
                "arguments": _table(exchange.arguments),
            }
            for exchange in definitions.exchanges
        ],
        "bindings": [
            {
                "source": binding.source,
                "vhost": binding.vhost,
                "destination": binding.destination,
                "destination_type": binding.destination_type,
                "routing_key": binding.routing_key,
                "arguments": _table(binding.arguments),
            }
            for binding in definitions.bindings
        ],
    }


def _table(table: Table) -> dict[str, object]:
    return {key: json_of(field) for key, field in table.items()}


def json_of(field: Field) -> object:
    """Return a field as JSON has it; what JSON cannot tell apart, it does not.

    Octets that are no text keep their value as lone surrogates, which ``json`` writes escaped.
    """
    match field.value:
        case dict():
            return {key: json_of(inner) for key, inner in field.value.items()}
        case list():
            return [json_of(inner) for inner in field.value]
        case bytes():
            return field.value.decode("utf-8", "surrogateescape")
        case (scale, unscaled):
            return unscaled / 10**scale
        case value:
            return value
