"""A queue: messages in, out to consumers, and back."""

import gc
import weakref

import pytest

from queues.batch import BATCH_BYTES_MAX
from queues.classic.rules import QUORUM_RULES
from queues.commits import CommitPoint
from queues.effects import QueueUnused
from queues.errors import ExclusiveUseError
from queues.options import QueueOptions
from queues.outcomes import PublishOutcome
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.consumer import FakeConsumer, Prefetch

DLX = "dlx"


def test_a_publish_asks_for_a_drain_and_delivers_nothing_itself() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    assert jobs.publish(b"a", b"b") == PublishOutcome((), CommitPoint(jobs.log.commit_group, 1))
    assert (jobs.wake_up_count, worker.bodies, jobs.queue.ready_count) == (1, [], 2)
    assert jobs.drain() is False
    assert (worker.bodies, jobs.queue.ready_count) == ([b"a", b"b"], 0)


def test_a_no_ack_delivery_is_settled_at_once() -> None:
    jobs = QueueUnderTest()
    jobs.consume(FakeConsumer(no_ack=True))
    jobs.publish(b"a", b"b")
    jobs.drain()
    assert (jobs.queue.counts().unacked_count, jobs.log.kept) == (0, {})


def test_an_acked_delivery_is_kept_until_it_is_settled() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"aa", b"b")
    jobs.drain()
    counts = jobs.queue.counts()
    assert (counts.unacked_count, counts.unacked_bytes, len(jobs.log.kept)) == (2, 3, 2)
    assert jobs.settle(worker.take_unacked([0])) == jobs.log.lsn
    counts = jobs.queue.counts()
    assert (counts.unacked_count, counts.unacked_bytes, list(jobs.log.kept)) == (1, 1, [1])


def test_positions_are_settled_as_a_range_too() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"a", b"b", b"c")
    jobs.drain()
    jobs.queue.settle(range(0, 3, 2), 2)
    assert (jobs.queue.counts().unacked_count, list(jobs.log.kept)) == (1, [1])


def test_settling_a_message_twice_is_our_bug() -> None:
    jobs = QueueUnderTest()
    with pytest.raises(AssertionError, match="settled once"):
        jobs.queue.settle(range(1), 0)


def test_two_consumers_take_turns_message_by_message() -> None:
    jobs, first, second = QueueUnderTest(), FakeConsumer("a"), FakeConsumer("b")
    jobs.consume(first, second)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    jobs.publish(b"4")
    jobs.drain()
    assert (first.bodies, second.bodies) == ([b"1", b"3"], [b"2", b"4"])


def test_prefetch_bounds_what_a_consumer_holds_and_the_rest_goes_to_others() -> None:
    jobs, small, large = QueueUnderTest(), FakeConsumer(prefetch=1), FakeConsumer(prefetch=3)
    jobs.consume(small, large)
    jobs.publish(*(b"%d" % number for number in range(6)))
    assert jobs.drain() is False
    assert (small.bodies, large.bodies) == ([b"0"], [b"1", b"2", b"3"])
    assert jobs.queue.ready_count == 2


def test_consumers_with_one_window_stay_within_it_together() -> None:
    jobs, shared = QueueUnderTest(), Prefetch(3)
    first, second = FakeConsumer("a", prefetch=shared), FakeConsumer("b", prefetch=shared)
    jobs.consume(first, second)
    jobs.publish(b"1", b"2", b"3", b"4")
    jobs.drain()
    assert (first.bodies, second.bodies) == ([b"1", b"3"], [b"2"])


def test_a_lower_priority_gets_what_the_higher_has_no_credit_for() -> None:
    jobs = QueueUnderTest()
    low, high = FakeConsumer("low"), FakeConsumer("high", priority=1, prefetch=2)
    jobs.consume(low, high)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    assert (high.bodies, low.bodies) == ([b"1", b"2"], [b"3"])


def test_a_drain_stops_at_its_share_of_the_turn_and_says_so() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=3)
    jobs.consume(worker)
    jobs.publish(b"1", b"2", b"3", b"4")
    assert jobs.drain(2) is True
    assert worker.bodies == [b"1", b"2"]
    assert jobs.drain(1) is False, "credit is used up"
    assert worker.bodies == [b"1", b"2", b"3"]


def test_a_batch_is_bounded_in_bytes_and_the_rest_follows() -> None:
    """Credit is in messages: between two batches it can be asked again."""
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    large = BATCH_BYTES_MAX - 1
    jobs.publish(*[b"x"] * 10, *[b"y" * large] * 3, b"z" * (2 * large), b"last")
    jobs.drain()
    assert [len(batch) for batch in worker.batches] == [11, 2, 1, 1]
    assert worker.bodies[-1] == b"last"


def test_a_settlement_asks_for_a_drain_when_messages_wait() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1", b"2")
    jobs.drain()
    before = jobs.wake_up_count
    jobs.settle(worker.take_unacked())
    assert jobs.wake_up_count == before + 1
    jobs.drain()
    jobs.settle(worker.take_unacked())
    assert jobs.wake_up_count == before + 1, "nothing waits"


def test_returned_credit_asks_for_a_drain_when_messages_wait() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    jobs.queue.credit_regained(worker)
    jobs.queue.lane_opened(worker.lane)
    assert jobs.wake_up_count == 0
    jobs.publish(b"1")
    jobs.queue.credit_regained(worker)
    jobs.queue.lane_opened(worker.lane)
    assert jobs.wake_up_count == 3


def test_get_takes_the_head_and_tells_how_many_are_left() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1", b"2")
    answer = jobs.queue.get(NOW_MS)
    assert answer is not None
    batch, ready_left = answer
    assert ([one.body for one in batch.records], ready_left) == ([b"1"], 1)
    assert (jobs.queue.counts().unacked_count, jobs.queue.ready_count) == (1, 1)


def test_get_without_ack_settles_and_get_from_an_empty_queue_is_none() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1")
    assert jobs.queue.get(NOW_MS, no_ack=True) is not None
    assert (jobs.queue.counts().unacked_count, jobs.log.kept) == (0, {})
    assert jobs.queue.get(NOW_MS) is None


def test_a_purge_forgets_ready_messages_only() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(dead_letter_exchange=DLX)), FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    assert jobs.queue.purge().purged_count == 2
    assert (jobs.queue.ready_count, jobs.queue.counts().unacked_count, jobs.effects) == (0, 1, [])
    assert list(jobs.log.kept) == [0]


def test_a_cancelled_consumer_gets_no_more_and_keeps_what_it_has() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1", b"2")
    jobs.drain()
    jobs.queue.cancel(worker, NOW_MS)
    jobs.settle(worker.take_unacked())
    jobs.drain()
    assert (worker.bodies, jobs.queue.ready_count) == ([b"1"], 1)


def test_a_consumer_is_refused_beside_an_exclusive_one() -> None:
    jobs = QueueUnderTest()
    jobs.consume(FakeConsumer(exclusive=True))
    with pytest.raises(ExclusiveUseError):
        jobs.consume(FakeConsumer())
    assert jobs.queue.consumer_count == 1


def test_an_auto_delete_queue_is_unused_when_its_last_consumer_goes() -> None:
    jobs, first, second = QueueUnderTest(auto_delete=True), FakeConsumer("a"), FakeConsumer("b")
    jobs.consume(first, second)
    jobs.queue.cancel(first, NOW_MS)
    assert jobs.effects == []
    jobs.queue.cancel(second, NOW_MS)
    assert jobs.effects == [QueueUnused("jobs")]


def test_a_queue_that_its_last_consumer_left_takes_nothing_back() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1), auto_delete=True)
    worker = FakeConsumer()
    jobs.consume(worker)
    for body in (b"1", b"2"):
        jobs.publish(body)
        jobs.drain()
    jobs.queue.cancel(worker, NOW_MS)
    jobs.requeue(worker.take_unacked())
    assert jobs.effects == [QueueUnused("jobs")]  # and nobody died of the length


def test_another_queue_stays_when_its_last_consumer_goes() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    jobs.queue.cancel(worker, NOW_MS)
    assert jobs.effects == []


def test_an_auto_delete_queue_that_goes_asks_for_no_drain() -> None:
    jobs, worker = QueueUnderTest(auto_delete=True), FakeConsumer("a")
    jobs.consume(worker)
    before = jobs.wake_up_count
    jobs.queue.cancel(worker, NOW_MS)
    assert jobs.wake_up_count == before, "thousands that do would keep others waiting"


def test_an_auto_delete_queue_that_had_no_consumer_stays() -> None:
    jobs = QueueUnderTest(auto_delete=True)
    jobs.get()
    jobs.queue.cancel(FakeConsumer(), NOW_MS)
    assert jobs.effects == []


def test_a_single_active_consumer_gets_all_until_it_goes() -> None:
    jobs = QueueUnderTest(QueueOptions(single_active_consumer=True))
    first, second = FakeConsumer("a"), FakeConsumer("b")
    jobs.consume(first, second)
    jobs.publish(b"1", b"2")
    jobs.drain()
    assert (first.bodies, second.bodies, jobs.queue.consumer_count) == ([b"1", b"2"], [], 2)
    jobs.queue.cancel(first, NOW_MS)
    jobs.requeue(first.take_unacked())
    jobs.drain()
    assert second.bodies == [b"1", b"2"]
    assert jobs.queue.state().active_consumer is second


def test_a_quorum_queues_successor_waits_for_the_last_settlement() -> None:
    jobs = QueueUnderTest(QueueOptions(single_active_consumer=True), rules=QUORUM_RULES)
    first, second = FakeConsumer("a", prefetch=2), FakeConsumer("b", priority=1)
    jobs.consume(first)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    jobs.consume(second)
    jobs.settle(first.take_unacked([0]))
    jobs.drain()
    assert (first.bodies, second.bodies) == ([b"1", b"2"], [])
    jobs.settle(first.take_unacked([1]))
    jobs.drain()
    assert (first.bodies, second.bodies) == ([b"1", b"2"], [b"3"])


def test_a_quorum_queues_successor_need_not_wait_while_nothing_is_unacked() -> None:
    jobs = QueueUnderTest(QueueOptions(single_active_consumer=True), rules=QUORUM_RULES)
    first, second = FakeConsumer("a"), FakeConsumer("b", priority=1)
    jobs.consume(first, second)
    jobs.publish(b"1")
    jobs.drain()
    assert (first.bodies, second.bodies) == ([], [b"1"])


def test_a_deleted_queue_has_nothing_and_ignores_late_settlements() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    jobs.queue.delete()
    entries = worker.take_unacked()
    jobs.settle(entries)
    jobs.requeue(entries)
    jobs.reject(entries)
    jobs.queue.cancel(worker, NOW_MS)
    jobs.queue.expire(NOW_MS)
    assert jobs.drain() is False
    assert (jobs.effects, jobs.queue.ready_count, jobs.queue.consumer_count) == ([], 0, 0)
    jobs.queue.check_invariants()


def test_a_deleted_queue_lets_go_of_its_consumers_without_the_cyclic_collector() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    gone = weakref.ref(worker)
    jobs.consume(worker)
    jobs.queue.delete()
    gc.disable()
    try:
        del worker
        assert gone() is None
    finally:
        gc.enable()


def test_nothing_can_be_published_to_a_deleted_queue() -> None:
    jobs = QueueUnderTest()
    jobs.queue.delete()
    with pytest.raises(AssertionError, match="deleted"):
        jobs.publish(b"1")


def test_the_lsn_of_a_publish_is_that_of_its_append() -> None:
    jobs = QueueUnderTest()
    assert [jobs.publish(body).safe_at.lsn for body in (b"1", b"2")] == [1, 2]
