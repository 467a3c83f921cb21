"""What is said arrives once and in order, whatever becomes of the messages."""

import random

import pytest

from amqp_server.broker.groups.saying import GapError, Saying, unheard


def test_messages_that_are_lost_repeated_or_late_change_nothing() -> None:
    chance, saying = random.Random(1), Saying[int]()
    heard, got = 0, list[int]()
    on_the_way: list[tuple[int, list[int]]] = []
    for item in range(500):
        saying.add(item)
        on_the_way.append((saying.first, saying.next(20)))
        if chance.random() < 0.5:
            first, items = chance.choice(on_the_way)
            try:
                new = unheard(heard, first, items)
            except GapError:
                continue
            got += new
            heard += len(new)
        if chance.random() < 0.2:
            saying.heard(heard)
    while len(saying):
        got += unheard(heard, saying.first, saying.next(20))
        heard = len(got)
        saying.heard(heard)
    assert got == list(range(500))


def test_what_is_missing_is_found() -> None:
    assert unheard(2, 3, "ab") == "ab"
    assert unheard(3, 3, "ab") == "b"
    assert unheard(9, 3, "ab") == ""
    assert unheard(0, 9, "") == ""
    with pytest.raises(GapError):
        unheard(1, 3, "ab")


def test_a_number_that_was_never_said_is_all() -> None:
    saying = Saying[str]()
    saying.add("a")
    saying.heard(1 << 63)
    assert (len(saying), saying.first) == (0, 2)
