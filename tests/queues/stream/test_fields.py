import pytest

from conformance import fields
from conformance.stream_cases import VALUES
from queues.stream.amqp10 import MalformedMessageError, value_end
from queues.stream.fields import count_of, field_of, key_of, seconds_of, urn_of


@pytest.mark.parametrize("name", VALUES)
def test_a_value_is_a_field_or_none_and_ends_where_it_ends(name: str) -> None:
    octets = VALUES[name]
    field, stop = field_of(octets + b"\x40", 0, len(octets) + 1)
    assert stop == value_end(octets, 0, len(octets)) == len(octets)
    if name.startswith("decimal"):
        assert field is None
    else:
        assert field is not None
        fields.Reader(field).field()


@pytest.mark.parametrize("name", VALUES)
def test_a_value_that_is_cut_short_is_none(name: str) -> None:
    octets = VALUES[name]
    for stop in range(len(octets)):
        with pytest.raises(MalformedMessageError):
            field_of(octets, 0, stop)


def test_a_value_without_a_field_is_a_void_in_a_list_and_missing_in_a_map() -> None:
    decimal = b"\x74" + bytes(4)
    assert field_of(b"\xc0\x07\x02" + decimal + b"\x41", 0, 9)[0] == fields.field([None, True])
    pairs = b"\xa1\x01a" + decimal + b"\xa1\x01b\x41"
    octets = b"\xc1" + bytes((len(pairs) + 1, 4)) + pairs
    assert field_of(octets, 0, len(octets))[0] == fields.field({"b": True})


@pytest.mark.parametrize(
    ("code_point", "text"),
    [(0x41, "A"), (0xE9, "é"), (0x20AC, "€"), (0x1F407, "🐇"), (0xD800, None), (0x110000, None)],
)
def test_a_char_is_a_text_of_one_character(code_point: int, text: str | None) -> None:
    field, _ = field_of(b"\x73" + code_point.to_bytes(4), 0, 5)
    assert field == (None if text is None else fields.field(text))


def test_keys_are_texts_that_fit_into_a_shortstr() -> None:
    assert key_of(b"\xa1\x01k", 0, 3) == (b"k", 3)
    assert key_of(b"\xa3\x01k", 0, 3) == (b"k", 3)
    assert key_of(b"\xa0\x01k", 0, 3) == (None, 3)
    assert key_of(b"\xb1\x00\x00\x01\x00" + b"k" * 256, 0, 261) == (None, 261)


def test_counts_need_room() -> None:
    assert count_of(b"\xc0\x02\x01\x40", 0xC0, 2, 4) == (1, 3)
    with pytest.raises(MalformedMessageError):
        count_of(b"\xc0\x00", 0xC0, 2, 2)


@pytest.mark.parametrize(
    ("milliseconds", "seconds"),
    [(1999, 1), (0, 0), (-1, 0), (-1999, 2**64 - 1), (-2000, 2**64 - 2)],
)
def test_milliseconds_are_cut_towards_zero(milliseconds: int, seconds: int) -> None:
    assert seconds_of(milliseconds.to_bytes(8, signed=True)) == seconds.to_bytes(8)


def test_a_uuid_is_told_as_its_urn() -> None:
    assert urn_of(bytes(range(16))) == b"urn:uuid:00010203-0405-0607-0809-0a0b0c0d0e0f"
