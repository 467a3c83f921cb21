"""The commands on vhosts: their policies, limits and parameters, and definitions as files.

Source: RabbitMQ 3.10, rabbit_mgmt_wm_vhost, _policy, _limit, _parameter and _definitions.
"""

from collections.abc import Mapping
from dataclasses import replace

from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.apply import application
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.export import exporting, exporting_vhost
from amqp_server.broker.definitions.parse import parsing
from amqp_server.broker.definitions.references import finding_references
from amqp_server.broker.errors import DeletionProtectedError
from amqp_server.broker.federation.upstream import COMPONENTS as FEDERATION
from amqp_server.broker.federation.upstream import check_parameter
from amqp_server.broker.limits import VHOST_LIMITS, validated
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.shovels.definition import COMPONENT as SHOVEL
from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.broker.steps import Steps


class VhostCommands:
    """The commands on vhosts; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def put_vhost(self, _now_ms: int, *, definition: VhostDefinition) -> Steps[bool]:
        """Create a vhost, or describe the one of that name; return whether it is new."""
        is_new = not self._broker.has_vhost(definition.name)
        self._broker.add_vhost(definition.name).describe(definition)
        yield
        return is_new

    def protect_vhost(self, _now_ms: int, vhost: str, *, protected: bool) -> Steps[None]:
        """Have its deletion refused, or not any more.

        Raises:
            NotFoundError: no such vhost.
        """
        found = self._broker.vhost(vhost)
        found.describe(replace(found.definition, protected=protected))
        yield

    def delete_vhost(self, now_ms: int, name: str) -> Steps[None]:
        """Delete a vhost with everything in it.

        Raises:
            DeletionProtectedError: it is protected.
            NotFoundError: no such vhost.
        """
        if self._broker.vhost(name).definition.protected:
            raise DeletionProtectedError(
                f"Refusing to delete virtual host '{name}' because it is protected from deletion"
            )
        yield from self._broker.deleting_vhost(name, now_ms)

    # ── policies, limits, parameters ──

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

    def set_vhost_limit(
        self, _now_ms: int, vhost: str, *, limit: str, value: object
    ) -> Steps[None]:
        """Set ``max-connections`` or ``max-queues``; a negative value is no limit.

        Raises:
            NotFoundError: no such vhost.
            PreconditionFailedError: another limit, or a value that is no integer.
        """
        found = self._broker.vhost(vhost)
        changed = validated({limit: value}, VHOST_LIMITS, "limits")
        found.set_limits({**found.limits.as_dict(), **changed})
        yield

    def clear_vhost_limit(self, _now_ms: int, vhost: str, *, limit: str) -> Steps[bool]:
        """Lift a limit; return whether it stood."""
        yield
        return self._broker.vhost(vhost).clear_limit(limit)

    def set_parameter(
        self, _now_ms: int, *, parameter: ParameterDefinition | GlobalParameterDefinition
    ) -> Steps[None]:
        """Create or replace a parameter, of a vhost or of the cluster.

        Raises:
            PreconditionFailedError: it is no valid shovel or upstream. One that is imported is kept
                and shown, and does nothing; of a shovel the log says why.
        """
        if isinstance(parameter, ParameterDefinition):
            if parameter.component == SHOVEL:
                read_shovel(parameter.vhost, parameter.name, parameter.value)
            elif parameter.component in FEDERATION:
                check_parameter(parameter.component, parameter.name, parameter.value)
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

    def restart_shovel(self, _now_ms: int, vhost: str, name: str) -> Steps[bool]:
        """Connect a shovel anew; return whether there is one."""
        yield
        return self._broker.shovels.restart(vhost, name)

    def restart_federation_link(self, _now_ms: int, vhost: str, name: str) -> Steps[bool]:
        """Connect a link anew; return whether there is one.

        Args:
            now_ms: the time.
            vhost: of the link.
            name: its id.
        """
        yield
        return self._broker.federation.restart(vhost, name)

    # ── definitions as a file ──

    def export_definitions(
        self, _now_ms: int, *, vhost: str | None, product: str, version: str, cluster_name: str
    ) -> Steps[dict[str, object]]:
        """Return the definitions of the node, or of one vhost, as JSON has them.

        Args:
            now_ms: the time.
            vhost: None is everything.
            product: that we announce.
            version: that we announce.
            cluster_name: where they came from; that of a vhost is its own name.

        Raises:
            NotFoundError: no such vhost.
        """
        if vhost is None:
            return (yield from exporting(self._broker, product, version, cluster_name))
        self._broker.vhost(vhost)
        return (yield from exporting_vhost(self._broker, vhost, product, version))

    def import_definitions(
        self, now_ms: int, *, document: object, vhost: str | None
    ) -> Steps[tuple[str, ...]]:
        """Add definitions that the node does not have; see ``definitions.apply``.

        Args:
            now_ms: the time.
            document: as ``json.loads`` returns it.
            vhost: of the items that name none; None is every item must.

        Returns:
            What was left out: a line each, its path in front.

        Raises:
            DefinitionsError: the document is no object.
            NotFoundError: no such vhost.
        """
        broker = self._broker
        if vhost is not None:
            broker.vhost(vhost)
        read = yield from parsing(document, broker.random_bytes, vhost, broker.users.get)
        read = yield from finding_references(read, broker)
        left_out = list(read.left_out)
        for line in application(broker, read, now_ms):
            if line is not None:
                left_out.append(line)
            yield
        return tuple(left_out)
