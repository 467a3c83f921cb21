"""Values as Erlang terms: the words RabbitMQ's users search for."""

import pytest

from amqp_server.broker.terms import field_term, field_text, json_term, proplist
from amqp_server.wire.tables import Field


@pytest.mark.parametrize(
    ("value", "term"),
    [
        (None, "null"),
        (True, "true"),
        (-1, "-1"),
        (1.5, "1.5"),
        (1e22, "1.0e22"),
        ("foo", '<<"foo">>'),
        ([1, None], "[1,null]"),
        ({"a": [True]}, '#{<<"a">> => [true]}'),
    ],
)
def test_json_is_shown_as_terms(value: object, term: str) -> None:
    assert json_term(value) == term


def test_a_proplist_is_in_the_order_of_its_keys() -> None:
    assert proplist({"foo": 1, "bar": "x"}) == '[{<<"bar">>,<<"x">>},{<<"foo">>,1}]'
    assert proplist({}) == "[]"


@pytest.mark.parametrize(
    ("field", "term"),
    [
        (Field("A", [Field("S", b"x"), Field("l", 1)]), '[{longstr,<<"x">>},{long,1}]'),
        (Field("F", {"a": Field("u", 1)}), '[{<<"a">>,unsignedshort,1}]'),
        (Field("A", [Field("A", [Field("V", None)])]), "[{array,[{void,undefined}]}]"),
        (Field("A", []), "[]"),
        (Field("V", None), "undefined"),
        (Field("t", True), "true"),
        (Field("f", 1.5), "1.5"),
        (Field("T", 7), "7"),
        (Field("D", (2, 10)), "{2,10}"),
        (Field("x", b"a"), '<<"a">>'),
    ],
)
def test_fields_keep_their_type_inside_a_term(field: Field, term: str) -> None:
    assert field_term(field) == term


def test_text_stands_bare_between_quotes() -> None:
    assert field_text(Field("S", "é".encode())) == "é"
    assert field_text(Field("x", b"\xff")) == "\udcff"
    assert field_text(Field("I", 6)) == "6"
