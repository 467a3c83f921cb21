"""Everything that has a name, as one value: what RabbitMQ exports as JSON, and imports.

    JSON ── parse ──▶ Document ── references, apply ──▶ broker
    broker ──▶ Definitions ── export ──▶ JSON

What a ``Document`` has placed is right in itself: every name, type, pattern and argument was
checked when it was parsed. Applying adds: what exists already stays as it is, nothing is deleted.

Exclusive queues, the predeclared exchanges and bindings of the default exchange are no part of it.

Source: RabbitMQ, rabbit_definitions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from amqp_server.broker.access.users import TopicPermissions, User, VhostPermissions
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Table
from queues.options import QueueKind

DestinationWord: TypeAlias = Literal["queue", "exchange"]


@dataclass(frozen=True, slots=True)
class VhostDefinition:
    """A vhost; ``default_queue_type`` None leaves it to the node."""

    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    default_queue_type: QueueKind | None = None


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
    """A policy, ordinary or operator, and its vhost."""

    vhost: str
    policy: Policy
    operator: bool = False


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """A queue that is not exclusive; ``queue_id`` is 0 where it has none, or none yet."""

    name: str
    vhost: str
    durable: bool
    auto_delete: bool
    arguments: Table
    queue_id: int = 0


@dataclass(frozen=True, slots=True)
class ExchangeDefinition:
    """An exchange that a client declared."""

    name: str
    vhost: str
    exchange_type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Table


@dataclass(frozen=True, slots=True)
class BindingDefinition:
    """A binding that a client made."""

    source: str
    vhost: str
    destination: str
    destination_type: DestinationWord
    routing_key: str
    arguments: Table


Definition: TypeAlias = (
    User
    | VhostDefinition
    | VhostPermissions
    | TopicPermissions
    | GlobalParameterDefinition
    | ParameterDefinition
    | VhostLimitsDefinition
    | PolicyDefinition
    | ExchangeDefinition
    | QueueDefinition
    | BindingDefinition
)


@dataclass(frozen=True, slots=True)
class Definitions:
    """All of it, in the order in which it is applied: what comes later refers to what is before."""

    users: tuple[User, ...] = ()
    vhosts: tuple[VhostDefinition, ...] = ()
    permissions: tuple[VhostPermissions, ...] = ()
    topic_permissions: tuple[TopicPermissions, ...] = ()
    global_parameters: tuple[GlobalParameterDefinition, ...] = ()
    parameters: tuple[ParameterDefinition, ...] = ()
    vhost_limits: tuple[VhostLimitsDefinition, ...] = ()
    policies: tuple[PolicyDefinition, ...] = ()
    operator_policies: tuple[PolicyDefinition, ...] = ()
    exchanges: tuple[ExchangeDefinition, ...] = ()
    queues: tuple[QueueDefinition, ...] = ()
    bindings: tuple[BindingDefinition, ...] = ()

    @classmethod
    def of(cls, items: Iterable[Definition]) -> "Definitions":
        """Sort definitions by what they are of."""
        kept: dict[str, list[Definition]] = {name: [] for name in cls.__slots__}
        for item in items:
            name = _FIELDS[type(item)]
            is_operator = isinstance(item, PolicyDefinition) and item.operator
            kept["operator_policies" if is_operator else name].append(item)
        return cls(**{name: tuple(held) for name, held in kept.items()})  # type: ignore[arg-type]


_FIELDS: Final[Mapping[type, str]] = {
    User: "users",
    VhostDefinition: "vhosts",
    VhostPermissions: "permissions",
    TopicPermissions: "topic_permissions",
    GlobalParameterDefinition: "global_parameters",
    ParameterDefinition: "parameters",
    VhostLimitsDefinition: "vhost_limits",
    PolicyDefinition: "policies",
    ExchangeDefinition: "exchanges",
    QueueDefinition: "queues",
    BindingDefinition: "bindings",
}


class Placed(NamedTuple):
    """A definition, and the path of where it stands in its file."""

    path: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class Document:
    """What a definitions file holds.

    Attributes:
        placed: what can be applied, in the order in which it is.
        left_out: what cannot, a line each, the path in front.
        names_users: whether it has users, be they left out.
    """

    placed: tuple[Placed, ...] = ()
    left_out: tuple[str, ...] = ()
    names_users: bool = False

    @property
    def definitions(self) -> Definitions:
        """What can be applied, by what it is of."""
        return Definitions.of(item.definition for item in self.placed)
