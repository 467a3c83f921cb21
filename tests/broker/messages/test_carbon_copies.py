"""CC and BCC: which keys a message names, and what its receivers see of that."""

import pytest

from amqp_server.broker.errors import InvalidMessageError
from amqp_server.broker.messages.carbon_copies import carbon_copies
from amqp_server.wire.errors import MethodSyntaxError
from amqp_server.wire.properties import Properties, split
from amqp_server.wire.tables import Field
from tests.support.frames import content_header, property_list

KEYS_MAX = 4


def properties_with(headers: dict[str, object] | bytes) -> Properties:
    return split(content_header(0, property_list(headers=headers)))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ([], False)),
        ({"other": "x"}, ([], False)),
        ({"CC": []}, ([], False)),
        ({"CC": ["a", "b"]}, (["a", "b"], False)),
        ({"BCC": ["c"]}, (["c"], True)),
        ({"BCC": ["c"], "CC": ["a"]}, (["a", "c"], True)),
        ({"CC": ["a", "a", ""]}, (["a", "a", ""], False)),
        ({"CC": ["a", 5, None, b"x"]}, (["a"], False)),
        ({"nested": {"CC": ["a"]}}, ([], False)),
    ],
)
def test_the_keys_are_those_of_both_headers(
    headers: dict[str, object], expected: tuple[list[str], bool]
) -> None:
    assert carbon_copies(properties_with(headers), KEYS_MAX) == expected


def test_receivers_see_cc_and_never_bcc() -> None:
    properties = properties_with({"CC": ["a"], "BCC": ["b"], "other": 1})
    carbon_copies(properties, KEYS_MAX)
    assert set(properties.headers()) == {"CC", "other"}


@pytest.mark.parametrize("name", ["CC", "BCC"])
@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        ("key", "longstr"),
        (5, "long"),
        ({"a": 1}, "table"),
        (None, "void"),
        (Field("u", 1), "unsignedshort"),
    ],
)
def test_what_is_no_array_is_refused_by_its_type(name: str, value: object, type_name: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        carbon_copies(properties_with({name: value}), KEYS_MAX)
    term = f'{{unacceptable_type_in_header,"{name}",{type_name}}}'
    assert str(caught.value) == f"invalid message: {term}"


def test_the_keys_are_bounded_over_both_headers() -> None:
    carbon_copies(properties_with({"CC": ["a", "b"], "BCC": ["c", "d"]}), KEYS_MAX)
    with pytest.raises(InvalidMessageError, match="5 routing keys in CC and BCC, at most 4"):
        carbon_copies(properties_with({"CC": ["a", "b", "c"], "BCC": ["d", "e"]}), KEYS_MAX)


def test_headers_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(MethodSyntaxError):
        carbon_copies(properties_with(b"\x00\x00\x00\x03\x02CC"), KEYS_MAX)
