"""A group on its way to the disk: what comes before what, and what a failure is."""

import errno

import pytest

from persistence.errors import FatalStorageError
from persistence.group_writing import Group, GroupWriter, write_error
from tests.support.commit import FakeBatchLog, FakeDisk, FakeJournal, commit_all, commit_on

ENTRY = b"12345678"


def writer_on(disk: FakeDisk) -> GroupWriter:
    return GroupWriter(FakeBatchLog(disk), FakeJournal(disk))


def test_an_empty_group_is_nothing_to_do() -> None:
    disk = FakeDisk()
    assert Group().is_empty()
    writer_on(disk).write(Group())
    assert disk.calls == []
    assert not Group(fsync=True).is_empty()


def test_definitions_need_more_than_one_write_until_they_are_safe() -> None:
    writer = writer_on(FakeDisk())
    group = Group(last_lsn=2, parts=[ENTRY], definitions=[(1, b"a queue")])
    assert writer.plan(group) is None


def test_no_memory_for_a_group_is_a_shortage() -> None:
    class Short(FakeBatchLog):
        def write_batch(self, last_lsn: int, parts: object) -> None:
            raise MemoryError

    disk = FakeDisk()
    writer = GroupWriter(Short(disk), FakeJournal(disk))
    with pytest.raises(OSError, match="no memory") as failure:
        writer.write(Group(last_lsn=1, parts=[ENTRY]))
    assert failure.value.errno == errno.ENOMEM


def test_definitions_are_synced_before_a_record_is_written() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_operation([ENTRY], fsync=True)
    assert commit.append_definition(b"a queue") == 2
    commit_all(commit)
    assert disk.calls == [
        ("changes", (2, b"a queue")),
        "journal synced",
        ("batch", 2, ENTRY),
        "batches synced",
    ]


def test_definitions_alone_need_no_batch() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_definition(b"a queue")
    commit_all(commit)
    assert disk.calls == [("changes", (1, b"a queue")), "journal synced"]
    assert commit.committed_lsn == 1
    assert not commit.has_unsynced


def test_entries_that_nobody_waits_for_are_written_and_not_synced() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_operation([ENTRY], fsync=False)
    commit_all(commit)
    assert disk.calls == [("batch", 1, ENTRY)]
    assert commit.has_unsynced


def test_a_full_disk_under_the_definitions_keeps_the_group_too() -> None:
    disk = FakeDisk()
    commit = commit_on(disk)
    commit.append_definition(b"a queue")
    disk.errors["write"] = OSError(errno.EDQUOT, "Disk quota exceeded")
    group = commit.seal()
    assert group is not None
    with pytest.raises(OSError, match="quota") as failure:
        commit.writer.write(group)
    commit.finish(group, failure.value)
    assert commit.is_disk_full
    commit.writer.write(group)
    commit.finish(group, None)
    assert disk.calls == [("changes", (1, b"a queue")), "journal synced"]


def test_what_the_disk_says_is_told_apart() -> None:
    assert isinstance(write_error(errno.ENOSPC, in_fsync=False), OSError)
    assert isinstance(write_error(errno.EIO, in_fsync=False), FatalStorageError)
    assert isinstance(write_error(errno.ENOSPC, in_fsync=True), FatalStorageError)
    assert isinstance(write_error(9999, in_fsync=False), FatalStorageError)
