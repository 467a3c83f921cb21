"""The ports that a broker, its vhosts and their tables implement for definitions.

The tables call the journal, which is in this package. So the package stands below them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from amqp_server.broker.access.users import Users
from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.limits import VhostLimits
from amqp_server.broker.policies.table import Policy, PolicyTable
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import Steps
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination
from exchanges.routing import Exchange
from queues.kinds import QueueKind


class DeclaredQueue(Protocol):
    """A queue as declared; ``broker.queue_table.Queue`` implements it."""

    @property
    def name(self) -> str:
        """Of the queue."""

    @property
    def properties(self) -> QueueProperties:
        """What it was declared with."""

    @property
    def owner(self) -> object | None:
        """The connection that an exclusive queue belongs to; None is not exclusive."""

    @property
    def queue_id(self) -> int:
        """See ``QueueDefinition``."""

    @property
    def is_paused(self) -> bool:
        """Whether its consumers get nothing."""


class QueuesTarget(Protocol):
    """The queues of a vhost; ``broker.queue_table.QueueTable`` implements it."""

    def __iter__(self) -> Iterator[DeclaredQueue]:
        """Return all queues."""

    def find(self, name: str) -> DeclaredQueue | None:
        """Return the queue of this name; None if there is none."""

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
    ) -> DeclaredQueue:
        """Create a queue, see ``QueueTable``."""

    def deleting(
        self, name: str, connection: object, now_ms: int, *, if_unused: bool, if_empty: bool
    ) -> Steps[int]:
        """Delete a queue, see ``QueueTable``."""

    def pause(self, queue: Any, *, is_on: bool) -> None:  # noqa: ANN401 -- that ``declare`` returned
        """Have its consumers get nothing, or get messages again, see ``QueueTable``."""


class KeepersTarget(Protocol):
    """The keepers of a vhost; ``broker.keepers.table.Keepers`` implements it."""

    def join(self, exchange_name: str, queue_name: str, stored_id: str, now_ms: int) -> None:
        """Have the messages of an exchange of a cluster wait in a queue, see ``Keepers``."""


class ExchangesTarget(Protocol):
    """The exchanges of a vhost; ``broker.exchange_table.ExchangeTable`` implements it."""

    def get(self, name: str) -> Exchange:
        """Return an exchange that exists."""

    def exists(self, name: str) -> bool:
        """Whether there is an exchange of this name."""

    def declare(self, name: str, properties: ExchangeProperties, *, queue_id: int = 0) -> None:
        """Create an exchange, see ``ExchangeTable``."""

    def deleting(self, name: str, *, if_unused: bool) -> Steps[None]:
        """Delete an exchange, see ``ExchangeTable``."""

    def unbinding(
        self, source: str, destination: Destination, routing_key: str, table: Table
    ) -> Steps[None]:
        """Take a binding away, see ``ExchangeTable``."""

    def definitions(self) -> Iterator[ExchangeDefinition]:
        """Return all exchanges but the predeclared ones."""

    def binding_definitions(self) -> Iterator[BindingDefinition]:
        """Return all bindings."""


class VhostTarget(Protocol):
    """A vhost; ``broker.vhost.Vhost`` implements it."""

    @property
    def name(self) -> str:
        """Of the vhost."""

    @property
    def definition(self) -> VhostDefinition:
        """What is said of it."""

    @property
    def default_queue_kind(self) -> QueueKind | None:
        """Of queues declared without a type; None leaves it to the node."""

    @property
    def limits(self) -> VhostLimits:
        """What it has at most."""

    @property
    def policies(self) -> PolicyTable:
        """Ordinary and operator policies."""

    @property
    def exchanges(self) -> ExchangesTarget:
        """Its exchanges."""

    @property
    def queues(self) -> QueuesTarget:
        """Its queues."""

    @property
    def keepers(self) -> KeepersTarget:
        """What stands behind its exchanges and keeps messages."""

    def describe(self, definition: VhostDefinition) -> None:
        """Take over what is said of it, see ``Vhost``."""

    def set_limits(self, limits: Mapping[str, object]) -> None:
        """Put these limits in place of all that held."""

    def set_policy(
        self, policy: Policy, *, operator: bool = False, is_imported: bool = False
    ) -> None:
        """Create or replace a policy, see ``Vhost``."""

    def clear_policy(self, name: str, *, operator: bool = False) -> bool:
        """Delete a policy; return whether there was one."""

    def applying_policies(self, now_ms: int) -> Steps[None]:
        """Have policies hold for all that there is."""

    def bind(self, source: str, destination: Destination, routing_key: str, table: Table) -> None:
        """Bind a queue or an exchange to an exchange, see ``Vhost``."""


class BrokerTarget(Protocol):
    """Where definitions are applied, and from where they are exported.

    ``broker.broker.Broker`` implements it.
    """

    @property
    def settings(self) -> BrokerSettings:
        """The broker section."""

    @property
    def users(self) -> Users:
        """Accounts and permissions."""

    @property
    def parameters(self) -> Mapping[tuple[str, str, str], object]:
        """By vhost, component and name."""

    @property
    def global_parameters(self) -> Mapping[str, object]:
        """By name."""

    def vhosts(self) -> Iterator[VhostTarget]:
        """Return all vhosts."""

    def has_vhost(self, name: str) -> bool:
        """Whether there is a vhost of this name."""

    def vhost(self, name: str) -> VhostTarget:
        """Return a vhost.

        Raises:
            NotFoundError: there is none of this name.
        """

    def add_vhost(self, name: str, *, is_restored: bool = False) -> VhostTarget:
        """Create a vhost, or return the one of that name, see ``Broker``."""

    def deleting_vhost(self, name: str, now_ms: int) -> Steps[None]:
        """Delete a vhost with all in it, see ``Broker``."""

    def deleting_user(self, name: str, now_ms: int) -> Steps[bool]:
        """Delete a user, see ``Broker``."""

    def set_parameter(self, parameter: ParameterDefinition) -> None:
        """Create or replace a parameter, see ``Broker``."""

    def clear_parameter(self, vhost: str, component: str, name: str) -> bool:
        """Delete a parameter; return whether there was one."""

    def set_global_parameter(self, parameter: GlobalParameterDefinition) -> None:
        """Create or replace a parameter of the cluster, see ``Broker``."""

    def clear_global_parameter(self, name: str) -> bool:
        """Delete a parameter of the cluster; return whether there was one."""
