"""Many messages go back in pieces, and nobody sees another order for it."""

from amqp_server.broker.requeueing import PIECE_MAX, requeue
from amqp_server.broker.turn import Turn
from queues.batch import Batch
from queues.options import QueueOptions
from tests.support.classic_queue import QueueUnderTest
from tests.support.consumer import FakeConsumer
from tests.support.counted_clock import budget_of

COUNT = 4 * PIECE_MAX


def taken(jobs: QueueUnderTest, *, ways: int = 2) -> list[Batch]:
    """Fill the queue, deliver all of it to consumers in turn, and return what they hold."""
    workers = [FakeConsumer(f"{number}") for number in range(ways)]
    jobs.consume(*workers)
    jobs.publish(*[b"%d" % number for number in range(COUNT)])
    jobs.drain()
    for worker in workers:
        jobs.queue.cancel(worker, jobs.now_ms)
    return [batch for worker in reversed(workers) for batch in worker.batches]


def turn_of_one_piece() -> Turn:
    turn = Turn(COUNT, budget_of(1))
    turn.budget.begin()
    return turn


def test_few_go_back_at_once() -> None:
    jobs, turn = QueueUnderTest(), turn_of_one_piece()
    (first, *_) = taken(jobs)
    requeue(jobs.queue, [first.part(0, 1, PIECE_MAX)], turn, jobs.now_ms)
    assert jobs.queue.ready_count == PIECE_MAX
    assert turn.end(jobs.now_ms) is False


def test_a_turn_takes_a_piece_and_the_next_ones_the_rest() -> None:
    jobs, turn = QueueUnderTest(), turn_of_one_piece()
    requeue(jobs.queue, taken(jobs), turn, jobs.now_ms)
    counts = [jobs.queue.ready_count]
    while turn.end(jobs.now_ms):
        turn.budget.begin()
        counts.append(jobs.queue.ready_count)
    assert counts == [PIECE_MAX, 2 * PIECE_MAX, 3 * PIECE_MAX]
    assert (jobs.queue.ready_count, jobs.queue.counts().unacked_count) == (COUNT, 0)
    jobs.queue.check_invariants()


def test_what_is_on_its_way_comes_before_what_was_never_delivered() -> None:
    jobs, turn = QueueUnderTest(), turn_of_one_piece()
    batches = taken(jobs, ways=1)
    jobs.publish(b"new")
    worker = FakeConsumer()
    requeue(jobs.queue, batches, turn, jobs.now_ms)
    jobs.consume(worker)
    jobs.drain()
    assert len(worker.bodies) == PIECE_MAX
    assert jobs.get() is None, "the next is not there yet"
    while turn.end(jobs.now_ms):
        turn.budget.begin()
        jobs.drain()
    jobs.drain()
    assert worker.bodies == [b"%d" % number for number in range(COUNT)] + [b"new"]


def test_a_priority_queue_waits_for_all() -> None:
    jobs, turn = QueueUnderTest(QueueOptions(max_priority=3)), turn_of_one_piece()
    batches = taken(jobs, ways=1)
    worker = FakeConsumer(prefetch=1)
    requeue(jobs.queue, batches, turn, jobs.now_ms)
    jobs.consume(worker)
    jobs.publish(b"high", priority=3)
    jobs.drain()
    assert worker.bodies == []
    while turn.end(jobs.now_ms):
        turn.budget.begin()
    jobs.drain()
    assert worker.bodies == [b"high"]


def test_a_queue_may_be_deleted_meanwhile() -> None:
    jobs, turn = QueueUnderTest(), turn_of_one_piece()
    requeue(jobs.queue, taken(jobs), turn, jobs.now_ms)
    jobs.queue.delete()
    while turn.end(jobs.now_ms):
        turn.budget.begin()
    assert (jobs.queue.ready_count, jobs.queue.counts().unacked_count) == (0, 0)
