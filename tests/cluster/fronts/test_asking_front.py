"""What channels ask is asked in frames, and answered in their words."""

import pytest

from queues.asked_port import CountsAnswer, GetAnswer
from tests.support.half_pair import Pair
from tests.support.led_log import NOW_MS, take_into
from tests.support.records import run_of


def test_each_question_has_its_answer() -> None:
    pair = Pair()
    answers: list[object] = []
    pair.front.publish(run_of(b"a", b"b"), NOW_MS)
    for ask in (pair.front.ask_counts, pair.front.ask_get, pair.front.ask_purge):
        ask(answers.append, NOW_MS)
        pair.settle_down()
    counts, got, purged_count = answers
    assert isinstance(got, GetAnswer)
    assert (counts, got.ready_count, purged_count) == (CountsAnswer(2, 0, 0), 1, 1)
    assert got.batch is not None
    pair.front.give_back_unseen(got.batch)
    pair.settle_down()
    again = pair.engine.get(NOW_MS)
    assert again is not None
    assert (again[0].records[0].body, again[0].delivery_count) == (b"a", 0)


def led(pair: Pair, *, is_here: bool) -> Pair:
    if is_here:
        pair.front.lead_here(pair.engine, take_into(pair.log, pair.engine), 1)
    pair.settle_down()
    return pair


def asking_while_nothing_may_be_delivered(pair: Pair) -> list[object]:
    """Ask everything of a queue with two messages; only the counts are known at once."""
    answers: list[object] = []
    pair.front.publish(run_of(b"a", b"b"), NOW_MS)
    pair.settle_down()
    pair.engine.let_give(is_on=False)
    assert not pair.front.gives_at_once
    for ask in (pair.front.ask_get, pair.front.ask_purge, pair.front.ask_counts):
        ask(answers.append, NOW_MS)
        pair.settle_down()
    assert answers == [CountsAnswer(2, 0, 0)]
    return answers


@pytest.mark.parametrize("is_here", [True, False])
def test_a_get_and_a_purge_wait_while_nothing_may_be_delivered(*, is_here: bool) -> None:
    pair = led(Pair(), is_here=is_here)
    answers = asking_while_nothing_may_be_delivered(pair)
    pair.advance(29_999)
    assert len(answers) == 1
    pair.engine.let_give(is_on=True)
    pair.settle_down()
    _, got, purged_count = answers
    assert isinstance(got, GetAnswer)
    assert got.batch is not None
    assert (got.batch.records[0].body, got.ready_count, purged_count) == (b"a", 1, 1)
    assert pair.front.gives_at_once is is_here


@pytest.mark.parametrize("is_here", [True, False])
def test_there_is_no_answer_where_that_takes_too_long(*, is_here: bool) -> None:
    pair = led(Pair(), is_here=is_here)
    answers = asking_while_nothing_may_be_delivered(pair)
    pair.advance(30_000)
    assert answers[1:] == [None, None]
    pair.engine.let_give(is_on=True)
    pair.settle_down()
    state = pair.engine.counts()
    assert (state.unacked_count, len(answers)) == (0, 3), "a message for nobody went back"


@pytest.mark.parametrize("is_here", [True, False])
def test_the_next_leader_answers(*, is_here: bool) -> None:
    pair = led(Pair(), is_here=is_here)
    answers = asking_while_nothing_may_be_delivered(pair)
    old = pair.engine
    pair.lead_again()
    pair.front.lead_there(pair.pipe, pair.half.epoch)
    pair.settle_down()
    assert [type(each) for each in answers[1:]] == [GetAnswer, int]
    assert old.told == {}, "it has nobody to tell any more"


def test_a_queue_that_is_empty_says_so_once_it_may_be_known() -> None:
    pair = led(Pair(), is_here=True)
    pair.engine.let_give(is_on=False)
    answers: list[object] = []
    pair.front.ask_get(answers.append, NOW_MS)
    pair.settle_down()
    assert answers == []
    pair.engine.let_give(is_on=True)
    pair.settle_down()
    assert answers == [GetAnswer(None, 0)]


def test_there_may_be_none() -> None:
    pair = Pair()
    pair.front.lead_nowhere()
    answers: list[object] = []
    for ask in (pair.front.ask_counts, pair.front.ask_get, pair.front.ask_purge):
        ask(answers.append, NOW_MS)
    pair.advance(30_000)
    assert answers == [None, None, None]
