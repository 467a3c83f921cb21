from exchanges.basis import Basis
from tests.support.routing import binding, bound, matched, names, queue


def test_patterns_match_words() -> None:
    kind = bound(
        "topic",
        binding(queue("star"), "stock.*.nyse"),
        binding(queue("hash"), "stock.#"),
        binding(queue("literal"), "stock.ibm.nyse"),
    )
    assert names(matched(kind, "stock.ibm.nyse", None)) == ["hash", "literal", "star"]
    assert names(matched(kind, "stock.usd.nyse", None)) == ["hash", "star"]
    assert names(matched(kind, "stock", None)) == ["hash"]
    assert names(matched(kind, "bond.ibm.nyse", None)) == []


def test_any_number_of_hashes_may_be_bound() -> None:
    kind = bound("topic", binding(queue("q"), "#.a.#.b.#.c.#"))
    assert names(matched(kind, "x.a.b.y.c", None)) == ["q"]
    assert names(matched(kind, "x.b.a.y.c", None)) == []


def test_an_unbound_pattern_matches_no_more() -> None:
    first, second = binding(queue("q"), "a.#"), binding(queue("q"), "a.#", {"n": 1})
    kind = bound("topic", first, second)
    kind.unbind(first)
    assert names(matched(kind, "a.b", None)) == ["q"]
    kind.unbind(second)
    assert names(matched(kind, "a.b", None)) == []


def test_headers_are_not_asked_for() -> None:
    kind = bound("topic")
    assert kind.takes_every_key
    assert kind.basis is Basis.KEY
