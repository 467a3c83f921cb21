"""Where a new queue of the cluster is: which nodes have it, and who leads it first."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from amqp_server.broker.arguments.declare import queue_kind
from amqp_server.broker.arguments.options import queue_options
from amqp_server.broker.definitions.definition import QueueDefinition
from cluster.definitions.waiting_queues import exchange_behind
from cluster.metadata.records import StoredQueueState
from cluster.node.view import ClusterView
from cluster.placement.asking import Asked, ReplicaRules, asked_of
from cluster.placement.nodes import NodeStanding
from cluster.placement.placing import placed
from queues.kinds import QueueKind

PolicyOf = Callable[[str, str, QueueKind], Mapping[str, object]]
"""Returns what the policies of a vhost say together of a queue: vhost, name, kind."""


class Wanted(NamedTuple):
    """How a queue is to be replicated.

    Attributes:
        asked: what its arguments and policies say.
        lowers: whether it gives replicas up that it does not ask for. A classic queue does where a
            policy says how it is mirrored; one that says nothing of it takes no mirror away.
    """

    asked: Asked
    lowers: bool


class Placing:
    """A ``broker.clustered.declaring.PlaceQueue``.

    Args:
        node: the name of this node.
        view: what is known of the cluster.
        rules: of the cluster.
        policy_of: the policies that hold.
    """

    def __init__(
        self, node: str, view: ClusterView, rules: ReplicaRules, policy_of: PolicyOf
    ) -> None:
        self._node = node
        self._view = view
        self._rules = rules
        self._policy_of = policy_of

    def __call__(self, queue: QueueDefinition, queue_id: str) -> StoredQueueState | None:
        """Return the state that a new queue begins with; None where it is on this node alone."""
        if not queue.durable:
            return None
        asked = self.wanted(queue).asked
        state = placed(queue_id, asked, self.standings(), self._node, self._rules)
        kind = queue_kind(queue.name, queue.vhost, queue.arguments)
        top = queue_options(kind, queue.arguments, {}).max_priority
        return replace(state, max_priority=top)

    def wanted(self, queue: QueueDefinition) -> Wanted:
        """Return how a durable queue is to be replicated, by its arguments and the policies now."""
        kind = queue_kind(queue.name, queue.vhost, queue.arguments)
        # What waits for an exchange is in a queue that no policy is about.
        is_named = exchange_behind(queue.name) is None
        policy = self._policy_of(queue.vhost, queue.name, kind) if is_named else {}
        arguments = {name: getattr(each, "value", each) for name, each in queue.arguments.items()}
        asked = asked_of(
            kind.name, arguments, policy, durable=True, exclusive=False, rules=self._rules
        )
        return Wanted(asked, lowers=kind.name == "classic" and "ha-mode" in policy)

    def standings(self) -> list[NodeStanding]:
        """Return the members of the cluster, with what they have."""
        view = self._view
        found = []
        for name, member in view.members.items():
            standing = NodeStanding(
                name,
                member.disk,
                zone=member.zone,
                state=member.state,
                leaders_count=view.led_count(name),
                replicas_count=view.replicas_count(name),
            )
            peer = view.live.get(name)
            if peer is not None:
                standing = replace(standing, disk=peer.record.disk, incarnation=peer.incarnation)
            found.append(standing)
        return found
