from collections.abc import Callable, Iterable, Iterator

import pytest

from exchanges.basis import Basis
from exchanges.bindings import Destination
from exchanges.errors import InvalidBindingError
from exchanges.route_changes import EVERY_KEY, KeyPart
from exchanges.routing import Routing
from tests.support.routing import (
    binding,
    declared,
    exchange,
    queue,
    remove_exchange,
    remove_queue,
    router_with,
)


def test_the_default_exchange_leads_to_the_queue_of_that_name() -> None:
    router = router_with(queues=("q", "r"))
    assert router.route("", ["q"], None) == Routing(("q",), Basis.KEY, visited=("",))
    assert router.route("", ["missing"], None).queue_names == ()
    assert router.route("", ["r", "q", "r", "missing"], None).queue_names == ("r", "q")


def test_a_message_goes_where_the_bindings_lead() -> None:
    router = router_with(declared("x", "direct"))
    router.bind(binding(queue("q"), "a"))
    router.bind(binding(queue("r"), "b"))
    assert router.route("x", ["a"], None).queue_names == ("q",)
    assert router.route("x", ["c"], None).queue_names == ()


def test_one_key_is_answered_without_a_walk_where_only_queues_are_bound() -> None:
    router = router_with(declared("x", "topic"), declared("f"), queues=("q",))
    router.bind(binding(queue("q"), "a.*"))
    router.bind(binding(queue("q"), "#.b"))
    router.bind(binding(queue("r"), "c"))
    assert router.queues_of_key("x", "a.b") == ("q",)
    assert router.queues_of_key("x", "c") == ("r",)
    assert router.queues_of_key("x", "d") == router.queues_of_key("f", "d") == ()
    assert router.queues_of_key("", "q") == ("q",)
    assert router.queues_of_key("", "missing") == ()


def test_the_walk_is_asked_where_it_may_go_on() -> None:
    router = router_with(
        declared("x", "topic", alternate="f"), declared("f"), declared("h", "headers")
    )
    router.bind(binding(queue("q"), "a"))
    router.bind(binding(exchange("f"), "b"))
    assert router.queues_of_key("x", "a") == ("q",)
    assert router.queues_of_key("x", "b") is None, "an exchange is bound"
    assert router.queues_of_key("x", "c") is None, "there is an alternate exchange"
    assert router.queues_of_key("h", "a") is None, "headers have a say"
    assert router.queues_of_key("missing", "a") is None


def test_each_routing_key_is_matched_and_each_queue_named_once() -> None:
    router = router_with(declared("x", "topic"))
    router.bind(binding(queue("q"), "a.*"))
    router.bind(binding(queue("q"), "#"))
    router.bind(binding(queue("r"), "b"))
    assert sorted(router.route("x", ["a.b", "b", "a.c"], None).queue_names) == ["q", "r"]


def test_an_exchange_that_does_not_exist_leads_nowhere() -> None:
    assert router_with().route("missing", ["k"], None).queue_names == ()


def test_queues_come_in_the_order_found() -> None:
    router = router_with(declared("x"))
    for name in ("c", "a", "b"):
        router.bind(binding(queue(name)))
    assert router.route("x", [""], None).queue_names == ("c", "a", "b")


def test_a_bound_exchange_matches_with_the_same_key_and_headers() -> None:
    router = router_with(declared("x"), declared("y", "direct"), declared("h", "headers"))
    router.bind(binding(exchange("y")))
    router.bind(binding(exchange("h")))
    router.bind(binding(queue("by-key"), "k", source="y"))
    router.bind(binding(queue("by-header"), "", {"a": 1}, source="h"))
    assert router.route("x", ["k"], {"a": 1}).queue_names == ("by-key", "by-header")
    assert router.route("x", ["l"], {"a": 2}).queue_names == ()


def test_a_cycle_of_exchanges_ends_with_one_copy_for_each_queue() -> None:
    router = router_with(declared("x"), declared("y"))
    router.bind(binding(exchange("x")))
    router.bind(binding(exchange("y")))
    router.bind(binding(exchange("x"), source="y"))
    router.bind(binding(queue("q")))
    router.bind(binding(queue("q"), source="y"))
    assert router.route("x", ["k"], None).queue_names == ("q",)
    assert router.route("y", ["k"], None).queue_names == ("q",)


def test_a_chain_of_exchanges_may_be_longer_than_the_stack() -> None:
    length = 1200
    router = router_with(*(declared(f"x{number}") for number in range(length)))
    for number in range(length - 1):
        router.bind(binding(exchange(f"x{number + 1}"), source=f"x{number}"))
    router.bind(binding(queue("q"), source=f"x{length - 1}"))
    assert router.route("x0", ["k"], None).queue_names == ("q",)


def test_the_alternate_exchange_gets_what_matched_nothing() -> None:
    router = router_with(declared("x", "direct", alternate="spare"), declared("spare"))
    router.bind(binding(queue("q"), "k"))
    router.bind(binding(queue("rest"), source="spare"))
    assert router.route("x", ["k"], None).queue_names == ("q",)
    assert router.route("x", ["other"], None).queue_names == ("rest",)
    assert router.route("x", ["other", "k"], None).queue_names == ("q",)


def test_a_matched_exchange_that_leads_nowhere_keeps_the_alternate_out() -> None:
    router = router_with(declared("x", alternate="spare"), declared("y"), declared("spare"))
    router.bind(binding(exchange("y")))
    router.bind(binding(queue("rest"), source="spare"))
    assert router.route("x", ["k"], None).queue_names == ()


def test_each_exchange_on_the_way_has_its_own_alternate() -> None:
    router = router_with(
        declared("x"), declared("y", "direct", alternate="spare"), declared("spare")
    )
    router.bind(binding(exchange("y")))
    router.bind(binding(queue("q")))
    router.bind(binding(queue("rest"), source="spare"))
    assert router.route("x", ["k"], None).queue_names == ("q", "rest")


def test_alternate_exchanges_in_a_circle_end() -> None:
    router = router_with(
        declared("x", "direct", alternate="y"),
        declared("y", "direct", alternate="x"),
        declared("self", "direct", alternate="self"),
    )
    assert router.route("x", ["k"], None).queue_names == ()
    assert router.route("self", ["k"], None).queue_names == ()


@pytest.mark.parametrize("alternate", ["missing", ""])
def test_an_alternate_that_is_missing_or_the_default_exchange_leads_nowhere(
    alternate: str,
) -> None:
    """RabbitMQ 3.10, asked: its default exchange has no bindings that an alternate could use."""
    router = router_with(declared("x", alternate=alternate), declared("", "direct"), queues=("k",))
    assert router.route("x", ["k"], None).queue_names == ()


def test_a_headers_exchange_is_told_whatever_comes_after_it() -> None:
    router = router_with(declared("h", "headers"), declared("y"))
    router.bind(binding(exchange("y"), source="h"))
    assert router.route("h", ["k"], None).basis is Basis.HEADERS


@pytest.mark.parametrize("path", ["direct", "bound", "alternate"])
def test_a_headers_exchange_anywhere_on_the_way_is_told(path: str) -> None:
    router = router_with(
        declared("plain", "direct", alternate="h" if path == "alternate" else None),
        declared("h", "headers"),
    )
    if path == "bound":
        router.bind(binding(exchange("h"), "k", source="plain"))
    start = "h" if path == "direct" else "plain"
    assert router.route(start, ["k"], None).basis is Basis.HEADERS
    remove_exchange(router, "h")
    assert router.route("plain", ["k"], None).basis is Basis.KEY


def test_a_fanout_is_asked_once_however_many_keys_a_message_has() -> None:
    asked: list[str] = []

    class CountedFanout:
        basis = Basis.KEY
        takes_every_key = False

        def validate(self, routing_key: str, arguments: object, /) -> None: ...

        def bind(self, binding: object, /) -> None: ...

        def unbind(self, binding: object, /) -> None: ...

        def keys_of(self, routing_key: str, /) -> tuple[KeyPart, ...]:
            return (EVERY_KEY,)

        def match(self, routing_key: str, headers: object, /) -> tuple[()]:
            asked.append(routing_key)
            return ()

        def pieces(self, routing_key: str, headers: object, /) -> Iterator[Iterable[Destination]]:
            return iter(())

    counted = declared("x")
    counted.kind = CountedFanout()
    router_with(counted).route("x", ["a", "b", "c"], None)
    assert asked == ["a"]


def test_binding_twice_is_no_change() -> None:
    router = router_with(declared("x"))
    assert router.bind(binding(queue("q")))
    generation = router.generation
    assert not router.bind(binding(queue("q")))
    assert router.generation == generation
    assert router.unbind("x", queue("q"), "", b"[]") is not None
    assert router.route("x", ["k"], None).queue_names == ()


def test_an_invalid_binding_leaves_nothing_behind() -> None:
    router = router_with(declared("h", "headers"))
    with pytest.raises(InvalidBindingError, match="x-match"):
        router.bind(binding(queue("q"), "", {"x-match": "foo"}, source="h"))
    assert len(router.bindings) == 0
    assert router.route("h", ["k"], {}).queue_names == ()


def test_unbinding_what_is_not_there_is_no_change() -> None:
    router = router_with(declared("x"))
    generation = router.generation
    assert router.unbind("x", queue("q"), "", b"[]") is None
    assert router.unbind("missing", queue("q"), "", b"[]") is None
    assert router.generation == generation


def test_a_queue_goes_with_its_bindings_only() -> None:
    router = router_with(declared("x"), declared("y", "topic"))
    mine = [binding(queue("q")), binding(queue("q"), "#", source="y")]
    other = binding(queue("r"))
    for each in (*mine, other):
        router.bind(each)
    assert remove_queue(router, "q") == mine
    assert router.route("x", ["k"], None).queue_names == ("r",)
    assert router.route("y", ["k"], None).queue_names == ()
    assert router.has_bindings_from("x")
    assert not router.has_bindings_from("y")


def test_an_exchange_goes_with_the_bindings_from_and_to_it() -> None:
    router = router_with(declared("x"), declared("y"), declared("z"))
    from_it = binding(queue("q"), source="y")
    to_itself = binding(exchange("y"), source="y")
    to_it = binding(exchange("y"))
    other = binding(queue("r"))
    for each in (from_it, to_itself, to_it, other):
        router.bind(each)
    assert remove_exchange(router, "y") == [from_it, to_itself, to_it]
    assert list(router.bindings) == [other]
    assert "y" not in router.exchanges
    router.add_exchange(declared("y"))
    router.bind(binding(queue("q"), source="y"))
    assert router.route("x", ["k"], None).queue_names == ("r",)


def test_removing_an_exchange_that_does_not_exist_is_the_callers_mistake() -> None:
    with pytest.raises(KeyError):
        remove_exchange(router_with(), "missing")


def test_the_alternate_exchange_changes_while_in_use() -> None:
    router = router_with(declared("x", "direct"), declared("spare"))
    router.bind(binding(queue("rest"), source="spare"))
    assert router.route("x", ["k"], None).queue_names == ()
    router.set_alternate_exchange("x", "spare")
    assert router.route("x", ["k"], None).queue_names == ("rest",)
    router.set_alternate_exchange("x", None)
    assert router.route("x", ["k"], None).queue_names == ()


def test_every_change_that_can_change_a_route_is_a_new_generation() -> None:
    router = router_with()
    steps: list[Callable[[], object]] = [
        lambda: router.add_exchange(declared("x")),
        lambda: router.bind(binding(queue("q"))),
        lambda: router.unbind("x", queue("q"), "", b"[]"),
        lambda: router.set_alternate_exchange("x", "y"),
        lambda: router.note_queue("q"),
        lambda: router.bind(binding(queue("q"))),
        lambda: remove_queue(router, "q"),
        lambda: remove_exchange(router, "x"),
    ]
    for step in steps:
        generation = router.generation
        step()
        assert router.generation > generation


def test_a_walk_over_many_bindings_and_exchanges_is_gone_in_pieces() -> None:
    router = router_with(declared("x"), declared("t", "topic"), declared("rest"))
    router.bind(binding(exchange("t")))
    for number in range(3000):
        router.bind(binding(queue(f"q{number}")))
        router.bind(binding(queue(f"t{number}"), f"#.{number}.#", source="t"))
        router.add_exchange(declared(f"x{number}", alternate="rest"))
        router.bind(binding(exchange(f"x{number}")))
    router.bind(binding(queue("r"), source="rest"))
    key = ".".join(map(str, range(3000)))
    assert router.queues_of_key("x", key) is None
    pieces_count = sum(1 for _ in router.walk("x", [key], None))
    assert pieces_count > 3000, "one for each exchange, and more for those with many bindings"
    assert len(set(router.route("x", [key], None).queue_names)) == 6001
