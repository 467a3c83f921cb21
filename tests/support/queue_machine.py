"""A queue beside its naive model, and what always holds of the two.

Dropping for length after a whole run may call a message dead of ``maxlen`` that had expired
behind the head: which messages go and in which order is the same.
"""

from itertools import count

from hypothesis.stateful import RuleBasedStateMachine, invariant

from queues.classic.queue import ClassicQueue
from queues.classic.rules import SharingRules
from queues.effects import DeadLettered, DeathReason, Effect, QueueExpired
from queues.options import QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.queue_log import FakeLog
from tests.support.queue_model import ModelConsumer, QueueModel
from tests.support.queue_tally import Tally

UNLIMITED = 1 << 30


class FreelyReadLog(FakeLog):
    """A log whose reads shorten no drain: the model knows nothing of chunks."""

    @property
    def read_back_count(self) -> int:
        return 0

    @read_back_count.setter
    def read_back_count(self, count: int) -> None:
        """Count nothing."""


class QueueBesideModel(RuleBasedStateMachine):
    """A queue, its model, and what both were told; the rules are for a subclass to say."""

    def begin(
        self,
        options: QueueOptions,
        rules: SharingRules,
        budget_bytes: int | None,
        chunk_count: int,
    ) -> None:
        """Make both, without consumers and messages.

        Args:
            options, rules: of the queue.
            budget_bytes: what ready messages may take in memory; None is no limit.
            chunk_count: messages in a chunk of the log.
        """
        self.now_ms = 1_000
        self.numbers = count()
        self.options = options
        self.sharing_rules = rules
        self.effects: list[Effect] = []
        self.deaths: list[tuple[DeathReason, bytes]] = []
        self.log = FreelyReadLog(options.max_priority)
        self.log.chunk_count = chunk_count
        self.budget_bytes = budget_bytes
        self.tally = Tally()
        self.redeliver_below = 0
        self.is_awake = False
        self.known_deadline_ms: int | None = None
        self.queue = self.new_queue()
        self.model = QueueModel(options, self.now_ms, hands_over=rules.hands_over)
        self.known_deadline_ms = self.queue.next_deadline_ms()
        self.consumers: list[tuple[FakeConsumer, ModelConsumer]] = []
        self.getter = FakeConsumer("get")
        self.shared = Prefetch(3)
        self.shared_prefetch = [3]

    def new_queue(self) -> ClassicQueue:
        self.memory = QueueMemory(NodeMemory())
        if self.budget_bytes is not None:
            self.memory = QueueMemory(NodeMemory(), self.budget_bytes, self.budget_bytes)
        parts = EngineParts(
            "jobs",
            self.options,
            self.log,
            self.effects.append,
            self.wake_up,
            self.now_ms,
            memory=self.memory,
        )
        return ClassicQueue(parts, self.sharing_rules)

    def wake_up(self) -> None:
        self.is_awake = True

    def holders(self) -> list[tuple[FakeConsumer, ModelConsumer | None]]:
        return [*self.consumers, (self.getter, None)]

    @invariant()
    def counts_agree(self) -> None:
        queue, counts, model = self.queue, self.queue.counts(), self.model
        assert queue.ready_count == len(model.ready)
        assert counts.ready_bytes == sum(len(one.record.body) for one in model.ready)
        assert queue.counts().unacked_count == len(model.unacked)
        assert counts.unacked_bytes == sum(len(one.record.body) for one in model.unacked.values())
        assert queue.consumer_count == len(model.consumers)
        queue.check_invariants()

    @invariant()
    def what_happened_is_counted(self) -> None:
        self.move_the_dead()
        counts = self.queue.counts()
        self.tally.check(counts, sum(counts.dead_lettered), len(self.deaths))
        assert counts.ready_count == len(self.model.ready)
        assert counts.unacked_count == len(self.model.unacked)
        assert counts.memory_bytes == self.memory.used_bytes

    @invariant()
    def every_consumer_was_given_the_same_messages(self) -> None:
        for fake, model in self.consumers:
            given = [
                (one.body, batch.delivery_count) for batch in fake.batches for one in batch.records
            ]
            assert given == model.received
            for batch in fake.batches:
                is_old = batch.positions[-1] < self.redeliver_below
                assert batch.redelivered is (batch.delivery_count > 0 or is_old)
                is_new = batch.positions[0] >= self.redeliver_below
                assert batch.delivery_count or is_old or is_new, "flagged as a whole or not"
                assert batch.positions[-1] < self.queue.delivered_below
        active = self.queue.state().active_consumer
        assert (active and active.consumer_tag) == (self.model.active and self.model.active.name)

    @invariant()
    def the_same_messages_died(self) -> None:
        self.move_the_dead()
        assert list(map(blur, self.deaths)) == list(map(blur, self.model.deaths))
        told_count = sum([one.count for one in self.effects if isinstance(one, DeadLettered)])
        assert told_count == len(self.deaths), "the broker hears of each"
        others = [one for one in self.effects if isinstance(one, QueueExpired)]
        assert len(others) <= 1, "a queue expires once in a life"

    def move_the_dead(self) -> None:
        """Do what the broker does with what died, and look that it was kept until now."""
        while (dying := self.queue.moves.take(2)) is not None:
            for position, one in zip(dying.positions, dying.records, strict=False):
                assert self.log.kept[position] == one, "no settlement comes before the copy"
            self.deaths += [(dying.reason, one.body) for one in dying.records]
            self.queue.moved(dying)

    @invariant()
    def the_log_keeps_what_is_not_settled(self) -> None:
        self.move_the_dead()
        alive = {one.position: one.record for one in self.model.ready}
        alive.update((position, one.record) for position, one in self.model.unacked.items())
        assert self.log.kept == alive
        for one in self.model.ready:
            assert self.log.returned_counts.get(one.position, 0) == one.delivery_count

    @invariant()
    def the_broker_was_told(self) -> None:
        deadline_ms = self.queue.next_deadline_ms()
        if not any(isinstance(effect, QueueExpired) for effect in self.effects):
            assert deadline_ms == self.model.deadline_ms()
        if self.is_awake:
            return
        assert not self.model.ready or self.model.next_consumer() is None, "asleep on a delivery"
        if deadline_ms is not None:
            assert self.known_deadline_ms is not None, "asleep on a deadline"
            assert self.known_deadline_ms <= deadline_ms, "it came nearer unnoticed"

    def teardown(self) -> None:
        if not hasattr(self, "queue"):
            return
        assert [one.consumer_tag for one in self.queue.consumers] == [
            one.name for one in self.model.consumers
        ]
        self.queue.delete()
        assert self.memory.used_bytes == 0


def blur(death: tuple[DeathReason, bytes]) -> tuple[DeathReason, bytes]:
    """See the top: of these two causes the queue may name either."""
    reason, body = death
    return (DeathReason.MAXLEN if reason is DeathReason.EXPIRED else reason), body
