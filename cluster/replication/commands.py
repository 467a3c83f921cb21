"""What only an operator decides: promotions that lose, and the way back of a restored store."""

from collections.abc import Mapping
from dataclasses import replace

from cluster.replication.election import is_due
from cluster.replication.epoch_table import epoch_at
from cluster.replication.state import (
    InSyncSet,
    LiveNode,
    QueueState,
    ReplicaId,
    StoredReplica,
)


class NotPermittedError(Exception):
    """The command would do harm now; the text says what stands against it."""


def promotion(
    state: QueueState, name: str, live: Mapping[str, LiveNode], *, is_damaged: bool = False
) -> QueueState:
    """Return the state in which a replica leads alone, by command (R18).

    Outside of the in-sync set: what its log lacks is lost, and so is what the cut-off side confirms
    until it is fenced, unless the queue has the lease guard.

    A leader whose replica is damaged, and that no other member can relieve: it has every confirmed
    record, and alone it gives up those that cannot be read. It goes on in another epoch, so what
    was submitted in this one is never applied.

    Args:
        state: of the queue.
        name: of the node that is to lead.
        live: who lives, on which disk.
        is_damaged: the leader says that some of its replica cannot be read.

    Raises:
        NotPermittedError: somebody leads and can go on, or the replica's node does not live.
    """
    if not is_due(state, live):
        if name != state.leader or not is_damaged:
            raise NotPermittedError(f"{state.leader} leads")
        if able := living_members(state, live) - {live[name].replica}:
            names = ", ".join(sorted(each.node for each in able))
            raise NotPermittedError(f"{names} has all messages and is about to lead")
    if name not in live:
        raise NotPermittedError(f"{name} does not live")
    chosen = live[name]
    return QueueState(name, chosen.incarnation, state.epoch + 1, frozenset({chosen.replica}))


def living_members(state: QueueState, live: Mapping[str, LiveNode]) -> InSyncSet:
    """Return the members of the in-sync set whose node lives, with the disk that is meant."""
    return state.in_sync_set & {each.replica for each in live.values()}


def recovery(state: QueueState, logs: Mapping[ReplicaId, StoredReplica]) -> QueueState:
    """Return a queue's state after the store went back, from all its replicas' disks (R21).

    All brokers are stopped, and the store's revision is above every one that was seen. The log
    with the highest last epoch wins, then the longest; nobody leads until the election.
    """

    def rank(replica: ReplicaId) -> tuple[int, int]:
        log = logs[replica]
        return epoch_at(log.table, log.end), log.end

    winner = max(logs, key=rank)
    epoch = max(state.epoch, *(log.promised for log in logs.values())) + 1
    members = frozenset({winner})
    return replace(state, leader="", incarnation=-1, epoch=epoch, in_sync_set=members)
