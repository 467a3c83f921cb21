"""Where a message would go, and why not elsewhere: the same as where it goes."""

from collections.abc import Generator, Mapping
from random import Random

import pytest

from exchanges.bindings import Binding, Destination, DestinationKind
from exchanges.explaining import (
    MISSES_MAX,
    PATH_MAX,
    Explanation,
    Message,
    explaining,
)
from exchanges.keeping import is_keeper
from exchanges.kinds import KIND_NAMES, make_kind
from exchanges.routing import Exchange, Router, Routing

ARGUMENTS: dict[str, dict[str, object]] = {
    "x-delayed-message": {"x-delayed-type": "topic"},
    "x-message-deduplication": {"x-cache-size": 10},
}
QUEUE = DestinationKind.QUEUE
EXCHANGE = DestinationKind.EXCHANGE


def router_of(*exchanges: tuple[str, str], alternates: Mapping[str, str] | None = None) -> Router:
    router = Router(lambda name: name.startswith("q"))
    for name, kind in exchanges:
        arguments = ARGUMENTS.get(kind, {})
        made = make_kind(kind, arguments)
        alternate = (alternates or {}).get(name)
        router.add_exchange(Exchange(name, kind, True, False, False, arguments, alternate, made))
    return router


def bind(
    router: Router,
    source: str,
    name: str,
    key: str = "",
    kind: DestinationKind = QUEUE,
    **arguments: object,
) -> None:
    given = {each.replace("_", "-"): value for each, value in arguments.items()}
    named = repr(sorted(given.items())).encode()
    router.bind(Binding(source, Destination(kind, name), key, given, named))


def explained(
    router: Router, exchange: str, key: str, headers: Mapping[str, object] | None = None
) -> Explanation:
    steps = explaining(router, exchange, Message((key,), headers))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Explanation = end.value
            return found


def reasons(found: Explanation) -> dict[str, str]:
    return {miss.binding.destination.name: miss.reason for miss in found.misses}


def test_each_queue_is_told_with_its_way() -> None:
    router = router_of(("a", "topic"), ("b", "fanout"), ("c", "direct"), alternates={"b": "c"})
    bind(router, "a", "q1", "x.*")
    bind(router, "a", "b", "#", EXCHANGE)
    bind(router, "c", "q2", "x.y")
    bind(router, "c", "q3", "x.z")
    found = explained(router, "a", "x.y")
    paths = {
        arrival.queue_name: [(way.how, way.source, way.destination.name) for way in arrival.path]
        for arrival in found.arrivals
    }
    assert paths == {
        "q1": [("binding", "a", "q1")],
        "q2": [("binding", "a", "b"), ("alternate", "b", "c"), ("binding", "c", "q2")],
    }
    assert [(one.name, one.matched_count) for one in found.passed] == [("a", 2), ("b", 0), ("c", 1)]
    assert reasons(found) == {"q3": "its key is 'x.z'"}


def test_the_default_exchange_has_a_binding_to_each_queue() -> None:
    router = router_of()
    [arrival] = explained(router, "", "q1").arrivals
    assert [way.how for way in arrival.path] == ["default"]
    assert explained(router, "", "none").arrivals == ()


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("x.z", "word 2 is 'y', and not 'z'"),
        ("x", "the key has 2 words, and not 1"),
        ("*.*.*", "the key has no word 3"),
        ("x.#.z", "what follows '#' at word 2 does not fit"),
    ],
)
def test_a_pattern_says_where_it_differs(pattern: str, reason: str) -> None:
    router = router_of(("t", "topic"))
    bind(router, "t", "q", pattern)
    assert reasons(explained(router, "t", "x.y")) == {"q": reason}


def test_headers_say_which_one_is_missing() -> None:
    router = router_of(("h", "headers"))
    bind(router, "h", "q1", format="pdf", size=3)
    bind(router, "h", "q2", x_match="any", format="png")
    bind(router, "h", "q3", format="png")
    bind(router, "h", "q4", format="pdf")
    bind(router, "h", "q5", x_match="any")
    found = explained(router, "h", "", {"format": "pdf"})
    assert [arrival.queue_name for arrival in found.arrivals] == ["q4"]
    assert reasons(found) == {
        "q1": "header 'size' is not there",
        "q2": "none of its headers is there with its value",
        "q3": "header 'format' has another value",
        "q5": "it asks for no header",
    }


def test_a_type_that_chooses_says_so() -> None:
    router = router_of(("s", "x-super-stream"), ("r", "x-random"))
    for number in range(3):
        bind(router, "s", f"q{number}", str(number))
        bind(router, "r", f"q{number}")
    found = explained(router, "s", "some key")
    assert len(found.arrivals) == 1
    assert set(reasons(found).values()) == {"the hash of the key chooses another partition"}
    found = explained(router, "r", "")
    assert [arrival.by_chance for arrival in found.arrivals] == [True] * 3


def test_a_delayed_message_waits_and_goes_on() -> None:
    router = router_of(("d", "x-delayed-message"))
    bind(router, "d", "q1", "a.#")
    bind(router, "d", "q2", "b")
    found = explained(router, "d", "a.b", {"x-delay": 500})
    assert [arrival.queue_name for arrival in found.arrivals] == ["q1"]
    assert found.passed[0].waits_ms == 500


def test_an_alternate_exchange_that_is_not_there_leads_nowhere() -> None:
    router = router_of(("a", "direct"), alternates={"a": "gone"})
    found = explained(router, "a", "x")
    assert [(one.name, one.type) for one in found.passed] == [("a", "direct"), ("gone", None)]


def test_cycles_end_and_long_chains_are_cut() -> None:
    names = [f"x{number}" for number in range(100)]
    router = router_of(*[(name, "fanout") for name in names])
    for source, destination in zip(names, [*names[1:], names[0]], strict=True):
        bind(router, source, destination, "", EXCHANGE)
    bind(router, names[-1], "q")
    [arrival] = explained(router, names[0], "").arrivals
    assert len(arrival.path) == PATH_MAX
    assert arrival.path[-1].destination.name == "q"


def test_ten_thousand_bindings_are_judged_in_pieces_and_counted() -> None:
    router = router_of(("t", "topic"))
    for number in range(10_000):
        bind(router, "t", f"q{number}", f"a.{number}")
    pieces = sum(1 for _ in explaining(router, "t", Message(("a.77",), None)))
    assert pieces > 300
    found = explained(router, "t", "a.77")
    assert [arrival.queue_name for arrival in found.arrivals] == ["q77"]
    assert (found.misses_count, len(found.misses)) == (9_999, MISSES_MAX)


@pytest.mark.parametrize("seed", range(30))
def test_it_is_where_messages_go(seed: int) -> None:
    chance = Random(seed)
    # Of those that deduplicate the keeper walks: see below.
    kinds = [kind for kind in KIND_NAMES if kind not in {"x-random", "x-message-deduplication"}]
    names = [f"x{number}" for number in range(5)]
    alternates = {name: chance.choice(names) for name in names if chance.random() < 0.4}
    router = router_of(*[(name, chance.choice(kinds)) for name in names], alternates=alternates)
    words = ["a", "b", "*", "#"]
    for _ in range(25):
        source, kind = chance.choice(names), chance.choice((QUEUE, QUEUE, EXCHANGE))
        to = f"q{chance.randrange(6)}" if kind is QUEUE else chance.choice(names)
        key = ".".join(chance.choices(words, k=chance.randrange(1, 3)))
        if router.exchanges[source].type in {"x-super-stream", "x-consistent-hash"}:
            key = str(chance.randrange(1, 4))
        bind(router, source, to, key, kind, **({"h": "1"} if chance.random() < 0.3 else {}))
    for key in ("a", "b", "a.b", "2", ""):
        for headers in (None, {"h": "1"}, {"h": "2"}):
            goes = router.route(names[0], (key,), headers).queue_names
            told = explained(router, names[0], key, headers).arrivals
            queues = {name for name in goes if not is_keeper(name)}
            assert {arrival.queue_name for arrival in told} == queues


def test_an_exchange_that_deduplicates_is_explained_by_what_is_inside() -> None:
    router = router_of(("d", "x-message-deduplication"), ("t", "topic"))
    bind(router, "d", "q1")
    bind(router, "d", "t", kind=EXCHANGE)
    bind(router, "t", "q2", "a.*")
    found = explained(router, "d", "a.b")
    assert [arrival.queue_name for arrival in found.arrivals] == ["q1", "q2"]
    assert router.route("d", ("a.b",), None).queue_names != ("q1", "q2")
    inside = router.walk_inside("d", ("a.b",), None)
    assert _value_of(inside).queue_names == ("q1", "q2")


def _value_of(steps: Generator[None, None, Routing]) -> Routing:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Routing = end.value
            return found
