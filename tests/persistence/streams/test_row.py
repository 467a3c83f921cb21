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
segments = st.builds(SegmentRow, u64, u64, u64, i64, i64, u32)
references = st.lists(st.tuples(st.binary(max_size=255), u64), max_size=4)


@given(u64, u64, st.lists(segments, max_size=4), references, references)
def test_what_was_written_is_read(
    queue_id: int,
    next_offset: int,
    rows: list[SegmentRow],
    publishing_ids: list[tuple[bytes, int]],
    stored_offsets: list[tuple[bytes, int]],
) -> None:
    row = StreamSnapshot(queue_id, next_offset, rows, publishing_ids, stored_offsets)
    octets = row.encode()
    assert len(octets) % 8 == 0
    assert decode_stream_row(queue_id, octets) == row
    assert row.form is LogForm.STREAM
    assert row.holds_messages is bool(rows)


def test_a_row_that_is_cut_is_refused() -> None:
    octets = StreamSnapshot(1, 9, [SegmentRow(0, 9, 100, 1, 2, 3)], [(b"p", 1)], []).encode()
    for size_bytes in range(len(octets) - 8):
        with pytest.raises((DamagedError, struct.error)):
            decode_stream_row(1, octets[:size_bytes])


def test_another_number_of_references_is_refused() -> None:
    octets = bytearray(StreamSnapshot(1, 9, [], [(b"p", 1)], [(b"c", 1)]).encode())
    octets[12] = 5
    with pytest.raises(DamagedError):
        decode_stream_row(1, octets)
