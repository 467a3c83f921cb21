"""A queue at its max-length: it delivers before it counts, then drops or refuses."""

import pytest

from queues.commits import SAFE_NOW
from queues.options import Overflow, QueueOptions
from tests.support.classic_queue import QueueUnderTest
from tests.support.consumer import FakeConsumer
from tests.support.records import record, run_of

DLX = "dlx"


def test_the_newest_are_kept_and_the_oldest_dropped() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=2, dead_letter_exchange=DLX))
    jobs.publish(b"1")
    assert jobs.publish(b"2", b"3", b"4").rejected == ()
    assert jobs.deaths == [("maxlen", b"1"), ("maxlen", b"2")]
    assert sorted(jobs.log.kept) == [2, 3]
    assert jobs.get_all() == [b"3", b"4"]


def test_a_queue_of_one_loses_nothing_to_a_ready_consumer() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(max_length=1)), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    assert worker.bodies == [b"1", b"2", b"3"]


def test_a_queue_of_none_delivers_or_drops() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(max_length=0)), FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1", b"2")
    assert (worker.bodies, jobs.queue.ready_count) == ([b"1"], 0)


def test_unacked_messages_do_not_count() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(max_length=1)), FakeConsumer(prefetch=5)
    jobs.consume(worker)
    for body in (b"1", b"2", b"3"):
        jobs.publish(body)
        jobs.drain()
    jobs.queue.cancel(worker, jobs.now_ms)
    jobs.publish(b"4")
    assert (jobs.queue.counts().unacked_count, jobs.get_all()) == (3, [b"4"])


def test_bytes_are_those_of_bodies_and_a_too_large_message_empties_the_queue() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length_bytes=3, dead_letter_exchange=DLX))
    jobs.publish(b"a", b"bb")
    assert jobs.deaths == []
    jobs.publish(b"ccccc")
    assert jobs.deaths == [("maxlen", b"a"), ("maxlen", b"bb"), ("maxlen", b"ccccc")]
    jobs.publish(b"d", b"ee")
    assert jobs.get_all() == [b"d", b"ee"]


@pytest.mark.parametrize("overflow", [Overflow.REJECT_PUBLISH, Overflow.REJECT_PUBLISH_DLX])
def test_what_does_not_fit_is_rejected_by_its_index(overflow: Overflow) -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=2, overflow=overflow, dead_letter_exchange=DLX))
    outcome = jobs.publish(b"1", b"2", b"3", b"4")
    assert list(outcome.rejected) == [2, 3]
    is_dead_lettered = overflow is Overflow.REJECT_PUBLISH_DLX
    assert jobs.deaths == ([("maxlen", b"3"), ("maxlen", b"4")] if is_dead_lettered else [])
    assert jobs.get_all() == [b"1", b"2"]


def test_a_wholly_rejected_run_waits_for_no_commit() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=0, overflow=Overflow.REJECT_PUBLISH))
    outcome = jobs.publish(b"1")
    assert (outcome.rejected, outcome.safe_at) == ([0], SAFE_NOW)


def test_delivering_makes_room_before_anything_is_rejected() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH))
    worker = FakeConsumer(prefetch=2)
    jobs.consume(worker)
    outcome = jobs.publish(b"1", b"2", b"3", b"4")
    assert (worker.bodies, list(outcome.rejected)) == ([b"1", b"2"], [3])
    assert jobs.get_all() == [b"3"]


def test_messages_that_wait_for_a_drain_make_room_too() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH))
    worker = FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1")
    assert jobs.publish(b"2").rejected == ()
    assert (worker.bodies, jobs.get_all()) == ([b"1"], [b"2"])


def test_expired_messages_make_room_before_anything_is_rejected() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH))
    jobs.publish(b"1", ttl_ms=5)
    jobs.now_ms += 5
    assert jobs.publish(b"2").rejected == ()
    assert jobs.get_all() == [b"2"]


def test_a_message_larger_than_the_limit_is_rejected_even_beside_a_ready_consumer() -> None:
    """RabbitMQ 3.10, reject-publish with x-max-length-bytes 3."""
    jobs = QueueUnderTest(QueueOptions(max_length_bytes=3, overflow=Overflow.REJECT_PUBLISH))
    worker = FakeConsumer()
    jobs.consume(worker)
    assert list(jobs.publish(b"aa", b"bbbbb", b"cc").rejected) == [1]
    jobs.drain()
    assert worker.bodies == [b"aa", b"cc"]


def test_a_requeue_into_a_full_queue_drops_the_head() -> None:
    """RabbitMQ 3.10: the requeued message is the oldest, so it is the one to go."""
    jobs = QueueUnderTest(QueueOptions(max_length=1, dead_letter_exchange=DLX))
    worker = FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1")
    jobs.drain()
    jobs.publish(b"2")
    jobs.queue.cancel(worker, jobs.now_ms)
    jobs.requeue(worker.take_unacked())
    assert (jobs.deaths, jobs.get_all()) == ([("maxlen", b"1")], [b"2"])


def test_a_requeue_may_go_over_the_limit_where_publishes_are_rejected() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH))
    worker = FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1")
    jobs.drain()
    jobs.publish(b"2")
    jobs.queue.cancel(worker, jobs.now_ms)
    jobs.requeue(worker.take_unacked())
    assert list(jobs.publish(b"3").rejected) == [0]
    assert jobs.get_all() == [b"1", b"2"]


def test_dropping_from_a_priority_queue_drops_the_highest_first() -> None:
    """RabbitMQ 3.10, x-max-length 2."""
    jobs = QueueUnderTest(QueueOptions(max_length=2, max_priority=5))
    messages = [(b"lo1", 1), (b"hi", 5), (b"lo2", 1), (b"mid", 3)]
    jobs.queue.publish([record(body, priority=level) for body, level in messages], jobs.now_ms)
    assert jobs.get_all() == [b"lo1", b"lo2"]


def test_a_shorter_limit_holds_at_once() -> None:
    jobs = QueueUnderTest(QueueOptions(dead_letter_exchange=DLX))
    jobs.publish(b"1", b"2", b"3")
    jobs.queue.reconfigure(QueueOptions(max_length=1, dead_letter_exchange=DLX), jobs.now_ms)
    assert jobs.deaths == [("maxlen", b"1"), ("maxlen", b"2")]


def test_a_shorter_limit_drops_nothing_where_publishes_are_rejected() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1", b"2")
    jobs.queue.reconfigure(
        QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH), jobs.now_ms
    )
    assert jobs.queue.ready_count == 2


def test_in_a_full_priority_queue_each_message_goes_out_before_the_next_comes_in() -> None:
    """As if they came one by one: the first finds a consumer, though the second is higher."""
    for overflow in Overflow:
        jobs = QueueUnderTest(QueueOptions(max_length=2, max_priority=5, overflow=overflow))
        worker = FakeConsumer(prefetch=1)
        jobs.consume(worker)
        messages = [(b"low", 1), (b"high", 5), (b"mid", 3)]
        jobs.queue.publish([record(body, priority=level) for body, level in messages], jobs.now_ms)
        assert (worker.bodies, jobs.get_all()) == ([b"low"], [b"high", b"mid"])


def test_bytes_in_a_priority_queue_are_counted_message_by_message() -> None:
    """The second makes the head too large and goes; the third, smaller, then fits."""
    jobs = QueueUnderTest(QueueOptions(max_length_bytes=10, max_priority=5))
    bodies = [(b"x" * 8, 1), (b"d" * 5, 2), (b"e" * 2, 3)]
    jobs.queue.publish([record(body, priority=level) for body, level in bodies], jobs.now_ms)
    assert jobs.get_all() == [b"ee", b"x" * 8]


def test_what_expires_at_once_takes_no_room_from_the_next() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1, overflow=Overflow.REJECT_PUBLISH))
    assert jobs.publish(b"1", b"2", ttl_ms=0).rejected == ()
    assert jobs.queue.ready_count == 0


@pytest.mark.parametrize(
    ("options", "bodies", "ttl_ms", "expected"),
    [
        (QueueOptions(), 9, -1, True),
        (QueueOptions(), 1, 0, False),
        (QueueOptions(), 1, 5, True),
        (QueueOptions(message_ttl_ms=0), 1, -1, False),
        (QueueOptions(message_ttl_ms=9), 1, -1, True),
        (QueueOptions(max_length=3), 2, -1, True),
        (QueueOptions(max_length=3), 3, -1, False),
        (QueueOptions(max_length=3, overflow=Overflow.REJECT_PUBLISH), 3, -1, False),
        (QueueOptions(max_length_bytes=3), 2, -1, True),
        (QueueOptions(max_length_bytes=3), 3, -1, False),
    ],
)
def test_a_queue_with_a_message_knows_whether_more_are_only_appended(
    options: QueueOptions, bodies: int, ttl_ms: int, expected: bool
) -> None:
    jobs = QueueUnderTest(options)
    jobs.publish(b"a")
    before = (jobs.queue.ready_count, jobs.wake_up_count, len(jobs.log.kept))
    run = run_of(*[b"b"] * bodies, ttl_ms=ttl_ms)
    assert jobs.queue.only_appends(run, jobs.now_ms) is expected
    assert (jobs.queue.ready_count, jobs.wake_up_count, len(jobs.log.kept)) == before
