"""Random lives of queues that are longer than their memory, on a disk that may go at any time.

Each log has a queue on top, with a budget of a few messages. What the queue delivers, counts and
comes back with is compared with what is ready by a naive model, message by message.
"""

import random
from collections.abc import Sequence
from typing import Final

from persistence.files import Files
from persistence.log import Log
from persistence.queue_recovery import RecoveredQueue
from persistence.record import PERSISTENT, Record, Run, make_route
from queues.batch import Batch, messages_of
from queues.classic.queue import ClassicQueue
from queues.log_port import QueueReadBack, QueueSlice
from queues.options import Durability, QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.crash.life import HEADER, Life
from tests.crash.stored_node import Expected, ExpectedQueue, change_of
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer

NOW_MS: Final = 1_000
BUDGETS_BYTES: Final = (1, 1, 600, 3_000)
ALL: Final = 1_000_000


class NotedLog:
    """A queue's log, of which the highest LSN is remembered.

    Attributes:
        newest_lsn: since it was last set to 0.
    """

    def __init__(self, log: Log) -> None:
        self.newest_lsn = 0
        self.commit_group = log.commit_group
        self._log = log

    @property
    def committed_lsn(self) -> int:
        return self._log.committed_lsn

    @property
    def read_back_count(self) -> int:
        return 0  # so that a drain delivers as many as it is told, however they lie in chunks

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        return self._noted(self._log.append(first_position, run, expires_at_ms))

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        self._log.set_fsynced(is_fsynced=is_fsynced)

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        return self._noted(self._log.settle(positions, is_promised=is_promised))

    def requeued(self, positions: range, delivery_count: int) -> int:
        return self._noted(self._log.requeued(positions, delivery_count))

    def spill(
        self, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
    ) -> bool:
        return self._log.spill(lane, slices, among_unacked=among_unacked)

    def read_back(self, lane: int, from_position: int, stop_position: int) -> QueueReadBack:
        return self._log.read_back(lane, from_position, stop_position)

    def drop(self) -> int:
        return self._noted(self._log.drop())

    def _noted(self, lsn: int) -> int:
        self.newest_lsn = max(self.newest_lsn, lsn)
        return lsn


class ReadOnlyLog(NotedLog):
    """The log from which a second queue reads all messages of the first one."""

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Leave the class to the first one."""

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        return 0

    def spill(
        self, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
    ) -> bool:
        return False


class LiveQueue:
    """A queue on its log, one consumer, and what the model says.

    Attributes:
        expected: what is not settled, and the LSNs of everything.
    """

    def __init__(self, expected: ExpectedQueue, log: NotedLog, budget_bytes: int) -> None:
        self.expected = expected
        self.log = log
        self.consumer = FakeConsumer()
        self.consumer.is_paused = True
        self.redeliver_below = 0
        self._top = expected.log.state.options.max_priority
        is_fsynced = expected.log.is_fsynced
        parts = EngineParts(
            "jobs",
            QueueOptions(
                max_priority=self._top, durability=Durability.FSYNC if is_fsynced else Durability.OS
            ),
            log,
            lambda _: None,
            lambda: None,
            NOW_MS,
            memory=QueueMemory(NodeMemory(), budget_bytes, budget_bytes),
        )
        self.engine = ClassicQueue(parts)
        self.engine.consume(self.consumer, NOW_MS)

    def recover(self, found: RecoveredQueue) -> None:
        """Take over the data that a restart found."""
        self.redeliver_below = found.redeliver_below
        self.engine.recover(found, NOW_MS)
        self.check_counts()

    def ready(self) -> list[int]:
        """Return the model's ready messages, in the order of delivery."""
        live = self.expected.unsettled()
        top = self._top or 0
        return sorted(
            live.keys() - self.consumer.unacked.keys(),
            key=lambda at: (-min(live[at].record.priority, top), at),
        )

    def check_counts(self) -> None:
        """Assert that the queue's ready counts are those of the model."""
        ready = self.ready()
        live = self.expected.unsettled()
        assert self.engine.ready_count == len(ready), "as many are ready as the model says"
        body_bytes = sum(len(live[at].record.body) for at in ready)
        assert self.engine.counts().ready_bytes == body_bytes, "and as many octets"

    def deliver(self, max_count: int) -> None:
        """Let the consumer have messages, and compare them with the model's."""
        ready, live = self.ready(), self.expected.unsettled()
        first = len(self.consumer.batches)
        self.consumer.is_paused = False
        self.engine.drain(NOW_MS, max_count)
        self.consumer.is_paused = True
        batches = self.consumer.batches[first:]
        positions = [at for batch in batches for at in batch.positions]
        assert positions == ready[:max_count], "the next ones, in order, and none else"
        for batch in batches:
            self.compare(batch, live)
        self.check_counts()

    def compare(self, batch: Batch, live: dict[int, Expected]) -> None:
        """Assert that messages are what was published, and how often they came back."""
        for entry in messages_of(batch):
            expected = live[entry.position]
            count = max([count for _, count in expected.requeued], default=0)
            assert entry.record == expected.record, "it is what was published"
            assert entry.delivery_count == count, f"it came back {count} times"
            was_delivered = count > 0 or entry.position < self.redeliver_below
            assert batch.redelivered is was_delivered, "it is flagged where it may be known"

    def settled(self, positions: Sequence[int], *, is_promised: bool = False) -> None:
        """Note that positions are done with, by the log's newest entry."""
        for position in positions:
            if self.expected.transient.pop(position, None) is None:
                message = self.expected.messages[position]
                message.settle_lsn = self.log.newest_lsn
                message.is_promised = is_promised


class QueueLife(Life):
    """One node whose queues are used through their engines; every choice is drawn from one seed."""

    asks_again = False

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.live: dict[int, LiveQueue] = {}
        self.actions = [
            (12, self.publish),
            (6, self.deliver),
            (2, self.get),
            (8, self.settle),
            (3, self.come_back),
            (1, self.purge),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.declare),
            (1, self.delete),
            (2, self.change_class),
            (1, self.node.commit.request_fsync),
        ]

    def adopt(self, queues: dict[int, ExpectedQueue], published_count: int) -> None:
        super().adopt(queues, published_count)
        for queue_id, queue in queues.items():
            found = self.node.opened.queues[queue_id]
            # All of it is read once by a queue that leaves no trace.
            reader = LiveQueue(queue, ReadOnlyLog(queue.log), 1)
            reader.recover(found)
            reader.deliver(ALL)
            self._live(queue).recover(found)

    def publish(self) -> None:
        queue = self._queue()
        if queue is None:
            self.declare()
            return
        live = self._live(queue)
        run = [self._record(queue) for _ in range(self.draw.choice((1, 2, 5, 20, 100)))]
        first = queue.log.state.next_position
        outcome = live.engine.publish(run, NOW_MS)
        assert not outcome.rejected, "there is no limit"
        for position, record in enumerate(run, start=first):
            expires_at_ms = NOW_MS + record.ttl_ms + self.node.wall_offset_ms
            expires_at_ms = expires_at_ms if record.ttl_ms >= 0 else 0
            expected = Expected(record, expires_at_ms, outcome.safe_at.lsn)
            kept = queue.messages if record.flags & PERSISTENT else queue.transient
            kept[position] = expected
        live.check_counts()

    def deliver(self) -> None:
        """Deliver some."""
        if (queue := self._queue()) is not None:
            self._live(queue).deliver(self.draw.choice((1, 3, 20, 200)))

    def get(self) -> None:
        """Take one for good."""
        if (queue := self._queue()) is None:
            return
        live = self._live(queue)
        ready = live.ready()
        live.log.newest_lsn = 0
        answer = live.engine.get(NOW_MS, no_ack=True)
        assert (answer is not None) is bool(ready), "there is one where the model has one"
        if answer is not None:
            assert list(answer[0].positions) == ready[:1], "the next one"
            live.compare(answer[0], queue.unsettled())
            live.settled(ready[:1])
        live.check_counts()

    def settle(self) -> None:
        if (queue := self._queue()) is None or not (chosen := self._unacked(queue)):
            return
        live = self._live(queue)
        entries = live.consumer.take_unacked(chosen)
        live.log.newest_lsn = 0
        live.engine.settle(chosen, sum(len(entry.record.body) for entry in entries))
        live.settled(chosen)

    def come_back(self) -> None:
        if (queue := self._queue()) is None or not (chosen := self._unacked(queue)):
            return
        live = self._live(queue)
        entries = live.consumer.take_unacked(chosen)
        live.log.newest_lsn = 0
        live.engine.requeue(single_batches(entries), NOW_MS)
        messages = queue.unsettled()
        for entry in entries:
            count = entry.delivery_count + 1
            messages[entry.position].requeued.append((live.log.newest_lsn, count))
        live.check_counts()

    def purge(self) -> None:
        """Forget all that is ready."""
        if (queue := self._queue()) is None:
            return
        live = self._live(queue)
        ready = live.ready()
        live.log.newest_lsn = 0
        outcome = live.engine.purge()
        assert outcome.purged_count == len(ready), "it forgets what is ready"
        assert outcome.safe_at.lsn == live.log.newest_lsn, "it says when that is safe"
        live.settled(ready, is_promised=True)
        live.check_counts()

    def delete(self) -> None:
        if len(self._queues()) < 2 or (queue := self._queue()) is None:
            return
        change = change_of(queue.log.queue_id, None)
        queue.delete_lsn = self.node.commit.append_definition(change)
        self._live(queue).engine.delete()

    def _live(self, queue: ExpectedQueue) -> LiveQueue:
        queue_id = queue.log.queue_id
        if queue_id not in self.live:
            budget_bytes = self.draw.choice(BUDGETS_BYTES)
            self.live[queue_id] = LiveQueue(queue, NotedLog(queue.log), budget_bytes)
        return self.live[queue_id]

    def _unacked(self, queue: ExpectedQueue) -> list[int]:
        """Return some unacked positions: in a row, or as they come."""
        unacked = sorted(self._live(queue).consumer.unacked)
        if not unacked:
            return []
        draw = self.draw
        if draw.random() < 0.7:
            return unacked[: draw.randrange(1, len(unacked) + 1)]
        return draw.sample(unacked, draw.randrange(1, len(unacked) + 1))

    def _record(self, queue: ExpectedQueue) -> Record:
        made = super()._record(queue)
        draw = self.draw
        if draw.random() < 0.8:
            return made
        ttl_ms = 10**9 + draw.randrange(3)
        return Record(make_route("", "q"), HEADER, made.body, made.flags, made.priority, ttl_ms)
