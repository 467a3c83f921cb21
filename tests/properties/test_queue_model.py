"""Whatever is asked of a queue, in whatever order, it does what the naive model does.

The model takes one message at a time from one list; the queue takes runs and deals out batches.
Dropping for length after a whole run may call a message dead of ``maxlen`` that had expired
behind the head: which messages go and in which order is the same.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)

from persistence.record import NO_TTL, Record
from queues.batch import QueuedMessage, messages_of
from queues.classic.rules import CLASSIC_RULES, QUORUM_RULES, SharingRules
from queues.effects import QueueExpired
from queues.options import Overflow, QueueOptions
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.queue_machine import UNLIMITED, QueueBesideModel
from tests.support.queue_model import ModelConsumer
from tests.support.queue_tally import Tally
from tests.support.records import record

CONSUMERS_MAX = 5

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


class QueueMachine(QueueBesideModel):
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
        self.begin(options, rules, budget_bytes, chunk_count)
        for shape in first_consumers:
            self.consume(shape)
        self.publish(first_run, drains=True)

    # -- messages ---------------------------------------------------------------------------

    @rule(shapes=run_strategy, drains=st.booleans())
    def publish(self, shapes: list[tuple[int, int, int]], drains: bool) -> None:
        run: list[Record] = [
            record(b"%d" % next(self.numbers) + b"." * size, ttl_ms=ttl_ms, priority=priority)
            for size, ttl_ms, priority in shapes
        ]
        only_appends = self.queue.only_appends(run, self.now_ms)
        before = (self.queue.ready_count, self.queue.counts().unacked_count, len(self.effects))
        outcome = self.queue.publish(run, self.now_ms)
        if only_appends:
            ready_count, *others = before
            after = (self.queue.ready_count, self.queue.counts().unacked_count, len(self.effects))
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

    @precondition(lambda self: self.model.ready)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Take messages out of the middle, of those that a look shows at once."""
        looked = self.queue.look(None)
        if looked.place is None:
            return  # Those that were lost are counted until the head is read.
        shown = [one for each in looked.slices for one in each.messages()]
        if not shown:
            return
        chosen = data.draw(st.sets(st.sampled_from(range(len(shown))), min_size=1), label="chosen")
        messages = [shown[index] for index in sorted(chosen)]
        self.queue.remove(looked.place.lane, messages)
        gone = {one.position for one in messages}
        self.model.ready = [one for one in self.model.ready if one.position not in gone]
        self.tally.purged += len(gone)

    @precondition(lambda self: len(self.model.ready) > 4)
    @rule()
    def purge(self) -> None:
        assert self.queue.purge().purged_count == len(self.model.ready)
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
