"""The way to nobody takes nothing, and says so."""

from cluster.fronts.frames import Settlement
from cluster.fronts.ways import NoWay, Way
from tests.support.consumer import FakeConsumer, Prefetch


def test_nothing_goes_to_nobody() -> None:
    way: Way = NoWay()
    assert (way.is_open, way.is_shut, way.engine, way.next_position) == (False, False, None, 0)
    consumer = FakeConsumer()
    way.cancel(consumer, 1)
    way.credit_regained(consumer)
    way.lane_opened(Prefetch())
    way.give_back(Settlement.REQUEUE, [], 1)
    way.refill(begins=True)
    assert way.settle(range(1), 1) == 0
    assert not way.drain(1, 100)
    assert way.deadline_ms() is None
    way.expire(1)
    way.end()
