"""A cluster of which one mirror is far behind, and what passes on the link to it."""

from collections.abc import Callable

from cluster.mirrored.node import MirroredNode
from cluster.replication import inputs
from cluster.replication.frames import LeaderFrame, MirrorFrame
from persistence.replicas.taking import take
from tests.support.mirrored_cluster import Cluster
from tests.support.mirrored_machine import QUEUE, Link, Machine


class Behind:
    """Three nodes, one of them stopped while messages come that nobody takes.

    Args:
        seed: of what happens.
        messages: so many come.
        kind: of the queues.

    Attributes:
        leader, mirror: the node that leads the queue, and the one that was stopped.
        down, up: all that has arrived at the mirror, and at the leader from it.
    """

    def __init__(
        self, seed: int = 3, messages: int = 200, kind: Callable[[int], Cluster] = Cluster
    ) -> None:
        self.cluster = kind(seed)
        self.cluster.heal()
        for machine in self.cluster.running():
            for served in machine.served.values():
                if served.consumer is not None:
                    served.engine.cancel(served.consumer, 0)
                    served.consumer = None
        self.leader = self.cluster.machines[self.cluster.states[QUEUE][0].leader]
        self.mirror = next(m for m in self.cluster.running() if m is not self.leader)
        self.down: list[LeaderFrame] = []
        self.up: list[MirrorFrame] = []
        self.stop(self.mirror)
        while self.cluster.published_count < messages:
            self.publish()

    def publish(self) -> None:
        """Publish something, and let it become safe."""
        self.cluster.publish()
        self.go_on()

    def go_on(self, steps: int = 6) -> None:
        """Let disks, links, clocks and store do something."""
        for _ in range(steps):
            self.cluster.sync()
            self.cluster.carry()
            self.cluster.tick()
            self.cluster.answer_store()
            self.cluster.read()

    def stop(self, machine: Machine) -> None:
        """Kill a node."""
        cluster = self.cluster
        machine.stop_now()
        cluster.live.pop(machine.name, None)
        for pair in [pair for pair in cluster.links if machine.name in pair]:
            cluster.disconnect(*pair)

    def come_back(self) -> MirroredNode:
        """Start the mirror, and connect it with the leader."""
        self.mirror.start()
        self.cluster.register(self.mirror)
        self.connect()
        return self.mirror.up

    def connect(self) -> None:
        """Link the leader with the mirror anew."""
        name, mirror = self.leader.name, self.mirror.name
        self.cluster.links[name, mirror] = Link()
        self.leader.up.step(inputs.MirrorConnected(mirror))
        self.mirror.up.step(inputs.LeaderConnected(name))

    def carry(self) -> None:
        """Let a frame and an answer pass between the two, and the disks and clocks go on."""
        cluster, link = self.cluster, self.cluster.links[self.leader.name, self.mirror.name]
        if link.down:
            self.down.append(link.down.popleft())
            frame = inputs.FrameFromLeader(self.leader.name, self.down[-1])
            self.mirror.up.step(frame)
        if link.up:
            self.up.append(link.up.popleft())
            self.leader.up.step(inputs.FrameFromMirror(self.mirror.name, self.up[-1]))
        cluster.sync()
        cluster.tick()

    def until_live(self, steps_max: int = 3_000) -> None:
        """Carry until the mirror has all that the leader has."""
        for _ in range(steps_max):
            self.carry()
            if self.is_live():
                return
        raise AssertionError("the mirror does not come up")

    def is_live(self) -> bool:
        """Return whether the queue is live on the link."""
        lead = self.leader.up.core.lead_of(QUEUE)
        progress = lead.mirrors.get(self.mirror.name) if lead is not None else None
        return progress is not None and progress.is_settled()

    def messages(self, machine: Machine) -> list[bytes]:
        """Return the bodies of what a node has of the queue at its base."""
        taken = take(machine.up.replicas()[QUEUE].state, 0, 1 << 30)
        return [bytes(record.body) for piece in taken.slices() for record in piece.records]

    def assert_same(self) -> None:
        """Assert that both have the same messages, once all is compacted."""
        commit = self.leader.up.core.node.leaderships[QUEUE].commit
        for machine in (self.leader, self.mirror):
            machine.up.step(inputs.Compact(QUEUE, commit))
        assert self.messages(self.mirror) == self.messages(self.leader)
