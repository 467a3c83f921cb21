import errno
from collections.abc import Callable

import pytest

from cluster.metadata.local_format import HEADER_BYTES, LOG_PATH, LogRecord
from cluster.metadata.local_log import LocalLog, WriteRefusedError
from cluster.metadata.port import Change, Item
from persistence.errors import DamagedError, FatalStorageError
from tests.support.fault_fs import FaultFS, Kind, Operation


def change(number: int, size_bytes: int = 700) -> tuple[Change, ...]:
    return (Change(b"a", Item(b"a", bytes([number]) * size_bytes, 1, number)),)


def opened(disk: FaultFS, salt: int = 5) -> tuple[LocalLog, list[LogRecord]]:
    log = LocalLog(disk, lambda: salt)
    records = log.open()
    if log.is_new:
        log.rewrite(1, ())
    return log, records


def of_kind(kind: Kind) -> Callable[[Operation], bool]:
    return lambda operation: operation.kind is kind


def written(count: int) -> FaultFS:
    disk = FaultFS()
    log, _ = opened(disk)
    for number in range(2, 2 + count):
        log.append(number, change(number))
    log.close()
    return disk.killed()


def test_what_was_appended_is_found_in_its_order() -> None:
    _, records = opened(written(3))
    assert [(each.revision, each.changes) for each in records] == [
        (number, change(number)) for number in (2, 3, 4)
    ]


def test_a_torn_end_is_cut_off_and_written_over() -> None:
    disk = written(3)
    disk.flip_bit(LOG_PATH, disk.open(LOG_PATH).size_bytes - 100)
    log, records = opened(disk)
    assert [each.revision for each in records] == [2, 3]
    log.append(4, change(9, size_bytes=10))
    _, records = opened(disk.killed())
    assert [each.changes for each in records] == [change(2), change(3), change(9, 10)]


def test_damage_before_the_end_is_not_cut_off() -> None:
    for at in (HEADER_BYTES + 4, HEADER_BYTES + 300):
        disk = written(3)
        disk.flip_bit(LOG_PATH, at)
        before = disk.open(LOG_PATH).read_at(0, 10_000)
        with pytest.raises(DamagedError):
            opened(disk)
        assert disk.open(LOG_PATH).read_at(0, 10_000) == before


def test_damage_within_the_snapshot_is_seen_even_at_its_end() -> None:
    disk = FaultFS()
    log, _ = opened(disk)
    item = change(2)[0].item
    assert item is not None
    log.rewrite(2, [item])
    assert log.revision == 2
    disk.flip_bit(LOG_PATH, disk.open(LOG_PATH).size_bytes - 100)
    with pytest.raises(DamagedError):
        opened(disk)


def test_a_damaged_header_is_seen() -> None:
    disk = written(1)
    disk.flip_bit(LOG_PATH, 3)
    with pytest.raises(DamagedError):
        opened(disk)


def test_a_value_that_looks_like_a_record_is_none() -> None:
    disk = written(1)
    octets = disk.open(LOG_PATH).read_at(0, 10_000)
    forged = octets[HEADER_BYTES:] + bytes(-len(octets[HEADER_BYTES:]) % 8)
    disk = FaultFS()
    log, _ = opened(disk, salt=6)
    log.append(2, (Change(b"ab", Item(b"ab", b"pad" * 2 + forged, 1, 2)),))
    disk.flip_bit(LOG_PATH, HEADER_BYTES)
    _, records = opened(disk, salt=6)
    assert records == []


def test_a_refused_write_is_tried_anew_and_a_failed_sync_never() -> None:
    disk = FaultFS()
    log, _ = opened(disk)
    disk.fail_at(of_kind(Kind.WRITE), errno.ENOSPC)
    with pytest.raises(WriteRefusedError):
        log.append(2, change(2))
    log.append(2, change(3))
    disk.fail_at(of_kind(Kind.SYNC), errno.EIO)
    for _ in range(2):
        with pytest.raises(FatalStorageError):
            log.append(3, change(4))
    with pytest.raises(FatalStorageError):
        log.rewrite(3, ())


def test_a_rewrite_without_room_leaves_the_old_log() -> None:
    disk = FaultFS()
    log, _ = opened(disk)
    log.append(2, change(2))
    disk.fail_at(of_kind(Kind.WRITE), errno.ENOSPC)
    log.try_rewrite(2, ())
    log.append(3, change(3))
    _, records = opened(disk.killed())
    assert [each.revision for each in records] == [2, 3]


def test_a_name_that_cannot_be_synced_is_the_end() -> None:
    disk = FaultFS()
    log, _ = opened(disk)
    disk.fail_at(of_kind(Kind.SYNC_DIRECTORY), errno.EIO)
    with pytest.raises(FatalStorageError):
        log.try_rewrite(2, ())
    with pytest.raises(FatalStorageError):
        log.append(2, change(2))


def test_a_log_wants_to_be_written_anew_once_it_is_long() -> None:
    log, _ = opened(FaultFS())
    number = 2
    while not log.wants_rewrite:
        log.append(number, change(number % 256, size_bytes=500_000))
        number += 1
    assert number == 11
    log.rewrite(number, ())
    assert not log.wants_rewrite
