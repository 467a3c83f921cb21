"""Questions and answers of groups as JSON, and what is none."""

import json
from typing import Any

import pytest

from amqp_server.broker.groups.forms import (
    ANSWERED,
    JOIN,
    LEAVE,
    Change,
    Joining,
    Question,
    Told,
    What,
    Word,
    question_form,
    question_of,
    told_form,
    told_of,
)
from amqp_server.broker.groups.single_active import PLAIN, GroupKey

KEY = GroupKey("/", "stream\udcff", "app", 7, "0123abcd")


def test_a_question_comes_as_it_was_asked() -> None:
    changes = (
        Change(JOIN, 3, Joining(3, KEY, PLAIN, 1_700_000_000_000, is_active=True)),
        Change(JOIN, 4, Joining(4, KEY._replace(stream="é"), 2, 0, is_active=False)),
        Change(ANSWERED, 3),
        Change(LEAVE, 4),
    )
    question = Question((12, 3), 5, 9, changes)
    octets = json.dumps(question_form(question, has_ids=True)).encode()
    assert question_of(json.loads(octets)) == question


def test_an_older_node_is_told_no_id_and_says_none() -> None:
    joining = Joining(3, KEY, PLAIN, 5, is_active=True)
    question = Question((12, 3), 5, 9, (Change(JOIN, 3, joining),))
    form = question_form(question, has_ids=False)
    assert form[3] == [["join", 3, 7, "/", "stream\udcff", "app", -1, 5, True]]
    [change] = question_of(form).changes
    assert change.joining == joining._replace(key=KEY._replace(stored_id=""))


def test_an_answer_comes_as_it_was_told() -> None:
    told = Told(4, 2, (Word(3, 7, What.ACTIVE), Word(4, 7, What.NOT_HERE)))
    assert told_of(json.loads(json.dumps(told_form(told)))) == told


JOINING = ["join", 1, 7, "/", "s", "app", -1, 0, True]


@pytest.mark.parametrize(
    "form",
    [
        None,
        [],
        [[1, 1], 0, 1],
        [[1], 0, 1, []],
        [[1, "1"], 0, 1, []],
        [[1, 1], -1, 1, []],
        [[1, 1], 0, 1 << 64, []],
        [[1, 1], 0, 1.5, []],
        *(
            [[1, 1], 0, 1, [change]]
            for change in (
                "join",
                [],
                ["leave"],
                ["leave", 1, 2],
                ["answered", None],
                ["other", 1],
                [["leave"], 1],
                JOINING[:-1],
                [*JOINING, 1],
                [*JOINING, "x" * 256],
                [*JOINING, "q", "q"],
                [*JOINING[:6], -2, 0, True],
                [*JOINING[:3], 4, *JOINING[4:]],
                [*JOINING[:4], "s" * 2_000, *JOINING[5:]],
                [*JOINING[:5], "x" * 256, *JOINING[6:]],
                [*JOINING[:5], "\ud800", *JOINING[6:]],
            )
        ),
    ],
)
def test_what_is_no_question_is_found(form: Any) -> None:  # noqa: ANN401 -- it is JSON
    with pytest.raises(ValueError):  # noqa: PT011 -- whichever it is
        question_of(form)


@pytest.mark.parametrize("form", [{}, [1, 2], [1, 2, [[1, 2]]], [1, 2, [[1, 2, 9]]], [1, 2, 3]])
def test_what_is_no_answer_is_found(form: Any) -> None:  # noqa: ANN401 -- it is JSON
    with pytest.raises(ValueError):  # noqa: PT011 -- whichever it is
        told_of(form)
