"""A stream's row in a checkpoint."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.errors import DamagedError
from persistence.log_form import LogForm
from persistence.streams.row import SegmentRow, StreamSnapshot, decode_stream_row

u32 = st.integers(0, (1 << 32) - 1)
u64 = st.integers(0, (1 << 64) - 1)
i64 = st.integers(-(1 << 63), (1 << 63) - 1)
places = st.integers(0, 3).map(lambda count: bytes(range(32)) * count)
counts = st.integers(3, (1 << 32) - 1)
nothing = st.just(0)
segments = st.builds(SegmentRow, u64, u64, u64, i64, i64, counts, places, nothing, nothing)
compacted = st.builds(SegmentRow, u64, u64, u64, i64, i64, counts, places, st.integers(1, 9), u64)
tails = st.lists(st.binary(min_size=1, max_size=100), max_size=3)
references = st.lists(st.tuples(st.binary(max_size=255), u64), max_size=4)
rows_of = st.tuples(st.lists(compacted, max_size=3), st.lists(segments, max_size=4))


@given(u64, u64, rows_of, references, references, tails)
def test_what_was_written_is_read(
    queue_id: int,
    next_offset: int,
    parts: tuple[list[SegmentRow], list[SegmentRow]],
    publishing_ids: list[tuple[bytes, int]],
    stored_offsets: list[tuple[bytes, int]],
    tail: list[bytes],
) -> None:
    rows = [*parts[0], *parts[1]]
    row = StreamSnapshot(queue_id, next_offset, rows, publishing_ids, stored_offsets, tail)
    if parts[0]:
        row = row._replace(clean_offset=next_offset, key_tag=7)
    octets = row.encode()
    assert len(octets) % 8 == 0
    found = decode_stream_row(queue_id, octets)
    assert found._replace(tail=()) == row._replace(tail=())
    whole = b"".join(tail)
    assert b"".join(found.tail) == whole + bytes(-len(whole) % 8)
    assert row.form is LogForm.STREAM
    assert row.holds_messages is bool(rows or tail)


def test_a_row_that_is_cut_is_refused() -> None:
    compacted = SegmentRow(0, 9, 100, 1, 2, 3, b"", 1, 2)
    segment = SegmentRow(9, 12, 100, 1, 2, 3, bytes(32))
    octets = StreamSnapshot(1, 9, [compacted, segment], [(b"p", 1)], []).encode()
    for size_bytes in range(len(octets)):
        with pytest.raises((DamagedError, struct.error)):
            decode_stream_row(1, octets[:size_bytes])


def test_more_places_than_chunks_are_refused() -> None:
    octets = StreamSnapshot(1, 9, [SegmentRow(0, 9, 100, 1, 2, 3, bytes(4 * 32))]).encode()
    with pytest.raises(DamagedError, match="places"):
        decode_stream_row(1, octets)


def test_another_number_of_references_is_refused() -> None:
    octets = bytearray(StreamSnapshot(1, 9, [], [(b"p", 1)], [(b"c", 1)]).encode())
    octets[12] = 5
    with pytest.raises(DamagedError):
        decode_stream_row(1, octets)
