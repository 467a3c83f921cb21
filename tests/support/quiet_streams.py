"""Three nodes with a stream in which nothing happens by itself, and who reads it at a mirror."""

from cluster.mirrored.followed_streams import LivingLeader
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.replication import inputs
from cluster.replication.frames import LeaderFrame, MirrorFrame
from tests.support.mirrored_machine import NOW_MS, QUEUE, Link
from tests.support.mirrored_streams import ServedStream, StreamCluster, StreamMachine
from tests.support.stream_logs import appended


class QuietStreams:
    """A cluster that is whole.

    Attributes:
        leader, mirror: two of its nodes.
        stream: the stream on its leader.
        down, up: what has passed on the link between the two.
    """

    def __init__(self) -> None:
        self.cluster = cluster = StreamCluster(0)
        cluster.heal()
        leader = cluster.machines[cluster.states[QUEUE][0].leader]
        mirror = next(each for each in cluster.running() if each is not leader)
        stream = leader.served[QUEUE]
        assert isinstance(leader, StreamMachine)
        assert isinstance(mirror, StreamMachine)
        assert isinstance(stream, ServedStream)
        self.leader, self.mirror, self.stream = leader, mirror, stream
        for machine in (leader, mirror):
            machine.unread(QUEUE)
        self.down: list[LeaderFrame] = []
        self.up: list[MirrorFrame] = []
        self.go_on()
        self.down.clear()
        self.up.clear()

    @property
    def link(self) -> Link:
        return self.cluster.links[self.leader.name, self.mirror.name]

    def leader_of(self, queue: str) -> LivingLeader:
        """Return the leader as the store has it."""
        state = self.cluster.states[queue][0]
        return LivingLeader(state.leader, state.epoch)

    def read(self) -> MirrorStreamLog:
        """Somebody reads at the mirror from now on."""
        return self.mirror.read_mirror(QUEUE).stream

    def append(self, *messages: bytes) -> None:
        """Append messages at the leader, which leave for the mirrors."""
        self.stream.stream.append(appended(*messages), NOW_MS)
        self.leader.up.carry_out()

    def go_on(self, rounds: int = 12) -> None:
        """Let disks and clocks do something, and carry all that waits on links."""
        cluster = self.cluster
        for _ in range(rounds):
            for machine in cluster.running():
                machine.node.commit_group()
            for (name, mirror), link in sorted(cluster.links.items()):
                is_ours = link is self.link
                while link.down:
                    frame = link.down.popleft()
                    self.down += [frame] * is_ours
                    cluster.machines[mirror].up.step(inputs.FrameFromLeader(name, frame))
                while link.up:
                    answer = link.up.popleft()
                    self.up += [answer] * is_ours
                    cluster.machines[name].up.step(inputs.FrameFromMirror(mirror, answer))
            cluster.tick()
