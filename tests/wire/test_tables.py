"""Tables: every type there and back, the limits, and what is refused."""

import struct
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import decode as pamqp_decode
from pamqp import encode as pamqp_encode

from amqp_server.wire.errors import MethodSyntaxError
from amqp_server.wire.tables import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    TYPE_NAMES,
    Field,
    decode_matched_table,
    decode_table,
    encode_field,
    encode_shortstr,
    encode_table,
    longstr,
    matched_table,
    plain,
)

VALUES = [
    Field("S", b"text \xff"),
    Field("x", b"\x00\x01"),
    Field("I", -(2**31)),
    Field("i", 2**32 - 1),
    Field("s", -(2**15)),
    Field("u", 2**16 - 1),
    Field("b", -128),
    Field("B", 255),
    Field("l", -(2**63)),
    Field("L", 2**63 - 1),
    Field("f", 0.5),
    Field("d", -1e300),
    Field("d", float("inf")),
    Field("t", value=True),
    Field("t", value=False),
    Field("T", 2**64 - 1),
    Field("D", (255, 2**32 - 1)),
    Field("V", None),
    Field("F", {}),
    Field("A", []),
    Field("F", {"inner": Field("A", [Field("F", {"": Field("V", None)}), Field("B", 0)])}),
]


def table_bytes(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


@pytest.mark.parametrize("value", VALUES, ids=lambda field: field.kind)
def test_a_value_of_every_type_comes_back_as_it_was(value: Field) -> None:
    octets = encode_table({"key": value})
    assert decode_table(octets) == ({"key": value}, len(octets))
    assert encode_table(decode_table(octets)[0]) == octets


def test_every_type_that_has_a_name_is_among_them() -> None:
    assert {value.kind for value in VALUES} == set(TYPE_NAMES)


def test_not_a_number_keeps_its_bits() -> None:
    octets = table_bytes(b"\x01nd" + b"\x7f\xf8\x00\x00\x00\x00\x00\x01")
    assert encode_table(decode_table(octets)[0]) == octets


def test_a_table_may_start_anywhere() -> None:
    octets = encode_table({"a": Field("B", 1)})
    assert decode_table(b"before" + octets + b"after", 6) == ({"a": Field("B", 1)}, 6 + len(octets))


def test_pamqp_reads_what_we_write() -> None:
    table = {
        "text": longstr("grüße"),
        "number": Field("l", -5),
        "yes": Field("t", value=True),
        "nothing": Field("V", None),
        "when": Field("T", 1_700_000_000),
        "price": Field("D", (2, 314)),
        "table": Field("F", {"list": Field("A", [Field("I", 1), Field("S", b"x")])}),
    }
    octets = encode_table(table)
    consumed, found = pamqp_decode.field_table(octets)
    assert consumed == len(octets)
    assert found == {
        "text": "grüße",
        "number": -5,
        "yes": True,
        "nothing": None,
        "when": datetime.fromtimestamp(1_700_000_000, UTC),
        "price": Decimal("3.14"),
        "table": {"list": [1, "x"]},
    }


def test_we_read_what_pamqp_writes() -> None:
    octets = pamqp_encode.field_table({"a": 1, "b": "text", "c": [None, {"d": 2**40}], "e": 1.5})
    table, end = decode_table(octets)
    assert end == len(octets)
    assert {key: plain(value) for key, value in table.items()} == {
        "a": 1,
        "b": "text",
        "c": [None, {"d": 2**40}],
        "e": 1.5,
    }


def test_the_last_of_equal_keys_wins() -> None:
    octets = table_bytes(b"\x01aB\x01\x01aB\x02")
    assert decode_table(octets)[0] == {"a": Field("B", 2)}


@pytest.mark.parametrize("key", [b"", b"k" * 255, b"\xff\xfe", b"\x00\n"])
def test_a_key_is_kept_byte_for_byte(key: bytes) -> None:
    octets = table_bytes(bytes((len(key),)) + key + b"V")
    table, _ = decode_table(octets)
    assert encode_table(table) == octets


def nested(depth: int, kind: bytes) -> bytes:
    octets = b""
    for _ in range(depth):
        octets = (b"\x01n" if kind == b"F" else b"") + kind + table_bytes(octets)
    return table_bytes(b"\x01n" + kind + table_bytes(octets))


@pytest.mark.parametrize("kind", [b"F", b"A"])
def test_nesting_is_bounded_and_needs_no_stack(kind: bytes) -> None:
    decode_table(nested(DEPTH_MAX - 1, kind))
    for depth in (DEPTH_MAX, 5_000):
        with pytest.raises(MethodSyntaxError, match="nested deeper than 64"):
            decode_table(nested(depth, kind))


def test_elements_are_bounded_over_the_whole_table() -> None:
    def voids(count: int) -> bytes:
        return table_bytes(b"\x01aA" + table_bytes(b"V" * (count - 2)) + b"\x01bV")

    assert len(decode_table(voids(ELEMENTS_MAX))[0]) == 2
    with pytest.raises(MethodSyntaxError, match="more than 16384 elements"):
        decode_table(voids(ELEMENTS_MAX + 1))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x00\x00\x00",
        b"\x00\x00\x00\x01",
        b"\xff\xff\xff\xff",
        table_bytes(b"\x05abc"),
        table_bytes(b"\x01a"),
        table_bytes(b"\x01aB"),
        table_bytes(b"\x01at"),
        table_bytes(b"\x01aI\x00\x00\x00"),
        table_bytes(b"\x01aD\x00\x00"),
        table_bytes(b"\x01aS\x00\x00\x00"),
        table_bytes(b"\x01aS\x00\x00\x00\x05abc"),
        table_bytes(b"\x01aF\x00\x00\x00\x01"),
        table_bytes(b"\x01aA\xff\xff\xff\xff"),
        table_bytes(b"\x01aA\x00\x00\x00\x01"),
        table_bytes(b"\x01aF\x00\x00\x00\x02\x01b") + b"Vx",
    ],
)
def test_a_length_that_runs_past_its_holder_is_refused(octets: bytes) -> None:
    with pytest.raises(MethodSyntaxError, match=r"cut short|longer than what holds it"):
        decode_table(octets)


@pytest.mark.parametrize("kind", b"\x00aCZ\xff")
def test_an_unknown_type_is_refused(kind: int) -> None:
    with pytest.raises(MethodSyntaxError, match=f"unknown field type {kind}"):
        decode_table(table_bytes(b"\x01k" + bytes((kind,))))


def test_a_value_of_the_wrong_type_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="field type S does not hold 5"):
        encode_field(Field("S", 5))


def test_a_shortstr_has_at_most_255_octets() -> None:
    assert encode_shortstr("x" * 255) == b"\xff" + b"x" * 255
    with pytest.raises(ValueError, match="range"):
        encode_shortstr("x" * 256)


def test_plain_values_have_no_types() -> None:
    field = Field("F", {"a": longstr("b"), "c": Field("A", [Field("x", b"d"), Field("T", 1)])})
    assert plain(field) == {"a": "b", "c": [b"d", 1]}


def test_what_headers_are_matched_by_keeps_the_types_inside_of_it() -> None:
    inner = Field("A", [Field("x", b"d"), Field("T", 1), Field("A", [])])
    table = {"a": Field("F", {"b": longstr("c"), "d": inner}), "e": Field("L", 1)}
    listed = ("array", [("binary", b"d"), ("timestamp", 1), ("array", [])])
    assert matched_table(table) == {"a": {"b": ("longstr", "c"), "d": listed}, "e": 1}


@given(table=st.dictionaries(st.text(max_size=5), st.sampled_from(VALUES), max_size=6))
def test_plain_values_read_in_place_are_those_of_the_fields(table: dict[str, Field]) -> None:
    octets = encode_table(table)
    assert decode_matched_table(octets) == matched_table(table)


@given(st.binary(max_size=60))
def test_both_ways_refuse_the_same_tables(octets: bytes) -> None:
    try:
        expected = matched_table(decode_table(octets)[0])
    except MethodSyntaxError:
        with pytest.raises(MethodSyntaxError):
            decode_matched_table(octets)
    else:
        assert repr(decode_matched_table(octets)) == repr(expected)
