"""Chunks in their table and their files: entered together, and gone together."""

import errno

import pytest

from persistence.errors import DamagedError
from persistence.segment import Segments
from persistence.settled import PositionSet
from persistence.slices import Slice
from persistence.stored_chunks import StoredChunks
from tests.support.fault_fs import FaultFS, Kind
from tests.support.records import run_of

FOLDER = "queues/0000000000000007"


def chunks_on(disk: FaultFS, *, removes_at_once: bool = False) -> StoredChunks:
    disk.make_directory("queues")
    segments = Segments(disk, "queues", 7, segment_size_bytes=1)
    return StoredChunks(segments, removes_at_once=removes_at_once)


def write(stored: StoredChunks, *firsts: int) -> None:
    """Write a chunk of two messages, in a file of its own, at each of these positions."""
    for first in firsts:
        stored.write(0, [Slice(run_of(b"1", b"2"), range(first, first + 2))])


def firsts(stored: StoredChunks) -> list[int]:
    return [row.first_position for row in stored.table]


def test_a_chunk_that_found_no_room_is_in_no_table() -> None:
    disk = FaultFS()
    stored = chunks_on(disk)
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        write(stored, 0)
    assert firsts(stored) == []


def test_who_keeps_the_error_keeps_nothing_that_the_messages_lent() -> None:
    disk = FaultFS()
    stored = chunks_on(disk)
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    with pytest.raises(OSError, match="No space") as caught:
        write(stored, 0)
    frames = [each.frame for each in caught.traceback]
    assert frames[-1].code.name == "write", "what is below is forgotten"
    assert not frames[-1].f_locals["parts"]


def test_files_of_a_durable_queue_are_unneeded_until_a_checkpoint_takes_them() -> None:
    disk = FaultFS()
    stored = chunks_on(disk)
    write(stored, 0, 2, 4)
    stored.release_below(3)
    assert (firsts(stored), len(disk.names(FOLDER))) == ([2, 4], 3)
    assert stored.unneeded_bytes == disk.open(stored.segments.path(1)).size_bytes
    assert [file.path for file in stored.take_unneeded()] == [stored.segments.path(1)]
    assert (stored.unneeded_bytes, stored.take_unneeded()) == (0, [])


def test_where_no_checkpoint_comes_by_a_file_goes_with_its_last_chunk() -> None:
    disk = FaultFS()
    stored = chunks_on(disk, removes_at_once=True)
    write(stored, 0, 2, 4)
    settled = PositionSet()
    settled.add(range(2, 4))
    stored.release_settled(settled, None)
    assert (firsts(stored), len(disk.names(FOLDER)), stored.unneeded_bytes) == ([0, 4], 2, 0)
    stored.drop()
    assert firsts(stored) == []
    assert not disk.exists(FOLDER)


def test_every_chunk_that_is_there_is_taken_over_once() -> None:
    disk = FaultFS()
    assert not chunks_on(disk).adopt_found(), "there is no folder"
    before = chunks_on(disk)
    write(before, 0, 2)
    after = chunks_on(disk)
    after.adopt(next(iter(before.table)))
    assert after.adopt_found()
    assert list(after.table) == list(before.table)


def test_a_chunk_that_was_given_up_is_kept_apart_to_be_looked_into() -> None:
    disk = FaultFS()
    stored = chunks_on(disk)
    write(stored, 0)
    (row,) = stored.table
    disk.fail_at(lambda operation: operation.kind is Kind.READ, errno.EIO)
    with pytest.raises(DamagedError, match="the disk cannot read it"):
        stored.read(row)
    stored.give_up(row)
    assert (firsts(stored), disk.names(FOLDER)) == ([], ["00000001.seg.damaged"])


def test_what_cannot_be_read_now_is_no_damage() -> None:
    disk = FaultFS()
    stored = chunks_on(disk)
    write(stored, 0)
    (row,) = stored.table
    disk.fail_at(lambda operation: operation.kind is Kind.READ, errno.EMFILE)
    with pytest.raises(OSError, match="Too many open files"):
        stored.read(row)
    assert list(stored.read(row).records) == run_of(b"1", b"2")
