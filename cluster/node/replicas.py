"""Which replicas this node has: one for each queue whose state names it, until the queue is gone.

That the store does not list a queue says nothing: a replica is dropped when a note says that the
queue is gone, and then alone.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from cluster.mirrored.followed_streams import LivingLeader
from cluster.mirrored.fsyncs import NodeCommit
from cluster.mirrored.node import MirroredNode
from cluster.mirrored.sparing import KnownState
from cluster.node.ports import NodeDisk
from cluster.node.view import ClusterView
from cluster.replication.state import QueueOptions

UNKNOWN = QueueOptions(())
"""How a queue is replicated, before a read has said so; no replica leads before that."""


class Replicas:
    """The replicas of a running node.

    Args:
        node: its name.
        view: of the cluster.
        shell: takes part with them.
        disk: has them.
        commit: the node's group commit.
        read: reads a queue's state.
        dropped: is called when a queue that is gone has no replica here, also after a crash.
    """

    def __init__(
        self,
        node: str,
        *,
        view: ClusterView,
        shell: MirroredNode,
        disk: NodeDisk,
        commit: NodeCommit,
        read: Callable[[str], None],
        dropped: Callable[[str], None],
    ) -> None:
        self._node = node
        self._view = view
        self._shell = shell
        self._disk = disk
        self._commit = commit
        self._read = read
        self._dropped = dropped
        shell.sparing.known = self._known
        shell.followed.leader_of = self._leader_of

    def take_part_with_stored(self) -> None:
        """Take part with what the disk has, before anything is answered."""
        for queue_id, replica in self._disk.replicas().items():
            self._shell.add_replica(queue_id, UNKNOWN, replica)

    def note_queue(self, queue_id: str, incarnation: int) -> None:
        """A queue's state may be another one: have a replica, and read what concerns this node.

        Args:
            queue_id: of the queue.
            incarnation: of this node now; 0 before it has one.
        """
        known = self._view.queues.get(queue_id)
        if known is None or queue_id in self._view.gone:
            return
        state, options = known.stored.state, known.stored.options
        if queue_id not in self._shell.replicas():
            if self._node not in options.replicas or self._disk.was_dropped(queue_id):
                return
            replica = self._disk.make_replica(queue_id, known.stored.max_priority)
            self._shell.add_replica(queue_id, options, replica)
        self.note_state(queue_id)
        lead = self._shell.core.lead_of(queue_id)
        is_newer = lead is not None and known.revision > lead.revision
        is_elected = (state.leader, state.incarnation) == (self._node, incarnation)
        if is_newer or (is_elected and lead is None):
            self._read(queue_id)

    def note_state(self, queue_id: str) -> None:
        """A queue's state is another one: a damaged replica may begin anew."""
        known = self._view.queues.get(queue_id)
        if known is not None:
            self._shell.note_state(queue_id, known.stored.state)

    def _known(self, queue_id: str) -> KnownState | None:
        known = self._view.queues.get(queue_id)
        if known is None:
            return None
        state, live = known.stored.state, self._view.live_nodes()
        living = [
            each
            for each in state.in_sync_set
            if each.node in live and live[each.node].replica == each
        ]
        return KnownState(state, known.stored.options.min_isr, frozenset(living))

    def _leader_of(self, queue_id: str) -> LivingLeader | None:
        """Return the leader of a queue, if it lives and is another node."""
        known = self._view.queues.get(queue_id)
        if known is None or known.stored.state.leader == self._node:
            return None
        state = known.stored.state
        peer = self._view.live.get(state.leader)
        if peer is None or peer.incarnation != state.incarnation:
            return None
        return LivingLeader(state.leader, state.epoch)

    def note_gone(self, queue_id: str) -> None:
        """There may be a note that a queue is gone: drop what is here of it."""
        if queue_id not in self._view.gone:
            return
        if queue_id in self._shell.replicas():
            self._shell.drop_replica(queue_id)
            lsn = self._disk.drop_replica(queue_id, is_gone=True)
        else:
            # It may have been dropped a moment ago.
            lsn = self._disk.last_lsn()
        self._commit.wait(lsn, lambda: self._dropped(queue_id))

    def audit(self, count_max: int) -> Iterator[None]:
        """Look at all queues and notes again, so many at a time: an answer may have been lost."""
        for queue_ids, note in (
            (iter(tuple(self._view.queues)), self._note_again),
            (iter(tuple(self._view.gone)), self.note_gone),
        ):
            while piece := list(islice(queue_ids, count_max)):
                for queue_id in piece:
                    note(queue_id)
                yield

    def _note_again(self, queue_id: str) -> None:
        self.note_queue(queue_id, self._shell.core.node.lease.incarnation)
