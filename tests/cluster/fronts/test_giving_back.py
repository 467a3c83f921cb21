"""What goes back goes back in the order of the queue, and uncounted where nobody saw it."""

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Settle, Settlement
from cluster.fronts.giving_back import settling
from cluster.fronts.outstanding import Outstanding
from queues.options import QueueOptions
from tests.support.classic_queue import QueueUnderTest


def held(options: QueueOptions | None = None, count: int = 4) -> tuple[QueueUnderTest, Outstanding]:
    """A queue with messages that a front half has got one by one."""
    jobs, outstanding = QueueUnderTest(options), Outstanding()
    jobs.publish(*[b"%d" % number for number in range(count)])
    for _ in range(count):
        got = jobs.queue.get(jobs.now_ms)
        assert got is not None
        outstanding.add(got[0])
    return jobs, outstanding


def settle(
    jobs: QueueUnderTest, outstanding: Outstanding, how: Settlement, *numbers: range
) -> None:
    for _ in settling(jobs.queue, outstanding, Settle("q", how, numbers), lambda: jobs.now_ms):
        pass


def test_each_settlement_reaches_the_queue() -> None:
    jobs, outstanding = held()
    settle(jobs, outstanding, Settlement.ACK, range(2, 3))
    settle(jobs, outstanding, Settlement.REJECT, range(1, 2))
    settle(jobs, outstanding, Settlement.REQUEUE, range(4, 5), range(3, 4))
    counts = jobs.queue.counts()
    assert (counts.unacked_count, counts.acked, counts.discarded) == (0, 1, 1)
    assert jobs.get_all() == [b"2", b"3"]


def test_what_nobody_saw_is_not_counted_as_a_return() -> None:
    jobs, outstanding = held(QueueOptions(delivery_limit=1), count=1)
    for round_number in range(1, 4):
        settle(jobs, outstanding, Settlement.UNSEEN, range(round_number, round_number + 1))
        got = jobs.queue.get(jobs.now_ms)
        assert got is not None
        assert got[0].delivery_count == 0
        outstanding.add(got[0])


def test_what_came_before_an_unknown_number_is_settled() -> None:
    jobs, outstanding = held()
    with pytest.raises(FrontError, match="settles 9"):
        settle(jobs, outstanding, Settlement.REQUEUE, range(1, 3), range(9, 10))
    assert jobs.get_all() == [b"0", b"1"]


def test_many_go_back_in_pieces_by_position() -> None:
    jobs, outstanding = held(count=1_200)
    numbers = tuple(range(at, at + 1) for at in range(1_200, 0, -1))
    pieces = settling(
        jobs.queue, outstanding, Settle("q", Settlement.REQUEUE, numbers), lambda: jobs.now_ms
    )
    assert len(list(pieces)) > 4
    assert jobs.get_all() == [b"%d" % number for number in range(1_200)]
