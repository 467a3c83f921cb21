"""The segments of a stream: where chunks go, and what of it a checkpoint hears."""

import errno

import pytest

from persistence.open_segments import OpenSegments
from persistence.streams.chunk import WholeChunk, draw_chunk
from persistence.streams.files import HEADER_BYTES
from persistence.streams.index import UNWRITTEN_PLACES_MAX
from persistence.streams.open_files import OpenFiles
from persistence.streams.retention import SEGMENT_CHUNKS_MAX
from persistence.streams.segments import NEVER_MS, StreamSegments
from tests.support.fault_fs import FaultFS, Kind

FOLDER = "queues/0000000000000007"


def chunk(first_offset: int, size_bytes: int = 36) -> WholeChunk:
    return draw_chunk(first_offset, 1_000 + first_offset, (1, 1), bytes(size_bytes))


ONE_BYTES = chunk(0).header.size_bytes


def segments_on(disk: FaultFS, segment_bytes_max: int = 10 * ONE_BYTES) -> StreamSegments:
    disk.make_directory("queues")
    segments = StreamSegments(OpenFiles(disk, OpenSegments()), "queues", 7)
    segments.segment_bytes_max = segment_bytes_max
    return segments


def content(disk: FaultFS, name: str) -> bytes:
    file = disk.open(f"{FOLDER}/{name}")
    return file.read_at(0, file.size_bytes)


def octets(*chunks: WholeChunk) -> bytes:
    return b"".join(part for each in chunks for part in each.parts)


def test_chunks_are_written_behind_each_other() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    segments.append([chunk(0), chunk(1)])
    segments.append([chunk(2)])
    (segment,) = segments.all
    assert segments.header_of(segment) + octets(chunk(0), chunk(1), chunk(2)) == content(
        disk, "00000000000000000000.segment"
    )
    assert (segments.next_offset, segments.content_bytes) == (3, 3 * ONE_BYTES)
    assert (segment.first_timestamp_ms, segment.last_timestamp_ms) == (1_000, 1_002)
    assert len([o for o in disk.operations if o.kind is Kind.WRITE]) == 2


def test_a_full_segment_gets_no_more() -> None:
    disk = FaultFS()
    segments = segments_on(disk, 2 * ONE_BYTES)
    assert segments.room_bytes() == 2 * ONE_BYTES
    segments.append([chunk(0)])
    assert segments.room_bytes() == ONE_BYTES
    segments.append([chunk(number) for number in range(1, 5)])
    assert [segment.first_offset for segment in segments.all] == [0, 2, 4]
    segments.all[-1].is_closed = True
    segments.append([chunk(5)])
    assert segments.all[-1].first_offset == 5


def test_a_segment_has_a_bounded_number_of_chunks() -> None:
    segments = segments_on(FaultFS(), 1 << 40)
    segments.append([chunk(0)])
    segments.all[0].index.adopt(SEGMENT_CHUNKS_MAX - 1)
    segments.append([chunk(1), chunk(2)])
    assert [segment.first_offset for segment in segments.all] == [0, 2]


def test_a_planned_write_has_its_place_at_once() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    write, segment, opened = segments.plan([chunk(0), chunk(1)])
    assert (write.position, write.path) == (0, f"{FOLDER}/00000000000000000000.segment")
    assert b"".join(write.parts) == segments.header_of(segment) + octets(chunk(0), chunk(1))
    later, _, _ = segments.plan([chunk(2)])
    assert later.position == HEADER_BYTES + 2 * ONE_BYTES
    assert segments.next_offset == 3
    write.file.write_at(write.position, write.parts)
    write.fsync()
    assert [o.path for o in disk.operations if o.kind is Kind.SYNC_DIRECTORY] == [FOLDER, "queues"]
    segment.has_name = True
    again, _, _ = segments.plan([chunk(3)])
    again.fsync()
    assert len([o for o in disk.operations if o.kind is Kind.SYNC_DIRECTORY]) == 2
    opened.release()


@pytest.mark.parametrize("kind", [Kind.MAKE_DIRECTORY, Kind.CREATE])
def test_a_segment_that_cannot_be_begun_changes_nothing(kind: Kind) -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    for call in (
        lambda: segments.append([chunk(0)]),
        lambda: segments.plan([chunk(0)]),
        lambda: segments.begin(0),
    ):
        disk.fail_at(lambda operation: operation.kind is kind, errno.ENOSPC, times=1)
        with pytest.raises(OSError, match="space"):
            call()
        assert segments.all == []
    segments.append([chunk(0)])
    assert segments.next_offset == 1


def test_what_was_written_before_a_refusal_stays() -> None:
    disk = FaultFS()
    segments = segments_on(disk, ONE_BYTES)
    disk.fail_at(
        lambda operation: operation.kind is Kind.WRITE and "1.segment" in operation.path,
        errno.ENOSPC,
        times=1,
    )
    with pytest.raises(OSError, match="space"):
        segments.append([chunk(0), chunk(1), chunk(2)])
    assert segments.next_offset == 1
    segments.append([chunk(1), chunk(2)])
    assert segments.next_offset == 3


def test_an_empty_segment_is_begun_and_filled() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    segments.append([chunk(0)])
    segments.begin(1)
    assert [segment.first_offset for segment in segments.all] == [0, 1]
    assert segments.all[-1].last_timestamp_ms == NEVER_MS
    segments.append([chunk(1)])
    assert len(segments.all) == 2
    assert content(disk, "00000000000000000001.segment").endswith(octets(chunk(1)))


def test_a_checkpoint_hears_of_what_was_written_since() -> None:
    disk = FaultFS()
    segments = segments_on(disk, ONE_BYTES)
    segments.append([chunk(0), chunk(1)])
    segments.write_indexes()
    names = [
        f"{number:020d}.{what}" for number, what in ((0, "segment"), (0, "index"), (1, "segment"))
    ]
    paths = [f"{FOLDER}/{name}" for name in names]
    assert segments.take_dirty() == (paths, (FOLDER, "queues"))
    assert segments.take_dirty() == ([], ())
    rows = [segment.row() for segment in segments.all]
    again = segments_on(disk)
    for row in rows:
        segment = again.segment_of(row.first_offset)
        segment.adopt(row)
        again.all.append(segment)
    assert [segment.row() for segment in again.all] == rows
    assert again.next_offset == 2


def test_few_places_of_the_last_segment_are_in_its_row() -> None:
    disk = FaultFS()
    segments = segments_on(disk, 1 << 40)
    chunks = [chunk(number) for number in range(UNWRITTEN_PLACES_MAX + 3)]
    segments.append(chunks[:3])
    assert not segments.write_indexes()
    (row,) = [segment.row() for segment in segments.all]
    again = segments_on(disk, 1 << 40)
    segment = again.segment_of(0)
    segment.adopt(row)
    again.all.append(segment)
    assert list(segment.index.places_from(0)) == list(segments.all[0].index.places_from(0))
    for each in chunks[3:]:
        again.append([each])
    assert segment.index.write()
    assert [each.first_offset for each in segment.index.places_from(0)] == list(range(len(chunks)))
    assert again.take_dirty() == ([segment.path, segment.index.path], (FOLDER, "queues"))
    again.append([chunk(len(chunks))])
    assert again.take_dirty() == ([segment.path], ()), "no file is new"


def test_the_oldest_segments_go_with_their_indexes() -> None:
    disk = FaultFS()
    segments = segments_on(disk, ONE_BYTES)
    segments.append([chunk(0), chunk(1), chunk(2)])
    unneeded = segments.take_oldest(2)
    assert [file.path.rpartition("/")[2] for file in unneeded] == [
        f"{number:020d}.{what}" for number in (0, 1) for what in ("segment", "index")
    ]
    assert sum(file.size_bytes for file in unneeded) == 2 * (ONE_BYTES + 2 * HEADER_BYTES + 32)
    assert [segment.first_offset for segment in segments.all] == [2]
    segments.close()


def test_what_a_compaction_has_left_says_so() -> None:
    segments = segments_on(FaultFS())
    segments.append([chunk(0), chunk(1)])
    assert segments.all[0].kept() == (0, 2, 2 * ONE_BYTES, 1_000, 1_001, False)
    assert segments.segment_of(5).kept() == (5, 5, 0, None, None, False)
    assert segments.segment_of(5, generation=1).kept().is_compacted
