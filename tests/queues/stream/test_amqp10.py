import pytest

from conformance import fields
from queues.stream.amqp10 import (
    DEPTH_MAX,
    MalformedMessageError,
    binary,
    content_of,
    field_end,
    inner_end,
    is_plain_text,
    is_utf8,
    list_of,
    map_of,
    symbol,
    text,
    uint,
    utf8,
    value_end,
)
from tests.support import amqp10_messages


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 70_000])
def test_what_is_written_is_read(size: int) -> None:
    octets = b"x" * size
    for write, name, expected in (
        (utf8, "string", octets.decode()),
        (symbol, "symbol", octets.decode()),
        (binary, "binary", octets),
    ):
        assert amqp10_messages.read(write(octets), 0)[0] == (name, expected)
        assert value_end(write(octets), 0, size + 5 if size > 255 else size + 2)


@pytest.mark.parametrize("count", [0, 1, 126, 127, 128, 254, 255, 256, 300])
def test_lists_and_maps_have_the_smallest_head_that_holds_them(count: int) -> None:
    nulls = [b"\x40"] * count
    assert amqp10_messages.read(list_of(nulls), 0)[0] == ("list", [("null", None)] * count)
    pairs = [b"\x40"] * (2 * (count // 2))
    expected = [(("null", None), ("null", None))] * (count // 2)
    assert amqp10_messages.read(map_of(pairs), 0)[0] == ("map", expected)
    assert (list_of(nulls)[0] == 0xC0) == (count < 255)


@pytest.mark.parametrize("value", [0, 1, 255, 256, 2**32 - 1])
def test_a_uint_is_as_short_as_it_can_be(value: int) -> None:
    assert amqp10_messages.read(uint(value), 0)[0] == ("uint", value)
    assert len(uint(value)) == (1 if value == 0 else 2 if value < 256 else 5)


def test_a_text_is_a_string_if_it_is_utf_8() -> None:
    assert text("é".encode())[0] == 0xA1
    assert text(b"\xff")[0] == 0xA0
    assert is_utf8(b"a\0")
    assert not is_plain_text(b"a\0")
    assert not is_utf8(b"\xed\xa0\x80"), "a surrogate is no character"


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x3f",
        b"\x50",
        b"\xa0",
        b"\xa0\x02a",
        b"\xb0\x00\x00\x00",
        b"\x98" + bytes(15),
        b"\0\x40",
    ],
)
def test_a_value_that_is_cut_short_has_no_end(octets: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        value_end(octets, 0, len(octets))


def test_a_value_ends_before_the_end_that_it_is_given() -> None:
    octets = b"\xa0\x02ab"
    assert value_end(octets, 0, 4) == 4
    with pytest.raises(MalformedMessageError):
        value_end(octets, 0, 3)
    assert content_of(octets, 0xA0, 1, 4) == (2, 4)


def test_descriptors_are_part_of_their_value() -> None:
    assert value_end(b"\0\x53\x75\xa0\x01xrest", 0, 10) == 6
    assert value_end(b"\0\0\x40\x40\x40", 0, 5) == 5


@pytest.mark.parametrize(
    "value",
    [
        "text",
        b"octets",
        1,
        2**40,
        True,
        None,
        1.5,
        {"a": [1, {"b": None}]},
        [],
        fields.Typed("L", 1),
    ],
)
def test_a_field_ends_where_the_next_begins(value: object) -> None:
    octets = fields.field(value)
    assert field_end(octets + b"next", 0, len(octets) + 4) == len(octets)
    assert inner_end(octets, 0) == len(octets)
    for stop in range(len(octets)):
        assert field_end(octets, 0, stop) == -1


@pytest.mark.parametrize("octets", [b"", b"?", b"F\0\0\0\1\5", b"F\0\0\0\2\0?", b"A\0\0\0\1?"])
def test_what_is_no_field_has_no_end(octets: bytes) -> None:
    assert field_end(octets, 0, len(octets)) == -1


def test_fields_nest_as_deep_as_the_wire_reads_them() -> None:
    nested = b"V"
    for depth in range(DEPTH_MAX + 1):
        assert field_end(nested, 0, len(nested)) == len(nested), depth
        nested = b"A" + len(nested).to_bytes(4) + nested
    assert field_end(nested, 0, len(nested)) == -1
