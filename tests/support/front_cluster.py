"""Three nodes with front halves of one queue, leaders that change, pipes that break: by chance.

The history of the queue is one list of operations. A new leader begins with a prefix of it that has
all that is committed. A leader that was deposed goes on until it hears of that, in vain.
"""

import random
from functools import partial

from cluster.fronts.frames import Got, Question
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.leader_half import FrontOpenings, LeaderHalf, LedQueues
from cluster.fronts.limits import FrontLimits, FrontNode
from cluster.fronts.questions import Answer
from cluster.replication.publishers import Front
from queues.batch import Batch
from queues.commits import is_safe, wait_for
from queues.options import Overflow, QueueOptions
from queues.outcomes import PublishOutcome, PurgeOutcome, refused_later
from queues.ports import Job
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.half_pair import Pipe
from tests.support.led_log import NOW_MS, LedLog, LedQueue, Settled, engine_on, take_into
from tests.support.records import run_of

NAMES = "abc"
LIMITS = FrontLimits(
    hold_ms=500, open_bytes_max=20_000, credit_max=7, credit_bytes=300, again_ms=50
)

FULL = QueueOptions(max_length=6, overflow=Overflow.REJECT_PUBLISH)


class Ledger:
    """What was promised; a message is its number.

    ``leaving`` are those that somebody has begun to settle, or purged.
    """

    def __init__(self) -> None:
        self.published: set[int] = set()
        self.confirmed: set[int] = set()
        self.refused: set[int] = set()
        self.leaving: set[int] = set()
        self.gone: set[int] = set()
        self.delivered: set[int] = set()

    def compare(self, log: LedLog) -> None:
        """Look at what a leader begins with, or ends with."""
        found = [int(each.body) for _, each in sorted(log.kept.items())]
        there = set(found)
        assert len(found) == len(there), f"twice in the queue: {found}"
        lost = self.confirmed - self.leaving - there
        assert not lost, f"confirmed and lost: {sorted(lost)}"
        assert not there & self.refused, f"refused and there: {sorted(there & self.refused)}"
        assert not there & self.gone, f"settled and back: {sorted(there & self.gone)}"


class Client(FakeConsumer):
    """A consumer; what it got without acks may be gone at once."""

    ledger: Ledger

    def deliver(self, batch: Batch) -> None:
        super().deliver(batch)
        numbers = {int(each.body) for each in batch.records}
        self.ledger.delivered |= numbers
        if self.no_ack:
            self.ledger.leaving |= numbers


class Leader:
    """A leadership: of the last epoch, or of one that does not know of the next."""

    def __init__(
        self, node: "Node", epoch: int, log: LedLog, options: QueueOptions, ledger: Ledger
    ) -> None:
        self.node = node
        self.epoch = epoch
        self.log = log
        is_first = epoch == 1
        self.engine = engine_on(log, options, node.wake_engine, is_first=is_first, kind=PurgedQueue)
        self.engine.ledger = ledger  # type: ignore[attr-defined]
        self.jobs: list[Job] = []
        half = LeaderHalf("q", epoch, self.engine, take_into(log, self.engine), self.jobs.append)
        node.led.begin(half)
        self.settled_count = len(log.operations)


class PurgedQueue(LedQueue):
    """A queue that says what a purge takes."""

    ledger: Ledger

    def purge(self) -> PurgeOutcome:
        self.ledger.leaving |= self.ledger.published
        return super().purge()


class Node:
    """One node: a front half with consumers, and perhaps a leader."""

    def __init__(self, name: str, options: QueueOptions) -> None:
        self.name = name
        self.led = LedQueues()
        self.leader: Leader | None = None
        self.is_awake = self.is_engine_awake = False
        self.front = FrontQueue("q", options, FrontNode(Front(name, 1), LIMITS), self.wake)
        self.consumers: list[FakeConsumer] = []
        self.got: list[Batch] = []
        self.pipe: Pipe | None = None
        self.link: FrontOpenings | None = None
        self.to = ""

    def wake(self) -> None:
        self.is_awake = True

    def wake_engine(self) -> None:
        self.is_engine_awake = self.is_awake = True


class FrontCluster:
    """All of it; ``step`` makes one thing happen."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.options = self.draw.choice((QueueOptions(), FULL))
        self.now_ms = NOW_MS
        self.ledger = Ledger()
        self.count = 0
        self.resent = 0
        self.nodes = {name: Node(name, self.options) for name in NAMES}
        self.leader = Leader(self.nodes["a"], 1, LedLog(), self.options, self.ledger)
        self.nodes["a"].leader = self.leader
        self.kinds = [
            (12, self.publish),
            (3, self.consume),
            (2, self.cancel),
            (14, self.settle),
            (4, self.give_back),
            (3, self.get),
            (1, self.purge),
            (40, self.carry),
            (30, self.drain),
            (12, self.commit),
            (1, self.elect),
            (6, self.learn),
            (1, self.break_pipe),
            (3, self.advance),
            (1, self.hand_over),
        ]

    def step(self) -> None:
        weights = [weight for weight, _ in self.kinds]
        self.draw.choices([kind for _, kind in self.kinds], weights)[0]()
        for node in self.nodes.values():
            assert node.pipe is None or node.pipe.reason is None, node.pipe.reason

    def node(self) -> Node:
        return self.nodes[self.draw.choice(NAMES)]

    # -- clients ----------------------------------------------------------------------------------

    def publish(self) -> None:
        node, count = self.node(), self.draw.choice((1, 1, 2, 5))
        numbers = range(self.count, self.count + count)
        self.count += count
        self.ledger.published |= set(numbers)
        run = run_of(*[b"%d" % number for number in numbers])
        outcome = node.front.publish(run, self.now_ms)
        self.ledger.refused |= {numbers[index] for index in outcome.rejected}
        wait_for(outcome.safe_at, partial(self.decided, outcome, numbers))

    def decided(self, outcome: PublishOutcome, numbers: range) -> None:
        assert is_safe(outcome.safe_at), "the queue is there"
        refused = {*outcome.rejected, *refused_later(outcome.still_open)}
        self.ledger.refused |= {numbers[index] for index in refused}
        confirmed = {number for at, number in enumerate(numbers) if at not in refused}
        self.ledger.confirmed |= confirmed

    def consume(self) -> None:
        node = self.node()
        if len(node.consumers) < 4:
            prefetch: Prefetch | int = self.draw.choice((0, 1, 3, 3))
            no_ack = self.draw.random() < 0.2
            if self.draw.random() < 0.2 and node.consumers:
                prefetch = node.consumers[0].lane
            consumer = Client(f"c{self.count}", prefetch=prefetch, no_ack=no_ack)
            consumer.ledger = self.ledger
            node.consumers.append(consumer)
            node.front.consume(consumer, self.now_ms)

    def cancel(self) -> None:
        node = self.node()
        if node.consumers:
            consumer = node.consumers.pop(self.draw.randrange(len(node.consumers)))
            node.front.cancel(consumer, self.now_ms)
            consumer.is_paused = True
            self.release(node, consumer, list(consumer.unacked))

    def some_unacked(self) -> tuple[Node, FakeConsumer, list[int]] | None:
        node = self.node()
        having = [each for each in node.consumers if each.unacked]
        if not having:
            return None
        consumer = self.draw.choice(having)
        there = sorted(consumer.unacked)
        count = self.draw.choice((1, 1, len(there)))
        return node, consumer, self.draw.sample(there, count)

    def settle(self) -> None:
        if (found := self.some_unacked()) is not None:
            self.release(*found)
        node = self.node()
        for batch in node.got:
            self.note_leaving(batch)
            node.front.settle(batch.positions, batch.body_bytes)
        node.got.clear()

    def release(self, node: Node, consumer: FakeConsumer, positions: list[int]) -> None:
        for entry in consumer.take_unacked(positions):
            self.ledger.leaving.add(int(entry.record.body))
            self.regained(node, consumer)
            at = entry.position
            node.front.settle(range(at, at + 1), len(entry.record.body))

    def regained(self, node: Node, consumer: FakeConsumer) -> None:
        if consumer.is_blocked:
            node.front.credit_regained(consumer)
        node.front.lane_opened(consumer.lane)

    def give_back(self) -> None:
        if (found := self.some_unacked()) is None:
            return
        node, consumer, positions = found
        batches = [
            Batch(range(one.position, one.position + 1), (one.record,), None, one.delivery_count)
            for one in consumer.take_unacked(positions)
        ]
        self.regained(node, consumer)
        if self.draw.random() < 0.7:
            node.front.requeue(batches, self.now_ms)
        else:
            for batch in batches:
                self.note_leaving(batch)
            node.front.reject(batches, self.now_ms)

    def note_leaving(self, batch: Batch) -> None:
        self.ledger.leaving |= {int(each.body) for each in batch.records}

    def get(self) -> None:
        node = self.node()
        node.front.ask(Question.GET, partial(self.answered, node), self.now_ms)

    def answered(self, node: Node, answer: Answer | None) -> None:
        if isinstance(answer, Got) and answer.batch is not None:
            node.got.append(answer.batch)

    def purge(self) -> None:
        if self.draw.random() < 0.3:
            self.node().front.ask(Question.PURGE, lambda _: None, self.now_ms)

    # -- the machinery --------------------------------------------------------------------------

    def carry(self) -> None:
        node = self.node()
        for _ in range(self.draw.choice((1, 3, 10))):
            pipe, link = node.pipe, node.link
            if pipe is None or link is None:
                return
            if pipe.up and self.draw.random() < 0.5:
                link.receive(pipe.up.popleft(), self.now_ms)
            elif pipe.down:
                node.front.receive(pipe.down.popleft(), pipe, self.now_ms)

    def drain(self) -> None:
        node = self.node()
        leader = node.leader
        if node.is_awake:
            node.is_awake = node.front.drain(self.now_ms, self.draw.choice((1, 3, 100)))
        if leader is not None:
            if node.is_engine_awake:
                node.is_engine_awake = leader.engine.drain(self.now_ms, 100)
            for job in list(leader.jobs):
                if job.step(self.now_ms):
                    leader.jobs.remove(job)

    def commit(self) -> None:
        """The leader of the last epoch commits some more."""
        log = self.leader.log
        log.commit(self.draw.randint(log.committed_lsn, log.lsn))
        for operation in log.operations[self.leader.settled_count : log.committed_lsn]:
            if isinstance(operation, Settled):
                self.ledger.gone |= {self.body_at(log, at) for at in operation.positions}
        self.leader.settled_count = max(self.leader.settled_count, log.committed_lsn)

    @staticmethod
    def body_at(log: LedLog, position: int) -> int:
        for each in log.operations:
            first = getattr(each, "position", None)
            if first is not None and first <= position < first + len(each.run):  # type: ignore[union-attr]
                return int(each.run[position - first].body)  # type: ignore[union-attr]
        raise AssertionError("it was appended")

    def elect(self) -> None:
        old = self.leader
        kept = self.draw.randint(old.log.committed_lsn, old.log.lsn)
        name = self.draw.choice([name for name in NAMES if self.nodes[name].leader is None] or "x")
        if name == "x":
            return
        log = LedLog(old.log.operations[:kept])
        self.ledger.compare(log)
        log.was_restarted = True
        node = self.nodes[name]
        self.leader = node.leader = Leader(node, old.epoch + 1, log, self.options, self.ledger)
        if node.pipe is not None:
            self.cut(node)

    def learn(self) -> None:
        """A node hears who leads now; a leader that does not stops."""
        node, last = self.node(), self.leader
        if node.leader is not None and node.leader is not last:
            self.depose(node)
        if node.leader is last:
            if node.front.here is not last.engine:
                self.cut(node)
                take = take_into(last.log, last.engine)
                node.front.lead_here(last.engine, take, last.epoch)
        elif node.to != last.node.name or node.pipe is None or node.front.epoch < last.epoch:
            self.cut(node)
            node.pipe, node.to = Pipe(), last.node.name
            node.pipe.whole_bytes = self.draw.choice((100, 1 << 20))
            node.link = FrontOpenings(last.node.led, Front(node.name, 1), node.pipe)
            node.front.lead_there(node.pipe, last.epoch)

    def depose(self, node: Node) -> None:
        assert node.leader is not None
        node.leader.log.has_ended = True
        node.led.end("q")
        node.leader.log.commit_group.fail()
        if node.front.here is node.leader.engine:
            node.front.lead_nowhere()
        node.leader = None

    def cut(self, node: Node) -> None:
        if node.pipe is not None and node.link is not None:
            node.link.ended(self.now_ms)
            node.front.pipe_ended(node.pipe)
        node.pipe, node.link, node.to = None, None, ""

    def break_pipe(self) -> None:
        self.cut(self.node())

    def advance(self) -> None:
        self.now_ms += self.draw.choice((10, 60, 200))
        node = self.node()
        due_ms = node.front.next_deadline_ms()
        if due_ms is not None and due_ms <= self.now_ms:
            node.front.expire(self.now_ms)

    def hand_over(self) -> None:
        """The leader admits nothing for a while."""
        log = self.leader.log
        log.is_admitting = not log.is_admitting
        if log.is_admitting:
            self.leader.node.led.go_on("q")
            self.leader.node.front.go_on()

    # -- the end ----------------------------------------------------------------------------------

    def heal(self) -> None:
        """Let everything be carried and done, with nothing new; then all must be whole."""
        quiet = (
            self.publish,
            self.consume,
            self.elect,
            self.break_pipe,
            self.hand_over,
            self.purge,
            self.get,
            self.give_back,
        )
        self.kinds = [(weight, kind) for weight, kind in self.kinds if kind not in quiet]
        if not self.leader.log.is_admitting:
            self.hand_over()
        for _ in range(6_000):
            self.step()
        self.check_whole()

    def check_whole(self) -> None:
        decided = self.ledger.confirmed | self.ledger.refused
        undecided = self.ledger.published - decided
        assert not undecided, f"never decided: {sorted(undecided)}"
        self.ledger.compare(self.leader.log)
        self.leader.engine.check_invariants()
        for node in self.nodes.values():
            assert not len(node.front._submissions), "nothing is open"
            assert node.front._node.open_bytes == 0, "no octets are counted"
