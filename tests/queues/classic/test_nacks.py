"""Messages that consumers do not ack: back to their places, rejected, or back too often."""

from queues.classic.rules import QUORUM_RULES
from queues.options import QueueOptions
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.consumer import FakeConsumer

DLX = "dlx"


def test_requeued_messages_go_back_to_their_places_and_say_so() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=2)
    jobs.consume(worker)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    jobs.queue.cancel(worker, NOW_MS)
    jobs.requeue(list(reversed(worker.take_unacked())))
    assert (jobs.queue.counts().unacked_count, jobs.queue.ready_count) == (0, 3)
    other = FakeConsumer()
    jobs.consume(other)
    jobs.drain()
    assert other.bodies == [b"1", b"2", b"3"]
    assert [(batch.redelivered, batch.delivery_count) for batch in other.batches] == [
        (True, 1),
        (False, 0),
    ]


def test_rejected_messages_are_dead_lettered_in_order() -> None:
    jobs, worker = QueueUnderTest(QueueOptions(dead_letter_exchange=DLX)), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"1", b"2")
    jobs.drain()
    jobs.reject(worker.take_unacked())
    assert jobs.deaths == [("rejected", b"1"), ("rejected", b"2")]
    counts = jobs.queue.counts()
    assert (counts.unacked_count, counts.unacked_bytes, jobs.log.kept) == (0, 0, {})


def test_what_a_priority_queue_rejects_together_dies_the_highest_priority_first() -> None:
    options = QueueOptions(dead_letter_exchange=DLX, max_priority=3)
    jobs, worker = QueueUnderTest(options), FakeConsumer()
    jobs.consume(worker)
    for body, priority in ((b"1", 1), (b"2", 0), (b"3", 3), (b"4", 0), (b"5", 7), (b"6", 1)):
        jobs.publish(body, priority=priority)
        jobs.drain()
    jobs.reject(worker.take_unacked())
    assert [body for _, body in jobs.deaths] == [b"3", b"5", b"1", b"6", b"2", b"4"]
    counts = jobs.queue.counts()
    assert (counts.unacked_count, counts.unacked_bytes, jobs.log.kept) == (0, 0, {})


def test_a_rejected_message_is_gone_without_a_dead_letter_exchange() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"1")
    jobs.drain()
    jobs.reject(worker.take_unacked())
    assert (jobs.effects, jobs.get_all()) == ([], [])


def test_a_message_is_dead_lettered_when_it_came_back_too_often() -> None:
    """RabbitMQ 3.10: a delivery limit of 2 makes three deliveries."""
    jobs = QueueUnderTest(
        QueueOptions(delivery_limit=2, dead_letter_exchange=DLX), rules=QUORUM_RULES
    )
    worker = FakeConsumer()
    jobs.consume(worker)
    jobs.publish(b"poison", b"fine")
    for _ in range(3):
        jobs.drain()
        jobs.requeue(worker.take_unacked([0]))
    jobs.drain()
    assert [body for body in worker.bodies if body == b"poison"] == [b"poison"] * 3
    assert jobs.deaths == [("delivery_limit", b"poison")]
    assert list(jobs.log.kept) == [1]
