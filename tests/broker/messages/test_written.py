"""Messages of plain values: what RabbitMQ's HTTP API takes and refuses (3.10)."""

import pytest

from amqp_server.broker.definitions.item import DefinitionsError
from amqp_server.broker.errors import InvalidMessageError
from amqp_server.broker.messages.shown import shown_properties
from amqp_server.broker.messages.written import PropertyTypeError, written_message
from persistence.record import NO_TTL, PERSISTENT

ALL = {
    "content_type": "t",
    "content_encoding": "e",
    "headers": {"a": 1, "b": 2.5, "c": "s", "d": [1, "x"], "e": {"f": True}},
    "delivery_mode": 2,
    "priority": 7,
    "correlation_id": "c",
    "reply_to": "r",
    "expiration": "60000",
    "message_id": "m",
    "timestamp": 1_767_323_045,
    "type": "t",
    "user_id": "u",
    "app_id": "a",
    "cluster_id": "i",
}


def test_all_properties_come_back_as_they_were_given() -> None:
    record = written_message("x", "k", {**ALL, "unknown": 1}, b"body")
    assert (record.exchange, record.routing_key, record.body) == ("x", "k", b"body")
    assert (record.priority, record.ttl_ms, record.flags & PERSISTENT) == (7, 60_000, PERSISTENT)
    assert shown_properties(record.header) == ALL
    plain = written_message("", "k", {}, b"")
    assert (plain.flags, plain.priority, plain.ttl_ms) == (0, 0, NO_TTL)
    assert shown_properties(plain.header) == {}


def test_an_empty_list_is_no_headers_and_integers_wrap_as_on_the_wire() -> None:
    given = {"headers": [], "priority": 300, "timestamp": -1}
    shown = shown_properties(written_message("", "", given, b"").header)
    assert shown == {"headers": {}, "priority": 44, "timestamp": (1 << 64) - 1}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("delivery_mode", "2", "int"),
        ("delivery_mode", None, "int"),
        ("priority", True, "int"),
        ("timestamp", 1.5, "int"),
        ("expiration", 60_000, "string"),
        ("content_type", None, "string"),
        ("headers", "x", "table"),
        ("headers", None, "table"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: object, expected: str) -> None:
    with pytest.raises(PropertyTypeError) as caught:
        written_message("", "", {name: value}, b"")
    assert (caught.value.name, caught.value.expected) == (name, expected)


def test_other_delivery_modes_and_long_texts_are_refused() -> None:
    with pytest.raises(InvalidMessageError, match=r"^invalid message: \{delivery_mode_unknown,3\}"):
        written_message("", "", {"delivery_mode": 3}, b"")
    with pytest.raises(InvalidMessageError):
        written_message("", "", {"type": "x" * 256}, b"")
    with pytest.raises(InvalidMessageError):
        written_message("", "é" * 128, {}, b"")
    with pytest.raises(InvalidMessageError):
        written_message("", "\ud800", {}, b"")
    with pytest.raises(DefinitionsError):
        written_message("", "", {"headers": {"n": 1 << 63}}, b"")


def test_headers_that_no_client_could_send_are_refused() -> None:
    with pytest.raises(InvalidMessageError):
        written_message("", "", {"headers": {str(n): n for n in range(16_385)}}, b"")
