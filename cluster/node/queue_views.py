"""How a mirrored queue is, as a frozen answer for whoever shows it."""

from dataclasses import dataclass
from enum import Enum

from cluster.node.view import ClusterView, KnownQueue
from cluster.replication.commit import safe_index
from cluster.replication.core import ReplicationCore
from cluster.replication.election import is_due


class Availability(Enum):
    """Whether a queue can be used now."""

    RUNNING = "running"
    ELECTING = "electing"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class MirroredQueueView:
    """One mirrored queue.

    Attributes:
        leader: its node; empty where there is none.
        in_sync_set: nodes whose replicas are members of the in-sync set.
        lags: by mirror, how many records it has not answered for; only the leader's node knows
            them, and of mirrors that are attached. Empty elsewhere.
        has_lost: an operator let a replica lead that may lack confirmed records.
    """

    queue_id: str
    vhost: str
    name: str
    availability: Availability
    leader: str
    epoch: int
    replicas: tuple[str, ...]
    in_sync_set: tuple[str, ...]
    min_isr: int
    lags: tuple[tuple[str, int], ...]
    has_lost: bool

    @property
    def is_under_replicated(self) -> bool:
        """Whether a replica is not in sync."""
        return len(self.in_sync_set) < len(self.replicas)

    @property
    def is_at_min_isr(self) -> bool:
        """Whether the loss of one more member stops the queue."""
        return len(self.in_sync_set) <= self.min_isr


def view_of(queue_id: str, view: ClusterView, core: ReplicationCore) -> MirroredQueueView | None:
    """Return how a queue is; None where nobody knows of it."""
    known = view.queues.get(queue_id)
    if known is None:
        return None
    state, options = known.stored.state, known.stored.options
    return MirroredQueueView(
        queue_id,
        known.vhost,
        known.name,
        _availability(known, view),
        state.leader,
        state.epoch,
        options.replicas,
        tuple(sorted(member.node for member in state.in_sync_set)),
        options.min_isr,
        _lags(queue_id, core),
        not known.stored.clean,
    )


def waiting_count(mirror: str, core: ReplicationCore) -> int:
    """Return about how many records of this node wait for the disk of a mirror, of all queues.

    Records that wait for other mirrors only may be counted too while any waits for this one.
    """
    link = core.node.to_mirrors.get(mirror)
    safe_lsn = 0 if link is None else link.safe_lsn
    waiting = 0
    for key, line in core.node.lines.items():
        if mirror in key.mirrors and line.runs:
            first_lsn, last_lsn = line.runs[0][0], line.runs[-1][0]
            waiting = max(waiting, last_lsn - max(safe_lsn, first_lsn - 1))
    return waiting


def _availability(known: KnownQueue, view: ClusterView) -> Availability:
    state, live = known.stored.state, view.live_nodes()
    if not is_due(state, live):
        return Availability.RUNNING
    members = {each.replica for each in live.values()}
    return Availability.ELECTING if state.in_sync_set & members else Availability.OFFLINE


def _lags(queue_id: str, core: ReplicationCore) -> tuple[tuple[str, int], ...]:
    lead = core.lead_of(queue_id)
    if lead is None:
        return ()
    found = []
    for mirror, progress in sorted(lead.mirrors.items()):
        if progress.replica is not None:
            have = safe_index(core.node, lead, progress.replica)
            if progress.replica in lead.state.in_sync_set:
                have = max(have, lead.commit)
            found.append((mirror, max(0, lead.replica.end - have)))
    return tuple(found)
