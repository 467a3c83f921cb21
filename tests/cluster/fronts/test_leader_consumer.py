"""A consumer on the leader has the credit that was granted, and no more."""

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Consume
from cluster.fronts.leader_consumer import LeaderConsumer, LeaderLane
from queues.batch import Batch
from tests.support.records import run_of


class Deliveries:
    """Notes what is told."""

    def __init__(self) -> None:
        self.told: list[tuple[tuple[int, ...], int]] = []

    def deliver(self, consumers: tuple[int, ...], batch: Batch) -> None:
        self.told.append((consumers, len(batch)))


def consumer(to: Deliveries, number: int = 1, credit: int = 3) -> LeaderConsumer:
    asked = Consume("q", number, "c", 1, 0, True, False, {}, credit, 100)
    return LeaderConsumer(asked, LeaderLane(1, lambda: False), to)


def batch(count: int, size_bytes: int = 1) -> Batch:
    return Batch(range(count), run_of(*[b"x" * size_bytes] * count))


def test_credit_is_what_was_granted_and_not_delivered() -> None:
    to = Deliveries()
    one = consumer(to)
    assert (one.credit(), one.has_own_room(), one.no_ack) == (3, True, False)
    one.deliver(batch(3))
    assert (one.credit(), one.has_own_room()) == (0, False)
    one.grant(5, 200)
    assert (one.credit(), to.told) == (2, [((1,), 3)])


def test_octets_end_it_too() -> None:
    one = consumer(Deliveries())
    one.deliver(batch(1, 150))
    assert one.credit() == 0
    one.grant(3, 151)
    assert one.credit() == 2


def test_a_batch_in_turn_counts_for_each() -> None:
    to = Deliveries()
    first, second = consumer(to, 1), consumer(to, 2)
    first.deliver_in_turn([first, second], batch(3))
    assert (first.credit(), second.credit(), to.told) == (1, 2, [((1, 2), 3)])


@pytest.mark.parametrize("total", [(2, 100), (3, 99)])
def test_a_grant_does_not_fall(total: tuple[int, int]) -> None:
    with pytest.raises(FrontError, match="after 3 and 100"):
        consumer(Deliveries()).grant(*total)


def test_who_is_over_gets_nothing() -> None:
    one = consumer(Deliveries())
    one.is_over = True
    assert one.credit() == 0
