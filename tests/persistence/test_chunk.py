"""Chunks: what was written is read, and no other octets are taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.chunk import decode_chunk, decode_header, encode_chunk
from persistence.errors import DamagedError
from persistence.format import CHUNK_HEADER
from persistence.record import PERSISTENT, Record
from persistence.slices import Slice
from tests.support.records import HEADER, ROUTE, run_of


def octets_of(lane: int, *slices: Slice) -> bytes:
    return b"".join(encode_chunk(lane, slices)[1])


@given(
    st.sets(st.integers(0, 1 << 40), min_size=1, max_size=8),
    st.one_of(st.integers(0, 1 << 40), st.none()),
    st.integers(0, 254),
)
def test_what_was_written_is_read(positions: set[int], expiry: int | None, lane: int) -> None:
    places = sorted(positions)
    expires = [at % 3 for at in places] if expiry is None else expiry
    written = Slice(run_of(*[b"%d" % at for at in places]), places, expires)
    header, parts = encode_chunk(lane, [written])
    read_header, read = decode_chunk(b"".join(parts))
    assert read_header == header
    assert (header.lane, header.message_count) == (lane, len(places))
    assert header.body_bytes == sum(len(b"%d" % at) for at in places)
    assert list(read.records) == written.records
    assert list(read.positions) == places
    assert (list(read.expires_at_ms) if isinstance(read.expires_at_ms, tuple) else expires) == (
        expires
    )


def test_slices_of_one_chunk_are_one_slice_when_it_is_read() -> None:
    one, two = Slice(run_of(b"a"), range(3, 4)), Slice(run_of(b"b", b"c"), range(4, 6))
    read = decode_chunk(octets_of(0, one, two))[1]
    assert (list(read.records), read.positions) == (run_of(b"a", b"b", b"c"), range(3, 6))


def test_a_chunk_says_whether_a_restart_leaves_something_out() -> None:
    lasting = [Record(ROUTE, HEADER, b"x", PERSISTENT)]
    assert not encode_chunk(0, [Slice(lasting, range(1))])[0].has_transient
    assert encode_chunk(0, [Slice([*lasting, *run_of(b"y")], range(2))])[0].has_transient


def test_every_flipped_bit_is_seen() -> None:
    octets = octets_of(2, Slice(run_of(b"one", b"two"), [4, 7], [0, 9]))
    for at in range(len(octets)):
        for bit in range(8):
            damaged = bytearray(octets)
            damaged[at] ^= 1 << bit
            with pytest.raises(DamagedError):
                decode_chunk(bytes(damaged))


def test_a_chunk_that_is_cut_or_longer_is_none() -> None:
    octets = octets_of(0, Slice(run_of(b"one"), range(1)))
    for cut in range(len(octets)):
        with pytest.raises(DamagedError):
            decode_chunk(octets[:cut])
    with pytest.raises(DamagedError):
        decode_chunk(octets + bytes(8))
    assert decode_header(octets[: CHUNK_HEADER.size]).message_count == 1
