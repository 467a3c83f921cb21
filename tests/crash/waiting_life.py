"""Random lives of the messages behind a delayed exchange of a cluster, on the node that leads them.

    publish ─▶ WaitingEngine ─▶ MirroredLog ─▶ core ─▶ replica ─ due ─▶ taken ─▶ settled

The node is the whole in-sync set, so what is confirmed is on its disk alone. A message that was
confirmed must wait after a crash, for its time of day, unless it was being settled. What was
dropped for good must not come back. Each restart leads in an epoch of its own.
"""

import random
from functools import partial
from typing import Final

from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.replication.core import ReplicationCore
from cluster.replication.identity import DiskIdentity
from cluster.replication.inputs import LeaseGranted, StateRead
from cluster.replication.ready import Ready, StateTransaction
from cluster.replication.state import QueueOptions as Replicated
from cluster.replication.state import QueueState, ReplicaId
from persistence.files import Files
from persistence.log_form import LogForm
from persistence.log_state import LogOptions
from persistence.queue_recovery import RecoveredQueue
from persistence.record import PERSISTENT, Record, make_route
from queues.commits import CommitPoint, is_safe, wait_for
from queues.delayed.few import Waiting
from queues.delayed.waiting import Due
from queues.delayed.waiting_engine import WaitingEngine
from queues.effects import Effect
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.crash.life import HEADER, Life
from tests.crash.stored_node import change_of

QUEUE: Final = "behind x"
QUEUE_ID: Final = 1
NODE: Final = "a"
REPLICATED: Final = Replicated((NODE,), 1)
MIRRORED: Final = LogOptions(form=LogForm.MIRRORED)
BEGUN_MS: Final = 2_000_000
FOR_EVER_MS: Final = 1 << 40
DELAYS_MS: Final = (1, 40, 300, 5_000, 70_000, 1_000_000)
PASSED_MS: Final = (1, 30, 500, 4_000, 60_000)
BUDGETS_BYTES: Final = (1 << 20, 400)
STEPS_MAX: Final = 1_000


class WaitingLife(Life):
    """A node that leads; every choice is drawn from one seed. It surrounds its shell, too.

    Attributes:
        due_wall_ms: the time of day of each message, by body.
        confirmed: bodies of what was confirmed.
        leaving: bodies of what was settled or dropped, be it safe or not.
        gone: bodies of what was dropped for good.
        engine: None before this node serves.
    """

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.now_ms = BEGUN_MS
        self.due_wall_ms: dict[bytes, int] = {}
        self.confirmed: set[bytes] = set()
        self.leaving: set[bytes] = set()
        self.gone: set[bytes] = set()
        self.taken: list[Due] = []
        self.aside: list[int] = []
        self.engine: WaitingEngine | None = None
        found = self.node.opened.replicas.get(QUEUE_ID)
        if found is None:
            self.node.commit.append_definition(change_of(QUEUE_ID, MIRRORED))
            replica = self.node.store.new_replica_log(MIRRORED, QUEUE_ID)
        else:
            assert found.is_whole, "a crash loses no replica"
            replica = found.log
        core = ReplicationCore(NODE, DiskIdentity("0", 0))
        core.tick(self.now_ms)
        core.know_queue(QUEUE, REPLICATED)
        self.shell = MirroredNode(core, self.node.commit, self, records_bytes_max=2_000)
        self.shell.add_replica(QUEUE, REPLICATED, replica)
        self.actions = [
            (14, self.publish),
            (10, self.take_due),
            (8, self.settle),
            (2, self.bring_back),
            (1, self.drop),
            (10, self.commit),
            (6, self.tick),
            (4, self.compact),
            (10, self.go_on_with_checkpoint),
            (1, self.node.commit.request_fsync),
        ]

    def step(self) -> None:
        if self.engine is None:
            self.lead()
        super().step()

    def lead(self) -> None:
        """Take over in the next epoch, and serve."""
        shell = self.shell
        epoch = shell.core.node.replicas[QUEUE].promised + 1
        members = frozenset({ReplicaId(NODE, "0")})
        shell.step(LeaseGranted(1, self.now_ms, FOR_EVER_MS))
        shell.step(StateRead(QUEUE, QueueState(NODE, 1, epoch, members), epoch, REPLICATED))
        for _ in range(STEPS_MAX):
            if self.engine is not None:
                return
            self.node.commit_group()
            self.tick()
        raise AssertionError("nobody serves")

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        """Look at what waits after a restart, and go on with it."""
        assert isinstance(before, WaitingLife)
        del power_was_lost  # What was confirmed is on the disk.
        wall_ms = before.now_ms + before.node.wall_offset_ms
        self.now_ms = wall_ms - self.node.wall_offset_ms
        self.published_count = before.published_count
        assert not self.node.opened.report.damages
        self.lead()
        offset_ms = self.node.wall_offset_ms
        found = self.all_that_wait()
        there = {each.record.body: each.due_ms + offset_ms for each in found}
        assert len(there) == len(found), "a message is there twice"
        assert before.confirmed - before.leaving <= there.keys(), "confirmed, and lost"
        assert not there.keys() & before.gone, "what was dropped is back"
        due_wall_ms = {body: before.due_wall_ms[body] for body in there}
        assert there == due_wall_ms, "it waits for another time"
        self.due_wall_ms, self.confirmed = due_wall_ms, set(there)

    def all_that_wait(self) -> list[Waiting]:
        """Return all messages, once their times are read."""
        assert self.engine is not None
        waiting = self.engine.waiting
        for _ in range(STEPS_MAX):
            waiting.enter()
            if waiting.next_deadline_ms() != 1:
                break
            waiting.step(1)
        found = waiting.opened()
        for slot in waiting.slots():
            found += waiting.part_of(slot, 0, STEPS_MAX)
        assert waiting.count == len(found), "the count is right"
        return found

    # -- what happens ---------------------------------------------------------------------------

    def publish(self) -> None:
        assert self.engine is not None
        run: list[Record] = []
        for _ in range(self.draw.choice((1, 3, 20))):
            self.published_count += 1
            body = b"%d " % self.published_count + bytes(self.draw.choice((0, 3, 60)))
            delay_ms = self.draw.choice(DELAYS_MS)
            run.append(Record(make_route("", "q"), HEADER, body, PERSISTENT, ttl_ms=delay_ms))
            self.due_wall_ms[body] = self.now_ms + self.node.wall_offset_ms + delay_ms
        outcome = self.engine.publish(run, self.now_ms)
        wait_for(outcome.safe_at, partial(self._note, outcome.safe_at, run, self.confirmed))

    def take_due(self) -> None:
        """Time passes; some of what is due leaves."""
        assert self.engine is not None
        waiting = self.engine.waiting
        self.now_ms += self.draw.choice(PASSED_MS)
        waiting.enter()
        for _ in range(self.draw.choice((1, 4, 20))):
            if not waiting.has_due(self.now_ms):
                return
            due = waiting.step(self.now_ms)
            if due is not None:
                wall_ms = self.now_ms + self.node.wall_offset_ms
                for each in due.records:
                    assert self.due_wall_ms[each.body] <= wall_ms, "it is early"
                self.taken.append(due)

    def settle(self) -> None:
        """What left has arrived, but for some that a queue does not take now."""
        if self.taken:
            assert self.engine is not None
            due = self.taken.pop(self.draw.randrange(len(self.taken)))
            share = self.draw.choice((0, 0, 0.5))
            aside = {position for position in due.positions if self.draw.random() < share}
            there = zip(due.positions, due.records, strict=True)
            self.leaving |= {each.body for position, each in there if position not in aside}
            self.engine.waiting.settle(due, aside)
            self.aside += aside

    def bring_back(self) -> None:
        """A queue takes messages again."""
        assert self.engine is not None
        self.engine.waiting.bring_back(self.aside, self.now_ms)
        self.aside.clear()

    def drop(self) -> None:
        """An operator drops one message that is near."""
        assert self.engine is not None
        waiting = self.engine.waiting
        if near := waiting.opened():
            chosen = self.draw.choice(near)
            self.leaving.add(chosen.record.body)
            waiting.drop(chosen.position)
            point = CommitPoint(self.engine.commit_group, waiting.settled_lsn)
            wait_for(point, partial(self._note, point, [chosen.record], self.gone))

    def tick(self) -> None:
        """The node's clock is looked at."""
        self.shell.tick(self.now_ms)

    def compact(self) -> None:
        """What is committed goes into the messages, and may be stored."""
        self.shell.compact(QUEUE)
        self.shell.carry_out()

    def _note(self, point: CommitPoint, records: list[Record], noted: set[bytes]) -> None:
        if is_safe(point):
            noted |= {each.body for each in records}

    # -- what the shell hands on -----------------------------------------------------------------

    def route(self, ready: Ready) -> None:
        """There is nobody else."""
        assert not ready.to_mirrors
        assert not ready.to_leaders

    def submit(self, transaction: StateTransaction) -> None:
        """Nothing has to be written elsewhere."""
        raise AssertionError(transaction)

    def read_state(self, queue: str) -> None:
        """It is known."""

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        """Begin with what a leader has."""
        memory = QueueMemory(NodeMemory(), self.draw.choice(BUDGETS_BYTES))
        parts = EngineParts(
            queue, QueueOptions(), log, _nobody, lambda: None, self.now_ms, memory=memory
        )
        self.engine = WaitingEngine(parts)
        self.engine.recover(found, self.now_ms)

    def stop(self, queue: str) -> None:
        """No other leader comes."""
        raise AssertionError(queue)


def _nobody(_effect: Effect) -> None:
    """Nobody is told."""
