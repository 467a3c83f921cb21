"""Messages of a priority queue that find a consumer waiting."""

import pytest

from queues.batch import BATCH_BYTES_MAX
from queues.options import Overflow, QueueOptions
from tests.support.classic_queue import QueueUnderTest
from tests.support.consumer import FakeConsumer
from tests.support.records import record


def lanes(**options: object) -> QueueUnderTest:
    return QueueUnderTest(QueueOptions(max_priority=9, **options))  # type: ignore[arg-type]


def publish(jobs: QueueUnderTest, priorities: str, size: int = 1, ttl_ms: int = -1) -> None:
    """Publish a message for each digit, which is its priority and what its body consists of."""
    run = [
        record(digit.encode() * size, priority=int(digit), ttl_ms=ttl_ms) for digit in priorities
    ]
    jobs.queue.publish(run, jobs.now_ms)
    jobs.queue.check_invariants()


def got(worker: FakeConsumer) -> str:
    return "".join(body[:1].decode() for body in worker.bodies)


def test_who_waits_gets_them_as_they_come_and_the_rest_is_sorted() -> None:
    jobs, worker = lanes(), FakeConsumer(prefetch=3)
    jobs.consume(worker)
    publish(jobs, "14259")
    assert got(worker) == "142"
    jobs.settle(worker.take_unacked())
    jobs.drain()
    assert got(worker) == "14295"


def test_several_take_turns() -> None:
    jobs = lanes()
    workers = [FakeConsumer(tag, prefetch=2) for tag in "ab"]
    jobs.consume(*workers)
    publish(jobs, "14259")
    jobs.drain()
    assert [got(worker) for worker in workers] == ["12", "45"]
    assert (jobs.queue.ready_count, jobs.queue.counts().unacked_count) == (1, 4)


def test_what_was_ready_goes_first() -> None:
    jobs, worker = lanes(), FakeConsumer(prefetch=3)
    publish(jobs, "23")
    jobs.consume(worker)
    publish(jobs, "91")
    jobs.drain()
    assert got(worker) == "329"


def test_a_requeue_finds_its_place_among_those_that_passed() -> None:
    jobs, worker = lanes(), FakeConsumer()
    jobs.consume(worker)
    publish(jobs, "151")
    worker.is_paused = True
    jobs.requeue(worker.take_unacked())
    assert jobs.get_all() == [b"5", b"1", b"1"]


def test_what_expires_at_once_is_delivered_to_who_waits() -> None:
    jobs, worker = lanes(), FakeConsumer(prefetch=1)
    jobs.consume(worker)
    publish(jobs, "19", ttl_ms=0)
    assert (got(worker), jobs.queue.ready_count) == ("1", 0)


def test_large_ones_pass_one_by_one() -> None:
    jobs, worker = lanes(), FakeConsumer()
    jobs.consume(worker)
    publish(jobs, "152", size=BATCH_BYTES_MAX // 2)
    assert got(worker) == "152"
    assert [len(batch) for batch in worker.batches] == [1, 2]


@pytest.mark.parametrize("overflow", list(Overflow))
def test_a_full_queue_delivers_before_it_drops_or_refuses(overflow: Overflow) -> None:
    jobs, worker = lanes(max_length=1, overflow=overflow), FakeConsumer(prefetch=2)
    jobs.consume(worker)
    publish(jobs, "192")
    assert (got(worker), jobs.get()) == ("19", b"2")


def test_a_burst_is_not_only_appended_while_one_waits() -> None:
    jobs, worker = lanes(), FakeConsumer(prefetch=1)
    run = [record(b"1", priority=1)]
    found = [jobs.queue.only_appends(run, jobs.now_ms)]
    jobs.consume(worker)
    found.append(jobs.queue.only_appends(run, jobs.now_ms))
    assert found == [True, False]


def test_what_passed_together_comes_back_to_the_lanes_of_its_priorities() -> None:
    jobs, worker = lanes(), FakeConsumer()
    jobs.consume(worker)
    publish(jobs, "14219")
    assert got(worker) == "14219"
    jobs.queue.cancel(worker, jobs.now_ms)
    jobs.queue.requeue(worker.batches, jobs.now_ms)
    jobs.queue.check_invariants()
    successor = FakeConsumer()
    jobs.consume(successor)
    jobs.drain()
    assert got(successor) == "94211"
