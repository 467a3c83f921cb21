"""Names and headers of a stream's files."""

from hypothesis import given
from hypothesis import strategies as st

from persistence.format import INDEX_PLACE
from persistence.streams.chunk import draw_chunk
from persistence.streams.files import (
    HEADER_BYTES,
    encode_index_header,
    encode_segment_header,
    first_offsets,
    index_name,
    place_of,
    segment_name,
)


@given(st.sets(st.integers(0, (1 << 64) - 1)))
def test_names_sort_as_their_offsets(offsets: set[int]) -> None:
    names = sorted(segment_name(offset) for offset in offsets)
    others = [
        "x.segment",
        "1.segment",
        "00000000000000000001.index",
        "-0000000000000000001.segment",
    ]
    assert first_offsets([*others, *names]) == sorted(offsets)
    assert names == [segment_name(offset) for offset in sorted(offsets)]


def test_names_have_twenty_digits() -> None:
    assert segment_name(7) == "00000000000000000007.segment"
    assert index_name(1 << 63) == "09223372036854775808.index"


def test_a_header_is_of_one_file_alone() -> None:
    headers = {
        encode(queue_id, offset)
        for encode in (encode_segment_header, encode_index_header)
        for queue_id in (1, 2)
        for offset in (0, 1)
    }
    assert len(headers) == 8
    assert {len(header) for header in headers} == {HEADER_BYTES}


def test_an_entry_says_where_a_chunk_is() -> None:
    header, _ = draw_chunk(5, 77, (1, 3), b"data")
    place = place_of(header, 32)
    assert place == (5, 77, 32, 3, header.size_bytes)
    assert place.next_offset == 8
    assert INDEX_PLACE.unpack(INDEX_PLACE.pack(*place)) == place
