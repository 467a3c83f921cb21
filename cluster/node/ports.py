"""What a cluster's node needs of those around it: its disk, and the broker that it serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cluster.mirrored.log import MirroredLog
from cluster.replication.identity import DiskIdentity
from persistence.queue_recovery import RecoveredQueue
from persistence.replicas.log import ReplicaLog


@dataclass(frozen=True, slots=True)
class KeptIdentity:
    """What a disk says of itself.

    ``is_begun`` is False from before the replicas of an earlier identity are dropped until the
    store knows the new one: a start that finds it False takes the disk for an empty one.
    """

    identity: DiskIdentity
    is_begun: bool


class NodeDisk(Protocol):
    """Identity and replicas on this node's disk, locked for this process.

    A replica is known by its queue's id. What is made or dropped is so after a crash once the
    node's group commit has come to the LSN that was returned; until then it is so, or is not.
    """

    def identity(self) -> KeptIdentity | None:
        """Return what the disk says of itself; None where no node of a cluster ran on it.

        Raises:
            IdentityDamagedError: it cannot be read.
            OSError: the disk refuses.
        """

    def keep_identity(self, kept: KeptIdentity) -> None:
        """Put it on the disk, synced; called on a thread.

        Raises:
            OSError: the disk refuses.
        """

    def replicas(self) -> Mapping[str, ReplicaLog]:
        """Return the replicas that are whole."""

    def lost_replicas(self) -> tuple[str, ...]:
        """Return of which queues a replica is known, but not whole."""

    def make_replica(self, queue_id: str, max_priority: int | None) -> ReplicaLog:
        """Return the log of a new replica, which will be found by its queue's id.

        Args:
            queue_id: of the queue.
            max_priority: the queue's; None where it is no priority queue.
        """

    def was_dropped(self, queue_id: str) -> bool:
        """Return whether a queue is gone of which this disk had a replica: make none again."""

    def drop_replica(self, queue_id: str, *, is_gone: bool) -> int:
        """Drop a replica, whole or not; return the LSN of the last of it.

        With ``is_gone`` no replica of this queue is ever made here again; without it the disk
        begins as another one, which may have one.
        """

    def last_lsn(self) -> int:
        """Return the LSN of all that was made or dropped so far."""


class Broker(Protocol):
    """Who serves the queues that this node leads. Called in the loop; it must not raise."""

    def serve(self, queue_id: str, log: MirroredLog, found: RecoveredQueue) -> None:
        """This node leads a queue from now on, with these messages, all ready and redelivered."""

    def stop(self, queue_id: str) -> None:
        """This node does not lead a queue any more; what waits for its confirms was told."""


class ClusterListener(Protocol):
    """Who wants to know of leaders and nodes. Called in the loop; it must not raise."""

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        """Leader or state of these queues is another one, or they are gone."""

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        """These nodes live, do not live any more, or are other incarnations."""
