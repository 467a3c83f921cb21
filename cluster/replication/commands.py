"""What only an operator decides: a promotion that loses, and the way back of a restored store."""

from collections.abc import Mapping
from dataclasses import replace

from cluster.replication.election import is_due
from cluster.replication.epoch_table import epoch_at
from cluster.replication.state import LiveNode, QueueState, ReplicaId, StoredReplica


class NotPermittedError(Exception):
    """The command would do harm now; the text says what stands against it."""


def promotion(state: QueueState, name: str, live: Mapping[str, LiveNode]) -> QueueState:
    """Return the state in which a replica outside of the in-sync set leads (R18).

    What its log lacks is lost, and so is what the cut-off side confirms until it is fenced, unless
    the queue has the lease guard. NotPermittedError while the old leader lives, or where the
    replica's node does not.
    """
    if not is_due(state, live):
        raise NotPermittedError(f"{state.leader} leads")
    if name not in live:
        raise NotPermittedError(f"{name} does not live")
    chosen = live[name]
    return QueueState(name, chosen.incarnation, state.epoch + 1, frozenset({chosen.replica}))


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
