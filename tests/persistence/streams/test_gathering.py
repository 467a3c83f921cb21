"""What is gathered becomes chunks: as many as their limits ask for."""

import pytest

from persistence.streams.chunk import (
    CHUNK_BYTES_MAX,
    ENTRIES_MAX,
    WholeChunk,
    check_chunk,
    decode_trailer,
)
from persistence.streams.gathering import Appended, Gathering
from tests.support.stream_logs import appended, may_hold


def whole(chunk: WholeChunk) -> bytes:
    octets = b"".join(chunk.parts)
    assert check_chunk(octets) == chunk.header
    return octets


def test_appends_become_one_chunk() -> None:
    gathering = Gathering(5, 1_000)
    assert gathering.add(appended(b"a", b"bc")) == 11
    gathering.add(Appended([b"batch"], 1, 10))
    assert (gathering.size_bytes, gathering.next_offset) == (16, 17)
    (chunk,) = gathering.draw(16, 3)
    assert chunk.parts[1:-1] == [b"\0\0\0\1a", b"\0\0\0\2bc", b"batch"]
    header = chunk.header
    assert (header.first_offset, header.entry_count, header.record_count) == (5, 3, 12)
    assert (header.timestamp_ms, header.filter_bytes) == (1_000, 0)
    assert decode_trailer(whole(chunk)) == (3, {}, 0, False)


def test_a_chunk_ends_at_its_size() -> None:
    gathering = Gathering(0, 0)
    half = Appended([bytes(CHUNK_BYTES_MAX // 2)], 1, 1)
    for _ in range(3):
        gathering.add(half)
    gathering.add(Appended([bytes(3 * CHUNK_BYTES_MAX)], 1, 1))
    chunks = gathering.draw(16, 0)
    assert [chunk.header.record_count for chunk in chunks] == [2, 1, 1]
    assert [chunk.header.first_offset for chunk in chunks] == [0, 2, 3]


def test_a_stream_of_small_segments_has_small_chunks() -> None:
    gathering = Gathering(0, 0, chunk_bytes_max=100)
    for _ in range(4):
        gathering.add(appended(bytes(46)))
    assert [chunk.header.record_count for chunk in gathering.draw(16, 0)] == [2, 2]


def test_a_chunk_ends_at_its_count_of_entries() -> None:
    gathering = Gathering(0, 0)
    for count in (ENTRIES_MAX - 1, 1, 1):
        gathering.add(Appended([bytes(4 * count)], count, count))
    assert [chunk.header.entry_count for chunk in gathering.draw(16, 0)] == [ENTRIES_MAX, 1]


@pytest.mark.parametrize(
    ("entries", "records"), [(0, 0), (2, 1), (ENTRIES_MAX + 1, ENTRIES_MAX + 1)]
)
def test_impossible_counts_are_refused(entries: int, records: int) -> None:
    with pytest.raises(AssertionError):
        Gathering(0, 0).add(Appended([b"x"], entries, records))


def test_each_chunk_names_the_highest_id_of_each_publisher() -> None:
    gathering = Gathering(0, 0, chunk_bytes_max=25)
    for publisher, publishing_id in ((b"p", 3), (b"p", 2), (b"q", 9), (b"q", 10), (b"", 0)):
        gathering.add(appended(b"m", publisher=publisher, publishing_id=publishing_id))
    gathering.add(appended(b"m", publisher=b"p", publishing_id=4))
    found = [decode_trailer(whole(chunk)).publishing_ids for chunk in gathering.draw(16, 0)]
    assert found == [{b"p": 3, b"q": 10}, {b"p": 4}]


def test_a_filter_knows_of_messages_without_a_value_where_others_have_one() -> None:
    for second, has_unfiltered in (((), True), ((b"blue",), False)):
        gathering = Gathering(0, 0)
        gathering.add(appended(b"a", filter_values=(b"red",)))
        gathering.add(appended(b"b", filter_values=second))
        (chunk,) = gathering.draw(16, 0)
        chunk_filter = bytes(chunk.parts[0])[48:]
        assert may_hold(chunk_filter, (b"red",))
        assert may_hold(chunk_filter, (b"none",), match_unfiltered=True) is has_unfiltered
