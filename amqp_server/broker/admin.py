"""The table of the commands of management on a broker, by name.

A command is carried out in steps (``broker.steps``), because clients decide how long a deletion
takes. Its answer is safe once ``Broker.journal.safe_at`` is reached.

The caller checks the user's rights. All other checks of the AMQP methods are made here, with the
same errors.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from amqp_server.broker.access.rights import User
from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    with_default_queue_type,
)
from amqp_server.broker.commands.messages import MessageCommands
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.limits import check_node_queue
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.queue import NOBODY, purging
from amqp_server.broker.steps import Steps
from amqp_server.wire.tables import Table
from exchanges.bindings import Destination, DestinationKind
from queues.kinds import Request


class Admin(MessageCommands):
    """The commands as functions; ``COMMANDS`` is the table of them."""

    # ── queues ──

    def declare_queue(
        self,
        now_ms: int,
        vhost: str,
        name: str,
        *,
        durable: bool,
        auto_delete: bool,
        arguments: Table,
    ) -> Steps[bool]:
        """Declare a queue; return whether it is new."""
        broker, found = self._broker, self._broker.vhost(vhost)
        queues = found.queues
        yield from queues.finishing(name)
        is_new = queues.find(name) is None
        if is_new:
            found.limits.check_queue(vhost, name, len(queues))
            if broker.settings.queues_max:
                check_node_queue(broker.settings.queues_max, name, broker.count_queues())
        arguments = with_default_queue_type(
            arguments,
            found.default_queue_kind,
            durable=durable,
            exclusive=False,
            auto_delete=auto_delete,
        )
        is_exclusive = False
        properties = QueueProperties(durable, is_exclusive, auto_delete, arguments)
        queues.declare(name, properties, NOBODY, now_ms)
        return is_new

    def delete_queue(
        self, now_ms: int, vhost: str, name: str, *, if_unused: bool, if_empty: bool
    ) -> Steps[int]:
        """Delete a queue; return how many ready messages went with it."""
        queues = self._broker.vhost(vhost).queues
        queues.get(name, NOBODY)
        return (
            yield from queues.deleting(name, NOBODY, now_ms, if_unused=if_unused, if_empty=if_empty)
        )

    def purge_queue(self, now_ms: int, vhost: str, name: str) -> Steps[int]:
        """Drop all ready messages of a queue; return how many there were."""
        queues = self._broker.vhost(vhost).queues
        queue = queues.get(name, NOBODY)
        queue.check_granted(Request.PURGE)
        queues.refresh(queue, now_ms)
        return (yield from purging(queue))

    # ── exchanges and bindings ──

    def declare_exchange(
        self, _now_ms: int, vhost: str, name: str, *, properties: ExchangeProperties
    ) -> Steps[bool]:
        """Declare an exchange; return whether it is new."""
        exchanges = self._broker.vhost(vhost).exchanges
        yield from exchanges.finishing(name)
        is_new = not exchanges.exists(name)
        exchanges.declare(name, properties)
        return is_new

    def delete_exchange(
        self, _now_ms: int, vhost: str, name: str, *, if_unused: bool
    ) -> Steps[None]:
        """Delete an exchange with its bindings."""
        exchanges = self._broker.vhost(vhost).exchanges
        exchanges.get(name)
        yield from exchanges.deleting(name, if_unused=if_unused)

    def bind(
        self,
        _now_ms: int,
        vhost: str,
        source: str,
        destination: str,
        *,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> Steps[None]:
        """Bind a ``queue`` or an ``exchange`` to an exchange."""
        found = self._broker.vhost(vhost)
        to = Destination(DestinationKind(destination_type), destination)
        if to.kind is DestinationKind.QUEUE:
            found.queues.get(destination, NOBODY)
        found.bind(source, to, routing_key, arguments)
        yield

    def unbind(
        self,
        _now_ms: int,
        vhost: str,
        source: str,
        destination: str,
        *,
        destination_type: str,
        routing_key: str,
        arguments: Table,
    ) -> Steps[None]:
        """Remove a binding; a missing binding is no error."""
        exchanges = self._broker.vhost(vhost).exchanges
        to = Destination(DestinationKind(destination_type), destination)
        yield from exchanges.unbinding(source, to, routing_key, arguments)

    # ── connections ──

    def close_connection(self, now_ms: int, number: int, *, reason: str) -> Steps[None]:
        """Close a connection with 320 and a reason.

        Raises:
            NotFoundError: none of this number is open.
        """
        found = self._broker.numbered.find(number)
        if found is None:
            raise NotFoundError(f"no connection {number}")
        found.shut_down(reason, now_ms)
        yield

    # ── vhosts, policies, limits, parameters ──

    def put_vhost(self, _now_ms: int, *, definition: VhostDefinition) -> Steps[bool]:
        """Create a vhost, or describe the one of that name; return whether it is new."""
        is_new = not self._broker.has_vhost(definition.name)
        self._broker.add_vhost(definition.name).describe(definition)
        yield
        return is_new

    def delete_vhost(self, now_ms: int, name: str) -> Steps[None]:
        """Delete a vhost with everything in it."""
        yield from self._broker.deleting_vhost(name, now_ms)

    def set_policy(self, now_ms: int, vhost: str, *, policy: Policy, operator: bool) -> Steps[None]:
        """Create a policy, or replace the one of that name; it applies after the last step."""
        found = self._broker.vhost(vhost)
        found.set_policy(policy, operator=operator)
        yield from found.applying_policies(now_ms)

    def clear_policy(self, now_ms: int, vhost: str, name: str, *, operator: bool) -> Steps[bool]:
        """Delete a policy; return whether there was one."""
        found = self._broker.vhost(vhost)
        was_there = found.clear_policy(name, operator=operator)
        if was_there:
            yield from found.applying_policies(now_ms)
        return was_there

    def set_vhost_limits(
        self, _now_ms: int, vhost: str, *, limits: Mapping[str, object]
    ) -> Steps[None]:
        """Replace all limits by these; an empty set removes all."""
        self._broker.vhost(vhost).set_limits(limits)
        yield

    def set_parameter(
        self, _now_ms: int, *, parameter: ParameterDefinition | GlobalParameterDefinition
    ) -> Steps[None]:
        """Create or replace a parameter, of a vhost or of the cluster."""
        if isinstance(parameter, ParameterDefinition):
            self._broker.set_parameter(parameter)
        else:
            self._broker.set_global_parameter(parameter)
        yield

    def clear_parameter(
        self, _now_ms: int, name: str, *, component: str | None, vhost: str
    ) -> Steps[bool]:
        """Delete a parameter; without a component one of the cluster."""
        broker = self._broker
        yield
        if component is None:
            return broker.clear_global_parameter(name)
        return broker.clear_parameter(vhost, component, name)

    # ── users and their rights ──

    def put_user(self, _now_ms: int, *, user: User) -> Steps[None]:
        """Create a user, or replace the one of that name."""
        self._broker.users.put(user)
        yield

    def delete_user(self, now_ms: int, name: str) -> Steps[bool]:
        """Delete a user; return whether there was one."""
        return (yield from self._broker.deleting_user(name, now_ms))

    def set_permissions(
        self, _now_ms: int, user: str, vhost: str, *, configure: str, write: str, read: str
    ) -> Steps[None]:
        """Set the rights of a user in a vhost, by patterns."""
        self._broker.vhost(vhost)
        self._broker.users.set_permissions(user, vhost, configure, write, read)
        yield

    def clear_permissions(self, _now_ms: int, user: str, vhost: str) -> Steps[bool]:
        """Remove the rights of a user in a vhost; return whether there were any."""
        yield
        return self._broker.users.clear_permissions(user, vhost)


class Command(NamedTuple):
    """A row of the table.

    Attributes:
        needs: names of all its arguments, after the time.
        carry_out: does it, in steps; raises a ``BrokerError`` if it is refused.
    """

    needs: tuple[str, ...]
    carry_out: Callable[..., Steps[object]]


CommandTable: TypeAlias = Mapping[str, Command]


def _command(function: Callable[..., Steps[object]]) -> Command:
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    return Command(code.co_varnames[2:count], function)


COMMANDS: Final[CommandTable] = {
    name: _command(function)
    for commands in reversed(Admin.__mro__[:-1])
    for name, function in vars(commands).items()
    if name[0] != "_"
}
"""Every command by name: its arguments, and its function."""
