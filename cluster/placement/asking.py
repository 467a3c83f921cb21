"""How a queue asks to be replicated: its kind, its arguments, its policy, and the cluster's rules.

    exclusive or transient          one replica
    quorum                          x-quorum-initial-group-size, else target-group-size, else 3
    stream                          x-initial-cluster-size, else initial-cluster-size, else 3
    classic, durable                ha-mode and ha-params of its policy, else one replica

The default of classic queues is a policy with ``ha-mode: exactly`` that the first node of a cluster
makes. Who removes it has one replica of each new queue, as in RabbitMQ.

Source: RabbitMQ, rabbit_mirror_queue_mode_*, rabbit_quorum_queue, rabbit_queue_location.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cluster.placement.nodes import NodeStanding

REPLICAS_COUNT: Final = 3
REPLICAS_MAX: Final = 15


class Locator(Enum):
    """Which node leads a new queue."""

    LOCAL = "client-local"
    BALANCED = "balanced"


_BALANCED: Final = frozenset({"balanced", "min-masters", "least-leaders", "random"})
"""RabbitMQ's words for a leader elsewhere; all of them mean the node that leads least."""

_LOCATOR_ARGUMENTS: Final = ("x-queue-leader-locator", "x-queue-master-locator")
_LOCATOR_KEYS: Final = ("queue-leader-locator", "queue-master-locator")


@dataclass(frozen=True, slots=True)
class ReplicaRules:
    """What holds for queues of a cluster that do not say it themselves.

    Attributes:
        replicas_count: of quorum queues and streams.
        members_min: members of the in-sync set below which nothing is confirmed; 0 is half of the
            replicas, rounded up. A queue with fewer replicas has its number of replicas.
    """

    replicas_count: int = REPLICAS_COUNT
    members_min: int = 0

    def min_isr(self, replicas_count: int) -> int:
        """Return ``min_isr`` of a queue with so many replicas: 1 of 2, 2 of 3, 3 of 5."""
        wanted = self.members_min or (replicas_count + 1) // 2
        return max(1, min(wanted, replicas_count))


RULES: Final = ReplicaRules()


@dataclass(frozen=True, slots=True)
class Asked:
    """How a queue is to be replicated.

    Attributes:
        replicas_count: None is one on each node.
        nodes: only on these, one on each of them that is a member; empty is on any.
        locator: who leads a new queue.
        lease_guard: see R17; only policies ask for it.
    """

    replicas_count: int | None = 1
    nodes: tuple[str, ...] = ()
    locator: Locator = Locator.LOCAL
    lease_guard: bool = False

    def among(
        self, nodes: Collection[NodeStanding], otherwise: int = 1
    ) -> tuple[list[NodeStanding], int]:
        """Return which nodes may have a replica, and how many replicas are wanted.

        Args:
            nodes: that may hold replicas.
            otherwise: how many are wanted, on any node, where none of those that are named is
                there. RabbitMQ leaves a queue where it is then.
        """
        named = [node for node in nodes if node.name in self.nodes]
        if self.nodes:
            return (named, len(named)) if named else (list(nodes), otherwise)
        count = len(nodes) if self.replicas_count is None else self.replicas_count
        return list(nodes), min(count, REPLICAS_MAX)


def asked_of(
    kind: str,
    arguments: Mapping[str, object],
    policy: Mapping[str, object],
    *,
    durable: bool,
    exclusive: bool,
    rules: ReplicaRules = RULES,
) -> Asked:
    """Return how a queue asks to be replicated.

    Args:
        kind: ``classic``, ``quorum`` or ``stream``.
        arguments: of its declaration, as plain values; they were validated.
        policy: what its policies say together, by key; it was validated.
        durable: as declared.
        exclusive: as declared.
        rules: of the cluster.
    """
    locator = _locator(arguments, policy)
    if exclusive or not durable:
        return Asked(1, locator=Locator.LOCAL)
    match kind:
        case "quorum":
            said = (arguments.get("x-quorum-initial-group-size"), policy.get("target-group-size"))
        case "stream":
            said = (arguments.get("x-initial-cluster-size"), policy.get("initial-cluster-size"))
        case _:
            return _by_mode(policy, locator)
    return Asked(_first_count(*said, rules.replicas_count), locator=locator)


def _by_mode(policy: Mapping[str, object], locator: Locator) -> Asked:
    parameter = policy.get("ha-params")
    match policy.get("ha-mode"):
        case "all":
            return Asked(None, locator=locator)
        case "exactly":
            return Asked(_first_count(parameter, 1), locator=locator)
        case "nodes" if isinstance(parameter, list | tuple):
            names = tuple(dict.fromkeys(each for each in parameter if isinstance(each, str)))
            return Asked(len(names), names, locator)
        case _:
            return Asked(1, locator=locator)


def _locator(arguments: Mapping[str, object], policy: Mapping[str, object]) -> Locator:
    said = [arguments.get(name) for name in _LOCATOR_ARGUMENTS]
    said += [policy.get(name) for name in _LOCATOR_KEYS]
    word = next((each for each in said if each is not None), None)
    return Locator.BALANCED if word in _BALANCED else Locator.LOCAL


def _first_count(*said: object) -> int:
    """Return the first of them that is a count."""
    counts = (
        each for each in said if isinstance(each, int) and not isinstance(each, bool) and each > 0
    )
    return min(next(counts, 1), REPLICAS_MAX)
