import pytest

from exchanges.errors import UnknownExchangeTypeError
from exchanges.kinds import KIND_NAMES, make_kind
from tests.support.routing import binding, matched, queue


def test_the_four_standard_types_are_there() -> None:
    assert KIND_NAMES == ("direct", "fanout", "headers", "topic")


@pytest.mark.parametrize("name", KIND_NAMES)
def test_each_exchange_has_bindings_of_its_own(name: str) -> None:
    first, second = make_kind(name), make_kind(name)
    first.bind(binding(queue("q"), "k"))
    assert list(matched(first, "k", {})) == [queue("q")]
    assert list(matched(second, "k", {})) == []


@pytest.mark.parametrize("name", ["x-random", "Direct", "topic "])
def test_an_unknown_type_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownExchangeTypeError) as refusal:
        make_kind(name)
    assert str(refusal.value) == f"unknown exchange type '{name}'"
