"""A queue whose messages expire, and one that expires itself."""

from queues.classic.backlog import DROPPED_PER_CALL_MAX
from queues.classic.rules import QUORUM_RULES
from queues.effects import QueueExpired
from queues.options import QueueOptions
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.consumer import FakeConsumer

DLX = "dlx"


def test_an_expired_message_is_dead_lettered_and_never_delivered() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(dead_letter_exchange=DLX)), FakeConsumer()
    jobs.publish(b"1", ttl_ms=10)
    jobs.publish(b"2")
    jobs.now_ms += 10
    jobs.consume(worker)
    jobs.drain()
    assert (worker.bodies, jobs.deaths, list(jobs.log.kept)) == ([b"2"], [("expired", b"1")], [1])


def test_a_drain_passes_over_messages_that_expired_behind_the_head() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.publish(b"1")
    jobs.publish(b"2", ttl_ms=10)
    jobs.publish(b"3")
    jobs.now_ms += 10
    jobs.consume(worker)
    assert jobs.drain() is False
    assert worker.bodies == [b"1", b"3"]


def test_the_timer_drops_the_head_and_tells_when_it_is_needed_next() -> None:
    jobs = QueueUnderTest(QueueOptions(message_ttl_ms=100, dead_letter_exchange=DLX))
    assert jobs.queue.next_deadline_ms() is None
    jobs.publish(b"1")
    jobs.now_ms += 40
    jobs.publish(b"2")
    assert jobs.queue.next_deadline_ms() == NOW_MS + 100
    jobs.queue.expire(NOW_MS + 100)
    assert jobs.deaths == [("expired", b"1")]
    assert jobs.queue.next_deadline_ms() == NOW_MS + 140


def test_a_timer_drops_a_limited_number_and_is_due_again() -> None:
    jobs = QueueUnderTest(QueueOptions(message_ttl_ms=1))
    jobs.publish(*[b"x"] * (DROPPED_PER_CALL_MAX + 1))
    jobs.queue.expire(NOW_MS + 5)
    assert jobs.queue.ready_count == 1
    assert jobs.queue.next_deadline_ms() == NOW_MS + 1


def test_dropping_expired_messages_uses_up_a_drains_share() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.publish(b"1", b"2", ttl_ms=1)
    jobs.publish(b"3", b"4")
    jobs.consume(worker)
    jobs.now_ms += 5
    assert jobs.drain(3) is True
    assert worker.bodies == [b"3"]


def test_a_ttl_of_zero_is_for_whoever_waits_now() -> None:
    """RabbitMQ 3.10: with a prefetch of 1 the second message is gone, not late."""
    jobs = QueueUnderTest(QueueOptions(message_ttl_ms=0, dead_letter_exchange=DLX))
    worker = FakeConsumer(prefetch=1)
    jobs.consume(worker)
    jobs.publish(b"1", b"2")
    assert (worker.bodies, jobs.deaths) == ([b"1"], [("expired", b"2")])
    jobs.settle(worker.take_unacked())
    jobs.drain()
    assert worker.bodies == [b"1"]


def test_a_ttl_of_zero_lets_older_messages_go_first() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=2)
    jobs.publish(b"old")
    jobs.consume(worker)
    jobs.publish(b"now", ttl_ms=0)
    assert worker.bodies == [b"old", b"now"]


def test_a_requeued_message_of_ttl_zero_is_gone() -> None:
    """RabbitMQ 3.10: delivered once, even while its consumer has credit."""
    jobs, worker = QueueUnderTest(QueueOptions(message_ttl_ms=0)), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"1")
    jobs.requeue(worker.take_unacked())
    jobs.drain()
    assert (worker.bodies, jobs.queue.ready_count) == ([b"1"], 0)


def test_length_is_looked_at_before_expiry() -> None:
    """RabbitMQ 3.10, x-max-length 1: the old one dies of length, the others of their TTL."""
    jobs = QueueUnderTest(QueueOptions(max_length=1, dead_letter_exchange=DLX))
    jobs.publish(b"old")
    jobs.publish(b"t1", b"t2", ttl_ms=0)
    assert jobs.deaths == [("maxlen", b"old"), ("expired", b"t1"), ("expired", b"t2")]


def test_a_requeue_keeps_the_first_expiry() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(message_ttl_ms=100)), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"1")
    jobs.drain()
    jobs.queue.cancel(worker, jobs.now_ms)
    jobs.now_ms += 50
    jobs.requeue(worker.take_unacked())
    assert jobs.queue.next_deadline_ms() == NOW_MS + 100


def test_get_never_returns_an_expired_message() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1", ttl_ms=5)
    jobs.publish(b"2")
    jobs.now_ms += 5
    assert jobs.get() == b"2"


def test_a_new_ttl_is_for_messages_enqueued_later() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1")
    jobs.queue.reconfigure(QueueOptions(message_ttl_ms=5), jobs.now_ms)
    assert jobs.queue.next_deadline_ms() is None
    jobs.get()
    jobs.publish(b"2")
    assert jobs.queue.next_deadline_ms() == NOW_MS + 5


def test_an_unused_queue_expires_without_dead_lettering() -> None:
    jobs = QueueUnderTest(QueueOptions(expires_ms=500, dead_letter_exchange=DLX))
    jobs.publish(b"1")
    jobs.queue.expire(NOW_MS + 499)
    assert jobs.effects == []
    jobs.queue.expire(NOW_MS + 500)
    jobs.queue.expire(NOW_MS + 501)
    assert jobs.effects == [QueueExpired("jobs")]


def test_a_queue_with_a_consumer_is_in_use() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(expires_ms=500)), FakeConsumer()
    jobs.consume(worker)
    jobs.queue.expire(NOW_MS + 9_000)
    assert (jobs.effects, jobs.queue.next_deadline_ms()) == ([], None)
    before = jobs.wake_up_count
    jobs.queue.cancel(worker, NOW_MS + 9_000)
    assert jobs.queue.next_deadline_ms() == NOW_MS + 9_500
    assert jobs.wake_up_count > before, "the broker must hear of the deadline"


def test_get_and_redeclare_renew_a_queue_and_publish_does_not() -> None:
    jobs = QueueUnderTest(QueueOptions(expires_ms=500))
    jobs.now_ms += 100
    jobs.publish(b"1")
    assert jobs.queue.next_deadline_ms() == NOW_MS + 500
    jobs.get()
    assert jobs.queue.next_deadline_ms() == NOW_MS + 600
    jobs.queue.touch(NOW_MS + 200)
    assert jobs.queue.next_deadline_ms() == NOW_MS + 700


def test_a_redeclare_does_not_renew_a_quorum_queue() -> None:
    jobs = QueueUnderTest(QueueOptions(expires_ms=500), rules=QUORUM_RULES)
    jobs.queue.touch(NOW_MS + 200)
    assert jobs.queue.next_deadline_ms() == NOW_MS + 500
    jobs.queue.get(NOW_MS + 300)
    assert jobs.queue.next_deadline_ms() == NOW_MS + 800


def test_a_redeclare_counts_no_expired_messages() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1", ttl_ms=5)
    jobs.queue.touch(NOW_MS + 5)
    assert jobs.queue.ready_count == 0


def test_another_expires_starts_the_countdown_again() -> None:
    jobs = QueueUnderTest(QueueOptions(expires_ms=500))
    jobs.queue.reconfigure(QueueOptions(expires_ms=300), NOW_MS + 400)
    assert jobs.queue.next_deadline_ms() == NOW_MS + 700
    jobs.queue.reconfigure(QueueOptions(expires_ms=300, max_length=9), NOW_MS + 600)
    assert jobs.queue.next_deadline_ms() == NOW_MS + 700, "it did not change"
