"""The checkpoint's file: replaced as a whole, and a stop in order is known once."""

import errno

import pytest

from persistence.checkpoint import Snapshot
from persistence.checkpoint_file import (
    CHECKPOINT_PATH,
    CLEAN_STOP_PATH,
    read_checkpoint,
    take_clean_stop,
    write_checkpoint,
    write_clean_stop,
)
from persistence.errors import FatalStorageError
from tests.support.fault_fs import FaultFS, Kind, Operation


def test_without_a_file_nothing_is_known() -> None:
    assert read_checkpoint(FaultFS()) == Snapshot()
    assert take_clean_stop(FaultFS()) is None


def test_a_crash_at_any_point_leaves_the_old_one_or_the_new_one() -> None:
    disk = FaultFS()
    write_checkpoint(disk, Snapshot(lsn=1))
    seen: set[int] = set()

    def look(operation: Operation) -> None:
        for left in [disk.killed(), *disk.crash_states(50, seed=operation.number)]:
            found = read_checkpoint(left)
            assert found.damages == []
            seen.add(found.lsn)

    disk.after_each = look
    write_checkpoint(disk, Snapshot(lsn=2))
    assert seen == {1, 2}
    assert [read_checkpoint(left).lsn for left in disk.crash_states(9, seed=1)] == [2]


def test_a_full_disk_leaves_the_old_one() -> None:
    disk = FaultFS()
    write_checkpoint(disk, Snapshot(lsn=1))
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        write_checkpoint(disk, Snapshot(lsn=2))
    assert read_checkpoint(disk).lsn == 1
    write_checkpoint(disk, Snapshot(lsn=3))
    assert read_checkpoint(disk).lsn == 3


def test_a_sync_that_failed_is_the_end() -> None:
    disk = FaultFS()
    syncs = (Kind.SYNC, Kind.SYNC_DIRECTORY)
    disk.fail_at(lambda operation: operation.kind in syncs, errno.EIO)
    with pytest.raises(FatalStorageError, match="must stop"):
        write_checkpoint(disk, Snapshot())


def test_a_damaged_file_is_noted() -> None:
    disk = FaultFS()
    write_checkpoint(disk, Snapshot(lsn=1))
    disk.damage(CHECKPOINT_PATH, 0, b"x")
    assert "damaged" in read_checkpoint(disk).damages[0]


def test_a_stop_in_order_is_known_once_whatever_happens_then() -> None:
    disk = FaultFS()
    write_clean_stop(disk, 77)
    (left,) = disk.crash_states(9, seed=1)
    assert take_clean_stop(left) == 77
    (left,) = left.crash_states(9, seed=1)
    assert take_clean_stop(left) is None


def test_half_a_mark_is_none() -> None:
    disk = FaultFS()
    write_clean_stop(disk, 77)
    disk.flip_bit(CLEAN_STOP_PATH, 1)
    assert take_clean_stop(disk) is None
    disk.open(CLEAN_STOP_PATH, create=True).write_at(0, b"7")
    assert take_clean_stop(disk) is None
