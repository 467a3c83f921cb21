"""Reading the log back: the end of it, and damage before the end, told apart."""

import errno

import pytest

from persistence.format import BATCH_HEADER, WAL_FIRST_BATCH_AT, WAL_HEADER_COPY_AT
from persistence.wal_file import path_of
from persistence.wal_replay import RESTART_GAP_LSNS, Replay, next_lsn_after
from tests.support.fault_fs import FaultFS, Kind
from tests.support.wal_program import FILE_SIZE_BYTES, entry, new_wal, replayed

ENTRIES = [entry(number, 1, units_count=20 + number % 4) for number in range(1, 13)]
"""Four or so fill a file."""

SHORT = [entry(number, 1, units_count=number % 3) for number in range(1, 9)]


def written(
    *, fsynced: bool = True, entries: list[bytes] = ENTRIES, lsns_each: int = 1
) -> tuple[FaultFS, list[tuple[str, int, int]]]:
    """Return a disk with a batch for each entry, and (path, position, size) of each batch."""
    disk = FaultFS()
    wal = new_wal(disk, Replay(disk))
    for number, octets in enumerate(entries, start=1):
        wal.write_batch(number * lsns_each, [octets])
        if fsynced:
            wal.fsync()
    places = []
    for operation in disk.operations:
        if operation.kind is Kind.WRITE and operation.size_bytes != FILE_SIZE_BYTES:
            head_bytes = WAL_FIRST_BATCH_AT if operation.position == 0 else 0
            at = operation.position + head_bytes
            places.append((operation.path, at, operation.size_bytes - head_bytes))
    return disk, places


def test_no_log_holds_nothing() -> None:
    found = replayed(FaultFS())
    assert found.entries == []
    assert found.replay.highest_lsn == found.replay.last_lsn == 0
    assert next_lsn_after(0) == 1


def test_everything_comes_back_in_order() -> None:
    disk, _ = written()
    found = replayed(disk)
    assert found.entries == ENTRIES
    assert found.replay.last_lsn == found.replay.highest_lsn == len(ENTRIES)
    assert found.replay.batch_count == len(ENTRIES)
    assert found.replay.torn_bytes == 0
    assert found.damages == []
    assert next_lsn_after(12) == 12 + RESTART_GAP_LSNS


def test_every_octet_that_is_not_what_it_was_is_found_and_costs_its_batch_alone() -> None:
    disk, places = written(entries=SHORT)
    for index, (path, position, size_bytes) in enumerate(places[:-1]):
        for at in range(position, position + size_bytes):
            disk.flip_bit(path, at, at % 8)
            found = replayed(disk)
            assert found.entries == SHORT[:index] + SHORT[index + 1 :]
            (damage,) = found.damages
            assert (damage.path, damage.position, damage.size_bytes) == places[index]
            assert (damage.first_lsn, damage.last_lsn) == (index + 1, index + 1)
            disk.flip_bit(path, at, at % 8)


def test_the_very_last_batch_is_never_served_when_it_is_not_what_it_was() -> None:
    disk, places = written(entries=SHORT)
    path, position, size_bytes = places[-1]
    for at in range(position, position + size_bytes):
        disk.flip_bit(path, at, at % 8)
        assert replayed(disk).entries == SHORT[:-1]
        disk.flip_bit(path, at, at % 8)


def test_octets_of_damage_are_kept() -> None:
    disk, places = written()
    path, position, size_bytes = places[3]
    disk.flip_bit(path, position + size_bytes - 1)
    bad = disk.open(path).read_at(position, size_bytes)
    for _ in range(2):
        (damage,) = replayed(disk).damages
        assert damage.copy_path == f"wal/damaged-{1:016x}-{position:08x}"
        copy = disk.open(damage.copy_path)
        assert copy.read_at(0, 10_000) == bad
    assert len(replayed(disk).entries) == len(ENTRIES) - 1


def test_damage_is_told_although_its_octets_cannot_be_kept() -> None:
    disk, places = written()
    disk.flip_bit(places[3][0], places[3][1])
    disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=None)
    (damage,) = replayed(disk).damages
    assert damage.copy_path is None
    assert damage.size_bytes == places[3][2]


def test_several_stretches_of_damage_are_told_one_by_one() -> None:
    disk, places = written()
    for index in (2, 3, 7):
        disk.flip_bit(places[index][0], places[index][1] + BATCH_HEADER.size)
    found = replayed(disk)
    assert [(damage.first_lsn, damage.last_lsn) for damage in found.damages] == [(3, 4), (8, 8)]
    assert found.entries == ENTRIES[:2] + ENTRIES[4:7] + ENTRIES[8:]


def test_the_last_batch_of_a_file_is_missed_because_a_later_file_says_so() -> None:
    disk, places = written()
    last_of_first = max(i for i, place in enumerate(places) if place[0] == path_of(1))
    assert last_of_first < len(places) - 1
    disk.flip_bit(path_of(1), places[last_of_first][1] + 20)
    found = replayed(disk)
    (damage,) = found.damages
    assert damage.first_lsn == damage.last_lsn == last_of_first + 1
    assert found.entries == ENTRIES[:last_of_first] + ENTRIES[last_of_first + 1 :]


def test_a_batch_that_nobody_synced_is_a_torn_tail_with_all_behind_it() -> None:
    disk, places = written(fsynced=False, entries=SHORT[:5])
    path, position, size_bytes = places[2]
    disk.flip_bit(path, position + size_bytes - 1)
    found = replayed(disk)
    assert found.entries == SHORT[:2]
    assert found.damages == []
    assert found.replay.torn_bytes == sum(place[2] for place in places[2:])
    assert found.replay.last_lsn == 2
    assert found.replay.highest_lsn == 5, "LSNs that were seen are not given again"


def test_a_torn_tail_says_how_long_it_was() -> None:
    disk, places = written(fsynced=False, entries=SHORT[:3])
    path, position, size_bytes = places[2]
    disk.flip_bit(path, position + size_bytes - 1)
    assert replayed(disk).replay.torn_bytes == size_bytes


def test_what_was_torn_stays_torn_when_a_later_life_has_written() -> None:
    disk, places = written(fsynced=False, entries=SHORT[:5])
    path, position, size_bytes = places[2]
    disk.flip_bit(path, position + size_bytes - 1)
    wal = new_wal(disk, replayed(disk).replay, seed=2)
    wal.write_batch(5 + RESTART_GAP_LSNS, [SHORT[6]])
    wal.fsync()
    # Nobody heals a disk; but if it were so, what was never believed must not come back.
    disk.flip_bit(path, position + size_bytes - 1)
    found = replayed(disk)
    assert found.entries == [*SHORT[:2], SHORT[6]]
    assert found.damages == []


@pytest.mark.parametrize("copy_at", [0, WAL_HEADER_COPY_AT])
def test_one_copy_of_a_header_is_enough(copy_at: int) -> None:
    disk, _ = written()
    disk.damage(path_of(1), copy_at, bytes(64))
    assert replayed(disk).entries == ENTRIES


def test_a_file_without_a_header_is_damage_when_later_ones_follow() -> None:
    disk, places = written()
    in_second = [i for i, place in enumerate(places) if place[0] == path_of(2)]
    assert path_of(3) in {place[0] for place in places}
    disk.damage(path_of(2), 0, bytes(WAL_FIRST_BATCH_AT))
    found = replayed(disk)
    (damage,) = found.damages
    assert (damage.path, damage.position) == (path_of(2), 0)
    assert damage.size_bytes == FILE_SIZE_BYTES
    assert (damage.first_lsn, damage.last_lsn) == (in_second[0] + 1, in_second[-1] + 1)
    assert found.entries == ENTRIES[: in_second[0]] + ENTRIES[in_second[-1] + 1 :]
    assert 2 in found.replay.live_numbers


def test_a_file_that_is_gone_is_damage() -> None:
    disk, places = written()
    disk.remove(path_of(2))
    found = replayed(disk)
    in_second = [i for i, place in enumerate(places) if place[0] == path_of(2)]
    (damage,) = found.damages
    assert (damage.first_lsn, damage.last_lsn) == (in_second[0] + 1, in_second[-1] + 1)
    assert damage.size_bytes == 0


def test_files_before_the_checkpoint_are_not_looked_at() -> None:
    disk, places = written()
    disk.damage(path_of(1), 0, bytes(FILE_SIZE_BYTES))
    in_first = [i for i, place in enumerate(places) if place[0] == path_of(1)]
    found = replayed(disk, first_number=2, checkpoint_lsn=in_first[-1] + 1)
    assert found.damages == []
    assert found.entries == ENTRIES[in_first[-1] + 1 :]


def test_a_file_before_the_checkpoint_that_is_needed_is_missed() -> None:
    disk, _ = written()
    disk.remove(path_of(2))
    (damage,) = replayed(disk, first_number=2, checkpoint_lsn=1).damages
    assert damage.first_lsn == 2


def test_lsns_of_definitions_lie_between_those_of_batches() -> None:
    disk, _ = written(lsns_each=10)
    assert [batch[:2] for batch in Replay(disk).batches()][:2] == [(1, 10), (11, 20)]


def test_a_file_that_cannot_be_read_stops_the_start() -> None:
    disk, _ = written()
    disk.fail_at(lambda operation: operation.kind is Kind.READ, errno.EIO, times=None)
    with pytest.raises(OSError, match="Input/output"):
        replayed(disk)


def test_what_a_failed_sync_left_in_the_page_cache_is_not_believed() -> None:
    """The disk does not have it, and no later sync will write it: the next power cut shows."""
    disk = FaultFS()
    wal = new_wal(disk, Replay(disk))
    wal.write_batch(1, [ENTRIES[0]])
    wal.fsync()
    wal.write_batch(2, [ENTRIES[1]])
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        wal.fsync()
    assert replayed(disk.killed()).entries == ENTRIES[:1]
