"""Header and batches of one file: whole and of this file, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.format import BATCH_HEADER, WAL_FIRST_BATCH_AT, WAL_HEADER, WAL_HEADER_COPY_AT
from persistence.wal_file import (
    WalHeader,
    batch_at,
    batches_after,
    decode_header,
    encode_batch_header,
    encode_header,
    number_of,
    path_of,
)

SALT = 0x0123_4567_89AB_CDEF
HEADER = WalHeader(7, 101, 100, SALT)
ENTRIES = [b"12345678", b"abcdefgh" * 3]


def batch(first_lsn: int, last_lsn: int, fsynced_lsn: int = 0, salt: int = SALT) -> bytes:
    header = encode_batch_header(salt, first_lsn, last_lsn, fsynced_lsn, ENTRIES)
    return header + b"".join(ENTRIES)


def flipped(octets: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[position] ^= 1 << bit
    return bytes(changed)


@pytest.mark.parametrize("number", [0, 1, 2**64 - 1])
def test_a_number_is_in_the_name(number: int) -> None:
    assert number_of(path_of(number).removeprefix("wal/")) == number


@pytest.mark.parametrize("name", ["1.wal", "damaged-0", "0000000000000001.wal2", "G" * 16 + ".wal"])
def test_other_names_are_no_files_of_the_log(name: str) -> None:
    assert number_of(name) is None


def test_a_header_comes_back_and_batches_begin_behind_it() -> None:
    octets = encode_header(HEADER)
    assert len(octets) == WAL_FIRST_BATCH_AT
    assert decode_header(octets, 7) == HEADER


def test_the_header_of_another_file_is_none() -> None:
    assert decode_header(encode_header(HEADER), 8) is None
    assert decode_header(bytes(WAL_FIRST_BATCH_AT), 0) is None
    assert decode_header(b"", 7) is None


@pytest.mark.parametrize("bad_at", [0, WAL_HEADER_COPY_AT])
def test_one_bad_copy_of_the_header_does_no_harm(bad_at: int) -> None:
    octets = encode_header(HEADER)
    for position in range(bad_at, bad_at + WAL_HEADER.size):
        assert decode_header(flipped(octets, position, position % 8), 7) == HEADER


@given(st.integers(0, WAL_HEADER.size - 1), st.integers(0, 7))
def test_two_bad_copies_are_none(position: int, bit: int) -> None:
    octets = flipped(encode_header(HEADER), position, bit)
    assert decode_header(flipped(octets, WAL_HEADER_COPY_AT + position, bit), 7) is None


def test_a_batch_is_found_where_it_is() -> None:
    octets = bytes(16) + batch(5, 9, 4)
    found = batch_at(octets, 16, SALT)
    assert found == (32, 5, 9, 4)
    assert found.batch_bytes == len(octets) - 16
    assert batch_at(octets, 8, SALT) is None
    assert batch_at(octets, len(octets) - 8, SALT) is None


@pytest.mark.parametrize("salt", [SALT ^ 1, SALT ^ (1 << 63)])
def test_a_batch_of_another_use_of_the_file_is_none(salt: int) -> None:
    assert batch_at(batch(5, 9, salt=salt), 0, SALT) is None


def test_a_batch_that_ends_before_it_begins_is_none() -> None:
    assert batch_at(batch(5, 4), 0, SALT) is None


@pytest.mark.parametrize("size_bytes", range(BATCH_HEADER.size + 32))
def test_a_batch_cut_anywhere_is_none(size_bytes: int) -> None:
    assert batch_at(batch(5, 9)[:size_bytes], 0, SALT) is None


def test_every_flipped_bit_of_a_batch_is_seen() -> None:
    octets = batch(5, 9)
    for position in range(len(octets)):
        for bit in range(8):
            assert batch_at(flipped(octets, position, bit), 0, SALT) is None


def test_what_is_behind_a_gap_is_found() -> None:
    old = batch(1, 1)
    octets = bytes(24) + batch(5, 6) + flipped(batch(7, 7), 50, 0) + batch(8, 9) + old
    found = list(batches_after(octets, 8, SALT, 5))
    assert [(header.first_lsn, header.last_lsn) for _, header in found] == [(5, 6), (8, 9)]
    assert [octets[position:].startswith(b"HWB1") for position, _ in found] == [True, True]


def test_a_batch_inside_a_message_needs_the_salt_and_its_place() -> None:
    forged = batch(5, 9, salt=SALT ^ 2)
    askew = b"1234" + batch(5, 9)
    assert list(batches_after(forged + askew, 0, SALT, 1)) == []
