import pytest

from exchanges.deduplication import inside_of
from exchanges.errors import UnknownExchangeTypeError
from exchanges.kinds import KIND_NAMES, make_kind
from tests.support.routing import binding, matched, queue

ARGUMENTS = {"x-delayed-type": "direct", "x-cache-size": 10}


def test_the_four_standard_types_are_there_and_those_of_rabbitmq_s_plugins() -> None:
    assert KIND_NAMES == (
        "direct",
        "fanout",
        "headers",
        "topic",
        "x-consistent-hash",
        "x-delayed-message",
        "x-federation-upstream",
        "x-message-deduplication",
        "x-modulus-hash",
        "x-random",
        "x-recent-history",
        "x-super-stream",
    )


@pytest.mark.parametrize("name", KIND_NAMES)
def test_each_exchange_has_bindings_of_its_own(name: str) -> None:
    first, second = [inside_of(make_kind(name, ARGUMENTS)) for _ in range(2)]
    first.bind(binding(queue("q"), "1"))
    assert queue("q") in matched(first, "1", {})
    assert queue("q") not in matched(second, "1", {})


@pytest.mark.parametrize("name", ["x-jms-topic", "Direct", "topic "])
def test_an_unknown_type_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownExchangeTypeError) as refusal:
        make_kind(name)
    assert str(refusal.value) == f"unknown exchange type '{name}'"


@pytest.mark.parametrize("name", KIND_NAMES)
def test_a_match_is_the_same_at_once_and_in_pieces(name: str) -> None:
    kind = inside_of(make_kind(name, ARGUMENTS))
    for number in range(5):
        kind.bind(binding(queue(f"q{number}"), "1", {"number": number}))
    for key in ("1", "2", ""):
        assert len(set(matched(kind, key, {"number": 3}))) in {0, 1, 5, 6}
