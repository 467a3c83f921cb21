"""A queue that is longer than its memory: on the outside nothing is different."""

import pytest

from queues.batch import messages_of
from queues.classic.delivery import ASK_DISK_AGAIN_MS, READ_COST
from queues.classic.spilling import REFUSED_APPENDS
from queues.options import Overflow, QueueOptions
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.consumer import FakeConsumer
from tests.support.queue_log import FakeLog

DLX = "dlx"


def spilling(options: QueueOptions | None = None, log: FakeLog | None = None) -> QueueUnderTest:
    """Return a queue that keeps in memory as little as can be."""
    return QueueUnderTest(options, log=log, memory=QueueMemory(NodeMemory(), 1, 1))


def numbered(first: int, stop: int) -> list[bytes]:
    return [b"%02d" % number for number in range(first, stop)]


def filled(count: int, options: QueueOptions | None = None) -> QueueUnderTest:
    jobs = spilling(options)
    jobs.publish(*numbered(0, count))
    assert len(jobs.log.stored()) >= count - 2, "nearly all of it is on disk"
    return jobs


@pytest.mark.parametrize("consumer_count", [1, 2])
def test_a_drain_reads_few_chunks_however_little_is_in_each(consumer_count: int) -> None:
    """Most of a long queue was acked: one message may be left in each chunk."""
    jobs = filled(40)
    jobs.log.chunk_count = 1
    consumers = [FakeConsumer(tag) for tag in "ab"[:consumer_count]]
    for consumer in consumers:
        jobs.consume(consumer)
    before = jobs.log.read_back_count
    assert jobs.queue.drain(NOW_MS, 4 * READ_COST), "there is more"
    assert jobs.log.read_back_count - before <= 5
    while jobs.queue.drain(NOW_MS, 4 * READ_COST):
        pass
    assert sum([len(consumer.bodies) for consumer in consumers]) == 40


def test_consumers_get_everything_in_order() -> None:
    jobs = filled(30)
    consumer = FakeConsumer()
    jobs.consume(consumer)
    assert not jobs.drain()
    assert consumer.bodies == numbered(0, 30)
    counts = jobs.queue.counts()
    assert (counts.ready_count, counts.ready_bytes, counts.unacked_count) == (0, 0, 30)


def test_get_takes_the_head_and_counts_the_rest() -> None:
    jobs = filled(30)
    answer = jobs.queue.get(NOW_MS)
    assert answer is not None
    assert (answer[0].records[0].body, answer[1]) == (b"00", 29)


def test_a_requeued_message_is_ahead_of_what_is_on_disk_and_the_log_knows() -> None:
    jobs = filled(10)
    consumer = FakeConsumer(prefetch=4)
    jobs.consume(consumer)
    jobs.drain()
    consumer.is_paused = True
    jobs.requeue(consumer.take_unacked([2, 1]))
    jobs.requeue(consumer.take_unacked([3]))
    assert jobs.log.returned_counts == {1: 1, 2: 1, 3: 1}
    assert jobs.get_all() == numbered(1, 10)


def test_a_purge_forgets_what_is_on_disk_without_reading_it() -> None:
    jobs = filled(30)
    reads = jobs.log.read_back_count
    assert jobs.queue.purge().purged_count == 30
    assert (jobs.log.read_back_count - reads, jobs.log.kept, jobs.queue.ready_count) == (0, {}, 0)


def test_a_queue_tells_how_much_is_not_in_memory() -> None:
    jobs = filled(30)
    state = jobs.queue.state()
    assert 28 <= state.spilled_count < 30
    assert state.spilled_bytes == 2 * state.spilled_count
    jobs.queue.purge()
    assert (jobs.queue.state().spilled_count, jobs.queue.state().spilled_bytes) == (0, 0)


def test_a_deleted_queue_gives_its_memory_back_without_reading() -> None:
    memory = QueueMemory(NodeMemory(), 1, 1)
    jobs = QueueUnderTest(memory=memory)
    jobs.publish(*numbered(0, 30))
    jobs.queue.delete()
    assert (memory.used_bytes, memory.node.used_bytes) == (0, 0)


def test_the_head_is_dropped_from_disk_when_the_queue_is_too_long() -> None:
    jobs = filled(20, QueueOptions(max_length=20, dead_letter_exchange=DLX))
    reads = jobs.log.read_back_count
    jobs.publish(*numbered(20, 22))
    assert jobs.deaths == [("maxlen", b"00"), ("maxlen", b"01")]
    assert jobs.log.read_back_count - reads == 1, "no more is read than is dropped"
    assert jobs.get_all() == numbered(2, 22)


def test_the_head_is_dropped_from_disk_when_the_queue_is_too_large() -> None:
    jobs = filled(20, QueueOptions(max_length_bytes=40))
    jobs.publish(b"large")
    assert jobs.queue.counts().ready_bytes <= 40
    assert jobs.get_all() == [*numbered(3, 20), b"large"]


def test_what_is_on_disk_counts_where_publishes_are_rejected() -> None:
    jobs = filled(20, QueueOptions(max_length=20, overflow=Overflow.REJECT_PUBLISH))
    assert list(jobs.publish(b"more").rejected) == [0]


def test_messages_expire_on_disk() -> None:
    jobs = filled(20, QueueOptions(message_ttl_ms=50, dead_letter_exchange=DLX))
    assert jobs.queue.next_deadline_ms() == NOW_MS + 50
    jobs.now_ms += 50
    jobs.queue.expire(jobs.now_ms)
    assert jobs.deaths == [("expired", body) for body in numbered(0, 20)]
    assert (jobs.queue.ready_count, jobs.queue.next_deadline_ms()) == (0, None)


def test_priorities_hold_whatever_is_on_disk() -> None:
    jobs = spilling(QueueOptions(max_priority=2))
    for priority in (0, 2, 1):
        jobs.publish(*[b"%d-%d" % (priority, number) for number in range(5)], priority=priority)
    assert jobs.log.stored(0)
    bodies = jobs.get_all()
    assert bodies == [b"%d-%d" % (priority, at) for priority in (2, 1, 0) for at in range(5)]


def test_a_disk_that_cannot_be_asked_is_asked_again_a_little_later() -> None:
    jobs = filled(10)
    jobs.log.is_broken = True
    consumer = FakeConsumer()
    jobs.consume(consumer)
    assert not jobs.drain(), "there is nothing that could be done at once"
    assert 0 < len(consumer.bodies) < 10
    retry_at_ms = NOW_MS + ASK_DISK_AGAIN_MS
    assert jobs.queue.next_deadline_ms() == retry_at_ms
    jobs.log.is_broken = False
    jobs.wake_up_count = 0
    jobs.queue.expire(retry_at_ms)
    assert (jobs.wake_up_count, jobs.queue.next_deadline_ms()) == (1, None)
    jobs.drain()
    assert consumer.bodies == numbered(0, 10)


def test_a_disk_that_refused_is_tried_again_after_some_publishes() -> None:
    jobs = spilling()
    jobs.log.is_full = True
    jobs.publish(*numbered(0, 10))
    jobs.log.is_full = False
    for _ in range(REFUSED_APPENDS):
        jobs.publish(b"more")
        assert not jobs.log.stored(), "not at every publish"
    jobs.publish(b"more")
    assert jobs.log.stored()
    assert len(jobs.get_all()) == 10 + REFUSED_APPENDS + 1


@pytest.mark.parametrize("count", [10, 11])
def test_a_recovered_queue_is_within_its_limits(count: int) -> None:
    before = filled(count)
    jobs = spilling(QueueOptions(max_length=8, dead_letter_exchange=DLX), before.log)
    jobs.queue.recover(before.log.found(), NOW_MS)
    assert jobs.deaths == [("maxlen", body) for body in numbered(0, count - 8)]
    assert jobs.wake_up_count == 1
    batch, _ = jobs.queue.get(NOW_MS) or (None, 0)
    assert batch is not None
    assert (batch.records[0].body, batch.redelivered) == (b"%02d" % (count - 8), True)


def test_what_expired_while_the_node_was_down_is_dead_lettered_first() -> None:
    options = QueueOptions(message_ttl_ms=50, max_length=3, dead_letter_exchange=DLX)
    before = spilling(options)
    before.publish(b"old", b"older")
    before.now_ms += 40
    before.publish(b"new")
    jobs = spilling(options, before.log)
    jobs.queue.recover(before.log.found(), NOW_MS + 60)
    assert jobs.deaths == [("expired", b"old"), ("expired", b"older")]
    assert jobs.queue.next_deadline_ms() == NOW_MS + 90


def test_what_comes_back_is_spilled_at_once_even_where_appends_had_nothing_to_give_up() -> None:
    jobs = spilling()
    jobs.publish(b"00")
    jobs.publish(b"01")
    consumer = FakeConsumer()
    jobs.consume(consumer)
    jobs.drain()
    jobs.publish(*numbered(2, 9))
    jobs.drain()
    consumer.is_paused = True
    jobs.requeue(consumer.take_unacked(list(range(9))))
    assert jobs.log.stored() == list(range(1, 9))
    jobs.queue.check_invariants()
    assert jobs.get_all() == numbered(0, 9)


def test_a_disk_that_refuses_what_comes_back_is_not_asked_at_each_requeue() -> None:
    jobs = spilling()
    jobs.log.is_full = True
    jobs.publish(*numbered(0, 20))
    consumer = FakeConsumer()
    jobs.consume(consumer)
    jobs.drain()
    consumer.is_paused = True
    for position in range(2):
        jobs.requeue(consumer.take_unacked([position]))
    jobs.log.is_full = False
    jobs.requeue(consumer.take_unacked([2]))
    assert not jobs.log.stored()
    jobs.requeue(consumer.take_unacked(list(range(3, 20))))
    assert jobs.get_all() == numbered(0, 20)


def test_messages_expire_and_are_dropped_where_they_came_back_to_the_disk() -> None:
    jobs = spilling(QueueOptions(message_ttl_ms=50, max_length=8, dead_letter_exchange=DLX))
    jobs.publish(*numbered(0, 8))
    consumer = FakeConsumer()
    jobs.consume(consumer)
    jobs.drain()
    consumer.is_paused = True
    jobs.requeue(consumer.take_unacked(list(range(8))))
    assert jobs.log.stored() == list(range(1, 8))
    jobs.publish(b"08")
    assert jobs.deaths == [("maxlen", b"00")]
    assert jobs.queue.next_deadline_ms() == NOW_MS + 50
    jobs.now_ms += 50
    jobs.queue.expire(jobs.now_ms)
    assert jobs.deaths[1:] == [("expired", body) for body in numbered(1, 9)]


def test_a_purge_forgets_what_came_back_to_the_disk_without_reading_it() -> None:
    jobs = filled(30)
    consumer = FakeConsumer(prefetch=20)
    jobs.consume(consumer)
    jobs.drain()
    consumer.is_paused = True
    jobs.requeue(consumer.take_unacked(list(range(0, 20, 3))))
    reads = jobs.log.read_back_count
    assert jobs.queue.purge().purged_count == 17
    assert jobs.log.read_back_count == reads
    assert set(jobs.log.kept) == set(range(20)) - set(range(0, 20, 3))


def test_a_clean_stop_knows_what_was_delivered() -> None:
    jobs = filled(10)
    assert jobs.queue.delivered_below == 0
    consumer = FakeConsumer(prefetch=4)
    jobs.consume(consumer)
    jobs.drain()
    assert jobs.queue.delivered_below == 4
    jobs.requeue([entry for batch in consumer.batches for entry in messages_of(batch)])
    assert jobs.queue.delivered_below == 4
