import pytest

from exchanges.errors import InvalidExchangeError
from exchanges.keeping import KEEP_COPY, keeper_name
from exchanges.kinds import make_kind
from exchanges.recent_history import DEFAULT_LENGTH, history_length
from tests.support.routing import binding, bound, declared, exchange, matched, queue, router_with

REFUSED = [
    (0, "0"),
    (-1, "-1"),
    ("5", '<<"5">>'),
    (True, "true"),
    (2.5, "2.5"),
    (None, "undefined"),
]


def test_the_length_is_that_of_the_argument() -> None:
    assert history_length({}) == DEFAULT_LENGTH
    assert history_length({"x-recent-history-length": 3}) == 3


@pytest.mark.parametrize(("length", "term"), REFUSED)
def test_a_length_that_is_no_integer_above_0_is_refused(length: object, term: str) -> None:
    with pytest.raises(InvalidExchangeError) as refusal:
        make_kind("x-recent-history", {"x-recent-history-length": length})
    text = f"Invalid argument {term}, 'x-recent-history-length' must be a positive integer"
    assert str(refusal.value) == text


def test_every_destination_gets_every_message_and_the_keeper_too() -> None:
    kind = bound("x-recent-history", binding(queue("a"), "1"), binding(exchange("b"), "2"))
    assert matched(kind, "whatever") == [KEEP_COPY, queue("a"), exchange("b")]
    kind.unbind(binding(queue("a"), "1"))
    assert matched(kind, "whatever") == [KEEP_COPY, exchange("b")]


def test_many_destinations_are_found_in_pieces() -> None:
    bindings = [binding(queue(f"q{number}"), "") for number in range(3_000)]
    kind = bound("x-recent-history", *bindings)
    assert kind.match("k", None) is None
    assert matched(kind, "k") == [KEEP_COPY, *[each.destination for each in bindings]]


def test_the_keeper_is_no_route_so_an_alternate_exchange_gets_the_message() -> None:
    router = router_with(
        declared("x", "x-recent-history", alternate="other"), declared("other", "fanout")
    )
    router.bind(binding(queue("q"), source="other"))
    assert router.route("x", ["k"], None).queue_names == (keeper_name("x", KEEP_COPY.name), "q")
    router.bind(binding(queue("r"), source="x"))
    assert router.route("x", ["k"], None).queue_names == (keeper_name("x", KEEP_COPY.name), "r")


def test_an_exchange_on_the_way_remembers_under_its_own_name() -> None:
    router = router_with(declared("first", "fanout"), declared("x", "x-recent-history"))
    router.bind(binding(exchange("x"), source="first"))
    router.bind(binding(queue("q"), source="x"))
    assert router.route("first", ["k"], None).queue_names == (keeper_name("x", KEEP_COPY.name), "q")
    assert router.queues_of_key("x", "k") is None
