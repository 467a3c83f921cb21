"""Segment files: appended to, read back, scanned, and given up when nobody needs them."""

import errno

import pytest

from persistence.chunk import encode_chunk
from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.segment import Segments, scan, segment_name, segment_numbers
from persistence.slices import Slice
from tests.support.fault_fs import FaultFS, Kind
from tests.support.records import run_of

FOLDER = "queues/000000000000002a"


def segments_on(disk: FaultFS, segment_size_bytes: int = 400) -> Segments:
    disk.make_directory("queues")
    return Segments(disk, "queues", 0x2A, segment_size_bytes)


def append(segments: Segments, first: int) -> StoredChunk:
    return segments.append(
        *encode_chunk(0, [Slice(run_of(b"%d" % first), range(first, first + 1))])
    )


def test_a_file_past_its_size_gets_no_more_chunks() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    rows = [append(segments, at) for at in range(9)]
    assert [row.segment_number for row in rows] == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert disk.names(FOLDER) == [segment_name(number) for number in (1, 2, 3)]
    assert [list(segments.read(row).records) for row in rows] == [
        run_of(b"%d" % at) for at in range(9)
    ]


def test_the_next_chunk_takes_the_place_of_one_that_was_refused() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    append(segments, 0)
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        append(segments, 1)
    row = append(segments, 2)
    assert [each.first_position for each in scan(disk, FOLDER, 0x2A, 1)] == [0, 2]
    assert list(segments.read(row).records) == run_of(b"2")


def test_a_scan_finds_every_chunk_up_to_what_is_none() -> None:
    disk = FaultFS()
    segments = segments_on(disk, 4_096)
    rows = [append(segments, at) for at in range(5)]
    assert list(scan(disk, FOLDER, 0x2A, 1)) == rows
    disk.damage(segments.path(1), rows[3].file_position, bytes(4))
    assert list(scan(disk, FOLDER, 0x2A, 1)) == rows[:3]
    assert list(scan(disk, FOLDER, 0x2B, 1)) == [], "the file of another queue"


def test_another_chunk_in_the_place_of_the_right_one_is_damage() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    one, two = append(segments, 0), append(segments, 1)
    with pytest.raises(DamagedError):
        segments.read(one._replace(file_position=two.file_position))
    with pytest.raises(DamagedError, match="missing"):
        segments.read(one._replace(segment_number=9))


def test_a_file_is_unneeded_with_its_last_chunk() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    rows = [append(segments, at) for at in range(6)]
    released = [segments.release(row) for row in rows]
    assert [None if file is None else file.path for file in released] == [
        None,
        None,
        None,
        segments.path(1),
        None,
        segments.path(2),
    ]
    assert released[3] is not None
    assert released[3].size_bytes == disk.open(segments.path(1)).size_bytes
    assert append(segments, 6).segment_number == 3, "an unneeded file is not written to"
    assert segments.take_dirty()[0] == [segments.path(3)]


def test_a_file_with_damage_is_kept_to_be_looked_into() -> None:
    disk = FaultFS()
    segments = segments_on(disk)
    row = append(segments, 0)
    segments.quarantine(row.segment_number)
    assert segments.release(row) is None
    assert disk.names(FOLDER) == ["00000001.seg.damaged"]


def test_what_was_written_is_dirty_once_and_a_new_file_is_a_new_name() -> None:
    segments = segments_on(FaultFS())
    append(segments, 0)
    assert segments.take_dirty() == ([segments.path(1)], (segments.directory, segments.parent))
    append(segments, 1)
    assert segments.take_dirty() == ([segments.path(1)], ())
    assert segments.take_dirty() == ([], ())


def test_only_names_of_segments_are_numbers() -> None:
    names = ["0000000a.seg", "00000002.seg", "2.seg", "0000000A.seg", "00000002.seg.old", "x.seg"]
    assert segment_numbers(names) == [2, 10]


def test_of_an_earlier_life_only_what_was_taken_over_stays() -> None:
    disk = FaultFS()
    before = segments_on(disk)
    rows = [append(before, at) for at in range(9)]
    after = segments_on(disk)
    assert list(after.scan()) == rows
    for row in rows[4:6]:
        after.adopt(row)
    after.remove_unlisted()
    assert disk.names(FOLDER) == [segment_name(2)]
    assert list(after.scan()) == rows[4:6]
    assert append(after, 9).segment_number == 4, "a number is never given again"


def test_without_a_folder_nothing_is_unlisted() -> None:
    segments = segments_on(FaultFS())
    assert not segments.has_directory()
    segments.remove_unlisted()
    assert segments.next_number == 1
