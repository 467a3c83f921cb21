"""Which messages a filter finds."""

import pytest

from amqp_server.broker.access.patterns import Pattern
from amqp_server.broker.messages.message_filter import (
    EVERY_MESSAGE,
    PATTERN_BYTES_MAX,
    TEXT_BYTES_MAX,
    MessageFilter,
)
from amqp_server.broker.messages.written import written_message
from persistence.record import Record


def message(body: bytes = b"hello", **headers: object) -> Record:
    return written_message("x", "key", {"headers": headers} if headers else {}, body)


def test_no_condition_holds_for_all() -> None:
    assert not EVERY_MESSAGE.is_set
    assert MessageFilter(text=b"").is_set
    assert EVERY_MESSAGE.matches(message())
    assert EVERY_MESSAGE.cost(message()) == 0


@pytest.mark.parametrize(
    ("given", "is_found"),
    [
        (MessageFilter(exchange="x", routing_key="key"), True),
        (MessageFilter(exchange="X"), False),
        (MessageFilter(routing_key="ke"), False),
        (MessageFilter(text=b"ell"), True),
        (MessageFilter(text=b"Ell"), False),
        (MessageFilter(pattern=Pattern("^h.*o$")), True),
        (MessageFilter(pattern=Pattern("^o")), False),
        (MessageFilter(headers={"n": 1}), True),
        (MessageFilter(headers={"n": "1"}), True),
        (MessageFilter(headers={"n": "1.0"}), False),
        (MessageFilter(headers={"n": 1.0}), True),
        (MessageFilter(headers={"n": True}), False),
        (MessageFilter(headers={"t": True, "s": "text"}), True),
        (MessageFilter(headers={"t": "true"}), True),
        (MessageFilter(headers={"l": [1, {"a": "b"}]}), True),
        (MessageFilter(headers={"missing": "x"}), False),
    ],
)
def test_every_condition_must_hold(given: MessageFilter, is_found: bool) -> None:
    there = message(n=1, t=True, s="text", l=[1, {"a": "b"}])
    assert given.matches(there) is is_found
    assert given._replace(exchange="other").matches(there) is False


def test_a_message_without_headers_has_none_that_are_looked_for() -> None:
    assert MessageFilter(headers={"n": 1}).matches(message()) is False


def test_only_the_beginning_of_a_body_is_searched() -> None:
    beyond = message(bytes(TEXT_BYTES_MAX) + b"end")
    assert MessageFilter(text=b"end").matches(beyond) is False
    assert MessageFilter(text=b"end").cost(beyond) == TEXT_BYTES_MAX
    beyond = message(bytes(PATTERN_BYTES_MAX) + b"end")
    assert MessageFilter(pattern=Pattern("end")).matches(beyond) is False


def test_a_search_that_takes_too_long_says_so() -> None:
    bad = Pattern("^(a+)+[bc]$", 1_000)
    assert MessageFilter(pattern=bad).matches(message(b"a" * 40)) is None
