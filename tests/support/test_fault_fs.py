"""The disk in memory loses, tears and refuses just what a disk may, and nothing that was synced."""

import errno
from collections.abc import Callable, Iterable

import pytest

from tests.support.fault_disk import SECTOR_BYTES
from tests.support.fault_fs import FaultFS, Kind, Operation, PowerCutError

OLD, NEW = b"o" * SECTOR_BYTES, b"n" * SECTOR_BYTES
MANY = 1_000_000
"""More states than any test here has: all of them."""


def content(disk: FaultFS, path: str) -> bytes | None:
    return disk.open(path).read_at(0, 1 << 20) if disk.exists(path) else None


def contents(states: Iterable[FaultFS], path: str = "file") -> set[bytes | None]:
    return {content(state, path) for state in states}


def synced(octets: bytes = b"", *, capacity_bytes: int | None = None) -> FaultFS:
    """Return a disk with one file, on the disk with its name."""
    disk = FaultFS(capacity_bytes)
    file = disk.open("file", create=True)
    file.write_at(0, octets)
    file.fsync()
    disk.fsync_directory()
    return disk


# ── what a power cut leaves of a file ──


def test_what_was_synced_is_left_whatever_happens() -> None:
    disk = synced(OLD)
    assert contents(disk.crash_states(MANY, seed=1)) == {OLD}


def test_each_sector_of_a_write_is_kept_or_not_and_so_is_the_length() -> None:
    disk = synced()
    disk.open("file").write_at(0, OLD + NEW)
    zeros = bytes(SECTOR_BYTES)
    assert contents(disk.crash_states(MANY, seed=1)) == {
        b"",
        OLD + NEW,
        OLD + zeros,
        zeros + NEW,
        zeros + zeros,
    }


def test_a_sector_that_is_kept_has_all_that_was_written_to_it_before() -> None:
    disk = synced(b"....")
    disk.open("file").write_at(0, b"h")
    disk.open("file").write_at(2, b"r")
    assert contents(disk.crash_states(MANY, seed=1)) == {b"....", b"h...", b"h.r."}


def test_writes_reach_the_disk_in_any_order() -> None:
    disk = synced(OLD + OLD)
    disk.open("file").write_at(0, NEW)
    disk.open("file").write_at(SECTOR_BYTES, NEW)
    expected = {OLD + OLD, OLD + NEW, NEW + OLD, NEW + NEW}
    assert contents(disk.crash_states(MANY, seed=1)) == expected


def test_a_cut_is_kept_or_not_as_a_whole() -> None:
    disk = synced(OLD + OLD)
    disk.open("file").truncate(10)
    assert contents(disk.crash_states(MANY, seed=1)) == {OLD + OLD, OLD[:10]}


def test_what_was_written_over_a_cut_needs_the_cut() -> None:
    disk = synced(OLD + OLD)
    file = disk.open("file")
    file.truncate(0)
    file.write_at(0, NEW)
    zeros = bytes(SECTOR_BYTES)
    assert contents(disk.crash_states(MANY, seed=1)) == {OLD + OLD, b"", zeros, NEW}


def test_a_lengthened_file_is_long_or_not() -> None:
    disk = synced(b"hare")
    disk.open("file").truncate(6)
    assert contents(disk.crash_states(MANY, seed=1)) == {b"hare", b"hare\0\0"}


def test_a_sync_covers_one_file() -> None:
    disk = synced()
    disk.open("file").write_at(0, b"hare")
    disk.open("other", create=True).fsync()
    disk.fsync_directory()
    assert contents(disk.crash_states(MANY, seed=1)) == {b"", b"hare", b"\0\0\0\0"}


def test_a_large_write_is_torn_in_the_ways_that_disks_tear() -> None:
    disk = synced(OLD * 32)
    disk.open("file").write_at(0, NEW * 32)
    found = contents(disk.crash_states(200, seed=1))
    assert {OLD * 32, NEW * 32} <= found
    assert any(one == NEW * cut + OLD * (32 - cut) for one in found for cut in range(1, 32))
    assert len(found) > 50


# ── what it leaves of names ──


def test_a_name_needs_its_folder_synced() -> None:
    disk = FaultFS()
    disk.open("file", create=True).fsync()
    assert contents(disk.crash_states(MANY, seed=1)) == {None, b""}
    disk.fsync_directory()
    assert contents(disk.crash_states(MANY, seed=1)) == {b""}


def test_a_removed_file_reappears_until_its_folder_is_synced() -> None:
    disk = synced(b"hare")
    disk.remove("file")
    assert contents(disk.crash_states(MANY, seed=1)) == {b"hare", None}
    disk.fsync_directory()
    assert contents(disk.crash_states(MANY, seed=1)) == {None}


def test_a_rename_shows_one_name_or_the_other_and_never_both() -> None:
    disk = synced(b"hare")
    disk.rename("file", "new")
    assert {tuple(state.names()) for state in disk.crash_states(MANY, seed=1)} == {
        ("file",),
        ("new",),
    }


def test_of_two_renames_one_may_be_kept_without_the_other() -> None:
    disk = synced(b"hare")
    disk.rename("file", "second")
    disk.rename("second", "third")
    names = {tuple(state.names()) for state in disk.crash_states(MANY, seed=1)}
    assert names == {("file",), ("second",), ("third",)}


def test_a_rename_into_another_folder_needs_that_folder_synced() -> None:
    disk = synced(b"hare")
    disk.make_directory("wal")
    disk.fsync_directory()
    disk.rename("file", "wal/file")
    disk.fsync_directory()
    assert contents(disk.crash_states(MANY, seed=1)) == {b"hare", None}
    disk.fsync_directory("wal")
    assert contents(disk.crash_states(MANY, seed=1)) == {None}
    assert contents(disk.crash_states(MANY, seed=1), "wal/file") == {b"hare"}


def test_a_name_that_was_synced_is_not_taken_by_an_older_one_that_was_not() -> None:
    disk = FaultFS()
    disk.make_directory("wal")
    disk.fsync_directory()
    disk.open("new", create=True).fsync()
    disk.rename("new", "wal/file")
    disk.fsync_directory("wal")
    assert contents(disk.crash_states(MANY, seed=1), "wal/file") == {b""}


def test_what_is_in_a_folder_is_gone_with_it() -> None:
    disk = FaultFS()
    disk.make_directory("queue")
    disk.open("queue/file", create=True)
    disk.fsync_directory("queue")
    assert contents(disk.crash_states(MANY, seed=1), "queue/file") == {None, b""}
    disk.fsync_directory()
    assert contents(disk.crash_states(MANY, seed=1), "queue/file") == {b""}
    disk.remove_tree("queue")
    disk.fsync_directory()
    assert [state.names() for state in disk.crash_states(MANY, seed=1)] == [[]]


def test_a_crash_may_leave_a_part_of_a_removed_tree() -> None:
    disk = FaultFS()
    disk.make_directory("queue")
    for path in ("queue/a", "queue/b"):
        disk.open(path, create=True)
    disk.fsync_directory("queue")
    disk.fsync_directory()
    disk.remove_tree("queue")
    left = {
        tuple(state.names("queue")) if state.exists("queue") else None
        for state in disk.crash_states(MANY, seed=1)
    }
    assert left == {("a", "b"), ("a",), ("b",), (), None}


def test_a_folder_that_was_removed_leaves_nothing_to_the_next_of_its_name() -> None:
    disk = FaultFS()
    disk.make_directory("queue")
    disk.fsync_directory()
    disk.open("queue/file", create=True)
    disk.remove_tree("queue")
    disk.make_directory("queue")
    assert contents(disk.crash_states(MANY, seed=1), "queue/file") == {None, b""}
    disk.fsync_directory()
    assert contents(disk.crash_states(MANY, seed=1), "queue/file") == {None}


# ── other ends ──


def test_a_killed_process_loses_nothing_but_a_power_cut_after_it_does() -> None:
    disk = synced(b"old")
    disk.open("file").write_at(0, b"new")
    disk.open("unsynced", create=True)
    left = disk.killed()
    assert content(left, "file") == b"new"
    assert contents(left.crash_states(MANY, seed=1)) == {b"old", b"new"}
    left.open("file").write_at(0, b"two")
    assert content(disk, "file") == b"new"
    left.open("file").fsync()
    left.fsync_directory()
    assert contents(left.crash_states(MANY, seed=1)) == {b"two"}


def test_a_crash_is_asked_of_a_disk_without_changing_it() -> None:
    disk = synced(b"old")
    disk.open("file").write_at(0, b"new")
    for state in disk.crash_states(MANY, seed=1):
        state.open("file").write_at(0, b"???")
    assert content(disk, "file") == b"new"
    assert contents(disk.crash_states(MANY, seed=1)) == {b"old", b"new"}


def test_states_are_drawn_alike_from_the_same_seed() -> None:
    disk = synced(OLD * 9)
    disk.open("file").write_at(0, NEW * 9)

    def drawn(seed: int) -> list[bytes | None]:
        return [content(state, "file") for state in disk.crash_states(40, seed)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert len(drawn(1)) == 40
    assert drawn(1)[:2] == [OLD * 9, NEW * 9]


def test_a_program_can_be_ended_after_each_operation() -> None:
    def program(disk: FaultFS) -> None:
        try:
            file = disk.open("file", create=True)
            file.write_at(0, b"hare")
            file.fsync()
        except Exception:  # noqa: BLE001 -- what a careless program does
            pytest.fail("a power cut was taken for an error")

    seen = []
    for count in range(4):
        disk = FaultFS()
        disk.halt_after = count
        if count < 3:
            with pytest.raises(PowerCutError):
                program(disk)
        else:
            program(disk)
        seen.append([operation.kind for operation in disk.operations])
    assert seen == [[], [Kind.CREATE], [Kind.CREATE, Kind.WRITE], [*seen[2], Kind.SYNC]]


# ── refusals ──


def test_an_operation_is_refused_by_its_number() -> None:
    disk = FaultFS()
    disk.fail_at(3, errno.EIO)
    file = disk.open("file", create=True)
    file.write_at(0, b"hare")
    with pytest.raises(OSError, match="file") as raised:
        file.write_at(4, b"rabbit")
    assert raised.value.errno == errno.EIO
    assert file.read_at(0, 99) == b"harerab"
    file.write_at(4, b"rabbit")
    assert disk.operations[2] == Operation(3, Kind.WRITE, "file", 4, 6)


def test_operations_are_refused_by_what_they_are_until_that_ends() -> None:
    disk = synced(b"hare")
    disk.fail_at(lambda operation: operation.kind is Kind.READ, errno.EIO, times=2)
    disk.fail_at(lambda operation: operation.kind is Kind.RENAME, errno.EDQUOT, times=None)
    for _ in range(2):
        with pytest.raises(OSError, match="Input/output"):
            content(disk, "file")
    assert content(disk, "file") == b"hare"
    for _ in range(3):
        with pytest.raises(OSError, match="quota"):
            disk.rename("file", "new")
    disk.stop_failing()
    disk.rename("file", "new")


def test_what_a_failed_sync_gave_up_no_later_one_saves() -> None:
    disk = synced(OLD + OLD)
    file = disk.open("file")
    file.write_at(0, NEW)
    disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        file.fsync()
    assert file.read_at(0, SECTOR_BYTES) == NEW
    assert contents(disk.crash_states(MANY, seed=1)) == {OLD + OLD, NEW + OLD}
    file.fsync()
    assert contents(disk.crash_states(MANY, seed=1)) == {OLD + OLD}
    file.write_at(SECTOR_BYTES, NEW)
    file.fsync()
    assert contents(disk.crash_states(MANY, seed=1)) == {OLD + NEW}
    file.write_at(0, NEW)
    file.fsync()
    assert contents(disk.crash_states(MANY, seed=1)) == {NEW + NEW}


def test_a_full_disk_takes_what_fits() -> None:
    disk = synced(b"hare", capacity_bytes=10)
    file = disk.open("file")
    assert disk.free_bytes() == 6
    with pytest.raises(OSError, match="space") as raised:
        file.write_at(2, b"0123456789")
    assert raised.value.errno == errno.ENOSPC
    assert file.read_at(0, 99) == b"ha01234567"
    file.write_at(0, b"in place..")
    with pytest.raises(OSError, match="space"):
        file.truncate(11)
    with pytest.raises(OSError, match="space"):
        file.write_at(20, b"x")
    file.truncate(8)
    assert disk.free_bytes() == 2
    disk.remove("file")
    assert disk.free_bytes() == 10


def test_a_disk_may_fill_up_and_be_freed_by_others() -> None:
    disk = synced(b"hare", capacity_bytes=4)
    file = disk.open("file")
    with pytest.raises(OSError, match="space"):
        file.write_at(4, b"x")
    disk.capacity_bytes = 5
    file.write_at(4, b"x")
    disk.capacity_bytes = 2
    assert disk.free_bytes() == 0


def test_media_rot_on_the_disk_and_in_what_is_read() -> None:
    disk = synced(b"hare")
    disk.damage("file", 1, b"ol")
    disk.flip_bit("file", 0, 1)
    disk.damage("file", 3, b"dy")
    assert content(disk, "file") == b"jold"
    assert contents(disk.crash_states(MANY, seed=1)) == {b"jold"}


# ── a program that replaces a file, right and wrong ──


def replace(disk: FaultFS, *, syncs_file: bool = True, syncs_folder: bool = True) -> None:
    file = disk.open("new", create=True)
    file.write_at(0, NEW + NEW)
    if syncs_file:
        file.fsync()
    disk.rename("new", "file")
    if syncs_folder:
        disk.fsync_directory()


def states_of(program: Callable[[FaultFS], None]) -> tuple[set[bytes | None], set[bytes | None]]:
    """Return what "file" may be in a crash during the program, and after it."""
    disk = synced(OLD + OLD)
    during: set[bytes | None] = set()

    def look(operation: Operation) -> None:
        during.update(contents(disk.crash_states(MANY, operation.number)))

    disk.after_each = look
    program(disk)
    return during, contents(disk.crash_states(MANY, seed=1))


def test_a_file_replaced_by_the_book_is_the_old_or_the_new() -> None:
    assert states_of(replace) == ({OLD + OLD, NEW + NEW}, {NEW + NEW})


def test_a_rename_before_the_sync_is_caught() -> None:
    during, after = states_of(lambda disk: replace(disk, syncs_file=False))
    assert b"" in during
    assert bytes(SECTOR_BYTES) + NEW in after


def test_a_folder_that_is_not_synced_is_caught() -> None:
    during, after = states_of(lambda disk: replace(disk, syncs_folder=False))
    assert during == after == {OLD + OLD, NEW + NEW}
