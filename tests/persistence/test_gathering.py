"""A group's gatherings: one operation for each source, or a write straight to its file."""

import errno
from collections.abc import Sequence

import pytest

from persistence.errors import FatalStorageError
from persistence.files import Octets
from persistence.gathering import FileWrite, Gathered
from persistence.group_commit import SMALL_BYTES_MAX, GroupCommit
from persistence.group_writing import Group, PlannedWrite
from tests.support.commit import FakeDisk, commit_all, commit_on
from tests.support.fault_fs import FaultFS

ENTRY = b"12345678"
FULL = OSError(errno.ENOSPC, "No space left on device")


class Gatherer:
    """A source whose octets are fixed at the seal, and go where it is told."""

    def __init__(self, disk: FakeDisk, path: str = "") -> None:
        self.disk = disk
        self.path = path
        self.octets = b""

    def append(self, commit: GroupCommit, octets: bytes, *, fsync: bool = True) -> int:
        self.octets += octets
        return commit.gather(self, len(octets), fsync=fsync)

    def seal(self) -> Gathered:
        octets, self.octets = self.octets, b""
        if not self.path:
            return Gathered([octets])
        return Gathered(write=FileWrite(self.path, self, 0, [octets], self.fsync))

    def write_at(self, position: int, data: Sequence[Octets]) -> None:
        self.disk.take("write_file", ("file", self.path, position, b"".join(data)))

    def fsync(self) -> None:
        try:
            self.disk.take("fsync_file", f"{self.path} synced")
        except OSError as error:
            raise FatalStorageError("a sync failed") from error


def test_what_a_source_gathers_in_a_group_is_one_operation_with_one_lsn() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    source = Gatherer(disk)
    assert source.append(commit, b"1.......") == 1
    assert commit.append_operation([ENTRY], fsync=False) == 2
    assert source.append(commit, b"2.......") == 1
    called: list[int] = []
    commit.wait(1, lambda: called.append(1))
    commit_all(commit)
    assert disk.calls == [("batch", 2, ENTRY + b"1.......2......."), "batches synced"]
    assert called == [1]
    assert source.append(commit, b"3.......") == 3
    commit_all(commit)
    assert ("batch", 3, b"3.......") in disk.calls


def test_what_goes_straight_to_a_file_is_synced_before_the_batch_is_written() -> None:
    """The batch may hold the settlement of a message whose copy is in the file."""
    disk = FakeDisk()
    commit = commit_on(disk)
    source = Gatherer(disk, "a.segment")
    source.append(commit, b"copy")
    commit.append_operation([ENTRY], fsync=False)
    assert commit.unwritten_bytes == 12
    commit_all(commit)
    assert disk.calls == [
        ("file", "a.segment", 0, b"copy"),
        "a.segment synced",
        ("batch", 2, ENTRY),
        "batches synced",
    ]
    assert commit.unwritten_bytes == 0


def test_a_full_group_takes_with_it_what_was_gathered() -> None:
    disk = FakeDisk()
    commit = commit_on(disk, group_bytes_max=16)
    source = Gatherer(disk)
    assert source.append(commit, b"1.......") == 1
    assert source.append(commit, b"2.......") == 1
    assert source.octets == b"", "handed over"
    assert source.append(commit, b"3.......") == 2
    commit_all(commit)
    batches = [call for call in disk.calls if call != "batches synced"]
    assert batches == [("batch", 1, b"1.......2......."), ("batch", 2, b"3.......")]


def test_a_file_that_was_only_written_is_synced_with_the_next_group_that_is() -> None:
    """``append_fsync`` promises that all earlier appends are on the disk."""
    disk = FakeDisk()
    commit = commit_on(disk)
    source = Gatherer(disk, "a.segment")
    source.append(commit, b"copy", fsync=False)
    commit_all(commit)
    assert disk.calls == [("file", "a.segment", 0, b"copy")]
    assert commit.has_unsynced
    commit.append_fsync()
    group = commit.seal()
    assert group is not None
    assert commit.writer.plan(group) is None, "a sync of the log alone is not enough"
    commit.writer.write(group)
    commit.finish(group, None)
    assert disk.calls[1:] == ["a.segment synced"], "the log has nothing to sync"
    assert not commit.has_unsynced


class Named(Gatherer):
    """A source whose file has its name on the disk already."""

    def __init__(self, disk: FakeDisk, path: str, files: FaultFS) -> None:
        super().__init__(disk, path)
        self.file = files.open(path, create=True)

    def seal(self) -> Gathered:
        octets, self.octets = self.octets, b""
        write = FileWrite(self.path, self.file, 8, [octets], self.fsync, self.file)
        return Gathered(write=write)


def sealed(commit: GroupCommit) -> Group:
    group = commit.seal()
    assert group is not None
    return group


def test_one_write_straight_to_a_named_file_needs_a_sync_of_this_file_alone() -> None:
    disk, files = FakeDisk(), FaultFS()
    commit = commit_on(disk)
    source = Named(disk, "a.segment", files)
    lsn = source.append(commit, b"copy")
    write = commit.writer.plan(sealed(commit))
    assert write == PlannedWrite(source.file, 8, [b"copy"], lsn, 12)


def test_more_than_one_write_is_not_planned() -> None:
    disk, files = FakeDisk(), FaultFS()
    commit = commit_on(disk)
    one, two = Named(disk, "a.segment", files), Named(disk, "b.segment", files)
    one.append(commit, b"copy")
    two.append(commit, b"copy")
    assert commit.writer.plan(sealed(commit)) is None
    commit = commit_on(disk)
    one.append(commit, b"copy")
    commit.append_operation([ENTRY], fsync=False)
    assert commit.writer.plan(sealed(commit)) is None, "an operation of the log besides"
    commit = commit_on(disk)
    Gatherer(disk, "c.segment").append(commit, b"copy")
    assert commit.writer.plan(sealed(commit)) is None, "the name of the file is not on the disk"


def test_what_was_only_written_before_is_synced_too() -> None:
    disk, files = FakeDisk(), FaultFS()
    commit = commit_on(disk)
    commit.append_operation([ENTRY], fsync=False)
    commit_all(commit)
    source = Named(disk, "a.segment", files)
    source.append(commit, b"copy")
    assert commit.writer.plan(sealed(commit)) is None, "the log has a batch without a sync"
    commit = commit_on(disk)
    source.append(commit, b"one", fsync=False)
    group = sealed(commit)
    write = commit.writer.plan(group)
    assert write is not None
    commit.writer.note_written(group, write)
    commit.finish(group, None)
    source.append(commit, b"two")
    group = sealed(commit)
    assert commit.writer.plan(group) is None, "the file has a write without a sync"
    commit.writer.write(group)
    commit.finish(group, None)
    assert "a.segment synced" in disk.calls
    source.append(commit, b"three")
    assert commit.writer.plan(sealed(commit)) is not None, "all of that is synced"


def test_a_file_write_without_room_is_tried_again() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    source = Gatherer(disk, "a.segment")
    source.append(commit, b"copy")
    commit.append_operation([ENTRY], fsync=False)
    group = commit.seal()
    assert group is not None
    disk.errors["write_file"] = FULL
    with pytest.raises(OSError, match="No space"):
        commit.writer.write(group)
    commit.finish(group, FULL)
    assert disk.calls == []
    again = commit.retry()
    assert again is group
    commit.writer.write(again)
    commit.finish(again, None)
    assert [call for call in disk.calls if isinstance(call, str)] == [
        "a.segment synced",
        "batches synced",
    ]


def test_a_failed_sync_of_a_file_ends_all_commits() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    source = Gatherer(disk, "a.segment")
    source.append(commit, b"copy")
    commit.append_operation([ENTRY], fsync=False)
    group = commit.seal()
    assert group is not None
    disk.errors["fsync_file"] = FULL
    with pytest.raises(FatalStorageError):
        commit.writer.write(group)
    assert not any("batch" in str(call) for call in disk.calls)


def test_a_small_gathering_is_a_small_group() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    source = Gatherer(disk)
    lsn = source.append(commit, ENTRY)
    commit.wait(lsn, lambda: None)
    assert commit.is_small()
    source.append(commit, bytes(SMALL_BYTES_MAX))
    assert not commit.is_small()
