"""CPU time of a publish into a mirrored queue, on its leader and on a mirror, beside a durable one.

    python -m benchmarks.mirrored

The second table is of a stream of runs with a consumer, as clients that do not wait make it: some
runs are on their way to the mirrors all the time, and the oldest messages are acked by the hundred.

Everything is in one process, and nothing is written to a disk: the write-ahead log ends in memory,
and frames are handed over. So sockets and links are not in the figures: ``benchmarks.links`` has
those. A turn of the first table publishes a run and purges it.
Each figure is the least of some rounds.
"""

import argparse
import sys
import time
from collections import deque
from collections.abc import Iterator

from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.replication import inputs
from cluster.replication.core import ReplicationCore
from cluster.replication.frames import LeaderFrame, MirrorFrame
from cluster.replication.identity import DiskIdentity
from cluster.replication.ready import Ready, StateTransaction
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from persistence.log_form import LogForm
from persistence.log_making import LogMaker, StoreLimits
from persistence.log_state import LogOptions
from persistence.queue_recovery import RecoveredQueue
from persistence.record import PERSISTENT, Record, Run, make_route
from queues.batch import Batch
from queues.classic.mirrored_queue import MirroredQueue
from queues.classic.queue import ClassicQueue
from queues.log_port import QueueLog
from queues.options import QueueOptions as Arguments
from queues.ports import EngineParts
from tests.support.commit import FakeDisk, commit_all, commit_on
from tests.support.consumer import FakeConsumer
from tests.support.fault_fs import FaultFS

ROUTE = make_route("", "jobs")
HEADER = b"\x00\x3c\x00\x00" + bytes(10)
BODY_BYTES = 1_024
ROUNDS = 5
ON_THE_WAY = 4
ACKED_COUNT = 100
NOW_MS = 1_000
FOR_EVER_MS = 1 << 40


class Place:
    """A node without sockets and disk; its ``Surroundings``."""

    def __init__(self, name: str) -> None:
        self.disk = FakeDisk()
        self.commit = commit_on(self.disk)
        self.maker = LogMaker(FaultFS(), StoreLimits(), lambda: 0, lambda: None)
        self.core = ReplicationCore(name, DiskIdentity("0", 0))
        self.node = MirroredNode(self.core, self.commit, self)
        self.down: list[tuple[str, LeaderFrame]] = []
        self.up: list[tuple[str, MirrorFrame]] = []
        self.log: MirroredLog | None = None
        replica = self.maker.replica_log(1, LogOptions(form=LogForm.MIRRORED))
        replica.start(self.commit)
        self.node.add_replica("q", QueueOptions(("a", "b", "c"), 2), replica)
        self.node.step(inputs.LeaseGranted(7, 0, FOR_EVER_MS))

    def route(self, ready: Ready) -> None:
        """Keep the frames."""
        self.down += ready.to_mirrors
        self.up += ready.to_leaders

    def submit(self, transaction: StateTransaction) -> None:
        """Change no state."""

    def read_state(self, queue: str) -> None:
        """Read none."""

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        """Take the log."""
        del queue, found
        self.log = log

    def stop(self, queue: str) -> None:
        """Go on."""

    def sync(self) -> None:
        """Finish what is pending, as if it were on a disk."""
        commit_all(self.commit)
        self.disk.calls.clear()


class Taker(FakeConsumer):
    """A consumer that acks by the hundred."""

    def __init__(self) -> None:
        super().__init__(prefetch=0)
        self.first = self.below = 0

    def deliver(self, batch: Batch) -> None:
        """Take a batch."""
        self.below = batch.positions.stop

    def acks(self) -> Iterator[range]:
        """Return what is acked now."""
        while self.first + ACKED_COUNT <= self.below:
            yield range(self.first, self.first + ACKED_COUNT)
            self.first += ACKED_COUNT


class Trio:
    """A leader and two mirrors; ``clocks`` has the CPU time of each part (ns)."""

    def __init__(self) -> None:
        self.places = {name: Place(name) for name in "abc"}
        self.clocks = {"leader": 0, "mirror": 0}
        self.frames_count = 0
        leader = self.places["a"]
        members = frozenset(ReplicaId(name, "0") for name in "abc")
        leader.node.step(inputs.StateRead("q", QueueState("a", 7, 1, members), 1))
        leader.sync()
        for mirror in "bc":
            self.places[mirror].node.step(inputs.LeaderConnected("a"))
            leader.node.step(inputs.MirrorConnected(mirror))
            leader.node.step(inputs.Attach(mirror, "q"))
        while leader.log is None:
            self.carry()

    def carry(self) -> None:
        """Carry all frames and answers once, and sync all disks."""
        leader = self.places["a"]
        down, leader.down = leader.down, []
        self.carry_those(down)

    def carry_those(self, down: list[tuple[str, LeaderFrame]]) -> None:
        """Carry these frames, and all answers; sync all disks."""
        leader = self.places["a"]
        self.frames_count += len(down)
        began = time.process_time_ns()
        for mirror, frame in down:
            self.places[mirror].node.step(inputs.FrameFromLeader("a", frame))
        for mirror in "bc":
            self.places[mirror].sync()
        between = time.process_time_ns()
        for mirror in "bc":
            answers, self.places[mirror].up = self.places[mirror].up, []
            for _, answer in answers:
                leader.node.step(inputs.FrameFromMirror(mirror, answer))
        leader.sync()
        self.clocks["mirror"] += (between - began) // 2
        self.clocks["leader"] += time.process_time_ns() - between


def queue_on(log: QueueLog) -> ClassicQueue:
    """Return an empty queue."""
    parts = EngineParts("q", Arguments(), log, lambda _: None, lambda: None, NOW_MS)
    return ClassicQueue(parts)


def durable_ns(run: Run, turns: int) -> float:
    """Return the CPU time of a message in a durable queue (ns)."""
    commit = commit_on(disk := FakeDisk())
    log = LogMaker(FaultFS(), StoreLimits(), lambda: 0, lambda: None).log(1, LogOptions())
    log.start(commit)
    queue = queue_on(log)
    began = time.process_time_ns()
    for _ in range(turns):
        queue.publish(run, NOW_MS)
        commit_all(commit)
        disk.calls.clear()
        queue.purge()
    return (time.process_time_ns() - began) / turns / len(run)


def mirrored_ns(run: Run, turns: int) -> tuple[float, float]:
    """Return the CPU time of a message on the leader and on one mirror (ns)."""
    trio = Trio()
    leader = trio.places["a"]
    assert leader.log is not None, "it leads"
    queue = queue_on(leader.log)
    trio.clocks = {"leader": 0, "mirror": 0}
    for _ in range(turns):
        began = time.process_time_ns()
        queue.publish(run, NOW_MS)
        leader.node.carry_out()
        queue.purge()
        leader.node.carry_out()
        trio.clocks["leader"] += time.process_time_ns() - began
        trio.carry()
    count = turns * len(run)
    return trio.clocks["leader"] / count, trio.clocks["mirror"] / count


def acked_ns(run: Run, turns: int) -> tuple[float, float, float]:
    """Return the CPU time of a message on the leader and on one mirror (ns), and its frames."""
    trio = Trio()
    leader = trio.places["a"]
    assert leader.log is not None, "it leads"
    parts = EngineParts("q", Arguments(), leader.log, lambda _: None, lambda: None, NOW_MS)
    queue = MirroredQueue(parts)
    taker = Taker()
    queue.consume(taker, NOW_MS)
    on_the_way: deque[list[tuple[str, LeaderFrame]]] = deque()
    trio.clocks, trio.frames_count = {"leader": 0, "mirror": 0}, 0
    for _ in range(turns):
        began = time.process_time_ns()
        queue.publish(run, NOW_MS)
        queue.drain(NOW_MS, 10_000)
        for positions in taker.acks():
            queue.settle(positions, len(positions) * BODY_BYTES)
        leader.node.carry_out()
        on_the_way.append(leader.down)
        leader.down = []
        trio.clocks["leader"] += time.process_time_ns() - began
        if len(on_the_way) > ON_THE_WAY:
            trio.carry_those(on_the_way.popleft())
    count = turns * len(run)
    spent = trio.clocks
    return spent["leader"] / count, spent["mirror"] / count, trio.frames_count / count


def main() -> None:
    """Measure runs of several lengths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    messages = parser.parse_args().messages
    sys.stdout.write("run  durable us/message  leader us/message  mirror us/message\n")
    for count in (1, 10, 100):
        run = [Record(ROUTE, HEADER, bytes(BODY_BYTES), PERSISTENT) for _ in range(count)]
        turns = max(messages // count // ROUNDS, 10)
        durable = min(durable_ns(run, turns) for _ in range(ROUNDS))
        pairs = [mirrored_ns(run, turns) for _ in range(ROUNDS)]
        leader, mirror = min(each[0] for each in pairs), min(each[1] for each in pairs)
        sys.stdout.write(
            f"{count:>3}  {durable / 1e3:18.2f}  {leader / 1e3:17.2f}  {mirror / 1e3:17.2f}\n"
        )
    sys.stdout.write("run  acked: leader us/message  mirror us/message  frames/message\n")
    for count in (1, 10, 55):
        run = [Record(ROUTE, HEADER, bytes(BODY_BYTES), PERSISTENT) for _ in range(count)]
        turns = max(messages // count // ROUNDS, 100)
        found = [acked_ns(run, turns) for _ in range(ROUNDS)]
        leader, mirror = min(each[0] for each in found), min(each[1] for each in found)
        frames = found[0][2] / 2
        sys.stdout.write(
            f"{count:>3}  {leader / 1e3:24.2f}  {mirror / 1e3:17.2f}  {frames:14.3f}\n"
        )


if __name__ == "__main__":
    main()
