"""A client hears whether its consumer is there from the leader, whoever that is by then."""

import pytest

from cluster.fronts.asked_consumers import WAIT_MS, AskedConsumers
from queues.asked_port import ConsumeAnswer
from tests.support.consumer import FakeConsumer
from tests.support.half_pair import Pair
from tests.support.led_log import take_into

THERE, BARRED, NO_ANSWER = ConsumeAnswer.THERE, ConsumeAnswer.BARRED, ConsumeAnswer.NO_ANSWER


@pytest.fixture
def pair() -> Pair:
    begun = Pair()
    begun.settle_down()
    return begun


def asked(pair: Pair, consumer: FakeConsumer) -> list[ConsumeAnswer]:
    answers: list[ConsumeAnswer] = []
    pair.front.ask_consume(consumer, answers.append, pair.now_ms)
    return answers


def test_a_leader_elsewhere_is_asked_before_anything_is_said(pair: Pair) -> None:
    first, second = FakeConsumer("a", exclusive=True), FakeConsumer("b")
    answers, others = asked(pair, first), asked(pair, second)
    assert answers == others == []
    pair.settle_down()
    assert (answers, others) == ([THERE], [BARRED])
    assert not second.is_cancelled, "it was never there"
    assert pair.engine.consumer_count == 1
    third = FakeConsumer("c", exclusive=True)
    pair.front.cancel(first, pair.now_ms)
    pair.settle_down()
    assert asked(pair, third) == []
    pair.settle_down()
    assert pair.engine.consumer_count == 1


def test_a_leader_here_says_it_at_once(pair: Pair) -> None:
    pair.front.lead_here(pair.engine, take_into(pair.log, pair.engine), 1)
    assert asked(pair, FakeConsumer("a", exclusive=True)) == [THERE]
    assert asked(pair, FakeConsumer("b")) == [BARRED]


def test_the_next_leader_says_it_where_the_first_one_has_not(pair: Pair) -> None:
    one, other = FakeConsumer("a", exclusive=True), FakeConsumer("b")
    answers, others = asked(pair, one), asked(pair, other)
    pair.break_pipe()
    assert answers == others == []
    pair.settle_down()
    assert (answers, others) == ([THERE], [BARRED])
    here = Pair()
    here.front.lead_nowhere()
    late = asked(here, FakeConsumer("a", exclusive=True))
    here.front.lead_here(here.engine, take_into(here.log, here.engine), 1)
    here.settle_down()
    assert late == [THERE]


def test_where_nobody_leads_only_an_exclusive_one_is_refused(pair: Pair) -> None:
    pair.front.lead_nowhere()
    one, other = FakeConsumer("a", exclusive=True), FakeConsumer("b")
    answers, others = asked(pair, one), asked(pair, other)
    assert pair.front.next_deadline_ms() == pair.now_ms + WAIT_MS
    pair.advance(WAIT_MS - 1)
    assert answers == others == []
    pair.advance(1)
    assert (answers, others) == ([NO_ANSWER], [THERE])
    assert pair.front.consumers_here_count == 1
    pair.break_pipe()
    pair.settle_down()
    assert pair.engine.consumer_count == 1
    assert not other.is_cancelled


def test_one_that_was_let_in_and_is_barred_later_is_cancelled(pair: Pair) -> None:
    pair.front.lead_nowhere()
    other = FakeConsumer("b")
    answers = asked(pair, other)
    pair.advance(WAIT_MS)
    pair.engine.consume(FakeConsumer("a", exclusive=True), pair.now_ms)
    pair.break_pipe()
    pair.settle_down()
    assert (answers, other.is_cancelled) == ([THERE], True)


def test_who_gives_up_and_who_hears_of_failovers_is_told_once(pair: Pair) -> None:
    given_up, hearing = FakeConsumer("a"), FakeConsumer("b")
    hearing.arguments = {"x-cancel-on-ha-failover": True}
    answers, others = asked(pair, given_up), asked(pair, hearing)
    pair.front.cancel(given_up, pair.now_ms)
    pair.drain()
    pair.break_pipe()
    pair.settle_down()
    assert (answers, others) == ([], [NO_ANSWER])
    assert not hearing.is_cancelled
    assert pair.engine.consumer_count == 0


def test_the_end_of_the_queue_ends_the_waiting(pair: Pair) -> None:
    answers = asked(pair, FakeConsumer())
    pair.front.delete()
    assert answers == [NO_ANSWER]
    assert AskedConsumers().deadline_ms() is None
