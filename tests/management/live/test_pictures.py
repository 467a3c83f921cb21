"""Rates between two looks, by their names."""

from management.live.feeds import Feed
from management.live.pictures import rates
from management.samples.series import QUEUE_WIDTH


def test_rates_are_of_the_time_between_two_looks() -> None:
    before, now = [0] * QUEUE_WIDTH, [0, 0, 5, *[0] * (QUEUE_WIDTH - 3)]
    found = rates(Feed("queues", "/", "q"), before, now, 2_000)
    assert (found["publish"], found["ack"]) == (2.5, 0.0)
