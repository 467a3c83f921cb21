"""The write-ahead log: which file a batch goes to, and when it is on disk."""

import errno

import pytest

from persistence.errors import FatalStorageError
from persistence.files import Files
from persistence.format import BATCH_HEADER, WAL_FIRST_BATCH_AT
from persistence.wal import SPARE_FILES_MAX, Wal
from persistence.wal_file import path_of
from persistence.wal_replay import RESTART_GAP_LSNS, Replay
from tests.support.fault_fs import FaultFS, Kind, Operation
from tests.support.wal_program import FILE_SIZE_BYTES, entry, new_wal, replayed

SMALL = entry(1, 1)
HALF = entry(2, 1, units_count=60)
"""Two of them do not fit into one file."""


def fresh(disk: Files) -> Wal:
    """Return the log of a node that never ran."""
    return new_wal(disk, replayed(disk).replay)


def kinds(disk: FaultFS, start: int) -> list[Kind]:
    return [operation.kind for operation in disk.operations[start:]]


def names(disk: FaultFS) -> list[str]:
    return disk.names("wal")


def test_a_log_that_never_was_begins_with_lsn_1_and_file_1() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    assert wal.number == 0
    assert names(disk) == []
    wal.write_batch(3, [SMALL])
    assert wal.number == 1
    assert names(disk) == [path_of(1).removeprefix("wal/")]
    (batch,) = Replay(disk).batches()
    assert batch[:2] == (1, 3)
    assert bytes(batch.operations) == SMALL


def test_a_group_is_one_write_of_as_many_octets() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(1, [SMALL])
    start = len(disk.operations)
    wal.write_batch(2, [SMALL, SMALL])
    wal.fsync()
    assert kinds(disk, start) == [Kind.WRITE, Kind.SYNC]
    written = disk.operations[start]
    first_bytes = BATCH_HEADER.size + len(SMALL)
    assert written.position == WAL_FIRST_BATCH_AT + first_bytes
    assert written.size_bytes == first_bytes + len(SMALL)


def test_a_file_is_full_of_zeros_and_on_disk_before_a_batch_is_in_it() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    start = len(disk.operations)
    wal.write_batch(1, [SMALL])
    done = kinds(disk, start)
    assert done[0] is Kind.CREATE
    assert done[-3:] == [Kind.SYNC, Kind.SYNC_DIRECTORY, Kind.WRITE]
    wal.fsync()
    assert disk.open(path_of(1)).size_bytes == FILE_SIZE_BYTES


def test_a_full_file_is_synced_before_the_next_is_begun() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(1, [HALF])
    start = len(disk.operations)
    wal.write_batch(2, [HALF])
    assert kinds(disk, start)[0] is Kind.SYNC
    assert disk.operations[start].path == path_of(1)
    assert wal.number == 2
    assert len(replayed(disk).entries) == 2


def test_a_batch_larger_than_a_file_has_one_of_its_own() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    large = entry(9, 1, units_count=1000)
    for lsn, octets in enumerate([SMALL, large, SMALL], start=1):
        wal.write_batch(lsn, [octets])
    assert wal.number == 3
    assert replayed(disk).entries == [SMALL, large, SMALL]
    wal.release(3)
    assert wal.spare_count == 1
    assert names(disk) == [path_of(n).removeprefix("wal/") for n in (1, 3)]


def test_released_files_are_used_again_and_hold_nothing_of_before() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(1, [HALF])
    wal.write_batch(2, [HALF])
    wal.write_batch(3, [HALF])
    wal.release(3)
    assert wal.spare_count == 2
    start = len(disk.operations)
    wal.write_batch(4, [HALF])
    assert Kind.CREATE not in kinds(disk, start)
    assert Kind.RENAME in kinds(disk, start)
    assert wal.spare_count == 1
    found = replayed(disk, first_number=3, checkpoint_lsn=2)
    assert found.entries == [HALF, HALF]
    assert found.damages == []


def test_the_file_that_is_written_to_is_not_released() -> None:
    wal = fresh(FaultFS())
    wal.write_batch(1, [SMALL])
    with pytest.raises(AssertionError, match="still written to"):
        wal.release(2)


def test_only_so_many_files_are_kept_to_be_used_again() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    for lsn in range(1, 8):
        wal.write_batch(lsn, [HALF])
    wal.release(7)
    assert wal.spare_count == SPARE_FILES_MAX
    assert len(names(disk)) == SPARE_FILES_MAX + 1
    wal.release(7)
    assert wal.spare_count == SPARE_FILES_MAX


def test_a_restart_begins_a_file_and_a_gap_in_the_numbers() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(5, [SMALL])
    again = new_wal(disk, replayed(disk).replay, seed=2)
    again.write_batch(5 + RESTART_GAP_LSNS, [HALF])
    assert again.number == 2
    first, second = Replay(disk).batches()
    assert (first.first_lsn, first.last_lsn) == (1, 5)
    assert (second.first_lsn, second.last_lsn) == (5 + RESTART_GAP_LSNS, 5 + RESTART_GAP_LSNS)
    assert replayed(disk).damages == []


def test_a_restart_syncs_what_it_believes() -> None:
    disk = FaultFS()
    fresh(disk).write_batch(1, [SMALL])
    new_wal(disk, replayed(disk).replay)
    lost_all = disk.crash(lambda options_count: 0)
    assert replayed(lost_all).entries == [SMALL]


def test_a_restart_uses_the_files_that_a_checkpoint_is_done_with() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    for lsn in range(1, 4):
        wal.write_batch(lsn, [HALF])
    found = replayed(disk, first_number=3, checkpoint_lsn=2)
    again = new_wal(disk, found.replay, seed=2)
    assert again.spare_count == 2
    again.write_batch(RESTART_GAP_LSNS + 3, [HALF])
    assert replayed(disk, first_number=3, checkpoint_lsn=2).entries == [HALF, HALF]


def test_an_lsn_that_was_seen_is_not_given_again() -> None:
    disk = FaultFS()
    fresh(disk).write_batch(5, [SMALL])
    with pytest.raises(AssertionError, match="twice"):
        Wal(disk, FILE_SIZE_BYTES, lambda: 1, replayed(disk).replay, 5)


def test_a_write_that_found_no_space_is_written_again_at_its_place() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(1, [SMALL])
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        wal.write_batch(2, [SMALL, HALF])
    wal.write_batch(2, [SMALL, HALF])
    assert replayed(disk).entries == [SMALL, SMALL, HALF]


@pytest.mark.parametrize("kind", [Kind.CREATE, Kind.WRITE, Kind.SYNC, Kind.TRUNCATE])
def test_a_new_file_that_found_no_space_leaves_nothing_and_is_made_again(kind: Kind) -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(1, [HALF])

    def is_of_the_new_file(operation: Operation) -> bool:
        return operation.kind is kind and operation.path == path_of(2)

    disk.fail_at(is_of_the_new_file, errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        wal.write_batch(2, [HALF])
    assert names(disk) == [path_of(1).removeprefix("wal/")]
    wal.write_batch(2, [HALF])
    wal.fsync()
    assert len(replayed(disk).entries) == 2


def test_a_full_file_that_cannot_be_synced_stops_the_node_even_if_the_disk_is_full() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.write_batch(1, [HALF])
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.ENOSPC)
    with pytest.raises(FatalStorageError, match="must stop"):
        wal.write_batch(2, [HALF])


def test_a_folder_that_cannot_be_synced_stops_the_node() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC_DIRECTORY, errno.EIO)
    with pytest.raises(FatalStorageError, match="folder"):
        wal.write_batch(1, [HALF])


def test_what_was_replayed_and_cannot_be_synced_stops_the_start() -> None:
    disk = FaultFS()
    fresh(disk).write_batch(1, [SMALL])
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)
    with pytest.raises(FatalStorageError, match="must stop"):
        new_wal(disk, replayed(disk).replay)


def test_closing_twice_is_closing_once_and_nothing_to_sync_is_synced() -> None:
    disk = FaultFS()
    wal = fresh(disk)
    wal.fsync()
    wal.write_batch(1, [SMALL])
    wal.close()
    wal.close()
