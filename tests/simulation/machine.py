"""A node of the simulation: a core, and the disk and memory of its shell.

``waiting`` are the publishes that wait for a confirm: queue, front end, number, index.
"""

from dataclasses import dataclass

from cluster.mirrored.sparing import KnownState
from cluster.replication.core import ReplicationCore
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import RecordsRead
from cluster.replication.leadership import Leadership
from cluster.replication.ready import ReadRequest, WalWrite
from cluster.replication.state import ReplicaId
from tests.simulation.content import SnapshotContent, StoredLog
from tests.simulation.shortages import WatchedDamages, WatchedSparing
from tests.simulation.store import Stored

DROPPED = ""
"""Whose a write is that was written of a queue before it was dropped."""


@dataclass(slots=True)
class Image:
    """A copy of a disk that somebody made."""

    disk: dict[str, StoredLog]
    identity: DiskIdentity
    period: int


class Machine:
    """``disk`` survives a crash, ``written`` does not; ``unsynced`` is between them, in order."""

    def __init__(self, name: str, disk: dict[str, StoredLog], identity: DiskIdentity) -> None:
        self.name = name
        self.disk = disk
        self.written = dict(disk)
        self.unsynced: list[tuple[str, StoredLog]] = []
        self._identity: DiskIdentity | None = identity
        self.replica = ReplicaId(name, identity.disk)
        self.running: ReplicationCore | None = None
        self.paused = False
        self.full = False
        self.boots = 0
        self.swapped = False
        self.skew = 0
        self.image: Image | None = None
        self.reads: list[RecordsRead] = []
        self.late_states: dict[str, Stored] = {}
        self.out: dict[str, tuple[int, ...]] = {}
        self.shown: dict[str, int] = {}
        self.waiting: list[tuple[str, str, int, int]] = []
        self.damages: WatchedDamages
        self.sparing: WatchedSparing
        self.short = False
        self.short_ms = 0
        self.known: dict[str, KnownState] = {}

    @property
    def core(self) -> ReplicationCore:
        assert self.running is not None
        return self.running

    @property
    def up(self) -> bool:
        return self.running is not None

    def acts(self) -> bool:
        return self.up and not self.paused

    @property
    def frozen(self) -> bool:
        return self.running is not None and self.running.node.identity.frozen

    @property
    def identity(self) -> DiskIdentity | None:
        """What the disk says of itself; None where it is empty."""
        return self.running.node.identity.disk if self.running else self._identity

    @property
    def stamped(self) -> DiskIdentity:
        identity = self.identity
        assert identity is not None
        return identity

    def put_in(self, disk: dict[str, StoredLog], identity: DiskIdentity | None) -> None:
        """Another disk, while the node is down."""
        self.disk = disk
        self._identity = identity
        if identity is not None:
            self.replica = ReplicaId(self.name, identity.disk)

    def lead(self, queue: str) -> Leadership | None:
        return self.running.lead_of(queue) if self.running else None

    def leads(self) -> dict[str, Leadership]:
        return self.running.node.leaderships if self.running else {}

    def boot(self, core: ReplicationCore) -> None:
        """Start on what is on the disk."""
        self.running = core
        self.written = dict(self.disk)
        self.replica = core.node.replica_id
        self.swapped = False

    def write(self, write: WalWrite) -> None:
        """Into the WAL: seen at once, on disk after an fdatasync."""
        self.written[write.queue] = self.written[write.queue].written(write)
        self.unsynced.append((write.queue, self.written[write.queue]))

    def keep(self, count: int) -> None:
        """The first ``count`` unsynced writes are on disk now."""
        for queue, log in self.unsynced[:count]:
            if queue != DROPPED:
                self.disk[queue] = log
        del self.unsynced[:count]

    def drop(self, queue: str) -> None:
        """Have nothing of a queue any more; what was written of it still counts for an fsync."""
        for part in (self.written, self.disk, self.late_states, self.out, self.shown):
            part.pop(queue, None)
        self.unsynced = [
            (DROPPED if whose == queue else whose, log) for whose, log in self.unsynced
        ]
        self.reads = [each for each in self.reads if each.request.queue != queue]
        self.waiting = [each for each in self.waiting if each[0] != queue]

    def lose_power(self, kept: int) -> None:
        """End, with so many of the unsynced writes on disk; a torn one is cut at recovery."""
        self.disk = dict(self.disk)
        self.keep(kept)
        self._identity = self.identity
        self.running = None
        self.unsynced, self.reads = [], []
        self.paused = self.full = False
        self.late_states, self.out, self.shown, self.waiting = {}, {}, {}, []
        self.skew = 0
        self.boots += 1

    def next_read(self) -> int | None:
        """Return the place of the next read that the disk can serve; None: there is none."""
        for at, each in enumerate(self.reads):
            queue = each.request.queue
            if queue not in self.damages or self.damages.is_alone(queue):
                return at
        return None

    def read(self, request: ReadRequest, *, mixed: bool, without_fronts: bool) -> RecordsRead:
        """What the disk has of a request, as of this moment: it is pinned."""
        log = self.written[request.queue]
        if request.snapshot:
            live = log.live_at(request.after, mixed=mixed)
            fronts = () if without_fronts else log.published(request.after)
            return RecordsRead(request, 0, SnapshotContent(live, fronts))
        records = log.between(request.after, request.after + request.count)
        return RecordsRead(request, len(records), records)
