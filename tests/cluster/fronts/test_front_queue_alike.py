"""A queue through its two halves does what it does by itself, step by step.

Allowed differences, which the rules leave out: which of several consumers gets a message, the
redelivered bit of what went back unseen, what of a full queue's publishes finds room while a
consumer has credit that the leader has not heard of, and counts of gets and deliveries without ack.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cluster.fronts.frames import Got, Purged, Question
from cluster.fronts.questions import Answer
from queues.batch import Batch, QueuedMessage
from queues.options import Overflow, QueueOptions
from queues.outcomes import refused_later
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer
from tests.support.half_pair import ALL, Pair
from tests.support.led_log import NOW_MS, LedLog, engine_on
from tests.support.records import run_of

OPTIONS = (
    QueueOptions(),
    QueueOptions(max_length=4),
    QueueOptions(max_length=4, overflow=Overflow.REJECT_PUBLISH),
    QueueOptions(delivery_limit=2),
    QueueOptions(single_active_consumer=True),
)


class Held:
    """A message that a client has, on both sides."""

    def __init__(self, direct: QueuedMessage, front: QueuedMessage) -> None:
        self.direct = direct
        self.front = front


class TwoHalvesBesideOne(RuleBasedStateMachine):
    """The same script at a queue, and at the halves of another one over a pipe."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.consumers: list[tuple[FakeConsumer, FakeConsumer]] = []
        self.got: list[Held] = []
        self.left: list[Held] = []

    @initialize(options=st.sampled_from(OPTIONS), is_alone=st.booleans(), is_parted=st.booleans())
    def begin(self, options: QueueOptions, is_alone: bool, is_parted: bool) -> None:
        self.options = options
        self.is_alone = is_alone
        self.log = LedLog()
        self.is_awake = False
        self.engine = engine_on(self.log, options, self.wake_up, is_first=True)
        self.pair = Pair(options)
        if is_parted:
            self.pair.pipe.whole_bytes = 100
        self.settle_down()

    def wake_up(self) -> None:
        self.is_awake = True

    def settle_down(self) -> None:
        while self.is_awake:
            self.is_awake = self.engine.drain(NOW_MS, ALL)
        self.pair.settle_down()

    # -- the script -------------------------------------------------------------------------------

    @rule(count=st.integers(1, 6))
    def publish(self, count: int) -> None:
        run = run_of(*[b"%d" % number for number in range(self.count, self.count + count)])
        self.count += count
        direct = self.engine.publish(run, NOW_MS)
        front = self.pair.front.publish(run, NOW_MS)
        self.settle_down()
        assert front.safe_at.lsn <= front.safe_at.group.committed_lsn
        assert list(direct.rejected) == sorted({*front.rejected, *refused_later(front.still_open)})

    @precondition(lambda self: len(self.consumers) < (1 if self.is_alone else 3))
    @rule(prefetch=st.integers(0, 4), no_ack=st.booleans(), priority=st.integers(0, 2))
    def consume(self, prefetch: int, no_ack: bool, priority: int) -> None:
        if self.options.max_length is not None:
            prefetch = min(prefetch, 1)
        no_ack = no_ack and self.is_alone
        if no_ack:
            prefetch = 0
        pair = [
            FakeConsumer(f"c{self.count}", prefetch=prefetch, no_ack=no_ack, priority=priority)
            for _ in range(2)
        ]
        self.consumers.append((pair[0], pair[1]))
        self.engine.consume(pair[0], NOW_MS)
        self.pair.front.consume(pair[1], NOW_MS)
        self.settle_down()

    @precondition(lambda self: self.is_alone and self.consumers)
    @rule(ends=st.booleans())
    def cancel(self, ends: bool) -> None:
        """A consumer goes; its channel stays with what is unacked, or ends too."""
        direct, front = self.consumers.pop()
        self.engine.cancel(direct, NOW_MS)
        self.pair.front.cancel(front, NOW_MS)
        held = self.held_by(direct, front)
        if ends:
            self.take(direct, front, held)
            self.give_back(held, requeue=True)
        else:
            self.take(direct, front, held)
            self.left += held
        self.settle_down()

    @rule()
    def get(self) -> None:
        direct = self.engine.get(NOW_MS)
        answers: list[Answer | None] = []
        self.pair.front.ask(Question.GET, answers.append, NOW_MS)
        self.settle_down()
        (front,) = answers
        assert isinstance(front, Got)
        if direct is None:
            assert front.batch is None
            return
        assert front.batch is not None
        assert front.ready_count == direct[1]
        self.got.append(Held(entry(direct[0]), entry(front.batch)))
        self.check_same(self.got[-1])

    @rule()
    def purge(self) -> None:
        purged_count = self.engine.purge().purged_count
        answers: list[Answer | None] = []
        self.pair.front.ask(Question.PURGE, answers.append, NOW_MS)
        self.settle_down()
        (front,) = answers
        assert isinstance(front, Purged)
        assert front.purged_count == purged_count

    @rule(chance=st.randoms(), count=st.integers(1, 4), how=st.sampled_from(("ack", "no", "back")))
    def settle(self, chance: object, count: int, how: str) -> None:
        """Settle messages of consumers, of gets and of consumers that went."""
        bodies = sorted(self.unacked_bodies(), key=int)
        chosen = chance.sample(bodies, min(count, len(bodies)))  # type: ignore[attr-defined]
        held: list[Held] = []
        for body in chosen:
            held += self.take_body(body)
        if how == "ack":
            for each in held:
                self.settle_one(each)
        else:
            self.give_back(held, requeue=how == "back")
        self.settle_down()

    # -- inside -----------------------------------------------------------------------------------

    def unacked_bodies(self) -> set[bytes]:
        found = {each.direct.record.body for each in (*self.got, *self.left)}
        for direct, _ in self.consumers:
            found |= {each.record.body for each in direct.unacked.values()}
        return found

    def take_body(self, body: bytes) -> list[Held]:
        for line in (self.got, self.left):
            for each in line:
                if each.direct.record.body == body:
                    line.remove(each)
                    return [each]
        one = two = None
        for direct, front in self.consumers:
            for at in [at for at, each in direct.unacked.items() if each.record.body == body]:
                (one,) = direct.take_unacked([at])
                if direct.is_blocked:
                    self.engine.credit_regained(direct)
            for at in [at for at, each in front.unacked.items() if each.record.body == body]:
                (two,) = front.take_unacked([at])
                if front.is_blocked:
                    self.pair.front.credit_regained(front)
        assert one is not None
        assert two is not None, f"{body!r} is unacked directly and not over the pipe"
        return [Held(one, two)]

    def held_by(self, direct: FakeConsumer, front: FakeConsumer) -> list[Held]:
        ones, twos = direct.unacked.values(), front.unacked.values()
        return [Held(one, two) for one, two in zip(ones, twos, strict=True)]

    def take(self, direct: FakeConsumer, front: FakeConsumer, held: list[Held]) -> None:
        direct.take_unacked([each.direct.position for each in held])
        front.take_unacked([each.front.position for each in held])

    def settle_one(self, held: Held) -> None:
        for queue, each in ((self.engine, held.direct), (self.pair.front, held.front)):
            queue.settle(range(each.position, each.position + 1), len(each.record.body))

    def give_back(self, held: list[Held], *, requeue: bool) -> None:
        for queue, entries in (
            (self.engine, [each.direct for each in held]),
            (self.pair.front, [each.front for each in held]),
        ):
            if requeue:
                queue.requeue(single_batches(entries), NOW_MS)
            else:
                queue.reject(single_batches(entries), NOW_MS)

    def check_same(self, held: Held) -> None:
        one, two = held.direct, held.front
        assert (one.record, one.delivery_count) == (two.record, two.delivery_count)

    @invariant()
    def both_have_the_same(self) -> None:
        if not hasattr(self, "engine"):
            return
        direct, front = self.engine.counts(), self.pair.engine.counts()
        for name in (
            "ready_count",
            "ready_bytes",
            "unacked_count",
            "unacked_bytes",
            "consumer_count",
        ):
            assert getattr(direct, name) == getattr(front, name), name
        assert direct.requeued == front.requeued
        assert direct.discarded == front.discarded
        self.pair.engine.check_invariants()
        one = {each.body for each in self.log.kept.values()}
        assert one == {each.body for each in self.pair.log.kept.values()}
        if self.is_alone:
            for one_consumer, two_consumer in self.consumers:
                assert one_consumer.bodies == two_consumer.bodies
                counts = [
                    [batch.delivery_count for batch in each.batches for _ in batch.records]
                    for each in (one_consumer, two_consumer)
                ]
                assert counts[0] == counts[1]


def entry(batch: Batch) -> QueuedMessage:
    return QueuedMessage(batch.positions[0], batch.records[0], 0, batch.delivery_count)


TestTwoHalvesBesideOne = TwoHalvesBesideOne.TestCase
TestTwoHalvesBesideOne.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
