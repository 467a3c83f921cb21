"""Arguments of consumers as octets."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.fronts.links.plain_values import (
    DEPTH_MAX,
    VALUES_BYTES_MAX,
    decode_table,
    encode_table,
)
from cluster.links.errors import LinkError
from tests.support.front_frames import VALUES


@given(st.dictionaries(st.text(max_size=10), VALUES))
def test_what_was_encoded_is_decoded(table: dict[str, object]) -> None:
    found = decode_table(memoryview(encode_table(table)))
    assert found == table
    assert [type(each) for each in found.values()] == [type(each) for each in table.values()]


@given(st.dictionaries(st.text(max_size=10), VALUES, min_size=1), st.data())
def test_what_is_cut_or_changed_is_refused_or_another_table(
    table: dict[str, object], data: st.DataObject
) -> None:
    octets = encode_table(table)
    with pytest.raises(LinkError):
        decode_table(memoryview(octets[: data.draw(st.integers(0, len(octets) - 1))]))
    with pytest.raises(LinkError):
        decode_table(memoryview(octets + b"n"))
    place = data.draw(st.integers(0, len(octets) - 1))
    broken = bytearray(octets)
    broken[place] ^= data.draw(st.integers(1, 255))
    with suppress(LinkError):
        decode_table(memoryview(broken))


def test_octets_of_a_client_that_are_no_text_stay_what_they_are() -> None:
    table = {"x-\udcff": "\udc80"}
    assert decode_table(memoryview(encode_table(table))) == table


def nested(depth: int) -> dict[str, object]:
    table: dict[str, object] = {}
    for _ in range(depth - 1):
        table = {"": table}
    return table


def test_depth_and_size_have_a_bound() -> None:
    assert decode_table(memoryview(encode_table(nested(DEPTH_MAX)))) == nested(DEPTH_MAX)
    with pytest.raises(ValueError, match="too deep"):
        encode_table(nested(DEPTH_MAX + 1))
    with pytest.raises(LinkError, match="too deep"):
        decode_table(memoryview(b"\1\0\0\0m" * 100_00 + b"\0\0"))
    with pytest.raises(LinkError, match="too deep"):
        decode_table(memoryview(b"\1\0\0\0" + b"l\1\0" * 10_000 + b"n"))
    with pytest.raises(ValueError, match="are allowed"):
        encode_table({"x": "y" * VALUES_BYTES_MAX})
    with pytest.raises(LinkError, match="are allowed"):
        decode_table(memoryview(bytes(VALUES_BYTES_MAX + 1)))


@pytest.mark.parametrize("value", [object(), 1 << 64, {1}, ["x", object()]])
def test_other_values_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is no plain value"):
        encode_table({"x": value})


def test_an_argument_twice_is_refused() -> None:
    with pytest.raises(LinkError, match="twice"):
        decode_table(memoryview(b"\2\0" + b"\1\0xn" * 2))
