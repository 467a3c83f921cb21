from collections.abc import Sequence
from unittest.mock import patch

import pytest

from exchanges import rendezvous
from exchanges.bindings import Destination
from exchanges.rendezvous import Rendezvous
from tests.support.routing import exchange, queue

KEYS = [f"key-{number}".encode() for number in range(300)]


def of(*weighted: tuple[str, int]) -> Rendezvous:
    found = Rendezvous()
    for name, weight in weighted:
        found.add(queue(name), weight)
    return found


def placed(places: Rendezvous, keys: Sequence[bytes] = KEYS) -> list[Destination]:
    found: list[Destination] = []
    for key in keys:
        at_once = places.place(key)
        assert at_once is not None
        found += at_once
    return found


def test_with_no_destination_a_key_goes_nowhere() -> None:
    assert of().place(b"k") == ()
    assert [list(piece) for piece in of().placing(b"k")] == [[]]


def test_a_single_destination_gets_all() -> None:
    assert set(placed(of(("q", 3)))) == {queue("q")}


def test_known_keys_stay_where_they_are_in_every_version() -> None:
    # Earlier messages of a key may lie in its queue: later ones must not go elsewhere.
    alike = of(("a", 1), ("b", 1), ("c", 1), ("d", 1))
    assert "".join(each.name for each in placed(alike, KEYS[:24])) == "ccdbdbcdadcbaaddcadabccd"
    weighted = of(("a", 1), ("b", 2), ("c", 3), ("d", 4))
    assert "".join(each.name for each in placed(weighted, KEYS[:24])) == "ccdbdbcdadcbadddcddcbcdd"


def test_a_queue_and_an_exchange_of_one_name_are_two_destinations() -> None:
    both = Rendezvous()
    both.add(queue("n"), 1)
    both.add(exchange("n"), 1)
    assert set(placed(both)) == {queue("n"), exchange("n")}


def test_removing_one_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        of(("a", 1)).remove(queue("b"))


def test_weights_that_become_alike_again_place_as_if_they_always_were() -> None:
    changed = of(("a", 1), ("heavy", 9), ("b", 1))
    changed.remove(queue("heavy"))
    assert placed(changed) == placed(of(("b", 1), ("a", 1)))
    assert len(changed) == 2


def test_many_destinations_are_looked_at_in_pieces() -> None:
    many = of(*((f"q{number}", 1 + number % 2) for number in range(100)))
    at_once = placed(many)
    with patch.object(rendezvous, "PIECE_MAX", 7):
        assert many.place(KEYS[0]) is None
        for key, expected in zip(KEYS[:50], at_once, strict=False):
            pieces = [list(piece) for piece in many.placing(key)]
            assert pieces[-1] == [expected]
            assert len(pieces) == 15
            assert not any(pieces[:-1])


def test_who_stays_is_found_though_others_come_and_go_between_two_pieces() -> None:
    with patch.object(rendezvous, "PIECE_MAX", 5):
        for number, key in enumerate(KEYS[:100]):
            many = of(*((f"q{each}", 1) for each in range(23)))
            (expected,) = list(many.placing(key))[-1]
            walk = many.placing(key)
            for _ in range(1 + number % 4):
                next(walk)
            for other in range(23):
                if other % 3 == number % 3 and queue(f"q{other}") != expected:
                    many.remove(queue(f"q{other}"))
            assert list(walk)[-1] == (expected,)


def test_everyone_may_go_between_two_pieces() -> None:
    with patch.object(rendezvous, "PIECE_MAX", 2):
        few = of(*((f"q{each}", 1) for each in range(6)))
        walk = few.placing(b"k")
        next(walk)
        for each in range(6):
            few.remove(queue(f"q{each}"))
        assert len([*list(walk)[-1]]) == 1, "one that was there when it was looked at"
