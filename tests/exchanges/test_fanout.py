from exchanges.basis import Basis
from exchanges.bindings import PIECE_MAX
from tests.support.routing import binding, bound, exchange, matched, names, queue


def test_every_destination_matches_whatever_the_key() -> None:
    kind = bound("fanout", binding(queue("q"), "a"), binding(exchange("y"), "b"))
    assert names(matched(kind, "c", {"h": 1})) == ["q", "y"]


def test_a_queue_bound_twice_comes_once_and_goes_with_the_second_unbind() -> None:
    first, second = binding(queue("q"), "a"), binding(queue("q"), "b")
    kind = bound("fanout", first, second)
    assert list(matched(kind, "", None)) == [queue("q")]
    kind.unbind(second)
    assert list(matched(kind, "", None)) == [queue("q")]
    kind.unbind(first)
    assert list(matched(kind, "", None)) == []


def test_neither_key_nor_headers_are_asked_for() -> None:
    kind = bound("fanout")
    assert not kind.takes_every_key
    assert kind.basis is Basis.KEY


def test_many_destinations_come_in_pieces() -> None:
    everything = [queue(f"q{number}") for number in range(3000)]
    kind = bound("fanout", *(binding(each) for each in everything))
    assert kind.match("", None) is None
    pieces = [list(piece) for piece in kind.pieces("", None)]
    assert [each for piece in pieces for each in piece] == everything
    assert max(map(len, pieces)) <= PIECE_MAX
