"""A leader half serves fronts by their connections, and ends with its leadership."""

import gc
import weakref

from cluster.fronts.frames import Close, Consume, NotServing, Open, Opened, Publish
from cluster.fronts.leader_half import FrontOpenings, LedQueues
from tests.support.half_pair import Pair, Pipe, X
from tests.support.led_log import NOW_MS
from tests.support.records import run_of

CONSUME = Consume("q", 1, "c", 1, 0, False, False, {}, 10, 1_000)


def link_to(led: LedQueues) -> tuple[FrontOpenings, Pipe]:
    pipe = Pipe()
    return FrontOpenings(led, X, pipe), pipe


def test_a_queue_that_is_led_here_is_opened() -> None:
    pair = Pair()
    link, pipe = link_to(pair.led)
    link.receive(Open("q", 1, 4), NOW_MS)
    assert pipe.said == [Opened("q", 1, 4, 0)]


def test_one_that_is_not_or_in_a_later_epoch_is_not() -> None:
    pair = Pair()
    link, pipe = link_to(pair.led)
    link.receive(Open("other", 3, 1), NOW_MS)
    link.receive(Open("q", 2, 2), NOW_MS)
    link.receive(Publish("q", 1, 0, 0, run_of(b"a")), NOW_MS)
    assert pipe.said == [NotServing("other", 0, 1), NotServing("q", 1, 2)]
    assert pair.engine.ready_count == 0


def test_fronts_hear_that_a_leadership_ends() -> None:
    pair = Pair()
    link, pipe = link_to(pair.led)
    link.receive(Open("q", 1, 4), NOW_MS)
    pair.led.end("q")
    pair.led.end("q")
    link.receive(CONSUME, NOW_MS)
    assert pipe.said[1:] == [NotServing("q", 1, 4)]
    assert pair.led.get("q") is None
    link.ended(NOW_MS)
    assert pair.engine.consumer_count == 0


def test_a_connection_keeps_nothing_of_a_leadership_that_is_over() -> None:
    pair = Pair()
    link, _ = link_to(pair.led)
    link.receive(Open("q", 1, 4), NOW_MS)
    kept = weakref.ref(link._open["q"])
    pair.led.end("q")
    gc.collect()
    assert kept() is None


def test_to_open_again_is_to_begin_anew() -> None:
    pair = Pair()
    link, pipe = link_to(pair.led)
    link.receive(Open("q", 1, 1), NOW_MS)
    link.receive(CONSUME, NOW_MS)
    pair.engine.publish(run_of(b"a"), NOW_MS)
    pair.drain_leader()
    assert pair.engine.counts().unacked_count == 1
    link.receive(Open("q", 1, 2), NOW_MS)
    pair.settle_down_leader()
    assert (pair.engine.consumer_count, pair.engine.ready_count) == (0, 1)
    assert pipe.said[-1] == Opened("q", 1, 2, 0)
    link.receive(Close("q"), NOW_MS)
    link.receive(CONSUME, NOW_MS)
    assert pair.engine.consumer_count == 0


def test_one_connection_that_ends_harms_no_other() -> None:
    pair = Pair()
    (first, _), (second, _) = link_to(pair.led), link_to(pair.led)
    for link in (first, second):
        link.receive(Open("q", 1, 1), NOW_MS)
        link.receive(CONSUME, NOW_MS)
    first.ended(NOW_MS)
    first.receive(Open("q", 1, 2), NOW_MS)
    assert pair.engine.consumer_count == 1
