from tests.support.routing import binding, bound, exchange, names, queue


def test_every_destination_matches_whatever_the_key() -> None:
    kind = bound("fanout", binding(queue("q"), "a"), binding(exchange("y"), "b"))
    assert names(kind.match("c", {"h": 1})) == ["q", "y"]


def test_a_queue_bound_twice_comes_once_and_goes_with_the_second_unbind() -> None:
    first, second = binding(queue("q"), "a"), binding(queue("q"), "b")
    kind = bound("fanout", first, second)
    assert list(kind.match("", None)) == [queue("q")]
    kind.unbind(second)
    assert list(kind.match("", None)) == [queue("q")]
    kind.unbind(first)
    assert list(kind.match("", None)) == []


def test_neither_key_nor_headers_are_asked_for() -> None:
    kind = bound("fanout")
    assert not kind.needs_routing_key
    assert not kind.needs_headers
