from collections import Counter
from collections.abc import Callable
from random import Random

from exchanges.basis import Basis
from exchanges.kinds import make_kind
from exchanges.ports import ExchangeKind
from tests.support.routing import binding, bound, matched, queue


def chosen(random_bytes: Callable[[int], bytes], *keys: tuple[str, str]) -> ExchangeKind:
    kind = make_kind("x-random", {}, random_bytes)
    for name, key in keys:
        kind.bind(binding(queue(name), key))
    return kind


def drawn(kind: ExchangeKind, count: int) -> Counter[str]:
    found = [kind.match("same", None) for _ in range(count)]
    return Counter([each.name for at_once in found if at_once is not None for each in at_once])


def test_each_message_goes_to_one_binding_by_chance() -> None:
    kind = chosen(Random(1).randbytes, ("a", ""), ("b", "k"), ("c", ""))
    counts = drawn(kind, 3000)
    assert sum(counts.values()) == 3000
    assert min(counts[name] for name in "abc") > 850


def test_a_queue_bound_three_times_is_chosen_three_times_as_often() -> None:
    kind = chosen(Random(1).randbytes, ("a", "1"), ("a", "2"), ("a", "3"), ("b", ""))
    assert 2600 < drawn(kind, 4000)["a"] < 3400


def test_chance_is_what_it_is_given() -> None:
    numbers = iter([0, 1, 2, 3, 2**64 - 1])
    kind = chosen(
        lambda size: next(numbers).to_bytes(size, "little"), ("a", ""), ("b", ""), ("c", "")
    )
    assert [each.name for _ in range(5) for each in kind.match("", None) or ()] == [*"abca", "a"]


def test_a_binding_that_goes_is_chosen_no_more() -> None:
    kind = chosen(Random(1).randbytes, ("a", ""), ("b", ""), ("c", ""))
    kind.unbind(binding(queue("a"), ""))
    assert set(drawn(kind, 100)) == {"b", "c"}
    kind.unbind(binding(queue("c"), ""))
    assert set(drawn(kind, 100)) == {"b"}
    kind.unbind(binding(queue("b"), ""))
    assert matched(kind, "k") == []


def test_no_answer_holds_for_another_message() -> None:
    assert bound("x-random").basis is Basis.CHANCE
    assert not bound("x-random").takes_every_key
