"""What channels ask is asked in frames, and answered in their words."""

from queues.asked_port import CountsAnswer, GetAnswer
from tests.support.half_pair import Pair
from tests.support.led_log import NOW_MS
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


def test_there_may_be_none() -> None:
    pair = Pair()
    pair.front.lead_nowhere()
    answers: list[object] = []
    for ask in (pair.front.ask_counts, pair.front.ask_get, pair.front.ask_purge):
        ask(answers.append, NOW_MS)
    pair.advance(30_000)
    assert answers == [None, None, None]
