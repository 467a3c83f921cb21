import random
from collections import Counter

from exchanges.basis import Basis
from exchanges.ports import ExchangeKind
from tests.support.routing import binding, bound, exchange, matched, queue

KIND = "x-modulus-hash"
KEYS = [f"k{number}" for number in range(600)]


def placed(kind: ExchangeKind) -> list[str]:
    return [each.name for key in KEYS for each in matched(kind, key)]


def test_each_key_goes_to_exactly_one_destination_and_all_get_their_share() -> None:
    found = placed(bound(KIND, *(binding(queue(name)) for name in "abc"), binding(exchange("x"))))
    assert len(found) == len(KEYS)
    assert min(Counter(found).values()) > 100
    assert set(found) == {"a", "b", "c", "x"}


def test_the_placing_does_not_depend_on_the_order_of_bindings() -> None:
    bindings = [binding(queue(name), name * 2) for name in "abcdefg"]
    expected = placed(bound(KIND, *bindings))
    random.Random(1).shuffle(bindings)
    assert placed(bound(KIND, *bindings)) == expected


def test_known_keys_stay_where_they_are_in_every_version() -> None:
    kind = bound(KIND, *(binding(queue(name)) for name in "abc"))
    # murmur3 with seed 0: 0, 1009084850, 3017643002, 1139631978
    found = [matched(kind, key)[0].name for key in ("", "a", "abc", "abcd")]
    assert found == ["a", "c", "c", "a"]


def test_a_queue_bound_twice_counts_twice_whatever_the_key() -> None:
    first, second = binding(queue("a"), "1"), binding(queue("a"), "2")
    kind = bound(KIND, first, second, binding(queue("b"), ""))
    assert placed(kind).count("a") > placed(kind).count("b") * 1.5
    kind.unbind(first)
    assert placed(kind) == placed(bound(KIND, binding(queue("b")), second))
    kind.unbind(second)
    assert set(placed(kind)) == {"b"}


def test_without_bindings_nothing_matches() -> None:
    assert matched(bound(KIND), "k") == []


def test_the_key_is_looked_at_once_and_no_header() -> None:
    assert bound(KIND).basis is Basis.KEY
    assert not bound(KIND).takes_every_key
