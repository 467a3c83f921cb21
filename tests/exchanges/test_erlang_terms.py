"""Texts as RabbitMQ 3.10 printed them, but for non-ASCII text, which is 3.13's notation."""

import pytest

from exchanges.erlang_terms import amqp_type_name, erlang_term


@pytest.mark.parametrize(
    ("value", "type_name", "term"),
    [
        (True, "bool", "true"),
        (False, "bool", "false"),
        (-5, "signedint", "-5"),
        (2**31 - 1, "signedint", "2147483647"),
        (2**31, "long", "2147483648"),
        (-(2**31), "signedint", "-2147483648"),
        (1.5, "double", "1.5"),
        (100.0, "double", "100.0"),
        (1e30, "double", "1.0e30"),
        (1.5e-30, "double", "1.5e-30"),
        ("foo", "longstr", '<<"foo">>'),
        ("", "longstr", "<<>>"),
        ("é", "longstr", '<<"é"/utf8>>'),
        ("日", "longstr", "<<230,151,165>>"),
        ("\x01\x02", "longstr", "<<1,2>>"),
        ('a"b\\c\n', "longstr", '<<"a\\"b\\\\c\\n">>'),
        ("\udcff", "longstr", '<<"ÿ">>'),
        (b"x", "binary", '<<"x">>'),
        (b"\xff\x00", "binary", "<<255,0>>"),
        (None, "void", "undefined"),
        ((1, 15), "decimal", "{1,15}"),
        ([], "array", "[]"),
        ([("long", 1), ("longstr", "any")], "array", '[{long,1},{longstr,<<"any">>}]'),
        ({}, "table", "[]"),
        (
            {"a": ("array", [("void", None)])},
            "table",
            '[{<<"a">>,array,[{void,undefined}]}]',
        ),
    ],
)
def test_a_value_is_printed_as_erlang_does(value: object, type_name: str, term: str) -> None:
    assert amqp_type_name(value) == type_name
    assert erlang_term(value) == term
