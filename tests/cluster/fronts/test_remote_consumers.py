"""Consumers of a queue that is led elsewhere: what is granted, and what is shown to whom."""

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Consume, Credit, Settlement, ToLeader
from cluster.fronts.limits import FrontLimits
from cluster.fronts.remote_consumers import RemoteConsumers
from queues.batch import Batch
from tests.support.consumer import FakeConsumer, Prefetch
from tests.support.records import run_of

LIMITS = FrontLimits(credit_max=100, credit_bytes=1_000)


class Rig:
    """The consumers of one way, and what they say; ``Peer``."""

    def __init__(self, base: int = 0) -> None:
        self.said: list[ToLeader] = []
        self.settled: list[tuple[Settlement, range]] = []
        self.consumers = RemoteConsumers("q", LIMITS, self, base)

    def put(self, frame: ToLeader) -> None:
        self.said.append(frame)

    def settle_as(self, settlement: Settlement, numbers: range) -> None:
        self.settled.append((settlement, numbers))

    def consume(self, *handles: FakeConsumer) -> list[int]:
        """Add them; return their first grants."""
        for handle in handles:
            self.consumers.consume(handle, {})
        return [each.credit for each in self.said[-len(handles) :] if isinstance(each, Consume)]

    def totals(self) -> list[tuple[int, int]]:
        told = [each for each in self.said if isinstance(each, Credit)]
        return [(each.consumer, each.total) for each in told]

    def arrive(self, numbers: tuple[int, ...], first: int, count: int) -> None:
        bodies = [b"%d" % number for number in range(first, first + count)]
        self.consumers.arrived(numbers, Batch(range(first, first + count), run_of(*bodies)))

    def drain(self) -> None:
        while self.consumers.drain(1_000):
            pass


def test_the_first_grant_is_the_prefetch_or_the_bound() -> None:
    rig = Rig()
    assert rig.consume(FakeConsumer(prefetch=7), FakeConsumer(no_ack=True)) == [7, 100]


def test_more_is_granted_when_half_of_it_is_used_up() -> None:
    rig, consumer = Rig(), FakeConsumer(no_ack=True)
    rig.consume(consumer)
    rig.arrive((1,), 1, 30)
    rig.drain()
    assert rig.totals() == []
    rig.arrive((1,), 31, 30)
    rig.drain()
    assert rig.totals() == [(1, 160)]
    assert rig.settled == [(Settlement.ACK, range(1, 31)), (Settlement.ACK, range(31, 61))]


def test_nothing_is_shown_beyond_the_credit_of_the_moment() -> None:
    rig, consumer = Rig(base=1_000), FakeConsumer(prefetch=4)
    rig.consume(consumer)
    consumer.is_paused = True
    rig.arrive((1,), 1, 3)
    rig.drain()
    assert consumer.bodies == []
    consumer.is_paused = False
    rig.consumers.credit_regained(consumer)
    rig.drain()
    assert (consumer.bodies, consumer.batches[0].positions) == (
        [b"1", b"2", b"3"],
        range(1_001, 1_004),
    )


def test_more_than_was_granted_makes_no_sense() -> None:
    rig = Rig()
    rig.consume(FakeConsumer(prefetch=2))
    with pytest.raises(FrontError, match="which may get 2"):
        rig.arrive((1,), 1, 3)


def test_a_lane_gets_a_batch_in_turn_as_one() -> None:
    rig, lane = Rig(), Prefetch()
    first, second = FakeConsumer("a", lane=lane), FakeConsumer("b", lane=lane, no_ack=True)
    rig.consume(first, second)
    rig.arrive((1, 2), 1, 3)
    rig.drain()
    assert (first.bodies, second.bodies) == ([b"1", b"3"], [b"2"])
    assert rig.settled == [(Settlement.ACK, range(2, 3, 2))]


def test_a_batch_in_turn_waits_message_by_message_for_who_has_no_credit() -> None:
    rig, lane = Rig(), Prefetch()
    first, second = FakeConsumer("a", lane=lane), FakeConsumer("b", lane=lane)
    rig.consume(first, second)
    second.is_paused = True
    rig.arrive((1, 2), 1, 3)
    rig.drain()
    assert (first.bodies, second.bodies) == ([b"1"], []), "what comes behind keeps its place"
    rig.consumers.cancel(second)
    rig.consumers.lane_opened(lane)
    rig.consumers.credit_regained(first)
    rig.drain()
    assert first.bodies == [b"1", b"3"]
    assert rig.settled == [(Settlement.UNSEEN, range(2, 3))]


def test_a_share_of_who_is_gone_goes_back() -> None:
    rig, lane = Rig(), Prefetch()
    first, second = FakeConsumer("a", lane=lane), FakeConsumer("b", lane=lane)
    rig.consume(first, second)
    rig.consumers.cancel(second)
    rig.arrive((1, 2), 1, 4)
    rig.drain()
    assert first.bodies == [b"1", b"3"]
    assert rig.settled == [(Settlement.UNSEEN, range(2, 5, 2))]


def test_consumers_of_two_lanes_get_no_batch_together() -> None:
    rig = Rig()
    rig.consume(FakeConsumer(), FakeConsumer())
    with pytest.raises(FrontError, match="share no lane"):
        rig.arrive((1, 2), 1, 2)


def test_a_shared_prefetch_is_granted_once() -> None:
    rig, shared = Rig(), Prefetch(4)
    consumers = [FakeConsumer(f"{number}", prefetch=shared) for number in range(3)]
    assert sum(rig.consume(*consumers)) == 4
    rig.drain()
    rig.consumers.cancel(consumers[0])
    rig.drain()
    assert sorted(rig.totals()) == [(2, 2), (3, 1)]


def test_many_consumers_of_a_shut_lane_are_not_asked_again_and_again() -> None:
    rig, shared = Rig(), Prefetch(1)
    consumers = [FakeConsumer(f"{number}", prefetch=shared) for number in range(2_000)]
    rig.consume(*consumers)
    rig.drain()
    asked = sum(each.asked_count for each in consumers)
    for _ in range(50):
        rig.consumers.lane_opened(shared)
        rig.drain()
    assert sum(each.asked_count for each in consumers) - asked < 50 * 64 * 4


def test_an_answer_for_who_is_there_makes_no_sense() -> None:
    rig, consumer = Rig(), FakeConsumer()
    rig.consume(consumer)
    assert rig.consumers.answered(1, is_there=True) is consumer
    with pytest.raises(FrontError, match="twice"):
        rig.consumers.answered(1, is_there=False)
    assert rig.consumers.answered(9, is_there=False) is None
