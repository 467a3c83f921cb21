from exchanges.basis import Basis
from exchanges.bindings import PIECE_MAX
from exchanges.direct import DirectExchange
from tests.support.routing import binding, bound, matched, names, queue


def test_only_the_very_key_matches() -> None:
    kind = bound("direct", binding(queue("q"), "a.b"), binding(queue("r"), "*"))
    assert names(matched(kind, "a.b", None)) == ["q"]
    assert names(matched(kind, "a", None)) == []
    assert names(matched(kind, "*", None)) == ["r"]


def test_the_empty_key_is_a_key_like_any_other() -> None:
    kind = bound("direct", binding(queue("q"), ""))
    assert names(matched(kind, "", None)) == ["q"]
    assert names(matched(kind, "a", None)) == []


def test_one_key_may_lead_to_many_queues() -> None:
    kind = bound("direct", binding(queue("q"), "k"), binding(queue("r"), "k"))
    assert names(matched(kind, "k", None)) == ["q", "r"]


def test_a_queue_bound_twice_by_one_key_goes_with_the_second_unbind() -> None:
    first, second = binding(queue("q"), "k"), binding(queue("q"), "k", {"a": 1})
    kind = bound("direct", first, second)
    assert list(matched(kind, "k", None)) == [queue("q")]
    kind.unbind(first)
    assert list(matched(kind, "k", None)) == [queue("q")]
    kind.unbind(second)
    assert list(matched(kind, "k", None)) == []


def test_a_key_that_nobody_is_bound_by_takes_no_room() -> None:
    kind = DirectExchange()
    for number in range(3):
        only = binding(queue("q"), f"reply.{number}")
        kind.bind(only)
        kind.unbind(only)
    assert kind._by_key == {}


def test_headers_are_not_asked_for() -> None:
    kind = bound("direct")
    assert kind.takes_every_key
    assert kind.basis is Basis.KEY


def test_many_destinations_of_a_key_come_in_pieces() -> None:
    everything = [queue(f"q{number}") for number in range(3000)]
    kind = bound("direct", *(binding(each, "k") for each in everything))
    assert kind.match("k", None) is None
    pieces = [list(piece) for piece in kind.pieces("k", None)]
    assert [each for piece in pieces for each in piece] == everything
    assert max(map(len, pieces)) <= PIECE_MAX
