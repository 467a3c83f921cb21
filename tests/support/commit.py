"""The two places that a group goes to, in memory; either can be told to fail."""

import errno
from collections.abc import Callable, Sequence

from persistence.files import Octets
from persistence.group_commit import GROUP_BYTES_MAX, GroupCommit
from persistence.group_writing import Group, PlannedWrite, write_error


class FakeDisk:
    """What was called, in order, and the errors still to come."""

    def __init__(self) -> None:
        self.calls: list[object] = []
        self.errors: dict[str, OSError] = {}
        self.operation_bytes = 0
        self.change_count = 0

    def take(self, name: str, call: object) -> None:
        if name in self.errors:
            raise self.errors.pop(name)
        self.calls.append(call)


class FakeBatchLog:
    """A ``BatchLog`` that remembers batches."""

    def __init__(self, disk: FakeDisk) -> None:
        self._disk = disk
        self.has_unsynced = False

    def plan(self, last_lsn: int, parts: Sequence[Octets]) -> PlannedWrite | None:
        return None

    def note_written(self, write: PlannedWrite, *, fsynced: bool) -> None:
        raise AssertionError("nothing was planned")

    def write_batch(self, last_lsn: int, parts: Sequence[Octets]) -> None:
        octets = b"".join(parts)
        self.has_unsynced = True
        self._disk.take("write_batch", ("batch", last_lsn, octets))
        self._disk.operation_bytes += len(octets)

    def fsync(self) -> None:
        self._disk.take("fsync", "batches synced")
        self.has_unsynced = False


class FakeJournal:
    """A ``DefinitionsJournal`` that remembers changes."""

    def __init__(self, disk: FakeDisk) -> None:
        self._disk = disk

    def write(self, changes: Sequence[tuple[int, bytes]]) -> None:
        self._disk.take("write", ("changes", *changes))
        self._disk.change_count += len(changes)

    def fsync(self) -> None:
        self._disk.take("sync_journal", "journal synced")


def commit_on(
    disk: FakeDisk, next_lsn: int = 1, group_bytes_max: int = GROUP_BYTES_MAX
) -> GroupCommit:
    """Return a group commit whose groups end on this disk."""
    return GroupCommit(
        FakeBatchLog(disk), FakeJournal(disk), next_lsn, group_bytes_max=group_bytes_max
    )


def commit_all(commit: GroupCommit, try_it: Callable[[], None] = lambda: None) -> None:
    """Carry out group after group until nothing is pending."""
    while (group := commit.seal()) is not None:
        carry_out(commit, group)
        try_it()
        commit.finish(group, None)


def carry_out(commit: GroupCommit, group: Group) -> None:
    """Bring a group to the disk as ``persistence.commit_thread`` does: in one write if it can be.

    Raises:
        OSError: a shortage.
        FatalStorageError: any other error.
    """
    write = commit.writer.plan(group)
    if write is None:
        commit.writer.write(group)
        return
    is_written = False
    try:
        write.file.write_at(write.position, write.parts)
        is_written = True
        if group.fsync:
            write.file.fsync()
    except OSError as error:
        raise write_error(error.errno or errno.EIO, in_fsync=is_written) from error
    commit.writer.note_written(group, write)
