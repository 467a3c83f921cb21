"""Syncs and removals by name: what is not there needs none."""

import errno

import pytest

from persistence.by_name import fsync_directory, fsync_file, remove
from persistence.errors import FatalStorageError
from tests.support.fault_fs import FaultFS, Kind


def test_what_is_not_there_needs_no_sync_and_no_removal() -> None:
    disk = FaultFS()
    fsync_file(disk, "gone")
    fsync_directory(disk, "gone")
    remove(disk.remove, "gone")
    assert disk.operations == []


def test_a_sync_that_failed_is_the_end() -> None:
    disk = FaultFS()
    disk.open("file", create=True)
    syncs = (Kind.SYNC, Kind.SYNC_DIRECTORY)
    disk.fail_at(lambda operation: operation.kind in syncs, errno.EIO, times=2)
    with pytest.raises(FatalStorageError, match="must stop"):
        fsync_file(disk, "file")
    with pytest.raises(FatalStorageError):
        fsync_directory(disk, "")


def test_what_cannot_be_opened_may_be_tried_again() -> None:
    disk = FaultFS()
    disk.open("file", create=True)
    disk.fail_at(lambda operation: operation.kind is Kind.OPEN, errno.EMFILE)
    with pytest.raises(OSError, match="open"):
        fsync_file(disk, "file")
    fsync_file(disk, "file")


def test_what_cannot_be_removed_is_left_to_the_next_start() -> None:
    disk = FaultFS()
    disk.open("file", create=True)
    disk.fail_at(lambda operation: operation.kind is Kind.REMOVE, errno.EACCES)
    remove(disk.remove, "file")
    assert disk.exists("file")
