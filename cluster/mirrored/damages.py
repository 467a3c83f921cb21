"""Queues whose replica here has octets on its disk that are not those that were written.

Such a replica is lost for its own queue, and for no other. Another member of the in-sync set has
what cannot be read here. So nothing is given up: reads are refused, whoever leads next reads its
own disk, and this node does not lead the queue while such a member lives. Where this node is the
whole in-sync set, what cannot be read is lost, as in a queue that is not mirrored.

A leader with such a replica takes no other member out who is the last one, whatever ``min_isr``
says: what would be lost is there, though that node is away.

Once nobody counts on the replica, it begins anew, and gets all messages from the leader.
"""

import logging
from collections.abc import Iterator

from cluster.replication.core import ReplicationCore
from cluster.replication.state import QueueState
from persistence.errors import StorageError

log = logging.getLogger(__name__)


class Damages:
    """The queues whose replica is damaged, as far as that was found out.

    Args:
        core: of this node.
    """

    def __init__(self, core: ReplicationCore) -> None:
        self._core = core
        self._queues = core.node.damaged

    def __contains__(self, queue: object) -> bool:
        return queue in self._queues

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._queues))

    def __len__(self) -> int:
        return len(self._queues)

    def note(self, queue: str, error: StorageError | OSError) -> None:
        """Note that something of a queue cannot be read."""
        if queue not in self._queues:
            self._core.set_damaged(queue, is_damaged=True)
            log.error("the replica of queue %s is damaged here: %s", queue, error)

    def keeps(self, queue: str, error: StorageError | OSError) -> bool:
        """Note damage; return whether another replica has what cannot be read here."""
        self.note(queue, error)
        return not self.is_alone(queue)

    def is_alone(self, queue: str) -> bool:
        """Return whether this node leads a queue and nobody else has all of it."""
        lead = self._core.lead_of(queue)
        return lead is not None and lead.waited_for() == {self._core.node.replica_id}

    def may_begin_anew(self, queue: str, state: QueueState) -> bool:
        """Return whether nobody counts on the replica, nor will, before it has all anew.

        The in-sync set of an epoch gets a replica only after this has answered the leader of that
        epoch. It has answered nobody of an epoch that it has not promised.
        """
        node = self._core.node
        replica = node.replicas.get(queue)
        return (
            queue in self._queues
            and replica is not None
            and replica.promised < state.epoch
            and node.replica_id not in state.in_sync_set
        )

    def forget(self, queue: str) -> None:
        """The replica begins anew, or is gone."""
        self._core.set_damaged(queue, is_damaged=False)
