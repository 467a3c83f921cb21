"""Of batches that lie across each other, the messages between two positions, in order."""

from queues.batch import Batch
from queues.classic.lying_across import alike_count, around, merged
from tests.support.records import run_of


def batch(positions: range, expires: list[int] | None = None) -> Batch:
    run = run_of(*[b"%d" % at for at in positions])
    return Batch(positions, run, expires, 1, redelivered=True)


def test_they_are_merged() -> None:
    found = merged([batch(range(0, 9, 2)), batch(range(1, 9, 2))], 2, 7)
    assert [message.position for message in found] == [2, 3, 4, 5, 6]


def test_one_leaves_the_others_around_it() -> None:
    whole = batch(range(4, 7))
    assert [list(one.positions) for one in around(whole, 1)] == [[4], [6]]
    assert [list(one.positions) for one in around(whole, 0)] == [[5, 6]]
    assert [list(one.positions) for one in around(whole, 2)] == [[4, 5]]
    assert around(batch(range(1)), 0) == []


def test_those_that_expire_are_told_apart() -> None:
    one = batch(range(3), [5, 9, 5])
    assert alike_count(one, 3, 5, 99, expired=True) == 1
    assert alike_count(one, 3, 4, 2, expired=False) == 2
    assert alike_count(batch(range(3)), 3, 4, 99, expired=True) == 0
