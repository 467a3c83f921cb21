"""Much that is rejected dies in pieces, in the order of dying all at once."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from amqp_server.broker.rejecting import PIECE_MAX, rejecting
from amqp_server.broker.turn import Turn
from queues.batch import Batch
from queues.options import QueueOptions
from tests.support.classic_queue import QueueUnderTest
from tests.support.consumer import FakeConsumer


def taken(jobs: QueueUnderTest, priorities: Sequence[int]) -> list[Batch]:
    """Publish messages one by one, and return what a consumer holds of them."""
    worker = FakeConsumer()
    jobs.consume(worker)
    for number, priority in enumerate(priorities):
        jobs.publish(b"%d" % number, priority=priority)
        jobs.drain()
    return worker.batches


def died(jobs: QueueUnderTest) -> list[bytes]:
    bodies: list[bytes] = []
    while (dying := jobs.queue.moves.take(PIECE_MAX)) is not None:
        bodies += [record.body for record in dying.records]
    return bodies


@pytest.mark.parametrize("max_priority", [None, 3])
def test_they_die_in_pieces_and_in_the_order_of_all_at_once(max_priority: int | None) -> None:
    options = QueueOptions(max_priority=max_priority, dead_letter_exchange="dlx")
    priorities = [number * 7 % 5 for number in range(3 * PIECE_MAX)]
    jobs, other = QueueUnderTest(options), QueueUnderTest(options)
    steps = rejecting(jobs.queue, taken(jobs, priorities), Turn(1))
    counts = [0, *[jobs.queue.moves.count for _ in steps]]
    assert max(after - before for before, after in pairwise(counts)) <= PIECE_MAX
    other.queue.reject(taken(other, priorities), other.now_ms)
    assert died(jobs) == died(other)
    assert jobs.queue.counts().unacked_count == 0


def test_a_batch_of_several_priorities_is_parted() -> None:
    jobs = QueueUnderTest(QueueOptions(max_priority=3, dead_letter_exchange="dlx"))
    batches = taken(jobs, [1, 3, 1])
    whole = Batch(range(3), [record for batch in batches for record in batch.records])
    list(rejecting(jobs.queue, [whole], Turn(1)))
    assert died(jobs) == [b"1", b"0", b"2"]
