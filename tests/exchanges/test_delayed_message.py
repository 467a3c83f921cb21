import pytest

from exchanges.basis import Basis
from exchanges.delayed_message import DELAY_MAX_MS, delay_ms
from exchanges.errors import InvalidBindingError, InvalidExchangeError
from exchanges.keeping import KEEP_INSTEAD, keeper_name
from exchanges.kinds import make_kind
from exchanges.routing import Exchange
from tests.support.routing import binding, declared, matched, queue, router_with

TYPE = "x-delayed-message"
MISSING = "Invalid argument, 'x-delayed-type' must be an existing exchange type"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, MISSING),
        ({"x-delayed-type": 5}, MISSING),
        ({"x-delayed-type": "quantum"}, "unknown exchange type 'quantum'"),
        (
            {"x-delayed-type": TYPE},
            "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'",
        ),
        (
            {"x-delayed-type": "x-consistent-hash", "hash-property": "message_id"},
            "Invalid argument, 'x-delayed-type' cannot be an exchange that looks at a property",
        ),
        (
            {"x-delayed-type": "x-recent-history", "x-recent-history-length": 0},
            "Invalid argument 0, 'x-recent-history-length' must be a positive integer",
        ),
    ],
)
def test_an_exchange_without_a_type_to_route_by_is_refused(
    arguments: dict[str, object], text: str
) -> None:
    with pytest.raises(InvalidExchangeError) as refusal:
        make_kind(TYPE, arguments)
    assert str(refusal.value) == text


@pytest.mark.parametrize(
    ("value", "delay"),
    [
        (1, 1),
        (DELAY_MAX_MS, DELAY_MAX_MS),
        (DELAY_MAX_MS + 1, 0),
        (0, 0),
        (-5, 0),
        ("250", 250),
        ("+250", 250),
        ("-250", 0),
        ("2 50", 0),
        ("²", 0),
        ("", 0),
        ("9" * 5_000, 0),
        (2.9, 2),
        (0.9, 0),
        (float("nan"), 0),
        (float("inf"), 0),
        (True, 0),
        (None, 0),
        (b"250", 0),
        ([1], 0),
    ],
)
def test_a_delay_is_a_number_of_ms_within_the_limits(value: object, delay: int) -> None:
    assert delay_ms({"x-delay": value}) == delay


def test_a_message_without_headers_does_not_wait() -> None:
    assert delay_ms(None) == delay_ms({}) == delay_ms({"delay": 5}) == 0


def test_a_message_that_waits_goes_to_the_keeper_and_others_as_the_other_type_says() -> None:
    kind = make_kind(TYPE, {"x-delayed-type": "topic"})
    kind.bind(binding(queue("q"), "a.*"))
    assert matched(kind, "a.b", {"x-delay": 5}) == [KEEP_INSTEAD]
    assert matched(kind, "a.b", {"x-delay": -5}) == matched(kind, "a.b") == [queue("q")]
    assert matched(kind, "b", {}) == []
    kind.unbind(binding(queue("q"), "a.*"))
    assert matched(kind, "a.b") == []


def test_a_binding_must_be_one_of_the_other_type() -> None:
    kind = make_kind(TYPE, {"x-delayed-type": "x-consistent-hash"})
    with pytest.raises(InvalidBindingError):
        kind.validate("no weight", {})


def test_it_looks_at_headers_whatever_the_other_type_looks_at() -> None:
    for inner, basis in (("direct", Basis.HEADERS), ("x-random", Basis.CHANCE)):
        assert make_kind(TYPE, {"x-delayed-type": inner}).basis is basis


def test_what_waits_has_a_route_and_needs_no_alternate_exchange() -> None:
    kind = make_kind(TYPE, {"x-delayed-type": "direct"})
    x = Exchange("x", TYPE, True, False, False, {}, "rest", kind)
    router = router_with(x, declared("rest"))
    router.bind(binding(queue("q"), source="rest"))
    assert router.route("x", ["k"], {"x-delay": 5}).queue_names == (
        keeper_name("x", KEEP_INSTEAD.name),
    )
    assert router.route("x", ["k"], {}).queue_names == ("q",)
