"""Everything that has a name, as one value: what RabbitMQ exports as JSON, and imports.

    JSON ── definitions_parse ──▶ Definitions ── definitions_export ──▶ JSON

A ``Definitions`` is right in itself: every name, type, pattern and argument was checked when it
was parsed. With ``check_references`` passed it can be applied, in the order of its fields,
without a surprise halfway. Applying adds: what exists already stays as it is, nothing is deleted.

Exclusive queues, the predeclared exchanges and bindings of the default exchange are no part of it.

Source: RabbitMQ, rabbit_definitions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from amqp_server.broker.definition_item import DefinitionsError
from amqp_server.broker.policies import Policy
from amqp_server.broker.users import TopicPermissions, User, VhostPermissions
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
    """The limits of a vhost, see ``limits``."""

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


def check_references(definitions: Definitions, users: Iterable[str], vhosts: Iterable[str]) -> None:
    """Refuse items whose user or vhost neither the definitions nor the broker have.

    Args:
        definitions: to be applied.
        users: names the broker has.
        vhosts: names the broker has.

    Raises:
        DefinitionsError: the first such item, its path in front.
    """
    known_users = {*users, *[user.name for user in definitions.users]}
    known_vhosts = {*vhosts, *[vhost.name for vhost in definitions.vhosts]}
    held_rights: dict[str, Sequence[VhostPermissions | TopicPermissions]] = {
        "permissions": definitions.permissions,
        "topic_permissions": definitions.topic_permissions,
    }
    for section, rights in held_rights.items():
        for index, held in enumerate(rights):
            _require(f"{section}[{index}]", "user", held.user, known_users)
            _require(f"{section}[{index}]", "vhost", held.vhost, known_vhosts)
    for section, vhosts_named in _vhosts_named(definitions).items():
        for index, vhost in enumerate(vhosts_named):
            _require(f"{section}[{index}]", "vhost", vhost, known_vhosts)


def _require(path: str, word: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise DefinitionsError(f"definitions.{path}.{word}: no such {word} '{name}'")


def _vhosts_named(definitions: Definitions) -> dict[str, list[str]]:
    return {
        "parameters": [item.vhost for item in definitions.parameters],
        "vhost_limits": [item.vhost for item in definitions.vhost_limits],
        "policies": [item.vhost for item in definitions.policies],
        "operator_policies": [item.vhost for item in definitions.operator_policies],
        "exchanges": [item.vhost for item in definitions.exchanges],
        "queues": [item.vhost for item in definitions.queues],
        "bindings": [item.vhost for item in definitions.bindings],
    }
