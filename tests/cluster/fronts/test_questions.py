"""Questions wait for their answers, for a while."""

import pytest

from cluster.fronts.errors import FrontError
from cluster.fronts.frames import Counts, Purged, Question
from cluster.fronts.questions import Answer, Questions


def test_an_answer_goes_to_who_asked() -> None:
    questions, answers = Questions(), list[Answer | None]()
    number = questions.add(Question.COUNTS, answers.append, 1_000)
    answer = Counts("q", number, 1, 2, 3)
    assert questions.unasked() == [(number, Question.COUNTS)]
    assert not questions.has_unasked
    questions.way_ended()
    assert questions.unasked() == [(number, Question.COUNTS)]
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
