from tests.support.routing import binding, bound, names, queue


def test_patterns_match_words() -> None:
    kind = bound(
        "topic",
        binding(queue("star"), "stock.*.nyse"),
        binding(queue("hash"), "stock.#"),
        binding(queue("literal"), "stock.ibm.nyse"),
    )
    assert names(kind.match("stock.ibm.nyse", None)) == ["hash", "literal", "star"]
    assert names(kind.match("stock.usd.nyse", None)) == ["hash", "star"]
    assert names(kind.match("stock", None)) == ["hash"]
    assert names(kind.match("bond.ibm.nyse", None)) == []


def test_any_number_of_hashes_may_be_bound() -> None:
    kind = bound("topic", binding(queue("q"), "#.a.#.b.#.c.#"))
    assert names(kind.match("x.a.b.y.c", None)) == ["q"]
    assert names(kind.match("x.b.a.y.c", None)) == []


def test_an_unbound_pattern_matches_no_more() -> None:
    first, second = binding(queue("q"), "a.#"), binding(queue("q"), "a.#", {"n": 1})
    kind = bound("topic", first, second)
    kind.unbind(first)
    assert names(kind.match("a.b", None)) == ["q"]
    kind.unbind(second)
    assert names(kind.match("a.b", None)) == []


def test_headers_are_not_asked_for() -> None:
    kind = bound("topic")
    assert kind.needs_routing_key
    assert not kind.needs_headers
