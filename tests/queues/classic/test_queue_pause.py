"""A paused queue: its consumers get nothing, and everything else goes on."""

import pytest

from queues.batch import Batch
from queues.options import Overflow, QueueOptions
from tests.support.classic_queue import NOW_MS, QueueUnderTest
from tests.support.consumer import FakeConsumer


def test_consumers_get_nothing_until_it_is_resumed_and_then_all_in_order() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=10)
    jobs.consume(worker)
    jobs.queue.pause(is_on=True)
    jobs.publish(b"1", b"2")
    assert jobs.drain() is False
    jobs.queue.pause(is_on=True)
    jobs.publish(b"3")
    assert jobs.drain() is False
    assert (worker.bodies, jobs.queue.ready_count) == ([], 3)
    jobs.queue.pause(is_on=False)
    jobs.drain()
    assert worker.bodies == [b"1", b"2", b"3"]
    jobs.queue.pause(is_on=False)
    jobs.publish(b"4")
    jobs.drain()
    assert worker.bodies[3:] == [b"4"]


def test_what_comes_back_waits_too() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=2)
    jobs.consume(worker)
    jobs.publish(b"1", b"2", b"3")
    jobs.drain()
    jobs.queue.pause(is_on=True)
    jobs.queue.begin_refill()
    jobs.requeue(worker.take_unacked([0, 1]))
    jobs.drain()
    assert worker.bodies == [b"1", b"2"]
    jobs.queue.end_refill()
    jobs.drain()
    assert worker.bodies == [b"1", b"2"]
    jobs.queue.pause(is_on=False)
    jobs.drain()
    assert worker.bodies == [b"1", b"2", b"1", b"2"]


def test_a_resume_within_a_refill_waits_for_its_end() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=10)
    jobs.publish(b"1")
    jobs.queue.pause(is_on=True)
    jobs.queue.begin_refill()
    jobs.consume(worker)
    jobs.queue.pause(is_on=False)
    jobs.drain()
    assert worker.bodies == []
    jobs.queue.end_refill()
    jobs.drain()
    assert worker.bodies == [b"1"]


@pytest.mark.parametrize("is_refilling", [False, True])
def test_a_get_is_not_kept_out_by_the_pause(is_refilling: bool) -> None:
    jobs = QueueUnderTest()
    jobs.publish(b"1", b"2")
    jobs.queue.pause(is_on=True)
    if is_refilling:
        jobs.queue.begin_refill()
    got = jobs.queue.get(NOW_MS)
    assert (got is None) is is_refilling
    if got is not None:
        assert isinstance(got[0], Batch)
        assert got[0].records[0].body == b"1"


def test_priorities_are_kept_and_nothing_passes_by() -> None:
    jobs = QueueUnderTest(QueueOptions(max_priority=5))
    worker = FakeConsumer(prefetch=10)
    jobs.consume(worker)
    jobs.queue.pause(is_on=True)
    jobs.publish(b"low", b"low too")
    jobs.drain()
    assert (worker.bodies, jobs.queue.ready_count) == ([], 2)
    jobs.queue.pause(is_on=False)
    jobs.drain()
    assert worker.bodies == [b"low", b"low too"]


@pytest.mark.parametrize(
    ("overflow", "kept"),
    [(Overflow.DROP_HEAD, [b"2", b"3"]), (Overflow.REJECT_PUBLISH, [b"1", b"2"])],
)
def test_its_limits_hold_without_a_delivery(overflow: Overflow, kept: list[bytes]) -> None:
    jobs = QueueUnderTest(QueueOptions(max_length=2, overflow=overflow))
    worker = FakeConsumer(prefetch=10)
    jobs.consume(worker)
    jobs.queue.pause(is_on=True)
    jobs.publish(b"1", b"2")
    jobs.publish(b"3")
    jobs.drain()
    assert worker.bodies == []
    jobs.queue.pause(is_on=False)
    jobs.drain()
    assert worker.bodies == kept


def test_it_says_that_nothing_may_be_delivered_and_asks_nobody() -> None:
    jobs, worker = QueueUnderTest(), FakeConsumer(prefetch=10)
    jobs.consume(worker)
    assert jobs.queue.state().may_deliver
    jobs.queue.pause(is_on=True)
    assert not jobs.queue.state().may_deliver
    jobs.queue.delete()
    jobs.queue.pause(is_on=False)
