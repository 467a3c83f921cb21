"""What nodes say to each other. Records are opaque here: ``payload`` is the shell's affair."""

from dataclasses import dataclass

from cluster.replication.epoch_table import EpochTable
from cluster.replication.state import ReplicaId

Payload = object


@dataclass(frozen=True, slots=True)
class Fence:
    """Leader: promise this epoch, and say what your log holds."""

    queue: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Tail:
    """Leader: your log is equal to mine up to ``after``; cut it there and append ``count`` records.

    ``spans`` say which epochs wrote the records. ``commit`` is the leader's commit index.
    """

    queue: str
    epoch: int
    after: int
    after_epoch: int
    spans: EpochTable
    count: int
    payload: Payload
    commit: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Leader: replace your log by what was live at ``position``, of one moment (R14)."""

    queue: str
    epoch: int
    position: int
    table: EpochTable
    payload: Payload


@dataclass(frozen=True, slots=True)
class Append:
    """Leader: a run behind ``after``; ``lsn`` is that of its last record on this link (R5)."""

    queue: str
    epoch: int
    after: int
    after_epoch: int
    count: int
    payload: Payload
    lsn: int
    commit: int


@dataclass(frozen=True, slots=True)
class Part:
    """Leader: messages for a snapshot, ``payload``, at positions from ``start`` up to ``stop``.

    They were live at a place of the log. ``number`` is that of the read. One without octets comes
    first, and asks for a ``Want``. Parts and wants pass between shells; a core does nothing with
    them, as only the snapshot behind them changes a log.
    """

    queue: str
    epoch: int
    number: int
    start: int
    stop: int
    index: int
    index_epoch: int
    payload: Payload


@dataclass(frozen=True, slots=True)
class CommitNote:
    """Leader: ``commit`` is my commit index; for who follows a queue in which little happens.

    It leaves for a mirror that is live, behind the runs that it speaks of. No number answers it.
    """

    queue: str
    epoch: int
    commit: int


@dataclass(frozen=True, slots=True)
class LetGo:
    """Leader: you refused this queue in this epoch, and nobody counts on what you have of it.

    The in-sync set does not have you, nor does a write that is under way. It will only after you
    have answered a fence that comes behind this. It passes between shells, as a ``Part`` does.
    """

    queue: str
    epoch: int


LeaderFrame = Fence | Tail | Snapshot | Append | Part | CommitNote | LetGo


@dataclass(frozen=True, slots=True)
class Ends:
    """Mirror: the promise is on disk; this is my replica id and my log."""

    queue: str
    epoch: int
    replica: ReplicaId
    table: EpochTable
    end: int
    base: int


@dataclass(frozen=True, slots=True)
class Got:
    """Mirror: up to ``end`` this queue is on my disk."""

    queue: str
    epoch: int
    end: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Mirror: frames of this queue were not obeyed; ``promised`` is the epoch promised."""

    queue: str
    promised: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Mirror: all that you wrote up to this LSN and I did not refuse is on my disk."""

    lsn: int


@dataclass(frozen=True, slots=True)
class Want:
    """Mirror: I have what was live below ``position`` at this place of the log; go on from there.

    ``number`` is that of the parts. With ``anew`` what is under way is of no use.
    """

    queue: str
    epoch: int
    number: int
    position: int
    index: int
    index_epoch: int
    anew: bool


@dataclass(frozen=True, slots=True)
class Follow:
    """Mirror: tell me, or do not any more, how far this queue is committed: it is read here.

    As a ``Want`` it passes between shells; a core does nothing with it.
    """

    queue: str
    epoch: int
    is_on: bool


MirrorFrame = Ends | Got | Refused | Ack | Want | Follow
