"""What a core asks of its shell after an input, in the manner of etcd's raft.

The shell writes ``writes`` into the WAL in their order, and may hand ``frames`` to the links
before that: what has to wait for an fdatasync is held back by the core until ``Fsynced`` covers
it. Frames of one link leave in their order.
"""

from dataclasses import dataclass, field
from enum import Enum

from cluster.replication.epoch_table import EpochTable
from cluster.replication.frames import LeaderFrame, MirrorFrame, Payload
from cluster.replication.state import QueueOptions, QueueState


class EpochStart(Enum):
    """The payload of the one record that begins an epoch."""

    RECORD = "epoch start"


@dataclass(frozen=True, slots=True)
class PromiseWrite:
    """No leader below this epoch is obeyed any more."""

    number: int
    queue: str
    epoch: int


@dataclass(frozen=True, slots=True)
class AppendWrite:
    """The log is cut behind ``after``, then ``count`` records are appended: one WAL record."""

    number: int
    queue: str
    after: int
    spans: EpochTable
    count: int
    payload: Payload


@dataclass(frozen=True, slots=True)
class InstallWrite:
    """The log is replaced by a snapshot at ``position``; the promise stays: one WAL record."""

    number: int
    queue: str
    position: int
    table: EpochTable
    payload: Payload


@dataclass(frozen=True, slots=True)
class CompactWrite:
    """Records up to ``position`` may go, once their live set at that position is kept."""

    number: int
    queue: str
    position: int


WalWrite = PromiseWrite | AppendWrite | InstallWrite | CompactWrite


class Change(Enum):
    """What a transaction over a queue's state is for."""

    SHRINK = "shrink"
    GROW = "grow"
    TOUCH = "touch"
    MOVE = "move"
    OPTIONS = "options"
    ELECT = "elect"


@dataclass(frozen=True, slots=True)
class StateTransaction:
    """Compare, then put: the state's revision, the incarnations and the submitter's identity.

    ``live`` names nodes whose ``live`` key must have this create revision; ``controller`` is the
    incarnation that must hold ``ctl``, None where it does not matter. The store also compares
    ``member/<submitter>`` with disk and stamp (R20). ``options`` are put with the state; None
    leaves those that are there.
    """

    number: int
    change: Change
    queue: str
    expected_revision: int
    new: QueueState
    disk: str
    stamp: int
    live: tuple[tuple[str, int], ...] = ()
    controller: int | None = None
    options: QueueOptions | None = None


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Records for a mirror that is behind: those after an index, ``count`` of them at most.

    With ``snapshot`` it is the live set at index ``after`` instead, or at a later one that is
    committed, or at a lower one for a mirror whose log is the same up to ``behind``, all that it
    has compacted included; -1: it is not. ``commit`` is the commit index that the frame will tell
    the mirror. The answer may take long: where the records are compacted away by then, it is a
    snapshot. The answer to a
    ``number`` that is not awaited any more is dropped.
    """

    number: int
    mirror: str
    queue: str
    epoch: int
    after: int
    count: int
    commit: int
    snapshot: bool = False
    behind: int = -1


@dataclass(frozen=True, slots=True)
class Committed:
    """Confirm, deliver, compact and answer commits up to this index."""

    epoch: int
    index: int


class Role(Enum):
    """What a node is for a queue."""

    LEADER_ELECT = "leader elect"
    LEADER = "leader"
    MIRROR = "mirror"


@dataclass(slots=True)
class Ready:
    """All that came out of the inputs since the last one; ``committed`` has the last of each."""

    writes: list[WalWrite] = field(default_factory=list)
    to_mirrors: list[tuple[str, LeaderFrame]] = field(default_factory=list)
    to_leaders: list[tuple[str, MirrorFrame]] = field(default_factory=list)
    transactions: list[StateTransaction] = field(default_factory=list)
    state_reads: list[str] = field(default_factory=list)
    reads: list[ReadRequest] = field(default_factory=list)
    committed: dict[str, Committed] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    fsync_wanted: bool = False
    """Answers wait for an ``Fsynced``, although there may be nothing to write."""

    def is_idle(self) -> bool:
        """Return whether there is nothing to be done."""
        return not (
            self.writes
            or self.to_mirrors
            or self.to_leaders
            or self.committed
            or self.roles
            or self.reads
            or self.transactions
            or self.state_reads
            or self.fsync_wanted
        )
