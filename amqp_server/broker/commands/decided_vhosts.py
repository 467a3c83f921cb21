"""The commands on vhosts and what is in them, on a node of a cluster; see ``commands.decided``."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from amqp_server.broker.arguments.declare import (
    QueueProperties,
    with_default_queue_type,
)
from amqp_server.broker.broker import Broker
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.clustered.held_exchanges import properties_of as properties_of_exchange
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
    policy_definition,
)
from amqp_server.broker.definitions.parse import parsing
from amqp_server.broker.definitions.references import finding_references
from amqp_server.broker.errors import (
    BrokerError,
    DeletionProtectedError,
    NotFoundError,
    UndecidedError,
)
from amqp_server.broker.federation.upstream import COMPONENTS as FEDERATION
from amqp_server.broker.federation.upstream import check_parameter
from amqp_server.broker.limits import VHOST_LIMITS, check_node_vhost, validated
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.shovels.definition import COMPONENT as SHOVEL
from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.broker.steps import WaitingSteps
from exchanges.errors import ExchangeError
from queues.kinds import QueueKind


class DecidedVhosts:
    """Has the store decide what ``commands.vhosts`` would do."""

    def __init__(self, broker: Broker, decisions: Decisions) -> None:
        self._broker = broker
        self._decisions = decisions

    def put_vhost(self, _now_ms: int, *, definition: VhostDefinition) -> WaitingSteps[bool]:
        """Create a vhost, or describe the one of that name; return whether it is new.

        Tracing is not stored: it is switched on this node.
        """
        broker = self._broker
        vhosts = tuple(broker.vhosts())
        if not broker.has_vhost(definition.name):
            check_node_vhost(broker.settings.vhosts_max, definition.name, len(vhosts))

        def described(before: Definition | None) -> Definition:
            after = replace(definition, tracing=None)
            if not isinstance(before, VhostDefinition):
                return after
            kept = after.default_queue_type or before.default_queue_type
            protected = before.protected if after.protected is None else after.protected
            return replace(after, default_queue_type=kept, protected=protected)

        before = yield from self._decisions.changing(definition, described)
        if definition.tracing is not None and broker.has_vhost(definition.name):
            yield from broker.vhost(definition.name).switching_tracing(is_on=definition.tracing)
        return before is None

    def protect_vhost(self, _now_ms: int, vhost: str, *, protected: bool) -> WaitingSteps[None]:
        """Have its deletion refused, or not any more."""
        definition = self._broker.vhost(vhost).definition

        def changed(before: Definition | None) -> Definition:
            if not isinstance(before, VhostDefinition):
                raise NotFoundError(f"vhost {vhost} not found")
            return replace(before, protected=protected)

        yield from self._decisions.changing(definition, changed)

    def delete_vhost(self, _now_ms: int, name: str) -> WaitingSteps[None]:
        """Delete a vhost with everything in it."""
        definition = self._broker.vhost(name).definition

        def gone(before: Definition | None) -> None:
            if isinstance(before, VhostDefinition) and before.protected:
                raise DeletionProtectedError(
                    f"Refusing to delete virtual host '{name}' because it is"
                    " protected from deletion"
                )

        yield from self._decisions.changing(definition, gone)

    def set_policy(
        self, _now_ms: int, vhost: str, *, policy: Policy, operator: bool
    ) -> WaitingSteps[None]:
        """Create a policy, or replace the one of that name."""
        self._broker.vhost(vhost).policies.check(policy, operator=operator)
        yield from self._decisions.saving(policy_definition(vhost, policy, operator=operator))

    def clear_policy(
        self, _now_ms: int, vhost: str, name: str, *, operator: bool
    ) -> WaitingSteps[bool]:
        """Delete a policy; return whether there was one."""
        self._broker.vhost(vhost)
        like = policy_definition(vhost, Policy(name, "", {}), operator=operator)
        return (yield from self._decisions.forgetting(like)) is not None

    def set_vhost_limits(
        self, _now_ms: int, vhost: str, *, limits: Mapping[str, object]
    ) -> WaitingSteps[None]:
        """Replace all limits by these; an empty set removes all."""
        numbers = validated(limits, VHOST_LIMITS, "limits")
        yield from self._limiting(vhost, lambda _held: numbers)

    def set_vhost_limit(
        self, _now_ms: int, vhost: str, *, limit: str, value: object
    ) -> WaitingSteps[None]:
        """Set ``max-connections`` or ``max-queues``; a negative value is no limit."""
        changed = validated({limit: value}, VHOST_LIMITS, "limits")
        yield from self._limiting(vhost, lambda held: {**held, **changed})

    def clear_vhost_limit(self, _now_ms: int, vhost: str, *, limit: str) -> WaitingSteps[bool]:
        """Lift a limit; return whether it stood."""
        held = yield from self._limiting(
            vhost, lambda held: {key: value for key, value in held.items() if key != limit}
        )
        return limit in held

    def _limiting(
        self, vhost: str, change: Callable[[Mapping[str, int]], Mapping[str, int]]
    ) -> WaitingSteps[Mapping[str, int]]:
        """Change the limits of a vhost; return those that stood."""
        self._broker.vhost(vhost)

        def changed(before: Definition | None) -> Definition | None:
            limits = change(_limits_of(before))
            return VhostLimitsDefinition(vhost, limits) if limits else None

        before = yield from self._decisions.changing(VhostLimitsDefinition(vhost, {}), changed)
        return _limits_of(before)

    def set_parameter(
        self, _now_ms: int, *, parameter: ParameterDefinition | GlobalParameterDefinition
    ) -> WaitingSteps[None]:
        """Create or replace a parameter, of a vhost or of the cluster."""
        if isinstance(parameter, ParameterDefinition):
            self._broker.vhost(parameter.vhost)
            if parameter.component == SHOVEL:
                read_shovel(parameter.vhost, parameter.name, parameter.value)
            elif parameter.component in FEDERATION:
                check_parameter(parameter.component, parameter.name, parameter.value)
        yield from self._decisions.saving(parameter)

    def clear_parameter(
        self, _now_ms: int, name: str, *, component: str | None, vhost: str
    ) -> WaitingSteps[bool]:
        """Delete a parameter; without a component one of the cluster."""
        like: Definition = GlobalParameterDefinition(name, None)
        if component is not None:
            like = ParameterDefinition(vhost, component, name, None)
        return (yield from self._decisions.forgetting(like)) is not None

    def import_definitions(
        self, now_ms: int, *, document: object, vhost: str | None
    ) -> WaitingSteps[tuple[str, ...]]:
        """Add definitions that the cluster does not have; return what was left out."""
        broker = self._broker
        if vhost is not None:
            broker.vhost(vhost)
        read = yield from parsing(document, broker.random_bytes, vhost, broker.users.get)
        read = yield from finding_references(read, broker)
        left_out = list(read.left_out)
        for placed in read.placed:
            try:
                yield from self._importing(placed.definition, now_ms)
            except UndecidedError:
                raise
            except (BrokerError, ExchangeError) as error:
                left_out.append(f"{placed.path}: {error}")
        return tuple(left_out)

    def _importing(self, definition: Definition, now_ms: int) -> WaitingSteps[None]:
        """Have the store take one; a queue or an exchange that is there stays as it is."""
        decisions, broker = self._decisions, self._broker
        if isinstance(definition, QueueDefinition):
            vhost = broker.vhost(definition.vhost)
            if vhost.queues.find(definition.name) is None:
                yield from decisions.declaring_queue(
                    vhost.name,
                    definition.name,
                    _properties_of(definition, vhost.default_queue_kind),
                    may_be_reserved=True,
                )
        elif isinstance(definition, ExchangeDefinition):
            if not broker.vhost(definition.vhost).exchanges.exists(definition.name):
                yield from decisions.declaring_exchange(
                    definition.vhost, definition.name, properties_of_exchange(definition)
                )
        elif isinstance(definition, BindingDefinition):
            yield from decisions.binding(definition)
        elif isinstance(definition, VhostDefinition):
            yield from self.put_vhost(now_ms, definition=definition)
        else:
            yield from decisions.saving(definition)


def _limits_of(held: Definition | None) -> Mapping[str, int]:
    return held.limits if isinstance(held, VhostLimitsDefinition) else {}


def _properties_of(queue: QueueDefinition, default: QueueKind | None) -> QueueProperties:
    arguments = with_default_queue_type(
        queue.arguments,
        default,
        durable=queue.durable,
        exclusive=False,
        auto_delete=queue.auto_delete,
    )
    return QueueProperties(queue.durable, False, queue.auto_delete, arguments)  # noqa: FBT003
