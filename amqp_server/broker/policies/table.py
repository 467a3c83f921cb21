"""Policies: definitions for every queue or exchange in whose name a pattern is found.

There are two layers. Only the matching user policy of highest priority applies. The same is true
for operator policies. The two are then merged key by key, and an operator can only tighten.
A change of ``generation`` means that earlier matches are invalid.

Source: RabbitMQ, policies; error texts measured on 3.10, keys and scopes of 3.13.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from amqp_server.broker.access.patterns import Pattern, PatternError, compile_pattern, is_found
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.policies.rules import OPERATOR_WINS, wrong_definition
from queues.kinds import KINDS

PolicyTarget: TypeAlias = Literal["queue", "exchange"]

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})

_Scope: TypeAlias = tuple[PolicyTarget, str | None] | None


def _scopes() -> Mapping[str, _Scope]:
    """Return the scopes of ``apply-to``: the target, and a queue's type; None is everything."""
    of_kinds: dict[str, _Scope] = {
        kind.policy_scope: ("queue", kind.name) for kind in KINDS.values()
    }
    return {
        "queues": ("queue", None),
        **of_kinds,
        "streams": ("queue", "stream"),
        "exchanges": ("exchange", None),
        "all": None,
    }


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy, ordinary or operator.

    Attributes:
        pattern: searched in names, unanchored.
        definition: keys without ``x-``, values as in JSON.
        priority: highest applies.
        apply_to: a key of the scopes: all, queues, exchanges, classic_queues, quorum_queues,
            streams.
    """

    name: str
    pattern: str
    definition: Mapping[str, object]
    priority: int = 0
    apply_to: str = "all"


@dataclass(frozen=True, slots=True)
class _Compiled:
    policy: Policy
    pattern: Pattern
    scope: _Scope

    def applies(self, target: PolicyTarget, queue_type: str | None, name: str) -> bool:
        scope = self.scope
        if scope is not None and scope not in {(target, None), (target, queue_type)}:
            return False
        kind = KINDS.get(queue_type or "")
        if kind is not None and not kind.foreign_policy_keys.isdisjoint(self.policy.definition):
            return False
        return is_found(self.pattern, name)


@dataclass(slots=True)
class _Layer:
    """The policies of one kind, the one that applies first in front."""

    ordered: list[_Compiled] = field(default_factory=list)

    def put(self, policy: _Compiled) -> None:
        self.remove(policy.policy.name)
        self.ordered.append(policy)
        self.ordered.sort(key=lambda held: (-held.policy.priority, held.policy.name))

    def remove(self, name: str) -> bool:
        kept = [held for held in self.ordered if held.policy.name != name]
        found = len(kept) < len(self.ordered)
        self.ordered = kept
        return found

    def match(self, target: PolicyTarget, queue_type: str | None, name: str) -> Policy | None:
        for held in self.ordered:
            if held.applies(target, queue_type, name):
                return held.policy
        return None


class PolicyTable:
    """The policies of one vhost.

    Attributes:
        generation: grows with every change.
    """

    def __init__(self) -> None:
        self.generation = 0
        self._ordinary = _Layer()
        self._operator = _Layer()

    def set(self, policy: Policy, *, operator: bool = False, is_imported: bool = False) -> None:
        """Create a policy, or replace the one of that name.

        Args:
            policy: the policy.
            operator: whether it belongs to the operator layer.
            is_imported: unknown keys are kept, and have no effect.

        Raises:
            PreconditionFailedError: definition, scope or pattern is invalid; one line for each
                that is wrong, in RabbitMQ's order.
        """
        compiled = _compiled(policy, operator=operator, is_imported=is_imported)
        self._layer(operator=operator).put(compiled)
        self.generation += 1

    def check(self, policy: Policy, *, operator: bool = False, is_imported: bool = False) -> None:
        """Refuse what ``set`` would refuse, and change nothing.

        Raises:
            PreconditionFailedError: as ``set``.
        """
        _compiled(policy, operator=operator, is_imported=is_imported)

    def get(self, name: str, *, operator: bool = False) -> Policy | None:
        """Return the policy of one layer that has this name; None if none has."""
        ordered = self._layer(operator=operator).ordered
        return next((held.policy for held in ordered if held.policy.name == name), None)

    def clear(self, name: str, *, operator: bool = False) -> bool:
        """Delete a policy; return whether there was one."""
        found = self._layer(operator=operator).remove(name)
        self.generation += found
        return found

    def list(self, *, operator: bool = False) -> Sequence[Policy]:
        """Return the policies of one layer by name."""
        held = [held.policy for held in self._layer(operator=operator).ordered]
        return sorted(held, key=lambda policy: policy.name)

    def match(
        self, target: PolicyTarget, queue_type: str | None, name: str
    ) -> tuple[Policy | None, Policy | None]:
        """Return the policy and the operator policy that apply; None if none does.

        Args:
            target: the kind of thing that has the name.
            queue_type: ``classic``, ``quorum`` or ``stream``; None for an exchange.
            name: of the queue or exchange.
        """
        return (
            self._ordinary.match(target, queue_type, name),
            self._operator.match(target, queue_type, name),
        )

    def effective(
        self, target: PolicyTarget, queue_type: str | None, name: str
    ) -> Mapping[str, object]:
        """Return the merged definition that applies; empty if none does."""
        if not (self._ordinary.ordered or self._operator.ordered):
            return _NOTHING
        policy, operator_policy = self.match(target, queue_type, name)
        return merge(
            policy.definition if policy is not None else {},
            operator_policy.definition if operator_policy is not None else {},
        )

    def _layer(self, *, operator: bool) -> _Layer:
        return self._operator if operator else self._ordinary


def merge(policy: Mapping[str, object], operator: Mapping[str, object]) -> dict[str, object]:
    """Return both definitions as one: of two numbers the smaller, else the operator's value.

    A negative delivery limit means no limit. So if one of two is negative, the larger applies.

    Source: RabbitMQ, policies, "Operator Policies".
    """
    merged = {**policy, **operator}
    for key in policy.keys() & operator.keys() - OPERATOR_WINS:
        ours, theirs = policy[key], operator[key]
        if _is_number(ours) and _is_number(theirs):
            assert isinstance(ours, int), "validated when it was set"
            assert isinstance(theirs, int), "validated when it was set"
            loosest = key == "delivery-limit" and min(ours, theirs) < 0
            merged[key] = max(ours, theirs) if loosest else min(ours, theirs)
    return merged


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _compiled(policy: Policy, *, operator: bool, is_imported: bool) -> _Compiled:
    wrong = wrong_definition(policy.definition, operator=operator, is_imported=is_imported)
    scopes = _scopes()
    if policy.apply_to not in scopes:
        named = ", ".join([f"'{scope}'" for scope in scopes if scope != "all"])
        wrong.append(
            f"apply-to '{policy.apply_to}' unrecognised; should be one of: {named}, or 'all'"
        )
    pattern: Pattern | None = None
    try:
        pattern = compile_pattern(policy.pattern)
    except PatternError as error:
        wrong.append(
            "pattern should be regular expression but is invalid: "
            f'{{"{error.reason}",{error.position}}}'
        )
    if wrong or pattern is None:
        raise PreconditionFailedError("\n".join(wrong))
    return _Compiled(policy, pattern, scopes[policy.apply_to])
