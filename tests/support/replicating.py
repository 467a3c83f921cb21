"""Some replication cores that talk to each other in memory; nothing moves until it is told to."""

from collections.abc import Mapping

from cluster.replication.core import ReplicationCore
from cluster.replication.frames import LeaderFrame, MirrorFrame
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import (
    Attach,
    FrameFromLeader,
    FrameFromMirror,
    Fsynced,
    Input,
    LeaderConnected,
    LeaseGranted,
    MirrorConnected,
    RecordsRead,
    StateRead,
)
from cluster.replication.ready import Committed, Ready, Role, StateTransaction
from cluster.replication.rules import Rules
from cluster.replication.state import QueueOptions, QueueState, ReplicaId, StoredReplica

INCARNATION = 7
LEASE_MS = 10_000


def members(*names: str) -> frozenset[ReplicaId]:
    """Replicas on the first disk of each node."""
    return frozenset(ReplicaId(name, "0") for name in names)


class Replicating:
    """Nodes with one replica of each queue; the first leads, once ``elect`` was called."""

    def __init__(
        self,
        names: str = "abc",
        queues: Mapping[str, QueueOptions] | None = None,
        *,
        rules: Rules | None = None,
        catch_up_count_max: int = 100,
    ) -> None:
        self.queues = dict(queues or {"q": QueueOptions(tuple(names), 2)})
        self.cores: dict[str, ReplicationCore] = {}
        self.frames: list[tuple[str, str, LeaderFrame | MirrorFrame]] = []
        self.committed: dict[str, Committed] = {}
        self.roles: dict[tuple[str, str], Role] = {}
        self.transactions: list[StateTransaction] = []
        self.state_reads: list[str] = []
        for name in names:
            core = ReplicationCore(
                name,
                DiskIdentity("0", 1),
                rules=rules or Rules(),
                catch_up_count_max=catch_up_count_max,
            )
            for queue, options in self.queues.items():
                core.add_replica(queue, options, StoredReplica())
            core.step(LeaseGranted(INCARNATION, 0, LEASE_MS))
            self.cores[name] = core

    def step(self, name: str, happened: Input) -> Ready:
        """Hand an input to a core; its frames wait to be carried, its reads are answered."""
        self.cores[name].step(happened)
        return self.take(name)

    def take(self, name: str) -> Ready:
        """Take what a core asks for."""
        ready = self.cores[name].ready()
        self.frames += [(name, mirror, frame) for mirror, frame in ready.to_mirrors]
        self.frames += [(name, leader, frame) for leader, frame in ready.to_leaders]
        self.committed |= ready.committed
        self.roles |= {(name, queue): role for queue, role in ready.roles.items()}
        self.transactions += ready.transactions
        self.state_reads += ready.state_reads
        for request in ready.reads:
            self.step(name, RecordsRead(request, request.count, "records"))
        return ready

    def carry(self) -> None:
        """Carry the frames that wait, and those that they cause."""
        while self.frames:
            self.carry_one()

    def carry_one(self) -> None:
        """Carry the frame that waits longest."""
        source, target, frame = self.frames.pop(0)
        if isinstance(frame, LeaderFrame):
            self.step(target, FrameFromLeader(source, frame))
        else:
            self.step(target, FrameFromMirror(source, frame))

    def fsync(self, *names: str) -> None:
        """All that is written is on the disks of these nodes, or of all."""
        for name in names or self.cores:
            self.step(name, Fsynced(self.cores[name].node.written))

    def settle(self) -> None:
        """Carry frames and fsync until nothing moves any more."""
        for _ in range(20):
            self.carry()
            self.fsync()
        assert self.frames == []

    def elect(self, leader: str, epoch: int = 1, *in_sync: str, revision: int = 1) -> None:
        """A node reads that it leads all queues."""
        for queue, options in self.queues.items():
            names = in_sync or options.replicas
            state = QueueState(leader, INCARNATION, epoch, members(*names))
            self.step(leader, StateRead(queue, state, revision))

    def connect(self, leader: str, *mirrors: str) -> None:
        """Connections from a leader to mirrors are up."""
        for mirror in mirrors:
            self.step(mirror, LeaderConnected(leader))
            self.step(leader, MirrorConnected(mirror))

    def attach(self, leader: str, *mirrors: str) -> None:
        """All queues of a leader attach to mirrors."""
        for mirror in mirrors:
            for queue in self.queues:
                self.step(leader, Attach(mirror, queue))

    def serve(self, leader: str = "a") -> None:
        """From the start until the leader serves, with all mirrors live."""
        mirrors = [name for name in self.cores if name != leader]
        self.elect(leader)
        self.fsync(leader)
        self.connect(leader, *mirrors)
        self.attach(leader, *mirrors)
        self.settle()

    def append(self, leader: str, queue: str = "q", count: int = 1) -> int:
        """Append a run; returns its last index."""
        index, _ = self.cores[leader].append(queue, count, "records")
        self.take(leader)
        return index
