"""What was just written straight to segments, in memory."""

import pytest

from persistence.streams.chunk import ChunkHeader
from persistence.streams.extent import EXTENT_CHUNKS_MAX
from persistence.streams.gathering import Gathering
from persistence.streams.recent_writes import RecentChunks, RecentWrite, RecentWrites
from tests.support.stream_logs import appended, messages_of

ALL = 1 << 40


def write_of(first_offset: int, *chunks: tuple[bytes, ...]) -> tuple[memoryview, list[ChunkHeader]]:
    """Return octets and headers of chunks with these messages."""
    octets, headers = b"", []
    for messages in chunks:
        gathering = Gathering(first_offset, 1_000)
        gathering.add(appended(*messages))
        [whole] = gathering.draw(16, 0)
        octets += b"".join(whole.parts)
        headers.append(whole.header)
        first_offset = gathering.next_offset
    return memoryview(octets), headers


def offsets(
    recent: RecentChunks | RecentWrite, at: int, max_bytes: int = ALL, below: int = ALL
) -> list[int]:
    found = recent.read(at, max_bytes, below)
    if found is not None:
        assert found.first_offset == found.chunks[0][1].first_offset
        assert found.next_offset == found.chunks[-1][1].next_offset
    return [offset for offset, _ in messages_of(found)]


def test_chunks_are_read_from_the_one_that_holds_an_offset() -> None:
    write = RecentWrite(*write_of(10, (b"a", b"b"), (b"c",), (b"d", b"e")))
    assert offsets(write, 10) == offsets(write, 11) == [10, 11, 12, 13, 14]
    assert offsets(write, 12) == [12, 13, 14]
    assert offsets(write, 14) == [13, 14]
    assert offsets(write, 9) == offsets(write, 15) == []


def test_a_read_ends_before_its_size_but_has_one_chunk() -> None:
    octets, headers = write_of(0, (b"a",), (b"b",), (b"c",))
    write = RecentWrite(octets, headers)
    two = headers[0].size_bytes + headers[1].size_bytes
    assert offsets(write, 0, two) == [0, 1]
    assert offsets(write, 0, two - 1) == offsets(write, 0, 1) == [0]


@pytest.mark.parametrize(("below", "expected"), [(0, []), (1, [0]), (2, [0, 1]), (9, [0, 1, 2])])
def test_a_read_ends_before_a_chunk_that_is_not_committed(below: int, expected: list[int]) -> None:
    assert offsets(RecentWrite(*write_of(0, (b"a",), (b"b",), (b"c",))), 0, ALL, below) == expected


def test_a_read_has_only_so_many_chunks() -> None:
    write = RecentWrite(*write_of(0, *[(b"x",)] * (EXTENT_CHUNKS_MAX + 9)))
    assert offsets(write, 3) == list(range(3, EXTENT_CHUNKS_MAX + 3))


def test_the_oldest_of_all_streams_leave_when_room_is_needed() -> None:
    size_bytes = len(write_of(0, (b"a",))[0])
    node = RecentWrites(0, 3 * size_bytes)
    one, other = RecentChunks(node), RecentChunks(node)
    one.add(*write_of(0, (b"a",)))
    other.add(*write_of(0, (b"a",)))
    one.add(*write_of(1, (b"b",)))
    assert node.size_bytes == 3 * size_bytes
    other.add(*write_of(1, (b"b",)))
    assert [offsets(one, 0), offsets(one, 1)] == [[], [1]]
    assert [offsets(other, 0), offsets(other, 1)] == [[0], [1]]
    one.forget()
    assert (offsets(one, 1), node.size_bytes) == ([], 2 * size_bytes)
    one.forget()
    other.forget()
    assert node.size_bytes == 0


def test_a_write_that_is_larger_than_the_room_is_not_kept() -> None:
    octets, headers = write_of(0, (b"a",))
    node = RecentWrites(0, len(octets) - 1)
    recent = RecentChunks(node)
    recent.add(octets, headers)
    assert (offsets(recent, 0), node.size_bytes) == ([], 0)


def test_only_a_large_write_is_taken() -> None:
    recent = RecentChunks(RecentWrites(100))
    assert [recent.takes(99), recent.takes(100)] == [False, True]
