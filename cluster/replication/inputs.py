"""What may happen to a core. Each is a value, so that a run is a list and can be played again."""

from dataclasses import dataclass

from cluster.replication.frames import LeaderFrame, MirrorFrame, Payload
from cluster.replication.ready import ReadRequest
from cluster.replication.state import LiveNode, QueueOptions, QueueState, ReplicaId


@dataclass(frozen=True, slots=True)
class MirrorConnected:
    """A connection to this mirror is up; nothing is known of it (R4)."""

    mirror: str


@dataclass(frozen=True, slots=True)
class MirrorDisconnected:
    """The connection to this mirror has ended."""

    mirror: str


@dataclass(frozen=True, slots=True)
class LeaderConnected:
    """A connection from this leader is up."""

    leader: str


@dataclass(frozen=True, slots=True)
class LeaderDisconnected:
    """The connection from this leader has ended."""

    leader: str


@dataclass(frozen=True, slots=True)
class FrameFromLeader:
    """A frame came on the connection from a leader."""

    leader: str
    frame: LeaderFrame


@dataclass(frozen=True, slots=True)
class FrameFromMirror:
    """An answer came on the connection to a mirror."""

    mirror: str
    frame: MirrorFrame


@dataclass(frozen=True, slots=True)
class Attach:
    """Fence a mirror for one queue that this node leads."""

    mirror: str
    queue: str


@dataclass(frozen=True, slots=True)
class Fsynced:
    """All WAL writes up to this number are on disk."""

    number: int


@dataclass(frozen=True, slots=True)
class RecordsRead:
    """The answer to a read: ``count`` records, or a snapshot with its content."""

    request: ReadRequest
    count: int
    payload: Payload


@dataclass(frozen=True, slots=True)
class StateRead:
    """A linearizable read of a queue's state (R15).

    The ``StoreSeen`` of the same answer comes before it; where that froze the node, the shell
    drops what was read. ``options`` are of the same value; None where they never change.
    """

    queue: str
    state: QueueState
    revision: int
    options: QueueOptions | None = None


@dataclass(frozen=True, slots=True)
class TransactionDone:
    """The store has applied a transaction, at this revision."""

    number: int
    revision: int


@dataclass(frozen=True, slots=True)
class TransactionRefused:
    """The store compared and did not apply it; it never will."""

    number: int


@dataclass(frozen=True, slots=True)
class TransactionUnknown:
    """No answer came in time; it may be applied, now or later (R7)."""

    number: int


@dataclass(frozen=True, slots=True)
class Shrink:
    """Take a replica out of the in-sync set."""

    queue: str
    replica: ReplicaId


@dataclass(frozen=True, slots=True)
class Grow:
    """Take a mirror into the in-sync set."""

    queue: str
    mirror: str


@dataclass(frozen=True, slots=True)
class Touch:
    """Write the state unchanged, so that a write of unknown outcome is settled (R7)."""

    queue: str


@dataclass(frozen=True, slots=True)
class Move:
    """Hand the queue to a member, whose ``live`` key has this create revision (R22)."""

    queue: str
    target: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class HandOver:
    """Move the queue as ``Move`` does, once it has stood still for a moment where it is in use."""

    queue: str
    target: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Give a queue up to a member, because too few replicas are reached from here (R24).

    ``incarnation`` is the create revision of the ``live`` key that names this replica.
    """

    queue: str
    target: ReplicaId
    incarnation: int


@dataclass(frozen=True, slots=True)
class ChangeOptions:
    """Replicate a queue in another way: by the same write as its in-sync set (R8)."""

    queue: str
    options: QueueOptions


@dataclass(frozen=True, slots=True)
class Forget:
    """The queue is gone: take no part in it any more; its log is the shell's to drop."""

    queue: str


@dataclass(frozen=True, slots=True)
class BeginAnew:
    """Nobody counts on what the replica has, which is damaged or takes room: replace it by nothing.

    The state of this epoch has an in-sync set without this replica. Either it has promised no
    leader so late an epoch, or the leader of this epoch has let it go since it answered a fence
    last. Who leads finds an empty log. ``payload`` is the content of nothing.
    """

    queue: str
    epoch: int
    payload: Payload
    is_let_go: bool = False


@dataclass(frozen=True, slots=True)
class Elect:
    """As the controller: give a queue to a candidate; None leaves the choice to the core.

    ``options`` are of the same value as the state; None: those that are known.
    """

    queue: str
    state: QueueState
    revision: int
    live: dict[str, LiveNode]
    candidate: str | None = None
    options: QueueOptions | None = None


@dataclass(frozen=True, slots=True)
class LeaseGranted:
    """A new ``live`` key: its create revision, and when it was asked for, on the own clock."""

    incarnation: int
    asked_at_ms: int
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class LeaseRenewed:
    """A good renewal of that key, and when it was asked for."""

    asked_at_ms: int
    ttl_ms: int


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """The head of an answer of the store: its revision, and this node's ``member`` record."""

    revision: int
    disk: str
    stamp: int


@dataclass(frozen=True, slots=True)
class StampRaised:
    """The stamp is raised on disk; ``stored`` once ``member`` has it too (R20)."""

    stamp: int
    stored: bool


@dataclass(frozen=True, slots=True)
class Compact:
    """Compact a queue's log up to an index; None is all that is committed."""

    queue: str
    position: int | None = None


Input = (
    MirrorConnected
    | MirrorDisconnected
    | LeaderConnected
    | LeaderDisconnected
    | FrameFromLeader
    | FrameFromMirror
    | Attach
    | Fsynced
    | RecordsRead
    | StateRead
    | TransactionDone
    | TransactionRefused
    | TransactionUnknown
    | Shrink
    | Grow
    | Touch
    | Move
    | HandOver
    | GiveUp
    | ChangeOptions
    | Forget
    | BeginAnew
    | Elect
    | LeaseGranted
    | LeaseRenewed
    | StoreSeen
    | StampRaised
    | Compact
)
