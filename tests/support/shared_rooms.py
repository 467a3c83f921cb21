"""The room of a delayed exchange, whoever leads what is behind it: leaders that change, by chance.

The history of what waits is one list of operations. A new leader begins with a prefix of it that
has all that is committed. Queues take messages, keep them out, or say late that they are safe.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from amqp_server.broker.congestion import Congestion
from amqp_server.broker.keepers.due_publisher import DuePublisher
from amqp_server.broker.keepers.shared_room import SharedRoom
from amqp_server.broker.publish_target import PublishTarget
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from persistence.record import Record, Run
from queues.asked_port import CountsAnswer
from queues.classic.lifetime import wake_nobody
from queues.commits import CommitPoint, is_safe, wait_for
from queues.delayed.waiting_engine import WaitingEngine
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome, StillOpen, kept_out
from queues.ports import EngineParts, QueueEngine
from queues.tail import NodeMemory, QueueMemory
from tests.support.commits import FakeCommits
from tests.support.led_log import Appended, LedLog, Operation, Settled
from tests.support.refusing_queue import FakeRun

NOW_MS = 10_000
NAMES = ("q0", "q1")


class CommittedHistory(LedLog):
    """A ``CommittedLog`` with a history that leaders share."""

    def __init__(self, operations: Sequence[Operation] = ()) -> None:
        self.on_committed: Callable[[], None] = wake_nobody
        self.may_deliver = True
        self.is_late = False
        self.committed_below = 0
        super().__init__(operations)

    @property
    def last_point(self) -> CommitPoint:
        return CommitPoint(self.commit_group, self.lsn)

    def lags(self, now_ms: int) -> bool:
        del now_ms
        return self.is_late

    def commit(self, lsn: int) -> None:
        for each in self.operations[self.committed_lsn : lsn]:
            if isinstance(each, Appended):
                self.committed_below = each.position + len(each.run)
        super().commit(lsn)
        self.on_committed()


class Target:
    """A queue; ``safe`` is what it has for good."""

    def __init__(self, draw: random.Random, note: Callable[[Record], None]) -> None:
        self.draw = draw
        self.note = note
        self.commits = FakeCommits()
        self.lsn = 0
        self.keeps_out = 0.2

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        del now_ms
        if self.draw.random() < self.keeps_out:
            return kept_out(len(run))
        self.lsn += 1
        count = len(run)
        open_run = FakeRun()
        point = CommitPoint(self.commits, self.lsn)
        if self.draw.random() < self.keeps_out:
            # Nobody led it in time: some are refused, when it is decided.
            open_run.was_kept_out = True
            open_run.refused.append(range(count // 2, count))
            run = run[: count // 2]
        for record in run:
            wait_for(point, partial(self.note, record))
        return PublishOutcome((), point, (), (StillOpen(range(count), open_run),))

    def decide(self) -> None:
        self.commits.commit(self.draw.randint(self.commits.committed_lsn, self.lsn))


class Front:
    """The front half, as the room knows it."""

    def __init__(self) -> None:
        self.here: WaitingEngine | None = None
        self.asked: list[Callable[[CountsAnswer | None], None]] = []
        self.is_deleted = False

    def ask_counts(self, then: Callable[[CountsAnswer | None], None], now_ms: int) -> None:
        del now_ms
        self.asked.append(then)

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        assert self.here is not None
        return self.here.publish(run, now_ms)

    def drain(self, now_ms: int, max_messages: int) -> bool:
        del now_ms, max_messages
        return False

    def next_deadline_ms(self) -> int | None:
        return None

    def expire(self, now_ms: int) -> None:
        """Nothing is due."""

    def delete(self) -> None:
        self.is_deleted = True


class Publisher:
    """Routes by the key: it has the names of the queues."""

    def finding_names(self, records: Sequence[Record]) -> Steps[list[tuple[Sequence[str], Record]]]:
        yield
        return [(record.routing_key.split(), record) for record in records]

    def note_moved(self, names: Sequence[str], run: Run, now_ms: int) -> None:
        """Nobody watches."""


class RoomLife:
    """All of it; ``step`` makes one thing happen.

    Attributes:
        due_ms: when each message is due, by number.
        confirmed: numbers that were confirmed to their publishers.
        moved: how often each message came to each queue for good.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.now_ms = NOW_MS
        self.turn = Turn(self.draw.choice((256, 4_096)))
        self.count = self.leaders_count = 0
        self.names: dict[int, list[str]] = {}
        self.due_ms: dict[int, int] = {}
        self.confirmed: set[int] = set()
        self.gone: set[int] = set()
        self.moved: Counter[tuple[str, int]] = Counter()
        self.targets = {name: Target(self.draw, partial(self.came, name)) for name in NAMES}
        self.front = Front()
        self.room = SharedRoom(
            "x",
            self.turn,
            cast("DuePublisher", Publisher()),
            lambda name: cast("PublishTarget", self.targets[name]),
            Congestion(),
        )
        self.log = CommittedHistory()
        self.lead(self.log, is_first=True)
        self.room.join("x behind", cast("QueueEngine", self.front))
        self.kinds: list[tuple[int, Callable[[], None]]] = [
            (10, self.publish),
            (10, self.commit),
            (20, self.end_turn),
            (10, self.advance),
            (12, self.decide),
            (2, self.store),
            (1, self.take_over),
            (1, self.lapse),
        ]

    def step(self) -> None:
        weights = [weight for weight, _ in self.kinds]
        self.draw.choices([kind for _, kind in self.kinds], weights)[0]()

    def lead(self, log: CommittedHistory, *, is_first: bool = False) -> None:
        memory = QueueMemory(NodeMemory(), self.draw.choice((300, 1 << 20)))
        parts = EngineParts(
            "x", QueueOptions(), log, lambda _: None, self.room.wake, self.now_ms, memory=memory
        )
        self.log = log
        self.leaders_count += 1
        engine = WaitingEngine(parts)
        if not is_first:
            engine.recover(log.found(), self.now_ms)
        self.front.here = engine
        self.room.wake()

    # -- what happens -----------------------------------------------------------------------------

    def publish(self) -> None:
        if self.front.here is None:
            return
        delay_ms = self.draw.choice((1, 40, 40, 700, 5_000, 70_000))
        numbers = range(self.count, self.count + self.draw.choice((1, 1, 3)))
        self.count += len(numbers)
        run: list[Record] = []
        for number in numbers:
            names = self.draw.choice((["q0"], ["q1"], ["q0", "q1"], []))
            self.names[number] = names
            self.due_ms[number] = self.now_ms + delay_ms
            run.append(Record(key(names), b"", b"%d" % number, ttl_ms=delay_ms))
        outcome = self.front.publish(run, self.now_ms)
        wait_for(outcome.safe_at, partial(self.decided, outcome, numbers))

    def decided(self, outcome: PublishOutcome, numbers: range) -> None:
        if is_safe(outcome.safe_at):
            self.confirmed |= set(numbers)

    def came(self, name: str, record: Record) -> None:
        number = int(record.body)
        assert self.now_ms >= self.due_ms[number], f"{number} came early"
        assert number not in self.gone, f"{number} came back"
        self.moved[name, number] += 1
        assert self.moved[name, number] <= self.leaders_count, f"{number} came too often"

    def commit(self) -> None:
        log = self.log
        before = log.committed_lsn
        log.commit(self.draw.randint(before, log.lsn))
        for each in log.operations[before : log.committed_lsn]:
            if isinstance(each, Settled):
                self.gone |= {self.number_at(at) for at in each.positions}

    def number_at(self, position: int) -> int:
        for each in self.log.operations:
            if isinstance(each, Appended) and 0 <= position - each.position < len(each.run):
                return int(each.run[position - each.position].body)
        raise AssertionError("it was appended")

    def end_turn(self) -> None:
        self.turn.end(self.now_ms)

    def advance(self) -> None:
        self.now_ms += self.draw.choice((1, 7, 100, 1_500))
        due_ms = self.turn.next_deadline_ms()
        if due_ms is not None and due_ms <= self.now_ms:
            self.turn.on_deadline(self.now_ms)

    def decide(self) -> None:
        self.targets[self.draw.choice(NAMES)].decide()

    def store(self) -> None:
        """A checkpoint comes by."""
        there = sorted(self.log.kept)
        self.log.store(there[: self.draw.randint(0, len(there))])

    def take_over(self) -> None:
        old = self.log
        kept = self.draw.randint(old.committed_lsn, old.lsn)
        old.has_ended = True
        old.commit_group.fail()
        log = CommittedHistory(old.operations[:kept])
        self.log = log
        self.commit()
        self.store()
        self.lead(log)
        if self.draw.random() < 0.2:
            self.front.here = None

    def lapse(self) -> None:
        """The lease ends, or the mirrors are silent; or all is well again."""
        self.log.may_deliver = self.draw.random() < 0.6
        self.log.is_late = self.draw.random() < 0.4
        self.log.on_committed()

    def go_away(self) -> None:
        """Nobody leads a queue, or somebody does again."""
        self.targets[self.draw.choice(NAMES)].keeps_out = self.draw.choice((0.2, 0.2, 1))

    # -- the end ----------------------------------------------------------------------------------

    def heal(self) -> None:
        """Let all be done, with nothing new; then each confirmed message is where it belongs."""
        self.log.may_deliver, self.log.is_late = True, False
        self.log.on_committed()
        while self.front.here is None:
            self.take_over()
        for target in self.targets.values():
            target.keeps_out = 0
        self.log.commit(self.log.lsn)
        self.now_ms += 200_000
        for _ in range(400):
            self.turn.on_deadline(self.now_ms)
            self.turn.end(self.now_ms)
            for target in self.targets.values():
                target.commits.commit(target.lsn)
            self.log.commit(self.log.lsn)
            self.now_ms += 50
        lost = [
            (name, number)
            for number in sorted(self.confirmed)
            for name in self.names[number]
            if not self.moved[name, number]
        ]
        assert not lost, f"confirmed, and never came: {lost}"
        assert self.front.here is not None
        assert self.front.here.waiting.count == 0, "nothing waits any more"
        assert not self.log.kept, "and nothing is in the log"


def key(names: Sequence[str]) -> bytes:
    route = " ".join(names).encode()
    return b"\x01x" + bytes((len(route),)) + route
