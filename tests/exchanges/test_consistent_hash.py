from collections.abc import Mapping

import pytest

from exchanges.basis import Basis
from exchanges.errors import InvalidBindingError, InvalidExchangeError
from exchanges.kinds import make_kind
from exchanges.ports import ExchangeKind
from tests.support.routing import binding, bound, exchange, matched, names, queue

KIND = "x-consistent-hash"
KEYS = [f"k{number}" for number in range(200)]


def placed(kind: ExchangeKind) -> list[str]:
    return [each.name for key in KEYS for each in matched(kind, key)]


def looking_at(arguments: Mapping[str, object], *queues: str) -> ExchangeKind:
    kind = make_kind(KIND, arguments)
    for name in queues:
        kind.bind(binding(queue(name), "1"))
    return kind


def test_each_key_goes_to_exactly_one_destination() -> None:
    kind = bound(
        KIND, binding(queue("p"), "1"), binding(queue("q"), "1"), binding(exchange("x"), "1")
    )
    found = placed(kind)
    assert len(found) == len(KEYS)
    assert set(found) == {"p", "q", "x"}
    assert placed(kind) == found


def test_without_bindings_nothing_matches() -> None:
    assert matched(bound(KIND), "k") == []


def test_the_key_is_looked_at_once_and_no_header() -> None:
    kind = bound(KIND)
    assert kind.basis is Basis.KEY
    assert not kind.takes_every_key


def test_a_weight_is_the_share_of_a_destination() -> None:
    kind = bound(KIND, binding(queue("one"), "1"), binding(queue("nine"), "9"))
    assert placed(kind).count("one") < len(KEYS) // 4


@pytest.mark.parametrize("key", ["1", "+1", "0001", "10000", "0" * 254 + "7"])
def test_a_weight_is_an_integer_as_erlang_reads_it(key: str) -> None:
    make_kind(KIND).validate(key, {})


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("x", 'The binding key must be an integer: <<"x">>'),
        ("", "The binding key must be an integer: <<>>"),
        (" 1", 'The binding key must be an integer: <<" 1">>'),
        ("1\n", 'The binding key must be an integer: <<"1\\n">>'),
        ("1_0", 'The binding key must be an integer: <<"1_0">>'),
        ("1.5", 'The binding key must be an integer: <<"1.5">>'),
        ("+", 'The binding key must be an integer: <<"+">>'),
        ("\uff19", "The binding key must be an integer: <<239,188,153>>"),
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
        ("10001", "The binding key must not exceed 10000"),
        ("9" * 255, "The binding key must not exceed 10000"),
    ],
)
def test_another_key_is_refused_in_rabbitmq_s_words(key: str, text: str) -> None:
    with pytest.raises(InvalidBindingError) as refusal:
        make_kind(KIND).validate(key, {})
    assert str(refusal.value) == text


def test_of_several_bindings_of_a_queue_the_oldest_counts() -> None:
    plain = bound(KIND, binding(queue("p"), "1"), binding(queue("q"), "1"))
    again = bound(
        KIND, binding(queue("p"), "1"), binding(queue("p"), "9"), binding(queue("q"), "1")
    )
    assert placed(again) == placed(plain)


def test_when_a_later_binding_goes_nothing_moves() -> None:
    kind = bound(KIND, binding(queue("p"), "1"), binding(queue("p"), "9"), binding(queue("q"), "1"))
    before = placed(kind)
    kind.unbind(binding(queue("p"), "9"))
    assert placed(kind) == before


def test_when_the_oldest_goes_the_next_one_counts() -> None:
    kind = bound(KIND, binding(queue("p"), "1"), binding(queue("p"), "9"), binding(queue("q"), "1"))
    kind.unbind(binding(queue("p"), "1"))
    assert placed(kind) == placed(bound(KIND, binding(queue("q"), "1"), binding(queue("p"), "9")))
    kind.unbind(binding(queue("p"), "9"))
    assert set(placed(kind)) == {"q"}
    kind.unbind(binding(queue("q"), "1"))
    assert placed(kind) == []


def test_a_binding_with_other_arguments_is_another_binding() -> None:
    first, second = binding(queue("p"), "1", {"a": 1}), binding(queue("p"), "1", {"a": 2})
    kind = bound(KIND, first, second)
    kind.unbind(first)
    assert set(placed(kind)) == {"p"}


# ── what is hashed ──


def test_a_header_can_be_hashed_instead() -> None:
    kind = looking_at({"hash-header": "device"}, "p", "q", "r")
    assert kind.basis is Basis.HEADERS
    by_header = [names(matched(kind, "same", {"device": key})) for key in KEYS]
    by_key = [names(matched(looking_at({}, "p", "q", "r"), key)) for key in KEYS]
    assert by_header == by_key, "a key is placed alike, wherever it stands"


@pytest.mark.parametrize("value", [7, True, 1.5, b"\xff\x00", None, (2, 5), [("S", "a")]])
def test_a_header_may_have_any_value(value: object) -> None:
    kind = looking_at({"hash-header": "h"}, "p", "q", "r")
    found = {tuple(matched(kind, key, {"h": value})) for key in KEYS}
    assert len(found) == 1


def test_integers_of_a_header_are_spread_as_their_digits_are() -> None:
    kind = looking_at({"hash-header": "h"}, "p", "q", "r")
    for number in range(50):
        assert matched(kind, "", {"h": number}) == matched(kind, "", {"h": str(number)})


@pytest.mark.parametrize("headers", [None, {}, {"other": "x"}, {"h": None}, {"h": ""}])
def test_messages_without_the_header_go_to_one_queue(headers: Mapping[str, object] | None) -> None:
    kind = looking_at({"hash-header": "h"}, "p", "q", "r")
    assert {tuple(matched(kind, key, headers)) for key in KEYS} == {tuple(matched(kind, "", {}))}


@pytest.mark.parametrize("name", ["correlation_id", "message_id", "timestamp"])
def test_a_property_can_be_hashed_instead(name: str) -> None:
    kind = looking_at({"hash-property": name}, "p", "q", "r")
    assert kind.basis is Basis.PROPERTIES
    found = {tuple(matched(kind, "same", {name: number})) for number in range(50)}
    assert len(found) == 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"hash-property": "app_id"}, "Unsupported property: app_id"),
        ({"hash-property": ""}, "Unsupported property: "),
        (
            {"hash-header": "h", "hash-property": "message_id"},
            "hash-header and hash-property are mutually exclusive",
        ),
        (
            {"hash-header": "h", "hash-property": "bad"},
            "hash-header and hash-property are mutually exclusive",
        ),
        ({"hash-header": 1}, "hash-header must be a string, not 1"),
        ({"hash-property": b"\xff"}, 'hash-property must be a string, not <<"ÿ">>'),
        ({"hash-header": None}, "hash-header must be a string, not undefined"),
    ],
)
def test_other_arguments_are_refused(arguments: Mapping[str, object], text: str) -> None:
    with pytest.raises(InvalidExchangeError) as refusal:
        make_kind(KIND, arguments)
    assert str(refusal.value) == text


def test_an_empty_header_name_is_a_name() -> None:
    assert make_kind(KIND, {"hash-header": ""}).basis is Basis.HEADERS


def test_a_queue_bound_ten_thousand_times_may_lose_its_bindings_in_any_order() -> None:
    many = [binding(queue("p"), str(1 + number % 9), {"n": number}) for number in range(10_000)]
    kind = bound(KIND, *many, binding(queue("q"), "3"))
    for each in many[:5000]:
        kind.unbind(each)
    assert placed(kind) == placed(bound(KIND, many[5000], binding(queue("q"), "3")))
    for each in reversed(many[5001:]):
        kind.unbind(each)
    assert placed(kind) == placed(bound(KIND, many[5000], binding(queue("q"), "3")))
    kind.unbind(many[5000])
    assert set(placed(kind)) == {"q"}
