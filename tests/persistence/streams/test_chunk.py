"""Chunks of a stream: octets as the protocol draws them, and damage that is noticed."""

import struct
import zlib

import pytest

from persistence.errors import DamagedError
from persistence.streams.chunk import (
    CHUNK_PREFIX,
    WholeChunk,
    check_chunk,
    chunks_in,
    decode_chunk_header,
    decode_trailer,
    draw_chunk,
)

DATA = b"\x00\x00\x00\x01a\x00\x00\x00\x02bc"


def octets_of(chunk: WholeChunk) -> bytes:
    return b"".join(chunk.parts)


def drawn(**more: object) -> bytes:
    chunk = draw_chunk(7, 1_234, (2, 2), DATA, **more)  # type: ignore[arg-type]
    octets = octets_of(chunk)
    assert chunk.header.size_bytes == len(octets)
    return octets


def test_the_header_is_that_of_the_protocol() -> None:
    octets = drawn(chunk_filter=bytes(16))
    assert octets.startswith(CHUNK_PREFIX)
    fields = struct.unpack(">BBHIqQQIIIB3s", octets[:48])
    assert fields == (
        0x50, 0, 2, 2, 1_234, 1, 7, zlib.crc32(DATA), len(DATA), 16, 16, b"\0\0\0",
    )  # fmt: skip
    assert octets[64 : 64 + len(DATA)] == DATA


def test_a_chunk_says_what_was_drawn() -> None:
    octets = drawn(publishing_ids={b"p": 3, b"q" * 255: 1 << 63}, committed_offset=5)
    header = check_chunk(octets)
    assert (header.first_offset, header.next_offset, header.data_at) == (7, 9, 48)
    assert decode_trailer(octets)[:2] == (5, {b"p": 3, b"q" * 255: 1 << 63})


def test_a_chunk_that_a_compaction_has_left_says_when() -> None:
    octets = drawn(compacted_ms=1_234, has_values_beside=True)
    assert decode_trailer(octets) == (0, {}, 1_234, True)
    assert decode_trailer(drawn(committed_offset=5)) == (5, {}, 0, False)


def test_every_changed_octet_is_noticed() -> None:
    octets = drawn(publishing_ids={b"p": 3}, chunk_filter=b"f" * 16)
    for position in range(len(octets)):
        changed = bytearray(octets)
        changed[position] ^= 1
        with pytest.raises(DamagedError):
            check_chunk(changed)


def test_a_chunk_that_is_cut_off_is_noticed() -> None:
    octets = drawn()
    for size_bytes in range(len(octets)):
        with pytest.raises(DamagedError):
            check_chunk(octets[:size_bytes])


@pytest.mark.parametrize(
    "change",
    [(0, 0x51), (1, 1), (3, 0), (7, 1)],
    ids=["magic", "type", "no entry", "more entries than messages"],
)
def test_other_octets_are_no_header(change: tuple[int, int]) -> None:
    octets = bytearray(drawn())
    octets[change[0]] = change[1]
    with pytest.raises(DamagedError):
        decode_chunk_header(octets)


def test_a_trailer_that_does_not_end_where_it_says_is_damage() -> None:
    octets = bytearray(drawn(publishing_ids={b"p": 3}))
    octets[-10] = 200  # The length of the reference.
    with pytest.raises(DamagedError):
        decode_trailer(octets)
    with pytest.raises(DamagedError):
        decode_trailer(octets[:-12])


def test_chunks_follow_each_other() -> None:
    one, two = drawn(), octets_of(draw_chunk(9, 1, (1, 1), DATA))
    found = list(chunks_in(one + two))
    assert [(position, header.first_offset) for position, header in found] == [
        (0, 7),
        (len(one), 9),
    ]
    with pytest.raises(DamagedError):
        list(chunks_in(one + b"?"))


def test_a_chunk_is_found_behind_others() -> None:
    one, two = drawn(), octets_of(draw_chunk(9, 1, (1, 1), DATA, publishing_ids={b"p": 1}))
    assert check_chunk(one + two, len(one)).first_offset == 9
    assert decode_trailer(one + two, len(one)).publishing_ids == {b"p": 1}
