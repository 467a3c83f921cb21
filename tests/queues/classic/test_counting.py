"""What a queue says of itself; ``tests/properties/test_queue_model.py`` has every number of it."""

from queues.counters import DeathCounts, QueueCounts
from queues.options import QueueOptions
from tests.support.classic_queue import QueueUnderTest


def test_a_get_is_counted_by_what_it_found() -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"one", b"two")
    jobs.queue.get(jobs.now_ms)
    jobs.queue.get(jobs.now_ms, no_ack=True)
    jobs.queue.get(jobs.now_ms)
    counts = jobs.queue.counts()
    assert (counts.got, counts.got_no_ack, counts.got_empty) == (1, 1, 1)
    assert (counts.delivered, counts.unacked_count, counts.unacked_bytes) == (0, 1, 3)


def test_what_is_over_the_length_is_counted_where_it_goes() -> None:
    for exchange, expected in ((None, (0, 2)), ("dlx", (2, 0))):
        jobs = QueueUnderTest(QueueOptions(max_length=1, dead_letter_exchange=exchange))
        jobs.publish(b"1", b"2", b"3")
        counts = jobs.queue.counts()
        assert (counts.published, counts.ready_count) == (3, 1)
        assert (counts.dead_lettered.maxlen, counts.dropped.maxlen) == expected


def test_a_deleted_queue_has_nothing_left_to_count() -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=1))
    jobs.publish(b"1", b"2")
    jobs.get()
    jobs.queue.delete()
    counts = jobs.queue.counts()
    assert (counts.unacked_count, counts.ready_count, counts.dropped) == (0, 0, DeathCounts())


def test_each_number_has_its_field() -> None:
    jobs = QueueUnderTest()
    jobs.publish(*[b"body"] * 9)
    counters = jobs.queue._backlog.counters
    numbers = {
        "taken_count": 700,
        "taken_bytes": 900,
        "settled_count": 400,
        "settled_bytes": 50,
        "taken_no_ack_count": 60,
        "got_count": 20,
        "got_no_ack_count": 30,
        "got_empty_count": 4,
        "redelivered_count": 5,
        "requeued_count": 70,
        "discarded_count": 80,
        "refused_count": 6,
        "purged_count": 7,
        "moved_safely_count": 8,
    }
    for name, number in numbers.items():
        setattr(counters, name, number)
    counts = jobs.queue.counts()
    memory_bytes = counts.memory_bytes
    assert counts == QueueCounts(
        ready_count=9,
        ready_bytes=36,
        unacked_count=300,
        unacked_bytes=850,
        memory_bytes=memory_bytes,
        dying_count=0,
        consumer_count=0,
        published=9,
        delivered=680,
        delivered_no_ack=30,
        got=20,
        got_no_ack=30,
        got_empty=4,
        redelivered=5,
        acked=250,
        requeued=70,
        discarded=80,
        refused=6,
        purged=7,
        moved_safely=8,
    )
