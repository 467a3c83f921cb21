"""Policies and operator policies, as definitions. Stored under vhost and name.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

from collections.abc import Iterable
from typing import Final

from amqp_server.broker.definitions.definition import (
    OperatorPolicyDefinition,
    PolicyDefinition,
)
from amqp_server.broker.definitions.fields import Fields, mapping, text, whole
from amqp_server.broker.definitions.item import Item, checking
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.policies.rules import unknown_keys
from amqp_server.broker.policies.table import Policy, PolicyTable
from amqp_server.broker.steps import Steps


class PolicyRow:
    """A policy."""

    word: Final = "policy"
    value_type: Final = PolicyDefinition
    section: Final = "policies"
    component: Final = None
    obeys_policies: Final = False

    def names(self, held: PolicyDefinition) -> Names:
        """Return vhost and name."""
        return (held.vhost, held.policy.name)

    def encode(self, held: PolicyDefinition) -> Fields:
        """Return all but the name."""
        return _encoded(held.policy)

    def decode(self, names: Names, fields: Fields) -> PolicyDefinition:
        """Return the policy."""
        vhost, name = names
        return PolicyDefinition(vhost, _decoded(name, fields))

    def read(self, item: Item, reading: Reading) -> PolicyDefinition:
        """Read a policy; keys that we do not know are kept with it, and mean nothing."""
        return PolicyDefinition(reading.vhost_of(item), _read(item, operator=False))

    def show(self, held: PolicyDefinition) -> dict[str, object]:
        """Return all of it."""
        return {"vhost": held.vhost, "name": held.policy.name, **_shown(held.policy)}

    def missing(self, place: Place, held: PolicyDefinition) -> str | None:
        """Refer to a vhost."""
        return place.missing_vhost(held.vhost)

    def apply(self, broker: BrokerTarget, held: PolicyDefinition, applying: Applying) -> None:
        """Create or replace it; it holds for what is there once ``applying`` is over."""
        broker.vhost(held.vhost).set_policy(held.policy, is_imported=True)
        applying.changed_vhosts[held.vhost] = None

    def remove(self, broker: BrokerTarget, held: PolicyDefinition, now_ms: int) -> Steps[None]:
        """Delete it; queues and exchanges do without it from then on."""
        return _removing(broker, held, now_ms, operator=False)

    def held(self, broker: BrokerTarget) -> Iterable[PolicyDefinition]:
        """Return all of them."""
        for vhost in broker.vhosts():
            for policy in vhost.policies.list():
                yield PolicyDefinition(vhost.name, policy)


class OperatorPolicyRow:
    """An operator policy, which RabbitMQ keeps as a parameter."""

    word: Final = "operator policy"
    value_type: Final = OperatorPolicyDefinition
    section: Final = "parameters"
    component: Final = "operator_policy"
    obeys_policies: Final = False

    def names(self, held: OperatorPolicyDefinition) -> Names:
        """Return vhost and name."""
        return (held.vhost, held.policy.name)

    def encode(self, held: OperatorPolicyDefinition) -> Fields:
        """Return all but the name."""
        return _encoded(held.policy)

    def decode(self, names: Names, fields: Fields) -> OperatorPolicyDefinition:
        """Return the policy."""
        vhost, name = names
        return OperatorPolicyDefinition(vhost, _decoded(name, fields))

    def read(self, item: Item, reading: Reading) -> OperatorPolicyDefinition:
        """Read a policy that is the value of a parameter."""
        value = Item({**item.mapping("value"), "name": item.text("name")}, f"{item.path}.value")
        vhost = reading.vhost_of(item)
        policy = _read(value, operator=True)
        item.left_out += value.left_out
        return OperatorPolicyDefinition(vhost, policy)

    def show(self, held: OperatorPolicyDefinition) -> dict[str, object]:
        """Return it as the parameter that it is."""
        return {
            "vhost": held.vhost,
            "component": self.component,
            "name": held.policy.name,
            "value": _shown(held.policy),
        }

    def missing(self, place: Place, held: OperatorPolicyDefinition) -> str | None:
        """Refer to a vhost."""
        return place.missing_vhost(held.vhost)

    def apply(
        self, broker: BrokerTarget, held: OperatorPolicyDefinition, applying: Applying
    ) -> None:
        """Create or replace it; it holds for what is there once ``applying`` is over."""
        broker.vhost(held.vhost).set_policy(held.policy, operator=True, is_imported=True)
        applying.changed_vhosts[held.vhost] = None

    def remove(
        self, broker: BrokerTarget, held: OperatorPolicyDefinition, now_ms: int
    ) -> Steps[None]:
        """Delete it; queues do without it from then on."""
        return _removing(broker, held, now_ms, operator=True)

    def held(self, broker: BrokerTarget) -> Iterable[OperatorPolicyDefinition]:
        """Return all of them."""
        for vhost in broker.vhosts():
            for policy in vhost.policies.list(operator=True):
                yield OperatorPolicyDefinition(vhost.name, policy)


def _encoded(policy: Policy) -> Fields:
    return {
        "pattern": policy.pattern,
        "definition": dict(policy.definition),
        "priority": policy.priority,
        "apply_to": policy.apply_to,
    }


def _decoded(name: str, fields: Fields) -> Policy:
    return Policy(
        name,
        text(fields["pattern"]),
        mapping(fields["definition"]),
        whole(fields["priority"]),
        text(fields["apply_to"]),
    )


def _read(item: Item, *, operator: bool) -> Policy:
    policy = Policy(
        item.text("name"),
        item.text("pattern"),
        item.mapping("definition"),
        item.integer("priority", 0),
        item.text("apply-to", "all"),
    )
    with checking(item):
        PolicyTable().check(policy, operator=operator, is_imported=True)
    for key in unknown_keys(policy.definition, operator=operator):
        item.leave_out(f"definition.{key}", "is no policy key here: kept, without effect")
    return policy


def _shown(policy: Policy) -> dict[str, object]:
    return {
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": dict(policy.definition),
        "priority": policy.priority,
    }


def _removing(
    broker: BrokerTarget,
    held: PolicyDefinition | OperatorPolicyDefinition,
    now_ms: int,
    *,
    operator: bool,
) -> Steps[None]:
    if not broker.has_vhost(held.vhost):
        return
    vhost = broker.vhost(held.vhost)
    if vhost.clear_policy(held.policy.name, operator=operator):
        yield from vhost.applying_policies(now_ms)
