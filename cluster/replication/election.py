"""Election by the controller: from the in-sync set only, in one transaction (R13)."""

from collections.abc import Mapping

from cluster.replication.node_state import NodeState
from cluster.replication.ready import Change, StateTransaction
from cluster.replication.state import InSyncSet, LiveNode, QueueState


def is_due(state: QueueState, live: Mapping[str, LiveNode]) -> bool:
    """Return whether a queue's leader has gone: no ``live`` key, or another one."""
    leader = live.get(state.leader)
    return leader is None or leader.incarnation != state.incarnation


def candidates(
    node: NodeState, queue: str, state: QueueState, live: Mapping[str, LiveNode]
) -> list[str]:
    """Return who may be elected, in the order of the replicas."""
    options = node.options[queue]
    return node.rules.candidates(options.replicas, state.in_sync_set, live)


def without_dead(members: InSyncSet, live: Mapping[str, LiveNode], min_isr: int) -> InSyncSet:
    """Return a set without members that do not live, as long as ``min_isr`` are left."""
    living = {each.replica for each in live.values()}
    left = set(members)
    for replica in sorted(members - living):
        if len(left) > min_isr:
            left.discard(replica)
    return frozenset(left)


def elect(
    node: NodeState,
    queue: str,
    state: QueueState,
    revision: int,
    live: Mapping[str, LiveNode],
    candidate: str | None,
) -> None:
    """Submit a new leader; nothing where nobody can be elected: the queue is offline."""
    if candidate is None:
        able = candidates(node, queue, state, live)
        if not able:
            return
        candidate = able[0]
    chosen = live[candidate]
    members = node.rules.elected_set(state.in_sync_set, chosen)
    living = {chosen.replica.node: chosen, **live}
    left = without_dead(members, living, node.options[queue].min_isr)
    disk = node.identity.disk
    transaction = StateTransaction(
        node.next_transaction(),
        Change.ELECT,
        queue,
        revision,
        QueueState(candidate, chosen.incarnation, state.epoch + 1, left),
        disk.disk,
        disk.stamp,
        ((candidate, chosen.incarnation),),
        node.lease.incarnation,
    )
    node.submit(transaction)
