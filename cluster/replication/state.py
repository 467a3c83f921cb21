"""What the metadata store says of a queue and its nodes, and how a queue is replicated."""

from dataclasses import dataclass
from typing import NamedTuple


class ReplicaId(NamedTuple):
    """A disk of a node (R3). A new disk is another replica, which is a member of nothing."""

    node: str
    disk: str


InSyncSet = frozenset[ReplicaId]


@dataclass(frozen=True, slots=True)
class QueueState:
    """The record of a queue in the metadata store.

    ``incarnation`` is the create revision of the leader's ``live`` key when it was elected; an
    epoch belongs to that one process (R2). ``leader`` is empty where there is none.
    """

    leader: str
    incarnation: int
    epoch: int
    in_sync_set: InSyncSet


class Kept(NamedTuple):
    """A number of replicas that a queue keeps, as long as it is asked for another one.

    ``replicas_count`` is what somebody decided on by a command; ``asked_count`` what the queue's
    arguments and policies said then. Once they say something else, that holds.
    """

    replicas_count: int
    asked_count: int


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How a queue is replicated.

    ``replicas`` are names of nodes. Below ``min_isr`` members nothing is committed. With
    ``lease_guard`` it is committed only while the lease of the leadership is valid (R17). ``kept``
    None: it has as many replicas as it asks for.
    """

    replicas: tuple[str, ...]
    min_isr: int = 1
    lease_guard: bool = False
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class LiveNode:
    """A ``live`` key: its create revision, and the disk that its node runs on."""

    incarnation: int
    replica: ReplicaId


@dataclass(frozen=True, slots=True)
class StoredReplica:
    """What a node finds of a queue on its disk when it starts.

    ``base`` is the index up to which records are compacted away; ``end`` is the last index.
    """

    promised: int = 0
    base: int = 0
    end: int = 0
    table: tuple[tuple[int, int], ...] = ()
