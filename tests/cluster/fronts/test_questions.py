"""Questions wait for their answers, for a while."""

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Counts, Purged, Question
from cluster.fronts.questions import ASKED_AT_ONCE_MAX, Answer, Questions


class FakeWay:
    def __init__(self) -> None:
        self.asked: list[tuple[int, Question]] = []
        self.gives_messages = True

    def ask(self, number: int, question: Question, now_ms: int) -> None:
        assert now_ms
        self.asked.append((number, question))


def test_only_counts_are_asked_for_while_nothing_may_be_delivered() -> None:
    questions, way = Questions(), FakeWay()
    way.gives_messages = False
    asked = (Question.GET, Question.PURGE, Question.COUNTS)
    for question in asked:
        questions.add(question, lambda _: None, 1_000)
    assert not questions.ask_over(way, 1_000), "or a drain would be asked for again and again"
    assert way.asked == [(3, Question.COUNTS)]
    way.gives_messages = True
    assert not questions.ask_over(way, 1_000)
    assert way.asked[1:] == [(1, Question.GET), (2, Question.PURGE)]
    questions.way_ended()
    way.gives_messages = False
    assert not questions.ask_over(way, 1_000)
    assert way.asked[3:] == [(3, Question.COUNTS)], "asked again, and the others not yet"
    questions.expire(500, 1_500)
    way.gives_messages = True
    assert not questions.ask_over(way, 1_000)
    assert len(way.asked) == 4, "nobody waits for them any more"


def test_many_are_asked_in_goes() -> None:
    questions, way = Questions(), FakeWay()
    for _ in range(2 * ASKED_AT_ONCE_MAX):
        questions.add(Question.GET, lambda _: None, 1_000)
    assert questions.ask_over(way, 1_000)
    assert len(way.asked) == ASKED_AT_ONCE_MAX
    assert not questions.ask_over(way, 1_000)
    assert len(way.asked) == 2 * ASKED_AT_ONCE_MAX


def test_an_answer_goes_to_who_asked() -> None:
    questions, answers = Questions(), list[Answer | None]()
    number = questions.add(Question.COUNTS, answers.append, 1_000)
    answer = Counts("q", number, 1, 2, 3)
    way = FakeWay()
    assert (questions.ask_over(way, 1_000), way.asked) == (False, [(number, Question.COUNTS)])
    assert (questions.ask_over(way, 1_000), len(way.asked)) == (False, 1)
    questions.way_ended()
    assert (questions.ask_over(way, 1_000), len(way.asked)) == (False, 2)
    assert questions.answer(answer)
    assert (answers, len(questions)) == ([answer], 0)
    assert not questions.answer(answer), "nobody waits any more"


def test_an_answer_to_nothing_or_of_another_kind_makes_no_sense() -> None:
    questions = Questions()
    number = questions.add(Question.COUNTS, lambda _: None, 1_000)
    with pytest.raises(FrontError, match="COUNTS with Purged"):
        questions.answer(Purged("q", number, 1))
    with pytest.raises(FrontError, match="was not asked"):
        questions.answer(Counts("q", number + 1, 1, 2, 3))


def test_who_waits_too_long_hears_that_there_is_none() -> None:
    questions, answers = Questions(), list[Answer | None]()
    assert questions.deadline_ms(500) is None
    for asked_at_ms in (1_000, 1_100):
        questions.add(Question.GET, answers.append, asked_at_ms)
    assert questions.deadline_ms(500) == 1_500
    questions.expire(500, 1_599)
    assert answers == [None]
    questions.end()
    assert answers == [None, None]
