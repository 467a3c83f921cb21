"""What exchanges hold that are there: in the store, or on every node from the beginning."""

from typing import Final

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.definitions.definition import Definition, ExchangeDefinition
from amqp_server.broker.names import PREDECLARED as NAMES
from amqp_server.broker.names import RESERVED_PREFIX

PREDECLARED: Final = {
    name: ExchangeProperties(kind, True, False, internal, {})  # noqa: FBT003
    for name, kind, internal in NAMES
}
"""By name. The store does not have them: each vhost does."""


def properties_of(definition: Definition) -> ExchangeProperties:
    """Return what an exchange was declared with."""
    assert isinstance(definition, ExchangeDefinition), definition
    return ExchangeProperties(
        definition.exchange_type,
        definition.durable,
        definition.auto_delete,
        definition.internal,
        definition.arguments,
    )


def is_no_exchange(name: str) -> bool:
    """Return whether a name is reserved, and no exchange has it."""
    return name.startswith(RESERVED_PREFIX) and name not in PREDECLARED
