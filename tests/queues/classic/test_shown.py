"""What a queue shows of itself changes nothing."""

from tests.support.classic_queue import QueueUnderTest
from tests.support.consumer import FakeConsumer


def test_numbers_consumers_and_messages_are_shown() -> None:
    jobs = QueueUnderTest()
    consumer = FakeConsumer(prefetch=1)
    jobs.publish(b"1", b"2")
    jobs.consume(consumer)
    jobs.drain()
    queue = jobs.queue
    assert (queue.ready_count, queue.consumer_count, queue.consumers) == (1, 1, (consumer,))
    assert (queue.counts().unacked_count, queue.delivered_below) == (1, 1)
    assert queue.state().active_consumer is None
    (only,) = queue.look(None).slices
    assert [one.position for one in only.messages()] == [1]
    assert queue.passing_by(1) == (None, 0)
