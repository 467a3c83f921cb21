"""Everything that has a name, each kind as a frozen value.

    JSON ── parse ──▶ Document ── references, apply ──▶ broker ── held ──▶ values ── export ──▶ JSON
    store ── restore ──▶ broker ── journal ──▶ store

Exclusive queues, the predeclared exchanges and bindings of the default exchange are no part of it.

Source: RabbitMQ, rabbit_definitions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Table
from queues.kinds import QueueKind

Definition: TypeAlias = object
"""A value of a class that has a row in ``definitions.table``: one of those below, or of an account
in ``access.users``."""

DestinationWord: TypeAlias = Literal["queue", "exchange"]


@dataclass(frozen=True, slots=True)
class VhostDefinition:
    """A vhost; ``default_queue_type`` None leaves it to the node.

    ``tracing`` None leaves it as it is; it is neither stored nor exported. ``protected`` says
    whether it is refused to delete it; None leaves that as it is.
    """

    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    default_queue_type: QueueKind | None = None
    tracing: bool | None = None
    protected: bool | None = None


@dataclass(frozen=True, slots=True)
class VhostLimitsDefinition:
    """The limits of a vhost, see ``broker.limits``."""

    vhost: str
    limits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    """A runtime parameter of a component that this version does not have: kept and shown."""

    vhost: str
    component: str
    name: str
    value: object


@dataclass(frozen=True, slots=True)
class GlobalParameterDefinition:
    """A parameter of the whole cluster: kept and shown."""

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class PolicyDefinition:
    """A policy and its vhost."""

    vhost: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class OperatorPolicyDefinition:
    """An operator policy and its vhost."""

    vhost: str
    policy: Policy


def policy_definition(
    vhost: str, policy: Policy, *, operator: bool
) -> PolicyDefinition | OperatorPolicyDefinition:
    """Return a policy as the definition that it is."""
    return OperatorPolicyDefinition(vhost, policy) if operator else PolicyDefinition(vhost, policy)


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """A queue that is not exclusive.

    ``queue_id`` is 0 where it has none, or none yet. ``is_paused`` is stored, and in no file.
    """

    name: str
    vhost: str
    durable: bool
    auto_delete: bool
    arguments: Table
    queue_id: int = 0
    is_paused: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeDefinition:
    """An exchange that a client declared.

    ``queue_id`` is that of the log of what it keeps; 0 where it keeps nothing, or has none yet.
    """

    name: str
    vhost: str
    exchange_type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Table
    queue_id: int = 0


@dataclass(frozen=True, slots=True)
class BindingDefinition:
    """A binding that a client made."""

    source: str
    vhost: str
    destination: str
    destination_type: DestinationWord
    routing_key: str
    arguments: Table
