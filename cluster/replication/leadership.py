"""What a leader knows of one queue. It is lost with the process, and never written anywhere."""

from dataclasses import dataclass
from typing import NamedTuple, Self

from cluster.replication.commit_line import CommitLine
from cluster.replication.replica import Replica
from cluster.replication.rules import Mode, OpenWrite
from cluster.replication.runs import Runs
from cluster.replication.state import InSyncSet, QueueState, ReplicaId


@dataclass(slots=True)
class MirrorProgress:
    """How far one mirror has come with one queue on the present connection.

    ``got`` is the index that its last ``Got`` named. ``attach_lsn`` and ``attach_index`` are LSN
    and end of the log when the queue went live there. ``replica`` is None until it has answered.
    ``awaited_read`` is the number of the read whose records are to be passed on; 0 is none.
    """

    mode: Mode = Mode.FENCE
    replica: ReplicaId | None = None
    got: int = 0
    attach_lsn: int = 0
    attach_index: int = 0
    awaited_read: int = 0

    def is_settled(self) -> bool:
        """Return whether from now on the link's LSN says all there is to know."""
        return self.mode is Mode.LIVE and self.got >= self.attach_index


class HandingOver(NamedTuple):
    """The queue stands still, so that a node has all of it and can lead (R22).

    ``incarnation`` is the create revision of its ``live`` key. It goes on at ``until_ms``.
    """

    target: str
    incarnation: int
    until_ms: int


class Leadership:
    """One queue in one epoch, led by this process.

    ``take_over_write`` is the WAL write of the record that begins the epoch, ``epoch_start`` its
    index. ``began_ms`` is when it began (instant). ``commit`` never goes back. ``line`` is the
    commit line in which its confirms wait. ``in_use_until_ms``: it does not stand still before.
    """

    __slots__ = (
        "alone_until",
        "attached_at_ms",
        "awaited",
        "began_ms",
        "commit",
        "epoch",
        "epoch_start",
        "handing_over",
        "in_use_until_ms",
        "line",
        "line_turn",
        "mirrors",
        "moving",
        "open_writes",
        "refused_at_ms",
        "replica",
        "revision",
        "runs",
        "state",
        "take_over_write",
        "unsettled_since_ms",
    )

    def __init__(
        self,
        replica: Replica,
        state: QueueState,
        revision: int,
        take_over_write: int,
        began_ms: int = 0,
    ) -> None:
        """Begin behind the record that starts the epoch, which is written and not yet safe."""
        self.began_ms = began_ms
        self.replica = replica
        self.epoch = state.epoch
        self.state = state
        self.revision = revision
        self.take_over_write = take_over_write
        self.epoch_start = replica.end
        self.commit = min(replica.known_commit, replica.end)
        self.open_writes: list[OpenWrite] = []
        self.awaited: int | None = None
        self.moving = False
        self.handing_over: HandingOver | None = None
        self.in_use_until_ms = 0
        self.mirrors: dict[str, MirrorProgress] = {}
        self.runs = Runs(replica.end)
        self.line: CommitLine[Self] | None = None
        self.line_turn = 0
        self.alone_until = replica.end
        self.attached_at_ms: dict[str, int] = {}
        self.refused_at_ms: dict[str, int] = {}
        self.unsettled_since_ms: dict[ReplicaId, int] = {}

    @property
    def queue(self) -> str:
        """The queue's name."""
        return self.replica.queue

    def possible_sets(self) -> list[InSyncSet]:
        """Return every in-sync set that the store may hold now (R6)."""
        submitted = [
            write.in_sync_set
            for write in self.open_writes
            if write.expected_revision == self.revision
        ]
        return [self.state.in_sync_set, *submitted]

    def waited_for(self) -> InSyncSet:
        """Return the union of the possible sets: who must have a record (R6)."""
        return frozenset().union(*self.possible_sets())

    def has_enough(self) -> bool:
        """Return whether the smallest possible set reaches ``min_isr`` (R6, R10)."""
        return min(map(len, self.possible_sets())) >= self.replica.options.min_isr

    def is_serving(self) -> bool:
        """Return whether the record that begins the epoch is committed (R11)."""
        return self.commit >= self.epoch_start
