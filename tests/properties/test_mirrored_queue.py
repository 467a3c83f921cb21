"""A mirrored queue does what a queue does that gets each run when it is committed.

While nothing may be delivered the other queue gets nothing, and nobody asks it for anything but
settlements. Time stands, for a message waits in a mirrored queue before it can expire.
"""

import random

import pytest

from persistence.record import Record
from queues.batch import Batch
from queues.classic.mirrored_queue import MirroredQueue
from queues.classic.queue import ClassicQueue
from queues.log_port import CommittedLog
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import NOW_MS
from tests.support.committed_log import FakeCommittedLog
from tests.support.consumer import FakeConsumer
from tests.support.queue_log import FakeLog
from tests.support.records import record

ALL = 1_000_000
STEPS = 250
OPTIONS = (
    QueueOptions(),
    QueueOptions(max_priority=3),
    QueueOptions(max_length=4, dead_letter_exchange="dlx"),
    QueueOptions(max_length_bytes=12, max_priority=2, dead_letter_exchange="dlx"),
    QueueOptions(message_ttl_ms=0, dead_letter_exchange="dlx"),
    QueueOptions(single_active_consumer=True, delivery_limit=1),
)


class Pair:
    """A mirrored queue and its naive twin, under the same random use."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.options = OPTIONS[seed % len(OPTIONS)]
        # What is read back counts as many messages, and what expires at once cannot wait for that.
        budget = 1 << 20 if self.options.message_ttl_ms == 0 else self.draw.choice((60, 1 << 20))
        top = self.options.max_priority
        self.log, self.twin_log = FakeCommittedLog(top), FakeLog(top)
        memories = [QueueMemory(NodeMemory(), budget, budget) for _ in range(2)]
        self.queue = MirroredQueue(
            EngineParts[CommittedLog](
                "q", self.options, self.log, self.nothing, self.wake, NOW_MS, memory=memories[0]
            )
        )
        self.twin = ClassicQueue(
            EngineParts(
                "q",
                self.options,
                self.twin_log,
                self.nothing,
                self.wake,
                NOW_MS,
                memory=memories[1],
            )
        )
        self.runs: list[list[Record]] = []
        self.unacked: list[Batch] = []
        self.consumers: list[tuple[FakeConsumer, FakeConsumer]] = []
        self.number = 0

    def nothing(self, _effect: object) -> None:
        pass

    def wake(self) -> None:
        pass

    def step(self) -> None:
        self.draw.choice(
            (self.publish, self.publish, self.commit, self.get, self.settle, self.come_back) * 3
            + (self.reject, self.consume, self.cancel, self.purge, self.hold)
        )()
        self.drain()
        self.compare()

    def publish(self) -> None:
        draw, run = self.draw, []
        for _ in range(draw.choice((1, 1, 3))):
            self.number += 1
            body = b"%d" % self.number + bytes(draw.choice((0, 3)))
            run.append(record(body, priority=draw.choice((0, 0, 1, 3))))
        self.queue.publish(run, NOW_MS)
        self.runs.append(list(run))

    def commit(self) -> None:
        self.log.commit(self.draw.choice((1, 2, 10)))

    def hold(self) -> None:
        self.log.let_deliver(is_on=not self.log.delivers)

    def get(self) -> None:
        mine = self.queue.get(NOW_MS)
        if not self.log.delivers:
            assert mine is None
            return
        self.enter()
        other = self.twin.get(NOW_MS)
        assert (mine is None) is (other is None)
        if mine is not None and other is not None:
            assert (list(mine[0].positions), mine[1]) == (list(other[0].positions), other[1])
            assert list(mine[0].records) == list(other[0].records)
            self.unacked.append(mine[0])

    def enter(self) -> None:
        """The twin gets what is committed."""
        committed = len(self.runs) - len(self.log.uncommitted)
        for run in self.runs[:committed]:
            self.twin.publish(run, NOW_MS)
            self.twin.drain(NOW_MS, ALL)
        del self.runs[:committed]

    def drain(self) -> None:
        self.queue.drain(NOW_MS, ALL)
        if self.log.delivers:
            self.enter()
            self.twin.drain(NOW_MS, ALL)
        self.queue.check_invariants()

    def some(self) -> Batch | None:
        if not self.unacked:
            return None
        return self.unacked.pop(self.draw.randrange(len(self.unacked)))

    def settle(self) -> None:
        if (batch := self.some()) is not None:
            self.queue.settle(batch.positions, batch.body_bytes)
            self.twin.settle(batch.positions, batch.body_bytes)

    def come_back(self) -> None:
        if self.log.delivers and (batch := self.some()) is not None:
            self.queue.requeue([batch], NOW_MS)
            self.twin.requeue([batch], NOW_MS)

    def reject(self) -> None:
        if (batch := self.some()) is not None:
            self.queue.reject([batch], NOW_MS)
            self.twin.reject([batch], NOW_MS)

    def consume(self) -> None:
        if self.consumers or not self.log.delivers:
            return
        prefetch = self.draw.choice((1, 3))
        mine, other = (FakeConsumer(no_ack=True, prefetch=prefetch) for _ in range(2))
        self.queue.consume(mine, NOW_MS)
        self.twin.consume(other, NOW_MS)
        self.consumers.append((mine, other))

    def cancel(self) -> None:
        if self.consumers:
            mine, other = self.consumers.pop()
            self.queue.cancel(mine, NOW_MS)
            self.twin.cancel(other, NOW_MS)

    def purge(self) -> None:
        if self.log.delivers and self.draw.random() < 0.3:
            self.enter()
            assert self.queue.purge().purged_count == self.twin.purge().purged_count

    # -- what both of them show -----------------------------------------------------------------

    def compare(self) -> None:
        for mine, other in self.consumers:
            assert mine.bodies == other.bodies
        assert self.queue.ready_count == self.twin.ready_count
        if self.log.delivers:
            assert deaths(self.queue) == deaths(self.twin)
        committed = self.log.committed_below
        kept = {at: each for at, each in self.log.kept.items() if at < committed}
        if self.log.delivers:
            assert kept == self.twin_log.kept, "settled alike"
        assert self.queue.delivered_below <= committed
        coming = sum(map(len, self.runs))
        assert len(self.log.kept) >= coming, "what is not committed is not settled"


def deaths(queue: ClassicQueue) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    while (dying := queue.moves.take(ALL)) is not None:
        found += zip([dying.reason.value] * len(dying.records), dying.positions, strict=False)
        queue.moved(dying)
    return found


@pytest.mark.parametrize("first", range(0, 120, 24))
def test_a_mirrored_queue_is_a_queue_that_gets_what_is_committed(first: int) -> None:
    for seed in range(first, first + 24):
        pair = Pair(seed)
        try:
            for _ in range(STEPS):
                pair.step()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken
