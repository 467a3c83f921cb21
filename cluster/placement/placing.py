"""The first state of a queue: its replicas, its leader, its in-sync set.

All chosen replicas that live are members of the in-sync set at once. Nothing of the queue was
confirmed yet, so an empty replica lacks nothing (I1), and each of them may be elected (R13). From
then on the rules hold it so: the leader serves once the record that begins its epoch is on the
disks of all of them (R10, R11), and a member that does not answer must be taken out in the store
before anything is confirmed without it (R8). A set of the leader alone would be as safe, but the
queue would be offline if the leader died before a mirror was taken in.

A replica whose node is away is no member, for the queue would not serve until it was taken out. It
is taken in when it comes back, with a log from the leader. Only where fewer than ``min_isr`` nodes
live is the set filled up to that number: it is what R8 would leave of the set of all, with nothing
appended, and one of those who are away may then be elected.

The epoch is 1, above the promise 0 of a replica that heard of no leader (R11): a queue's id is new,
also where its name is not. Where no node lives, nobody leads in epoch 0, and the election is due at
once.
"""

from collections.abc import Collection, Iterable

from cluster.metadata.records import StoredQueueState
from cluster.placement.asking import RULES, Asked, Locator, ReplicaRules
from cluster.placement.nodes import NodeStanding, lot
from cluster.replication.state import InSyncSet, QueueOptions, QueueState


def placed(
    queue_id: str,
    asked: Asked,
    nodes: Collection[NodeStanding],
    declaring: str,
    rules: ReplicaRules = RULES,
) -> StoredQueueState:
    """Return the state that a new queue begins with.

    Args:
        queue_id: of the queue; no other one ever had it.
        asked: how it is to be replicated.
        nodes: the members of the cluster.
        declaring: the node whose client declares it.
        rules: of the cluster.

    Raises:
        ValueError: the cluster has no member that may hold a replica.
    """
    eligible, wanted = asked.among([node for node in nodes if node.may_hold()])
    if not eligible:
        raise ValueError("no node of the cluster may hold a replica: all of them leave it")
    first = _first(queue_id, asked, eligible, declaring)
    chosen = [first, *spread(queue_id, eligible, wanted - 1, [first])]
    min_isr = rules.min_isr(len(chosen))
    state = QueueState("", 0, 0, _first_members(chosen, min_isr))
    if first.is_live:
        state = QueueState(first.name, first.incarnation, 1, state.in_sync_set)
    options = QueueOptions(tuple(node.name for node in chosen), min_isr, asked.lease_guard)
    return StoredQueueState(queue_id, state, options)


def spread(
    queue_id: str, nodes: Iterable[NodeStanding], count: int, held: Iterable[NodeStanding]
) -> list[NodeStanding]:
    """Return up to so many nodes for further replicas, in the order in which they would lead.

    Each is the one whose zone has fewest replicas of the queue, then the one that has fewest
    replicas of all queues.

    Args:
        queue_id: of the queue.
        nodes: who may be chosen.
        count: how many; with 0 or less none.
        held: who has a replica already.
    """
    taken = list(held)
    names = {node.name for node in taken}
    free = [node for node in nodes if node.name not in names and node.may_hold()]
    chosen: list[NodeStanding] = []
    while free and len(chosen) < count:
        zones = [node.zone for node in (*taken, *chosen)]
        best = min(
            free,
            key=lambda node: (
                node.tier(),
                zones.count(node.zone),
                node.replicas_count,
                lot(queue_id, node.name),
            ),
        )
        free.remove(best)
        chosen.append(best)
    return chosen


def _first(
    queue_id: str, asked: Asked, eligible: Collection[NodeStanding], declaring: str
) -> NodeStanding:
    """Return who is to lead."""

    def rank(node: NodeStanding) -> tuple[int, bool, int, int, int]:
        is_elsewhere = asked.locator is Locator.LOCAL and node.name != declaring
        return (
            node.tier(),
            is_elsewhere,
            node.leaders_count,
            node.replicas_count,
            lot(queue_id, node.name),
        )

    return min(eligible, key=rank)


def _first_members(chosen: Collection[NodeStanding], min_isr: int) -> InSyncSet:
    members = [node.replica for node in chosen if node.is_live]
    absent = [node.replica for node in chosen if not node.is_live]
    return frozenset([*members, *absent[: max(0, min_isr - len(members))]])
