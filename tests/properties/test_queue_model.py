"""Whatever is asked of a queue, in whatever order, it does what the naive model does.

The model takes one message at a time from one list; the queue takes runs and deals out batches.
Dropping for length after a whole run may call a message dead of ``maxlen`` that had expired
behind the head: which messages go and in which order is the same.
"""

from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from persistence.record import NO_TTL, Record
from queues.batch import QueuedMessage, messages_of
from queues.classic.queue import ClassicQueue
from queues.classic.rules import CLASSIC_RULES, QUORUM_RULES, SharingRules
from queues.effects import DeadLettered, DeathReason, Effect, QueueExpired
from queues.options import Overflow, QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.queue_log import FakeLog
from tests.support.queue_model import ModelConsumer, QueueModel
from tests.support.queue_tally import Tally
from tests.support.records import record

CONSUMERS_MAX = 5
UNLIMITED = 1 << 30

options_strategy = st.builds(
    QueueOptions,
    message_ttl_ms=st.sampled_from([None, None, None, None, 20, 3, 0]),
    expires_ms=st.sampled_from([None, 50]),
    max_length=st.sampled_from([None, None, None, 4, 1, 0]),
    max_length_bytes=st.sampled_from([None, None, 12]),
    overflow=st.sampled_from(Overflow),
    dead_letter_exchange=st.sampled_from([None, "dlx"]),
    max_priority=st.sampled_from([None, None, 2]),
    single_active_consumer=st.sampled_from([False, False, True]),
    delivery_limit=st.sampled_from([None, None, 2, 1, 0]),
)
rules_strategy = st.sampled_from([CLASSIC_RULES, QUORUM_RULES])
consumer_strategy = st.tuples(
    st.sampled_from([0, 0, 0, 1]),  # priority
    st.sampled_from([5, 2, 1, 0]),  # prefetch
    st.sampled_from(["own", "own", "shared", "no_ack"]),
)
message_strategy = st.tuples(
    st.integers(0, 3),  # body size beside its number
    st.sampled_from([NO_TTL, NO_TTL, NO_TTL, NO_TTL, 10, 2, 0]),
    st.sampled_from([0, 0, 1, 2, 9]),
)
run_strategy = st.lists(message_strategy, min_size=1, max_size=6)


class QueueMachine(RuleBasedStateMachine):
    @initialize(
        options=options_strategy,
        rules=rules_strategy,
        first_consumers=st.lists(consumer_strategy, max_size=3),
        first_run=run_strategy,
        budget_bytes=st.sampled_from([None, 1, 1, 300]),
        chunk_count=st.integers(1, 4),
    )
    def start(
        self,
        options: QueueOptions,
        rules: SharingRules,
        first_consumers: list[tuple[int, int, str]],
        first_run: list[tuple[int, int, int]],
        budget_bytes: int | None,
        chunk_count: int,
    ) -> None:
        self.now_ms = 1_000
        self.numbers = count()
        self.options = options
        self.sharing_rules = rules
        self.effects: list[Effect] = []
        self.deaths: list[tuple[DeathReason, bytes]] = []
        self.log = FakeLog(options.max_priority)
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
        for shape in first_consumers:
            self.consume(shape)
        self.publish(first_run, drains=True)

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

    # -- messages ---------------------------------------------------------------------------

    @rule(shapes=run_strategy, drains=st.booleans())
    def publish(self, shapes: list[tuple[int, int, int]], drains: bool) -> None:
        run: list[Record] = [
            record(b"%d" % next(self.numbers) + b"." * size, ttl_ms=ttl_ms, priority=priority)
            for size, ttl_ms, priority in shapes
        ]
        only_appends = self.queue.only_appends(run, self.now_ms)
        before = (self.queue.ready_count, self.queue.unacked_count, len(self.effects))
        outcome = self.queue.publish(run, self.now_ms)
        if only_appends:
            ready_count, *others = before
            after = (self.queue.ready_count, self.queue.unacked_count, len(self.effects))
            assert after == (ready_count + len(run), *others)
            assert not outcome.rejected
        assert list(outcome.rejected) == self.model.publish(run, self.now_ms)
        is_dead = self.options.overflow is Overflow.REJECT_PUBLISH_DLX
        self.tally.publish(len(run), len(outcome.rejected), refused_die=is_dead)
        if drains:
            self.drain(100)

    @rule(most=st.sampled_from([1, 2, 3, 100]))
    def drain(self, most: int) -> None:
        has_more = self.queue.drain(self.now_ms, most)
        assert has_more is self.model.drain(self.now_ms, most)
        self.is_awake = has_more
        self.known_deadline_ms = self.queue.next_deadline_ms()

    @rule(no_ack=st.booleans())
    def get(self, no_ack: bool) -> None:
        answer = self.queue.get(self.now_ms, no_ack=no_ack)
        expected = self.model.get(self.now_ms, no_ack=no_ack)
        if answer is None:
            assert expected is None
            self.tally.got_empty += 1
            return
        batch, ready_left = answer
        self.tally.get(batch, no_ack=no_ack)
        assert [one.body for one in batch.records] == [expected]
        assert ready_left == len(self.model.ready)
        if not no_ack:
            self.getter.deliver(batch)
            assert [entry.position for entry in messages_of(batch)] == list(batch.positions)

    @precondition(lambda self: self.model.unacked)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        entries = self.give_up_some(data)
        positions = [entry.position for entry in entries]
        self.queue.settle(positions, sum(len(entry.record.body) for entry in entries))
        self.model.settle(positions)
        self.tally.acked += len(positions)

    @precondition(lambda self: self.model.unacked)
    @rule(data=st.data(), drains=st.booleans())
    def requeue(self, data: st.DataObject, drains: bool) -> None:
        entries = self.give_up_some(data)
        self.note_given_back(entries, requeue=True)
        self.queue.requeue(single_batches(entries), self.now_ms)
        self.model.requeue(entries, self.now_ms)
        if drains:
            self.drain(100)

    @precondition(lambda self: self.model.unacked)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        entries = self.give_up_some(data)
        self.note_given_back(entries, requeue=False)
        self.queue.reject(single_batches(entries), self.now_ms)
        self.model.reject(entries, self.now_ms)

    def give_up_some(self, data: st.DataObject) -> list[QueuedMessage]:
        """Take some of the messages that one holder has not acknowledged from it."""
        holders = [(fake, model) for fake, model in self.holders() if fake.unacked]
        fake, model = data.draw(st.sampled_from(holders), label="holder")
        held = list(fake.unacked)
        positions = data.draw(
            st.lists(st.sampled_from(held), min_size=1, unique=True) | st.just(held),
            label="positions",
        )
        return self.give_up(fake, model, positions)

    def note_given_back(self, entries: list[QueuedMessage], *, requeue: bool) -> None:
        """Count what is given back, by whether it is to be ready again."""
        limit = self.options.delivery_limit
        for entry in entries:
            is_too_often = limit is not None and entry.delivery_count + 1 > limit
            if requeue and not is_too_often:
                self.tally.requeued += 1
            else:
                self.tally.discarded += 1

    def give_up(
        self, fake: FakeConsumer, model: ModelConsumer | None, positions: list[int]
    ) -> list[QueuedMessage]:
        """Take messages from their holder, whose credit comes back."""
        if model is not None:
            model.window[0] += len(positions)
            if fake.shares_credit:
                model.shared_prefetch[0] += len(positions)
        was_shut = fake.lane.is_shut
        entries = fake.take_unacked(positions)
        if fake.is_blocked:
            self.queue.credit_regained(fake)
        if was_shut and not fake.lane.is_shut:
            self.queue.lane_opened(fake.lane)
        self.model.credit_came()
        return entries

    @precondition(lambda self: len(self.model.ready) > 4)
    @rule()
    def purge(self) -> None:
        assert self.queue.purge() == len(self.model.ready)
        self.tally.purged += len(self.model.ready)
        self.model.ready.clear()

    # -- consumers --------------------------------------------------------------------------

    @precondition(lambda self: len(self.consumers) < CONSUMERS_MAX)
    @rule(shape=consumer_strategy)
    def consume(self, shape: tuple[int, int, str]) -> None:
        priority, window, credit_kind = shape
        name = f"c{next(self.numbers)}"
        no_ack, shares = credit_kind == "no_ack", credit_kind == "shared"
        fake = FakeConsumer(
            name,
            prefetch=self.shared if shares else (0 if no_ack else window),
            priority=priority,
            no_ack=no_ack,
        )
        own_window = [UNLIMITED if no_ack or not window else window]
        model = ModelConsumer(
            name,
            priority,
            no_ack,
            window=[UNLIMITED] if shares else own_window,
            shared_prefetch=self.shared_prefetch if shares else [UNLIMITED],
        )
        self.tally.consumers.append(fake)
        self.queue.consume(fake, self.now_ms)
        self.model.consume(model, self.now_ms)
        self.consumers.append((fake, model))

    @precondition(lambda self: self.consumers)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        fake, model = self.consumers.pop(data.draw(st.integers(0, len(self.consumers) - 1)))
        self.queue.cancel(fake, self.now_ms)
        self.model.cancel(model, self.now_ms)
        entries = self.give_up(fake, model, list(fake.unacked))
        self.note_given_back(entries, requeue=True)
        self.queue.requeue(single_batches(entries), self.now_ms)
        if entries:
            self.model.requeue(entries, self.now_ms)

    @precondition(lambda self: self.consumers)
    @rule(data=st.data())
    def pause_or_resume(self, data: st.DataObject) -> None:
        fake, model = data.draw(st.sampled_from(self.consumers))
        if fake.shares_credit:
            return
        fake.lane.is_stopped = not fake.lane.is_stopped
        model.shared_prefetch[0] = 0 if fake.lane.is_stopped else UNLIMITED
        if not fake.lane.is_shut:
            self.queue.lane_opened(fake.lane)
        self.model.credit_came()

    # -- time and policies ------------------------------------------------------------------

    @rule(span_ms=st.sampled_from([1, 2, 5, 30]))
    def pass_time(self, span_ms: int) -> None:
        self.now_ms += span_ms

    @rule()
    def on_deadline(self) -> None:
        self.queue.expire(self.now_ms)
        self.model.drop_expired(self.now_ms)
        self.known_deadline_ms = self.queue.next_deadline_ms()

    @rule(
        max_length=st.sampled_from([None, 0, 2]),
        ttl_ms=st.sampled_from([None, 0, 4]),
        overflow=st.sampled_from(Overflow),
    )
    def change_policy(self, max_length: int | None, ttl_ms: int | None, overflow: Overflow) -> None:
        before = self.options
        self.options = QueueOptions(
            message_ttl_ms=ttl_ms,
            expires_ms=before.expires_ms,
            max_length=max_length,
            max_length_bytes=before.max_length_bytes,
            overflow=overflow,
            dead_letter_exchange=before.dead_letter_exchange,
            max_priority=before.max_priority,
            single_active_consumer=before.single_active_consumer,
            delivery_limit=before.delivery_limit,
        )
        self.queue.reconfigure(self.options, self.now_ms)
        self.model.options = self.options
        self.model.drop_excess()

    # -- the disk ---------------------------------------------------------------------------

    @rule(is_full=st.booleans())
    def fill_or_free_the_disk(self, is_full: bool) -> None:
        self.log.is_full = is_full

    @precondition(lambda self: self.model.ready or self.model.unacked)
    @rule(was_clean=st.booleans())
    def restart(self, was_clean: bool) -> None:
        self.move_the_dead()
        below = max(self.queue.delivered_below, self.redeliver_below)
        found = self.log.found(below if was_clean else None)
        self.redeliver_below = found.redeliver_below
        restored = len(self.model.ready) + len(self.model.unacked)
        deaths_before = len(self.deaths)
        # One that was about to go is there again, and expires again.
        self.effects[:] = [one for one in self.effects if not isinstance(one, QueueExpired)]
        self.queue = self.new_queue()
        self.queue.recover(found, self.now_ms)
        self.model.restart(self.now_ms)
        self.tally = Tally(restored=restored, deaths_before=deaths_before)
        self.consumers.clear()
        self.getter = FakeConsumer("get")
        self.shared = Prefetch(3)
        self.shared_prefetch = [3]
        self.known_deadline_ms = self.queue.next_deadline_ms()

    # -- what always holds ------------------------------------------------------------------

    def holders(self) -> list[tuple[FakeConsumer, ModelConsumer | None]]:
        return [*self.consumers, (self.getter, None)]

    @invariant()
    def counts_agree(self) -> None:
        queue, counts, model = self.queue, self.queue.counts(), self.model
        assert queue.ready_count == len(model.ready)
        assert counts.ready_bytes == sum(len(one.record.body) for one in model.ready)
        assert queue.unacked_count == len(model.unacked)
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


class LongQueueMachine(QueueMachine):
    """The same with a backlog and without most of what keeps a queue short: much is on disk."""

    @initialize(
        options=st.builds(
            QueueOptions,
            max_length=st.sampled_from([None, None, 15]),
            dead_letter_exchange=st.sampled_from([None, "dlx"]),
            max_priority=st.sampled_from([None, 2]),
            message_ttl_ms=st.sampled_from([None, None, 30]),
        ),
        rules=rules_strategy,
        first_run=st.lists(message_strategy, min_size=15, max_size=25),
        budget_bytes=st.sampled_from([1, 1, 600]),
        chunk_count=st.integers(1, 9),
    )
    def start(
        self,
        options: QueueOptions,
        rules: SharingRules,
        first_run: list[tuple[int, int, int]],
        budget_bytes: int,
        chunk_count: int,
    ) -> None:
        QueueMachine.start(self, options, rules, [], first_run, budget_bytes, chunk_count)


TestLongQueueAgainstModel = LongQueueMachine.TestCase
TestLongQueueAgainstModel.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)

TestQueueAgainstModel = QueueMachine.TestCase
TestQueueAgainstModel.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
