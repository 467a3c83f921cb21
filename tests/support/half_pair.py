"""A front half and the leader half of its queue, with a pipe that carries at once, or as told."""

from collections import deque

from cluster.fronts.frames import ToFront, ToLeader
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.leader_half import FrontOpenings, LeaderHalf, LedQueues
from cluster.fronts.limits import FrontLimits, FrontNode
from cluster.fronts.links.parting import parted
from cluster.replication.publishers import Front
from queues.batch import Batch
from queues.options import QueueOptions
from queues.ports import Job
from tests.support.consumer import FakeConsumer
from tests.support.led_log import NOW_MS, LedLog, engine_on, take_into

X = Front("x", 7)
ALL = 1_000_000


class Pipe:
    """Both directions of one connection; ``up`` goes to the leader.

    Attributes:
        reason: why it was ended by one side; None while it was not.
        said: all frames that ever left, in order.
        has_no_room: no more may leave.
        whole_bytes: larger frames are parted, as links do.
    """

    def __init__(self) -> None:
        self.up: deque[ToLeader] = deque()
        self.down: deque[ToFront] = deque()
        self.reason: str | None = None
        self.said: list[ToLeader | ToFront] = []
        self.has_no_room = False
        self.whole_bytes = 1 << 20

    def put(self, frame: ToLeader | ToFront) -> None:
        self.said.append(frame)
        for part in parted(frame, self.whole_bytes):
            if isinstance(part, ToLeader):
                self.up.append(part)
            else:
                self.down.append(part)

    def fail(self, reason: str) -> None:
        self.reason = self.reason or reason

    def is_shut(self, queue: str) -> bool:
        assert queue == "q"
        return self.has_no_room


class Pair:
    """One leader and one front half on another node.

    Attributes:
        jobs: what the leader half carries on.
        is_awake, leader_is_awake: a drain was asked for.
    """

    def __init__(
        self,
        options: QueueOptions = QueueOptions(),  # noqa: B008 -- frozen
        limits: FrontLimits = FrontLimits(),  # noqa: B008 -- frozen
    ) -> None:
        self.now_ms = NOW_MS
        self.options = options
        self.is_awake = self.leader_is_awake = False
        self.jobs: deque[Job] = deque()
        self.led = LedQueues()
        self.log = LedLog(max_priority=options.max_priority)
        self.engine = engine_on(self.log, options, self._wake_leader, is_first=True)
        self.half = self.new_half(1)
        self.front = FrontQueue("q", options, FrontNode(X, limits), self._wake_front)
        self.pipe = Pipe()
        self.link = FrontOpenings(self.led, X, self.pipe)
        self.front.lead_there(self.pipe, 1)

    def _wake_leader(self) -> None:
        self.leader_is_awake = True
        if self.front.here is self.engine:
            self.is_awake = True

    def _wake_front(self) -> None:
        self.is_awake = True

    def new_half(self, epoch: int) -> LeaderHalf:
        take = take_into(self.log, self.engine)
        half = LeaderHalf("q", epoch, self.engine, take, self.jobs.append)
        self.led.begin(half)
        return half

    def lead_again(self, kept_count: int | None = None) -> None:
        """Another leader begins with so many operations of the log; None is all of them."""
        self.led.end("q")
        self.log.has_ended = True
        count = len(self.log.operations) if kept_count is None else kept_count
        self.log = LedLog(self.log.operations[:count], self.options.max_priority)
        self.engine = engine_on(self.log, self.options, self._wake_leader)
        self.half = self.new_half(self.half.epoch + 1)

    def break_pipe(self) -> None:
        """The connection ends, with what is on its way; another one begins."""
        self.link.ended(self.now_ms)
        self.front.pipe_ended(self.pipe)
        self.pipe = Pipe()
        self.link = FrontOpenings(self.led, X, self.pipe)
        self.front.lead_there(self.pipe, self.half.epoch)

    # -- steps ------------------------------------------------------------------------------------

    def carry_up(self) -> bool:
        """A frame arrives at the leader."""
        if self.pipe.up:
            self.link.receive(self.pipe.up.popleft(), self.now_ms)
            return True
        return False

    def carry_down(self) -> bool:
        if self.pipe.down:
            self.front.receive(self.pipe.down.popleft(), self.pipe, self.now_ms)
            return True
        return False

    def drain(self) -> bool:
        was_awake, self.is_awake = self.is_awake, False
        if was_awake and self.front.drain(self.now_ms, ALL):
            self.is_awake = True
        return was_awake

    def drain_leader(self) -> bool:
        was_awake, self.leader_is_awake = self.leader_is_awake, False
        if was_awake and self.engine.drain(self.now_ms, ALL):
            self.leader_is_awake = True
        for _ in range(len(self.jobs)):
            job = self.jobs.popleft()
            if not job.step(self.now_ms):
                self.jobs.append(job)
        return was_awake or bool(self.jobs)

    def settle_down_leader(self) -> None:
        """Let the leader do all that it has to do."""
        while self.drain_leader():
            pass

    def commit(self) -> bool:
        if self.log.committed_lsn < self.log.lsn:
            self.log.commit(self.log.lsn)
            return True
        return False

    def settle_down(self) -> None:
        """Carry and do everything, until nothing is left."""
        for _ in range(100_000):
            moved = [
                self.carry_up(),
                self.carry_down(),
                self.drain(),
                self.drain_leader(),
                self.commit(),
            ]
            if not any(moved):
                assert self.pipe.reason is None, self.pipe.reason
                return
        raise AssertionError("it never ends")

    def advance(self, span_ms: int) -> None:
        self.now_ms += span_ms
        self.front.expire(self.now_ms)
        self.settle_down()

    # -- clients ----------------------------------------------------------------------------------

    def ack(self, consumer: FakeConsumer, positions: list[int] | None = None) -> None:
        """Ack messages as a channel does."""
        for entry in consumer.take_unacked(positions):
            if consumer.is_blocked:
                self.front.credit_regained(consumer)
            at = entry.position
            self.front.settle(range(at, at + 1), len(entry.record.body))


def bodies(batches: list[Batch]) -> list[bytes]:
    return [each.body for batch in batches for each in batch.records]
