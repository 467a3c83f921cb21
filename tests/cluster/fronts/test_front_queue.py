"""A queue that is led on another node, as channels use it: unit by unit, over a pipe in memory."""

import pytest

from cluster.fronts.frames import Counts, Got, Publish, Purged, Question, Settle, Settlement
from cluster.fronts.front_queue import FrontQueue
from cluster.fronts.limits import FrontLimits, FrontNode
from cluster.fronts.questions import Answer
from queues.commits import is_safe
from queues.options import Overflow, QueueOptions
from queues.outcomes import PublishOutcome, refused_later
from tests.support.classic_queue import returned_batches, single_batches
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.half_pair import Pair, X
from tests.support.led_log import NOW_MS, engine_on, take_into
from tests.support.records import run_of

FULL = QueueOptions(max_length=2, overflow=Overflow.REJECT_PUBLISH)


def published(pair: Pair, *names: bytes) -> PublishOutcome:
    return pair.front.publish(run_of(*names), pair.now_ms)


def fate(outcome: PublishOutcome) -> str:
    """What a publisher hears of a run of one."""
    if outcome.rejected or (is_safe(outcome.safe_at) and refused_later(outcome.still_open)):
        return "nack"
    return "ack" if is_safe(outcome.safe_at) else "waits"


@pytest.fixture
def pair() -> Pair:
    begun = Pair()
    begun.settle_down()
    return begun


def test_a_publish_is_confirmed_once_its_leader_has_it_safe(pair: Pair) -> None:
    outcome = published(pair, b"a", b"b")
    while pair.carry_up():
        pass
    assert (pair.engine.ready_count, fate(outcome)) == (2, "waits")
    pair.settle_down()
    assert fate(outcome) == "ack"


def test_what_the_leader_refuses_is_rejected_and_in_no_queue() -> None:
    pair = Pair(FULL)
    pair.settle_down()
    outcome = published(pair, b"1", b"2", b"3", b"4")
    later = [published(pair, b"5"), published(pair, b"6")]
    pair.settle_down()
    assert list(refused_later(outcome.still_open)) == [2, 3]
    assert is_safe(outcome.safe_at)
    assert [fate(each) for each in later] == ["nack", "nack"]
    assert pair.engine.ready_count == 2


def test_publishes_wait_for_a_leader_and_fail_after_a_while() -> None:
    pair = Pair()
    pair.front.lead_nowhere()
    first = published(pair, b"1")
    pair.now_ms += 20_000
    second = published(pair, b"2")
    assert pair.front.next_deadline_ms() == NOW_MS + 30_000
    pair.advance(10_000)
    assert (fate(first), fate(second)) == ("nack", "waits")
    pair.front.lead_there(pair.pipe, 1)
    pair.settle_down()
    assert fate(second) == "ack"
    assert [each.body for each in pair.log.kept.values()] == [b"2"]


def test_what_was_submitted_never_fails_by_time(pair: Pair) -> None:
    outcome = published(pair, b"1")
    pair.carry_up()
    pair.link.ended(pair.now_ms)
    pair.front.pipe_ended(pair.pipe)
    behind = published(pair, b"2")
    pair.advance(100_000)
    assert (fate(outcome), fate(behind)) == ("waits", "nack")
    pair.break_pipe()
    pair.settle_down()
    assert fate(outcome) == "ack"
    assert pair.engine.ready_count == 1, "it was submitted twice"


def test_too_much_that_is_open_is_refused() -> None:
    pair = Pair(limits=FrontLimits(open_bytes_max=1_000))
    outcomes = [published(pair, b"x" * 400) for _ in range(4)]
    assert [fate(each) for each in outcomes] == ["waits", "waits", "waits", "nack"]
    pair.settle_down()
    assert [fate(each) for each in outcomes] == ["ack", "ack", "ack", "nack"]
    assert fate(published(pair, b"x" * 400)) == "waits"


def test_a_consumer_gets_its_prefetch_and_more_as_it_acks(pair: Pair) -> None:
    consumer = FakeConsumer(prefetch=2)
    pair.front.consume(consumer, pair.now_ms)
    published(pair, *[b"%d" % number for number in range(5)])
    pair.settle_down()
    assert consumer.bodies == [b"0", b"1"]
    assert pair.engine.counts().unacked_count == 2
    pair.ack(consumer)
    pair.settle_down()
    assert consumer.bodies == [b"0", b"1", b"2", b"3"]


def test_a_consumer_without_acks_settles_what_was_shown(pair: Pair) -> None:
    consumer = FakeConsumer(no_ack=True)
    pair.front.consume(consumer, pair.now_ms)
    published(pair, b"a", b"b")
    pair.settle_down()
    assert consumer.bodies == [b"a", b"b"]
    assert pair.log.kept == {}


def test_a_client_that_does_not_read_leaves_the_rest_to_others() -> None:
    pair = Pair(limits=FrontLimits(credit_max=10))
    stuck, other = FakeConsumer("s", no_ack=True), FakeConsumer("o", no_ack=True)
    pair.front.consume(stuck, pair.now_ms)
    pair.settle_down()
    stuck.is_paused = True
    published(pair, *[b"%d" % number for number in range(50)])
    pair.settle_down()
    assert (stuck.bodies, pair.engine.ready_count) == ([], 40)
    pair.front.consume(other, pair.now_ms)
    pair.settle_down()
    assert len(other.bodies) == 40


def test_octets_on_the_way_are_bounded() -> None:
    pair = Pair(limits=FrontLimits(credit_bytes=1_000))
    stuck = FakeConsumer("s", no_ack=True)
    pair.front.consume(stuck, pair.now_ms)
    pair.settle_down()
    stuck.is_paused = True
    for _ in range(5):
        published(pair, b"x" * 300_000)
    pair.settle_down()
    assert pair.engine.ready_count == 4, "the message that reaches the bound may go beyond it"
    stuck.is_paused = False
    pair.front.credit_regained(stuck)
    pair.settle_down()
    assert len(stuck.bodies) == 5


def test_what_was_not_shown_goes_back_when_its_consumer_is_cancelled(pair: Pair) -> None:
    consumer = FakeConsumer(prefetch=5)
    pair.front.consume(consumer, pair.now_ms)
    pair.settle_down()
    consumer.is_paused = True
    published(pair, b"a", b"b", b"c")
    pair.settle_down()
    assert pair.engine.counts().unacked_count == 3
    pair.front.cancel(consumer, pair.now_ms)
    pair.settle_down()
    assert (consumer.bodies, pair.engine.ready_count) == ([], 3)
    assert pair.engine.counts().unacked_count == 0
    got = pair.engine.get(NOW_MS)
    assert got is not None
    assert (got[0].records[0].body, got[0].delivery_count) == (b"a", 0)


def test_what_comes_for_a_consumer_that_is_gone_goes_back(pair: Pair) -> None:
    consumer = FakeConsumer(prefetch=5)
    pair.front.consume(consumer, pair.now_ms)
    pair.settle_down()
    pair.engine.publish(run_of(b"a"), NOW_MS)
    pair.drain_leader()
    pair.front.cancel(consumer, pair.now_ms)
    pair.settle_down()
    assert pair.engine.ready_count == 1


def test_consumers_of_a_lane_get_no_more_than_their_shared_prefetch(pair: Pair) -> None:
    shared = Prefetch(3)
    consumers = [FakeConsumer(f"{number}", prefetch=shared) for number in range(20)]
    for consumer in consumers:
        pair.front.consume(consumer, pair.now_ms)
    published(pair, *[b"%d" % number for number in range(10)])
    pair.settle_down()
    assert sum(len(each.bodies) for each in consumers) == 3
    for expected in (6, 9, 10):
        for consumer in consumers:
            pair.ack(consumer)
        pair.front.lane_opened(shared)
        pair.settle_down()
        assert sum(len(each.bodies) for each in consumers) == expected


def test_messages_go_back_or_are_rejected(pair: Pair) -> None:
    published(pair, b"a", b"b", b"c")
    consumer = FakeConsumer(prefetch=3)
    pair.front.consume(consumer, pair.now_ms)
    pair.settle_down()
    first, second, third = consumer.take_unacked()
    pair.front.cancel(consumer, pair.now_ms)
    pair.front.requeue(returned_batches([second]), pair.now_ms)
    pair.front.reject(single_batches([first]), pair.now_ms)
    pair.settle_down()
    assert (pair.engine.ready_count, pair.engine.counts().unacked_count) == (1, 1)
    got = pair.engine.get(NOW_MS)
    assert got is not None
    assert (got[0].records[0].body, got[0].delivery_count) == (b"b", 1)
    assert third.record.body == b"c"


def test_what_is_requeued_in_pieces_goes_back_as_one(pair: Pair) -> None:
    published(pair, *[b"%d" % number for number in range(6)])
    consumer = FakeConsumer(prefetch=6)
    pair.front.consume(consumer, pair.now_ms)
    pair.settle_down()
    entries = consumer.take_unacked()
    pair.front.credit_regained(consumer)
    pair.front.begin_refill()
    for entry in entries:
        pair.front.requeue(returned_batches([entry]), pair.now_ms)
        pair.drain()
    said = len(pair.pipe.said)
    pair.front.end_refill()
    pair.drain()
    (settle,) = [each for each in pair.pipe.said[said:] if isinstance(each, Settle)]
    assert (settle.settlement, sum(map(len, settle.numbers))) == (Settlement.REQUEUE, 6)
    pair.settle_down()
    assert consumer.bodies[6:] == consumer.bodies[:6]


def test_questions_are_answered(pair: Pair) -> None:
    published(pair, b"a", b"b", b"c")
    pair.settle_down()
    answers: list[Answer | None] = []
    for question in (Question.GET, Question.COUNTS, Question.PURGE):
        pair.front.ask(question, answers.append, pair.now_ms)
        pair.settle_down()
    got, counts, purged = answers
    assert isinstance(got, Got)
    assert got.batch is not None
    assert (got.batch.records[0].body, got.ready_count) == (b"a", 2)
    assert isinstance(counts, Counts)
    assert (counts.ready_count, counts.consumer_count, counts.unacked_count) == (2, 0, 1)
    assert isinstance(purged, Purged)
    assert purged.purged_count == 2
    pair.front.settle(got.batch.positions, 1)
    pair.settle_down()
    assert pair.engine.counts().unacked_count == 0


def test_a_question_that_nobody_answers_has_an_end() -> None:
    pair = Pair()
    pair.front.lead_nowhere()
    answers: list[Answer | None] = []
    pair.front.ask(Question.GET, answers.append, pair.now_ms)
    assert pair.front.next_deadline_ms() == NOW_MS + 30_000
    pair.advance(30_000)
    assert answers == [None]


def test_a_message_that_comes_too_late_for_its_get_goes_back(pair: Pair) -> None:
    published(pair, b"a")
    pair.settle_down()
    answers: list[Answer | None] = []
    pair.front.ask(Question.GET, answers.append, pair.now_ms)
    pair.now_ms += 30_000
    pair.front.expire(pair.now_ms)
    assert answers == [None]
    pair.settle_down()
    assert (pair.engine.ready_count, len(answers)) == (1, 1)


def test_a_new_leader_is_silent_for_consumers(pair: Pair) -> None:
    published(pair, b"a", b"b")
    consumer = FakeConsumer(prefetch=2)
    pair.front.consume(consumer, pair.now_ms)
    pair.settle_down()
    pair.lead_again()
    pair.settle_down()
    pair.advance(200)
    assert consumer.bodies == [b"a", b"b"], "its prefetch is used up"
    pair.ack(consumer)
    pair.settle_down()
    assert consumer.bodies == [b"a", b"b", b"a", b"b"]
    assert consumer.batches[-1].redelivered
    assert not consumer.is_cancelled
    assert pair.engine.counts().unacked_count == 2, "the acks of older deliveries were swallowed"


def test_a_consumer_that_asked_for_it_is_cancelled_instead(pair: Pair) -> None:
    asking, other = FakeConsumer("a"), FakeConsumer("b")
    asking.arguments = {"x-cancel-on-ha-failover": True}
    pair.front.consume(asking, pair.now_ms)
    pair.front.consume(other, pair.now_ms)
    pair.settle_down()
    pair.break_pipe()
    pair.settle_down()
    assert (asking.is_cancelled, other.is_cancelled) == (True, False)
    assert pair.engine.consumer_count == 1


def test_an_exclusive_consumer_keeps_others_out(pair: Pair) -> None:
    first, second = FakeConsumer("a", exclusive=True), FakeConsumer("b")
    pair.front.consume(first, pair.now_ms)
    pair.front.consume(second, pair.now_ms)
    pair.settle_down()
    assert (first.is_cancelled, second.is_cancelled) == (False, True)
    assert pair.front.consumer_count == 1


def test_the_leader_here_is_asked_without_frames() -> None:
    pair = Pair()
    pair.front.lead_here(pair.engine, take_into(pair.log, pair.engine), 1)
    consumer = FakeConsumer(prefetch=2)
    pair.front.consume(consumer, pair.now_ms)
    said = len(pair.pipe.said)
    outcome = published(pair, b"a", b"b", b"c")
    assert (pair.engine.ready_count, fate(outcome)) == (3, "waits")
    pair.settle_down()
    assert (consumer.bodies, fate(outcome)) == ([b"a", b"b"], "ack")
    assert pair.front.ready_count == 1
    assert not [each for each in pair.pipe.said[said:] if isinstance(each, Publish)]


def test_a_publish_that_a_deposed_leader_here_had_is_not_doubled_by_the_next() -> None:
    pair = Pair()
    pair.front.lead_here(pair.engine, take_into(pair.log, pair.engine), 1)
    consumer = FakeConsumer(prefetch=9)
    pair.front.consume(consumer, pair.now_ms)
    kept, lost = published(pair, b"kept"), published(pair, b"lost")
    pair.drain()
    assert consumer.bodies == [b"kept", b"lost"]
    pair.lead_again(kept_count=1)
    pair.front.lead_there(pair.pipe, 2)
    pair.settle_down()
    assert (fate(kept), fate(lost)) == ("ack", "ack")
    assert consumer.bodies == [b"kept", b"lost", b"kept", b"lost"]
    assert pair.engine.counts().unacked_count == 2
    pair.ack(consumer)
    pair.settle_down()
    assert pair.engine.counts().unacked_count == 0, "only the newer two count"


def test_a_leader_of_an_older_epoch_is_asked_again_later() -> None:
    pair = Pair()
    pair.front.epoch = 5
    pair.settle_down()
    outcome = published(pair, b"a")
    pair.settle_down()
    assert (fate(outcome), pair.engine.ready_count) == ("waits", 0)
    pair.half = pair.new_half(5)
    pair.advance(200)
    assert fate(outcome) == "ack"


def test_a_deleted_queue_fails_all_that_is_open(pair: Pair) -> None:
    outcome = published(pair, b"a")
    answers: list[Answer | None] = []
    pair.front.ask(Question.GET, answers.append, pair.now_ms)
    pair.front.delete()
    decided = list[bool]()
    outcome.safe_at.group.wait(outcome.safe_at.lsn, lambda: decided.append(True))
    assert (decided, is_safe(outcome.safe_at), answers) == ([True], False, [None])


def test_numbers_go_on_when_a_front_half_is_made_again() -> None:
    node = FrontNode(X)
    pair = Pair()
    for expected in (1, 2):
        log, front = pair.log, FrontQueue("q", QueueOptions(), node, lambda: None)
        engine = engine_on(log, QueueOptions(), lambda: None, is_first=True)
        front.lead_here(engine, take_into(log, engine), 1)
        outcome = front.publish(run_of(b"m"), NOW_MS)
        assert outcome.safe_at.lsn == expected
        front.lead_nowhere()
        log.next_position = 0


def test_a_connection_without_room_holds_publishes_and_deliveries(pair: Pair) -> None:
    consumer = FakeConsumer(prefetch=9)
    pair.front.consume(consumer, pair.now_ms)
    pair.settle_down()
    pair.pipe.has_no_room = True
    outcome = published(pair, b"a")
    pair.engine.publish(run_of(b"b"), NOW_MS)
    pair.settle_down()
    assert (fate(outcome), consumer.bodies, pair.engine.ready_count) == ("waits", [], 1)
    pair.pipe.has_no_room = False
    pair.front.room(pair.pipe)
    pair.link.room("q")
    pair.settle_down()
    assert (fate(outcome), consumer.bodies) == ("ack", [b"b", b"a"])
