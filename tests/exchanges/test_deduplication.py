from collections.abc import Mapping

import pytest

from exchanges.basis import Basis
from exchanges.deduplication import (
    DEFAULT_SIZE,
    HEADER,
    TYPE,
    DeduplicatingExchange,
    Window,
    inside_of,
    window_of,
)
from exchanges.errors import InvalidBindingError, InvalidExchangeError
from exchanges.fanout import FanoutExchange
from exchanges.headers import HeadersExchange
from exchanges.keeping import KEEP_INSTEAD
from exchanges.kinds import make_kind
from tests.support.routing import binding, matched, queue

BY_ARGUMENT = {"x-message-deduplication": True}


def test_every_message_goes_to_the_keeper_whatever_is_bound() -> None:
    kind = make_kind("topic", BY_ARGUMENT)
    assert isinstance(kind, DeduplicatingExchange)
    assert kind.basis is Basis.KEY
    kind.bind(binding(queue("q"), "a"))
    assert list(kind.match("b", None)) == [KEEP_INSTEAD]
    assert [list(piece) for piece in kind.pieces("b", None)] == [[KEEP_INSTEAD]]
    assert matched(inside_of(kind), "a", None) == [queue("q")]
    assert matched(inside_of(kind), "b", None) == []
    kind.unbind(binding(queue("q"), "a"))
    assert matched(inside_of(kind), "a", None) == []


def test_bindings_are_those_of_the_type_inside() -> None:
    kind = make_kind("x-consistent-hash", BY_ARGUMENT)
    with pytest.raises(InvalidBindingError):
        kind.validate("no weight", {})
    assert make_kind("topic", BY_ARGUMENT).keys_of("a") == make_kind("topic").keys_of("a")


def test_the_type_of_its_own_is_a_fanout() -> None:
    assert isinstance(inside_of(make_kind(TYPE, {"x-cache-size": 1})), FanoutExchange)
    assert isinstance(inside_of(make_kind("headers", BY_ARGUMENT)), HeadersExchange)


@pytest.mark.parametrize(
    ("kind", "arguments", "window"),
    [
        ("topic", {}, None),
        ("topic", {"x-message-deduplication": False, "x-cache-size": "x"}, None),
        ("topic", {"x-message-deduplication": "true"}, None),
        ("topic", BY_ARGUMENT, Window(DEFAULT_SIZE, None, HEADER, is_stored=True)),
        (TYPE, {"x-cache-size": "7"}, Window(7, None, HEADER, is_stored=True)),
        (
            TYPE,
            {"x-cache-size": 7, "x-cache-ttl": 5, "x-cache-persistence": "memory"},
            Window(7, 5, HEADER, is_stored=False),
        ),
        ("direct", {**BY_ARGUMENT, HEADER: "id"}, Window(DEFAULT_SIZE, None, "id", is_stored=True)),
    ],
)
def test_what_it_remembers(
    kind: str, arguments: Mapping[str, object], window: Window | None
) -> None:
    assert window_of(kind, arguments) == window


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"x-cache-size": 1.5},
        {"x-cache-size": [1]},
        {"x-cache-size": 1, "x-cache-persistence": {"a": 1}},
        {"x-cache-size": 1, HEADER: "x" * 256},
        {"x-cache-size": 1, HEADER: 5},
    ],
)
def test_what_is_refused(arguments: Mapping[str, object]) -> None:
    with pytest.raises(InvalidExchangeError):
        window_of(TYPE, arguments)
