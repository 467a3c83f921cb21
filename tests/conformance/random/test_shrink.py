"""Sequences made small while what is wrong with them stays."""

from collections.abc import Sequence

from conformance.random.shrink import shrunk


def test_only_what_is_needed_is_left_in_order() -> None:
    def is_bad(part: Sequence[int]) -> bool:
        return [item for item in part if item in {3, 17, 40}] == [3, 17, 40]

    assert shrunk(range(60), is_bad, 1000) == [3, 17, 40]


def test_what_is_bad_whatever_it_holds_becomes_nothing() -> None:
    assert shrunk(range(9), lambda _: True, 100) == []


def test_a_sequence_of_which_all_is_needed_stays() -> None:
    assert shrunk("abc", lambda part: list(part) == ["a", "b", "c"], 100) == ["a", "b", "c"]


def test_the_tries_are_bounded_and_what_was_found_until_then_is_returned() -> None:
    asked: list[int] = []

    def is_bad(part: Sequence[int]) -> bool:
        asked.append(len(part))
        return 99 in part

    found = shrunk(range(100), is_bad, 5)
    assert len(asked) == 5
    assert 99 in found
