"""Fields of a body: taken off with every length checked, and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.steps import finish
from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.fields import I16, I32, Fields, string, string_map, strings

TEXTS = st.text(max_size=20)


def taken_strings(fields: Fields) -> list[str]:
    return finish(fields.strings_in_steps())


@given(st.lists(TEXTS, max_size=5), st.dictionaries(TEXTS, TEXTS, max_size=4), TEXTS)
def test_what_is_written_is_read(texts: list[str], entries: dict[str, str], text: str) -> None:
    fields = Fields(strings(texts) + string_map(entries) + string(text))
    assert (taken_strings(fields), fields.map(), fields.string()) == (texts, entries, text)
    fields.end()


@given(st.binary(max_size=40))
def test_garbage_is_malformed_or_read(octets: bytes) -> None:
    for take in (taken_strings, Fields.map, Fields.optional_octets, Fields.u64, Fields.string):
        try:
            take(Fields(octets))
        except MalformedFrameError:
            continue


def test_numbers() -> None:
    octets = b"\x01\x00\x02\x00\x00\x00\x03" + bytes(7) + b"\x04" + b"\xff" * 8
    fields = Fields(octets)
    assert [fields.u8(), fields.u16(), fields.u32(), fields.u64(), fields.i64()] == [1, 2, 3, 4, -1]
    assert fields.is_at_end


def test_null_and_empty() -> None:
    fields = Fields(I16.pack(-1) + I16.pack(-1) + I32.pack(-1) + I32.pack(0) + I32.pack(-1))
    assert fields.optional_string() is None
    assert fields.string() == ""
    assert fields.optional_octets() is None
    assert fields.optional_octets() == b""
    assert taken_strings(fields) == []


@pytest.mark.parametrize("octets", [I32.pack(2**31 - 1), I32.pack(3) + bytes(4)])
def test_a_count_is_checked_before_it_is_used(octets: bytes) -> None:
    with pytest.raises(MalformedFrameError, match="items"):
        taken_strings(Fields(octets))


def test_octets_that_are_left_are_told() -> None:
    with pytest.raises(MalformedFrameError, match="3 octets too many"):
        Fields(b"123").end()


def test_a_string_that_is_too_long_is_cut_off() -> None:
    assert len(string("x" * 40_000)) == 2 + 0x7FFF


def test_thousands_of_items_are_taken_in_pieces() -> None:
    names = [str(number) for number in range(4_096)]
    fields = Fields(strings(names) + string_map(dict.fromkeys(names, "")))
    assert sum(1 for _ in fields.strings_in_steps()) == 16
    assert sum(1 for _ in fields.map_in_steps()) == 16
    fields.end()


def test_a_map_of_more_entries_than_any_client_has_is_malformed() -> None:
    entries = dict.fromkeys([str(number) for number in range(4_097)], "")
    with pytest.raises(MalformedFrameError, match="at most 4096"):
        Fields(string_map(entries)).map()
