"""The content of a mirrored stream on one node: chunks, marks, pieces for mirrors, restarts."""

from unittest.mock import patch

import pytest

from persistence.errors import DamagedError
from persistence.log_making import LogMaker, StoreLimits
from persistence.operations import decode_operations
from persistence.replicas import stream_content
from persistence.replicas.stream_content import StreamContent, StreamRow, decode_stream_content
from persistence.stored_log import UnneededFile
from persistence.stream_operations import (
    StreamChunks,
    StreamKept,
    StreamOffset,
    StreamState,
    StreamSubmitted,
)
from persistence.streams.gathering import Gathering
from persistence.streams.log import StreamLimits
from tests.support.fault_fs import FaultFS
from tests.support.stream_logs import appended

QUEUE_ID = 7
LIMITS = StoreLimits(streams=StreamLimits(tail_bytes_max=300))
SEGMENT_BYTES = 400


def new_disk() -> FaultFS:
    disk = FaultFS()
    disk.make_directory("queues")
    return disk


def content_on(disk: FaultFS, begun_with: int = 0) -> StreamContent:
    maker = LogMaker(disk, LIMITS, lambda: 0, lambda: None)
    return maker.stream_content(QUEUE_ID, begun_with)


def chunks(first_offset: int, *messages: bytes, publisher: bytes = b"") -> StreamChunks:
    gathering = Gathering(first_offset, 1_000)
    number = first_offset if publisher else 0
    gathering.add(appended(*messages, publisher=publisher, publishing_id=number))
    drawn = gathering.draw(16, 0)
    octets = b"".join([b"".join(parts) for _, parts in drawn])
    return StreamChunks(0, first_offset, octets)


def offsets(content: StreamContent) -> list[int]:
    found: list[int] = []
    offset = content.first_offset
    while (
        extent := content.kept.read(offset, 1 << 20, content.next_offset, checks=True)
    ) is not None:
        found += [
            each
            for _, header in extent.chunks
            for each in range(header.first_offset, header.next_offset)
        ]
        offset = extent.next_offset
    return [each for each in found if each >= content.first_offset]


def filled(disk: FaultFS, count: int = 10) -> StreamContent:
    """Return a content with so many chunks of two messages, one at each index."""
    return filled_with(content_on(disk), count)


def filled_with(content: StreamContent, count: int) -> StreamContent:
    content.take(StreamKept(0, 0, SEGMENT_BYTES))
    for index in range(count):
        content.take(chunks(2 * index, b"x" * 60, b"y", publisher=b"p"))
        content.mark(index + 1)
    return content


def test_chunks_have_the_offsets_that_the_leader_gave() -> None:
    content = filled(new_disk())
    assert offsets(content) == list(range(20))
    assert dict(content.publishing_ids) == {b"p": 18}


def test_what_is_there_already_is_left_out() -> None:
    content = filled(new_disk())
    content.take(chunks(18, b"x" * 60, b"y"))
    assert content.next_offset == 20


@pytest.mark.parametrize("first_offset", [19, 21])
def test_a_chunk_that_does_not_follow_is_damage(first_offset: int) -> None:
    content = filled(new_disk())
    with pytest.raises(DamagedError):
        content.take(chunks(first_offset, b"x", b"y"))


def test_what_is_not_kept_goes_in_whole_segments() -> None:
    content = filled(new_disk())
    content.take(StreamKept(0, 9, 0))
    assert content.segment_bytes_max == SEGMENT_BYTES
    assert offsets(content) == list(range(9, 20))
    assert content.kept.segments.all[0].next_offset > 9
    assert content.kept.unneeded_bytes > 0


def test_a_full_segment_goes_where_the_tail_begins_the_next_one() -> None:
    content = content_on(new_disk())
    content.take(StreamKept(0, 0, SEGMENT_BYTES))
    content.take(chunks(0, b"x" * SEGMENT_BYTES))
    content.take(chunks(1, b"y"))
    assert (content.kept.segments.next_offset, len(content.kept.tail.chunks)) == (1, 1)
    content.take(StreamKept(0, 1, 0))
    assert [each.first_offset for each in content.kept.segments.all] == [1]
    assert offsets(content) == [1]
    assert content.kept.unneeded_bytes > SEGMENT_BYTES


def segments_of(content: StreamContent) -> list[tuple[int, int]]:
    return [(each.first_offset, each.next_offset) for each in content.kept.segments.all]


def test_the_leader_ends_a_segment_that_is_old_and_all_of_it_may_go() -> None:
    content = content_on(new_disk())
    content.take(chunks(0, b"a", b"b"))
    content.take(StreamKept(0, 0, 0, ends_segment=True))
    assert segments_of(content) == [(0, 2), (2, 2)]
    content.take(StreamKept(0, 0, 0, ends_segment=True))
    assert segments_of(content) == [(0, 2), (2, 2)], "an empty one is not ended"
    content.take(StreamKept(0, 2, 0))
    assert segments_of(content) == [(2, 2)]
    assert (content.first_offset, content.next_offset, offsets(content)) == (2, 2, [])
    content.take(chunks(2, b"c"))
    assert offsets(content) == [2]


def test_a_replica_with_other_segments_keeps_none_that_is_all_below() -> None:
    content = content_on(new_disk())
    content.take(chunks(0, b"a", b"b"))
    content.take(StreamKept(0, 2, 0))
    assert segments_of(content) == [(2, 2)]
    assert content.kept.unneeded_bytes > 0


def piece_of(content: StreamContent, behind: int, base: int) -> tuple[int, StreamContent]:
    """Return what a mirror that has nothing makes of a piece."""
    index, parts = content.piece(behind, base)
    mirror = content_on(new_disk())
    mirror.next_offset = 0
    for operation in decode_operations(memoryview(b"".join(parts))):
        assert not isinstance(operation, StreamSubmitted)
        assert isinstance(operation, StreamState | StreamChunks)
        mirror.take(operation)
    return index, mirror


def test_a_mirror_gets_it_in_pieces_that_end_at_marks() -> None:
    with patch.object(stream_content, "PIECE_BYTES", 300):
        content = filled(new_disk())
        content.take(StreamOffset(0, b"reader", 5))
        assert len(content.marks) > 3
        index, mirror = piece_of(content, -1, 10)
    assert index == content.marks[0].at < 10
    assert offsets(mirror) == list(range(content.marks[0].next_offset))
    assert dict(mirror.stored_offsets) == {b"reader": 5}


def test_a_piece_begins_where_the_mirror_ends() -> None:
    content = filled(new_disk())
    index, parts = content.piece(10, 10)
    state, *others = decode_operations(memoryview(b"".join(parts)))
    assert isinstance(state, StreamState)
    assert (index, state.after, others) == (10, 10, [])


def test_the_beginning_of_a_stream_has_a_place_at_the_beginning_alone() -> None:
    mirror = filled(new_disk(), 4)
    _, (state, *_) = content_on(new_disk()).piece(-1, 3)
    (operation,) = decode_operations(memoryview(state))
    assert isinstance(operation, StreamState)
    with pytest.raises(DamagedError, match="within another"):
        mirror.take(operation)


def test_a_content_that_took_the_place_of_another_has_files_of_its_own() -> None:
    disk = new_disk()
    before = filled(disk, 3)
    before.store_some()
    after = filled_with(content_on(disk, 9), 2)
    after.store_some()
    (path,) = [each.path for each in after.kept.segments.all]
    assert path.endswith("/r9-00000000000000000000.segment")
    assert offsets(before) == [0, 1, 2, 3, 4, 5]
    assert offsets(restarted(disk, after.note()[0])) == [0, 1, 2, 3]
    assert not disk.exists(before.kept.segments.all[0].path), "no checkpoint has it now"
    with pytest.raises(DamagedError, match="missing"):
        restarted(disk, before.note()[0])


def restarted(disk: FaultFS, row: StreamRow) -> StreamContent:
    found = content_on(disk, row.begun_with)
    octets = row.encode()
    assert len(octets) % 8 == 0
    found.restore(decode_stream_content(QUEUE_ID, octets))
    found.check_whole()
    return found


def test_a_restart_begins_with_the_row_and_cuts_off_what_is_behind_it() -> None:
    disk = new_disk()
    content = filled(disk, 5)
    content.store_some()
    row, dirty, folders, unneeded = content.note()
    assert dirty
    assert folders
    assert unneeded == list[UnneededFile]()
    for index in range(5, 12):
        content.take(chunks(2 * index, b"x" * 60, b"z"))
    content.store_some()
    found = restarted(disk, row)
    assert offsets(found) == list(range(10))
    assert found.marks == list(row.marks)
    for index in range(5, 9):
        found.take(chunks(2 * index, b"x" * 60, b"z"))
    assert offsets(found) == list(range(18))


def test_a_small_tail_is_in_the_row() -> None:
    disk = new_disk()
    content = content_on(disk)
    content.take(chunks(0, b"a"))
    found = restarted(disk, content.note()[0])
    assert offsets(found) == [0]


def test_a_segment_that_is_gone_is_damage() -> None:
    disk = new_disk()
    content = filled(disk, 5)
    content.store_some()
    row = content.note()[0]
    path = content.kept.segments.all[0].path
    content.kept.segments.opened.close(path)
    disk.remove(path)
    found = content_on(disk)
    found.restore(row)
    with pytest.raises(DamagedError, match="missing"):
        found.check_whole()


def test_a_replica_that_retention_has_gone_past_takes_nothing_below_it() -> None:
    """The leader of its next piece may have compacted less than that of the last one."""
    disk = new_disk()
    content = filled(disk, 3)
    content.take(StreamKept(0, 9, 0))
    assert content.next_offset == 9, "no offset that is gone comes a second time"
    found = restarted(disk, content.note()[0])
    for first_offset in (7, 9, 11):
        found.take(chunks(first_offset, b"x", b"y"))
    assert (offsets(found), found.next_offset) == ([9, 10, 11, 12], 13)


@pytest.mark.parametrize("at", [0, 60])
def test_a_chunk_that_cannot_be_read_is_not_left_out_where_it_is_kept(at: int) -> None:
    disk = new_disk()
    content = filled(disk)
    content.store_some()
    segment = content.kept.segments.all[0]
    disk.damage(segment.path, segment.index.place(1).position + at, b"\xff" * 8)
    content.damage.keeps = lambda _: True
    with pytest.raises(OSError, match="offset 2"):
        content.read(2, 1, 20, checks=True)
    with pytest.raises(OSError, match="offset 2"):
        content.piece(-1, 10)
    assert content.read(4, 1, 20, checks=True) is not None
    content.damage.keeps = lambda _: False
    found = content.read(2, 1, 20, checks=True)
    assert found is not None
    assert found.first_offset == 4
    with pytest.raises(DamagedError, match="offset 2"):
        content.piece(-1, 10)
