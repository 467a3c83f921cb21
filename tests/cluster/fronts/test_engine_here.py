"""What only the engine can do is done where the queue is led, and elsewhere not at all."""

import pytest

from queues.commits import NOTHING_TO_COMMIT
from queues.options import QueueOptions
from queues.outcomes import NOTHING_PURGED
from tests.cluster.fronts.test_local_way import led_here
from tests.support.half_pair import Pair
from tests.support.led_log import NOW_MS
from tests.support.records import run_of


def test_the_engine_does_it_where_the_queue_is_led() -> None:
    pair = led_here()
    front, engine = pair.front, pair.engine
    front.publish(run_of(b"a", b"b", b"c"), NOW_MS)
    got = front.get(NOW_MS, no_ack=True)
    assert got is not None
    assert (got[0].records[0].body, got[1]) == (b"a", 2)
    assert front.commit_group is engine.commit_group
    assert front.moves is engine.moves
    assert front.purge().purged_count == 2
    assert not front.must_drain_before(object())
    front.reconfigure(QueueOptions(max_length=1), NOW_MS)
    assert engine.options == front.options == QueueOptions(max_length=1)
    front.pause(is_on=True)
    assert engine._delivery.is_paused


def test_elsewhere_nothing_is_done() -> None:
    front = Pair().front
    assert front.get(NOW_MS) is None
    assert front.purge() is NOTHING_PURGED
    assert front.commit_group is NOTHING_TO_COMMIT
    assert front.moves.count == 0
    assert not front.must_drain_before(object())
    assert not front.answers_at_once
    front.pause(is_on=True)
    front.reconfigure(QueueOptions(max_length=1), NOW_MS)
    assert front.options.max_length == 1


def test_what_a_restart_finds_is_not_its_business() -> None:
    with pytest.raises(NotImplementedError):
        Pair().front.recover(Pair().log.found(), NOW_MS)
