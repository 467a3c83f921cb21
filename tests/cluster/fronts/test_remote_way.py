"""Frames of a leader: of this opening only, in order, and an end of the connection where wrong."""

import pytest

from cluster.fronts.frames import (
    Close,
    Confirmed,
    Counts,
    Deliver,
    Got,
    NotServing,
    Open,
    Opened,
    Question,
    Refused,
    Settle,
    Settlement,
    ToFront,
)
from queues.batch import Batch
from tests.support.consumer import FakeConsumer
from tests.support.half_pair import Pair
from tests.support.led_log import NOW_MS
from tests.support.records import run_of


def batch(first: int, count: int = 1) -> Batch:
    return Batch(range(first, first + count), run_of(*[b"m"] * count))


@pytest.fixture
def pair() -> Pair:
    begun = Pair()
    begun.settle_down()
    return begun


def hear(pair: Pair, frame: ToFront) -> None:
    pair.front.receive(frame, pair.pipe, NOW_MS)


def test_nothing_is_said_before_the_leader_serves() -> None:
    pair = Pair()
    pair.front.publish(run_of(b"a"), NOW_MS)
    pair.front.consume(FakeConsumer(), NOW_MS)
    pair.drain()
    assert pair.pipe.said == [Open("q", 1, 1)]


def test_answers_to_an_earlier_opening_are_not_heard() -> None:
    pair = Pair()
    pair.front.lead_there(pair.pipe, 1)
    assert [type(each) for each in pair.pipe.said] == [Open, Close, Open]
    hear(pair, Opened("q", 1, 1, 0))
    hear(pair, NotServing("q", 1, 1))
    assert not pair.front._way.is_open
    pair.settle_down()
    assert pair.front._way.is_open


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Deliver("q", (1,), batch(1, 99)), "which may get 2"),
        (Deliver("q", (1,), batch(2)), "1 is next"),
        (Confirmed("q", 9), "confirms 9"),
        (Refused("q", 1, 1), "refuses 1 to 1"),
        (Got("q", 9, None, 0), "question 9"),
        (Counts("q", 1, 0, 0, 0), "COUNTS|GET"),
        (Opened("q", 1, 1, 0), "open"),
    ],
)
def test_what_makes_no_sense_ends_the_connection(pair: Pair, frame: ToFront, text: str) -> None:
    pair.front.consume(FakeConsumer(prefetch=2), NOW_MS)
    pair.front.ask(Question.GET, lambda _: None, NOW_MS)
    pair.drain()
    hear(pair, frame)
    assert pair.pipe.reason is not None
    assert pair.pipe.reason.startswith("the leader half of q ")
    assert not pair.front._way.is_open
    pair.break_pipe()
    pair.settle_down()
    assert pair.engine.consumer_count == 1


def test_settlements_of_a_turn_are_one_frame(pair: Pair) -> None:
    consumer = FakeConsumer(prefetch=9)
    pair.front.consume(consumer, NOW_MS)
    pair.front.publish(run_of(*[b"m"] * 5), NOW_MS)
    pair.settle_down()
    pair.pipe.said.clear()
    pair.ack(consumer)
    pair.drain()
    settles = [each for each in pair.pipe.said if isinstance(each, Settle)]
    assert settles == [Settle("q", Settlement.ACK, (range(1, 6),))]


def test_a_front_half_that_leaves_says_so(pair: Pair) -> None:
    consumer = FakeConsumer(prefetch=9)
    pair.front.consume(consumer, NOW_MS)
    pair.front.publish(run_of(b"a"), NOW_MS)
    pair.settle_down()
    pair.front.lead_nowhere()
    pair.carry_up()
    pair.settle_down_leader()
    assert pair.pipe.said[-1] == Close("q")
    assert (pair.engine.consumer_count, pair.engine.ready_count) == (0, 1)
