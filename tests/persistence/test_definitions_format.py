"""Definitions as octets: what is written is read, and nothing else is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.definitions_format import (
    BATCH_HEADER,
    FIRST_BATCH_AT,
    HEADER_COPY_AT,
    KEY_BYTES_MAX,
    VALUE_BYTES_MAX,
    VERSION,
    Change,
    decode_batch,
    decode_header,
    decode_key,
    encode_batch,
    encode_change,
    encode_header,
    encode_key,
    find_batch,
    kind_and_number,
    path_of,
    snapshot_batches,
    split_changes,
)
from persistence.errors import DamagedError, StorageError

SALT = 0xFEDC_BA98_7654_3210
KEYS = st.lists(st.text(st.characters(), max_size=8), max_size=4).map(tuple)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=40)), max_size=6)


def flipped(octets: bytes, position: int) -> bytes:
    return octets[:position] + bytes([octets[position] ^ 0x10]) + octets[position + 1 :]


@given(CHANGES, st.integers(0, 2**64 - 1))
def test_a_batch_gives_back_its_changes(
    changes: list[tuple[tuple[str, ...], bytes | None]], salt: int
) -> None:
    octets = b"before" + encode_batch(salt, 7, 9, [encode_change(*each) for each in changes])
    batch = decode_batch(octets, salt, 6)
    assert (batch.start, batch.stop, batch.first_lsn, batch.last_lsn) == (6, len(octets), 7, 9)
    assert [(decode_key(key), value) for key, value in batch.changes] == changes


def test_a_key_may_hold_what_no_encoding_can() -> None:
    key = ("queue", "/", "caf\u00e9 \udcff \0 \U0001f407")
    assert decode_key(encode_key(key)) == key
    assert encode_key(key).isascii()


@given(st.data())
def test_a_batch_with_any_bit_turned_over_is_damaged(data: st.DataObject) -> None:
    octets = encode_batch(SALT, 1, 2, [encode_change(("a", "b"), b"value")])
    position = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(DamagedError):
        decode_batch(flipped(octets, position), SALT, 0)


@pytest.mark.parametrize("size_bytes", [0, BATCH_HEADER.size - 1, BATCH_HEADER.size, 60])
def test_a_batch_that_was_cut_is_damaged(size_bytes: int) -> None:
    octets = encode_batch(SALT, 1, 2, [encode_change(("a", "b"), b"value" * 10)])
    with pytest.raises(DamagedError):
        decode_batch(octets[:size_bytes], SALT, 0)


def test_the_batch_of_another_file_is_none_of_this_one() -> None:
    octets = encode_batch(SALT + 1, 1, 2, [])
    assert find_batch(octets, SALT, 0) is None


def test_a_batch_is_found_behind_octets_that_are_none() -> None:
    whole = encode_batch(SALT, 1, 2, [])
    octets = whole[:-3] + b"HDB1 and text" + whole
    found = find_batch(octets, SALT, 0)
    assert found is not None
    assert found.start == len(octets) - len(whole)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (encode_change(("k",), b"v")[:11], "in the head of a change"),
        (encode_change(("k",), b"v")[:-1], "in a change"),
        (b"\3" + encode_change(("k",), b"v")[1:], "of kind 3"),
    ],
)
def test_changes_that_are_none_are_damaged(octets: bytes, text: str) -> None:
    with pytest.raises(DamagedError, match=text):
        list(split_changes(octets))


@pytest.mark.parametrize("octets", [b"[", b"{}", b"[1]", b'"a"', b"[" * 100_000, b"\xff"])
def test_a_key_that_is_no_array_of_strings_is_damaged(octets: bytes) -> None:
    with pytest.raises(DamagedError):
        decode_key(octets)


def test_a_definition_has_a_largest_size() -> None:
    name = "n" * (KEY_BYTES_MAX - len('[""]'))
    changes = list(split_changes(encode_change((name,), bytes(VALUE_BYTES_MAX))))
    assert len(changes) == 1
    with pytest.raises(StorageError, match=re.escape("got 65537 and 0")):
        encode_change((name + "n",), None)
    with pytest.raises(StorageError, match=re.escape("got 5 and 33554433")):
        encode_change(("n",), bytes(VALUE_BYTES_MAX + 1))


def test_a_header_stands_twice_and_either_copy_will_do() -> None:
    header = encode_header(3, SALT)
    assert len(header) == FIRST_BATCH_AT
    assert decode_header(header, 3) == SALT
    assert decode_header(flipped(header, 20), 3) == SALT
    assert decode_header(flipped(header, HEADER_COPY_AT + 20), 3) == SALT
    with pytest.raises(DamagedError):
        decode_header(flipped(flipped(header, 20), HEADER_COPY_AT + 20), 3)
    with pytest.raises(DamagedError):
        decode_header(header[:31], 3)
    with pytest.raises(DamagedError):
        decode_header(header, 4)


def test_a_file_of_another_version_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("persistence.definitions_format.VERSION", VERSION + 1)
    header = encode_header(1, SALT)
    monkeypatch.undo()
    with pytest.raises(StorageError, match="expected definitions of version 1, found version 2"):
        decode_header(header, 1)


def test_names_of_files_say_what_they_are() -> None:
    assert path_of("journal", 255) == "definitions/journal-00000000000000ff"
    assert kind_and_number("snapshot-00000000000000ff") == ("snapshot", 255)
    assert kind_and_number("snapshot.new") is None
    assert kind_and_number("journal-1") is None


def test_a_snapshot_comes_in_batches_and_ends_with_an_empty_one() -> None:
    items = [(encode_key((str(number),)), bytes(40)) for number in range(10)]
    octets = [*snapshot_batches(SALT, 5, items, bytes_max=200)]
    batches = [decode_batch(each, SALT, 0) for each in octets]
    assert [change for batch in batches for change in batch.changes] == [
        Change(key, value) for key, value in items
    ]
    assert [len(batch.changes) for batch in batches] == [4, 4, 2, 0]
    assert {batch.last_lsn for batch in batches} == {5}
