"""A queue that is led here: the engine itself, behind positions of older leaderships."""

from cluster.fronts.frames import Counts, Got, Purged, Question
from cluster.fronts.local_way import LocalHandle, placed
from cluster.fronts.questions import Answer
from queues.batch import Batch
from queues.commits import SAFE_NOW
from queues.outcomes import PurgeOutcome
from tests.support.classic_queue import returned_batches, single_batches
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.half_pair import Pair
from tests.support.led_log import NOW_MS, take_into
from tests.support.records import run_of


def led_here() -> Pair:
    pair = Pair()
    pair.front.lead_here(pair.engine, take_into(pair.log, pair.engine), 1)
    pair.settle_down()
    return pair


def test_a_batch_is_not_copied_where_nothing_is_to_be_moved() -> None:
    batch = Batch(range(2, 8, 2), run_of(b"a", b"b", b"c"))
    assert placed(batch, 0) is batch
    moved = placed(batch, 100)
    assert (moved.positions, moved.records) == (range(102, 108, 2), batch.records)


def test_the_engine_sees_the_consumer_through_its_handle() -> None:
    consumer = FakeConsumer("c", prefetch=3, priority=2, exclusive=True)
    handle = LocalHandle(consumer, 10)
    handle.is_blocked = True
    seen = handle.consumer_tag, handle.priority, handle.exclusive, handle.lane
    assert seen == ("c", 2, True, consumer.lane)
    assert (consumer.is_blocked, handle.is_blocked, handle.shares_credit) == (True, True, False)
    assert (handle.credit(), handle.has_own_room()) == (3, True)
    handle.deliver(Batch(range(1), run_of(b"a")))
    assert list(consumer.unacked) == [10]


def test_consumers_of_a_lane_are_dealt_to_in_turn() -> None:
    pair, lane = led_here(), Prefetch()
    consumers = [FakeConsumer(tag, lane=lane) for tag in "ab"]
    for consumer in consumers:
        pair.front.consume(consumer, NOW_MS)
    pair.front.publish(run_of(b"1", b"2", b"3", b"4"), NOW_MS)
    pair.settle_down()
    assert [each.bodies for each in consumers] == [[b"1", b"3"], [b"2", b"4"]]
    pair.front.cancel(consumers[0], NOW_MS)
    assert pair.engine.consumer_count == 1


def test_messages_are_settled_and_come_back_at_their_own_places() -> None:
    pair = led_here()
    pair.front.publish(run_of(b"a", b"b", b"c"), NOW_MS)
    consumer = FakeConsumer(prefetch=3)
    pair.front.consume(consumer, NOW_MS)
    pair.settle_down()
    first, second, _ = consumer.take_unacked()
    pair.front.cancel(consumer, NOW_MS)
    pair.front.begin_refill()
    pair.front.requeue(returned_batches([second]), NOW_MS)
    pair.front.end_refill()
    pair.front.reject(single_batches([first]), NOW_MS)
    assert pair.front.counts().unacked_count == 1
    got = pair.front.get(NOW_MS)
    assert got is not None
    assert got[0].records[0].body == b"b"


def test_a_purge_of_many_goes_on_with_drains() -> None:
    pair, answers = led_here(), list[Answer | None]()
    pieces = [5, 4, 3, 0]

    def purge() -> PurgeOutcome:
        return PurgeOutcome(pieces.pop(0), SAFE_NOW)

    pair.front.publish(run_of(b"a"), NOW_MS)
    pair.engine.purge = purge  # type: ignore[method-assign]
    pair.front.ask(Question.PURGE, answers.append, NOW_MS)
    assert (pieces, answers) == ([3, 0], [])
    assert pair.front.drain(NOW_MS, 9), "there is more"
    assert pieces == [0]
    pair.settle_down()
    assert answers == [Purged("q", 1, 12)]


def test_a_purge_that_is_under_way_is_asked_for_again_at_the_next_leader() -> None:
    pair, answers = led_here(), list[Answer | None]()
    pair.front.publish(run_of(b"a"), NOW_MS)
    pair.engine.purge = lambda: PurgeOutcome(1, SAFE_NOW)  # type: ignore[method-assign]
    pair.front.ask(Question.PURGE, answers.append, NOW_MS)
    pair.front.lead_nowhere()
    pair.lead_again()
    pair.front.lead_there(pair.pipe, pair.half.epoch)
    pair.settle_down()
    assert answers == [Purged("q", 1, 1)]


def test_questions_are_answered_at_once() -> None:
    pair = led_here()
    pair.front.publish(run_of(b"a", b"b"), NOW_MS)
    answers: list[Answer | None] = []
    for question in (Question.GET, Question.COUNTS, Question.PURGE):
        pair.front.ask(question, answers.append, NOW_MS)
    pair.settle_down()
    assert [type(each) for each in answers] == [Got, Counts, Purged]
    assert pair.front.answers_at_once
