"""What a front half says of its queue: all of it where it is led, and little elsewhere."""

import pytest

from cluster.fronts.shown_front import LedElsewhereError
from queues.counters import QueueCounts
from tests.cluster.fronts.test_local_way import led_here
from tests.support.consumer import FakeConsumer
from tests.support.half_pair import Pair
from tests.support.led_log import NOW_MS
from tests.support.records import run_of


def test_the_engine_says_it_where_the_queue_is_led() -> None:
    pair = led_here()
    consumer = FakeConsumer(prefetch=1)
    pair.front.publish(run_of(b"a", b"b"), NOW_MS)
    pair.front.consume(consumer, NOW_MS)
    pair.settle_down()
    front = pair.front
    assert (front.ready_count, front.consumer_count) == (1, 1)
    assert front.counts() == pair.engine.counts()
    looked = front.look(None)
    assert [one.record.body for each in looked.slices for one in each.messages()] == [b"b"]
    assert front.passing_by(0) == pair.engine.passing_by(0)
    front.touch(NOW_MS)


def test_consumers_are_those_that_their_channels_know() -> None:
    pair = led_here()
    consumer = FakeConsumer(exclusive=True)
    pair.front.consume(consumer, NOW_MS)
    assert pair.front.state().exclusive_consumer is consumer


def test_elsewhere_it_knows_its_consumers() -> None:
    pair = Pair()
    pair.front.consume(FakeConsumer(), NOW_MS)
    pair.front.publish(run_of(b"a"), NOW_MS)
    pair.settle_down()
    assert (pair.front.ready_count, pair.front.consumer_count) == (0, 1)
    assert pair.front.counts() == QueueCounts(consumer_count=1)
    assert pair.front.state().active_consumer is None
    pair.front.touch(NOW_MS)
    for look in (pair.front.look, pair.front.passing_by):
        with pytest.raises(LedElsewhereError, match="its leader is on another node"):
            look(0)  # type: ignore[arg-type]
