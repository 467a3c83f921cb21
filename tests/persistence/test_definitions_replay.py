"""What a start makes of definitions whose files are torn, damaged or gone."""

import pytest

from persistence.definitions_format import FIRST_BATCH_AT, HEADER_COPY_AT
from persistence.errors import StorageError
from tests.support.definitions import JOURNAL_BYTES_MIN, Node, reopened
from tests.support.fault_fs import FaultFS

JOURNAL = "definitions/journal-0000000000000001"
A, B, C = ("queue", "a"), ("queue", "b"), ("queue", "c")
BATCH_BYTES = 32 + 12 + len('["queue","a"]') + 4


def three_batches() -> FaultFS:
    """Return a disk with three definitions, each written by a commit of its own."""
    disk = FaultFS()
    node = Node(disk)
    for key in (A, B, C):
        node.change(key, b"here")
        node.save()
    return disk


def start_of(batch_index: int) -> int:
    return FIRST_BATCH_AT + batch_index * BATCH_BYTES


def with_snapshot() -> FaultFS:
    """Return a disk with a snapshot of two definitions and a third in the journal."""
    disk = FaultFS()
    node = Node(disk)
    node.change(A, b"here")
    node.change(B, bytes(JOURNAL_BYTES_MIN))
    node.save()
    node.change(C, b"here")
    node.save()
    assert disk.exists("definitions/snapshot-0000000000000002")
    return disk


def test_the_last_batch_torn_is_cut_and_the_place_used_again() -> None:
    disk = three_batches()
    disk.flip_bit(JOURNAL, start_of(2) + 40)
    node = Node(disk)
    assert node.found.keys() == {A, B}
    assert node.replay.torn_bytes == BATCH_BYTES
    assert not node.replay.damages
    assert disk.open(JOURNAL).size_bytes == start_of(2)
    node.change(C, b"again")
    node.save()
    assert reopened(disk).items() == {A: b"here", B: b"here", C: b"again"}


@pytest.mark.parametrize("position", range(0, BATCH_BYTES, 5))
def test_a_batch_damaged_in_the_middle_is_kept_and_reported(position: int) -> None:
    disk = three_batches()
    disk.flip_bit(JOURNAL, start_of(1) + position)
    found = reopened(disk)
    assert found.items().keys() == {A, C}
    (damage,) = found.damages
    assert damage[:3] == (JOURNAL, start_of(1), BATCH_BYTES)
    assert damage.kept_in == "definitions/damaged-journal-0000000000000001-0000045f"[:-8] + (
        f"{start_of(1):08x}"
    )
    assert found.damaged_paths == [damage.kept_in]
    assert disk.open(damage.kept_in).size_bytes == BATCH_BYTES
    assert str(damage).startswith(f"{JOURNAL}: {BATCH_BYTES} octets at {start_of(1)} are damaged")


def test_damage_is_reported_once_and_remembered_until_its_copy_is_removed() -> None:
    disk = three_batches()
    disk.flip_bit(JOURNAL, start_of(0))
    node = Node(disk)
    assert node.found.keys() == {B, C}
    assert len(node.replay.damages) == 1
    node.change(A, b"back")
    node.save()
    again = Node(disk)
    assert again.found == {A: b"back", B: b"here", C: b"here"}
    assert not again.replay.damages
    assert again.replay.damaged_paths == node.replay.damaged_paths
    disk.remove(node.replay.damaged_paths[0])
    assert Node(disk).replay.damaged_paths == []


def test_a_crash_before_the_damage_is_behind_finds_it_again() -> None:
    disk = three_batches()
    disk.flip_bit(JOURNAL, start_of(0))
    first = reopened(disk)
    second = reopened(disk)
    assert first.damages == second.damages
    assert first.damaged_paths == second.damaged_paths


def test_one_copy_of_a_header_damaged_loses_nothing() -> None:
    disk = with_snapshot()
    for name in disk.names("definitions"):
        disk.flip_bit(f"definitions/{name}", 24)
    found = reopened(disk)
    assert found.items().keys() == {A, B, C}
    assert not found.damages


def test_a_journal_without_a_header_leaves_the_snapshot() -> None:
    disk = with_snapshot()
    path = "definitions/journal-0000000000000002"
    size_bytes = disk.open(path).size_bytes
    disk.flip_bit(path, 24)
    disk.flip_bit(path, HEADER_COPY_AT + 24)
    node = Node(disk)
    assert node.found.keys() == {A, B}
    (damage,) = node.replay.damages
    assert damage[:3] == (path, 0, size_bytes)


def test_a_damaged_snapshot_loses_the_batch_and_no_more() -> None:
    disk = with_snapshot()
    path = "definitions/snapshot-0000000000000002"
    disk.flip_bit(path, FIRST_BATCH_AT + 100)
    node = Node(disk)
    assert node.found.keys() == {C}
    (damage,) = node.replay.damages
    assert damage[:2] == (path, FIRST_BATCH_AT)
    assert Node(disk).found.keys() == {C}


@pytest.mark.parametrize("cut_bytes", [1, 32, 33])
def test_a_snapshot_that_was_cut_is_damaged(cut_bytes: int) -> None:
    disk = with_snapshot()
    path = "definitions/snapshot-0000000000000002"
    file = disk.open(path)
    file.truncate(file.size_bytes - cut_bytes)
    found = reopened(disk)
    assert len(found.damages) == 1
    assert C in found.items()


def test_a_snapshot_cut_at_the_end_of_a_batch_says_where() -> None:
    disk = with_snapshot()
    file = disk.open("definitions/snapshot-0000000000000002")
    file.truncate(file.size_bytes - 32)
    (damage,) = reopened(disk).damages
    assert str(damage).endswith(f"ends at {file.size_bytes}: the definitions behind it are lost")


@pytest.mark.parametrize("kind", ["snapshot", "journal"])
def test_a_missing_file_is_damage(kind: str) -> None:
    disk = with_snapshot()
    path = f"definitions/{kind}-0000000000000002"
    disk.remove(path)
    node = Node(disk)
    (damage,) = node.replay.damages
    assert damage[:3] == (path, 0, 0)
    assert node.found.keys() == ({C} if kind == "snapshot" else {A, B})
    assert node.replay.damaged_paths


def test_files_of_another_version_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FaultFS()
    monkeypatch.setattr("persistence.definitions_format.VERSION", 9)
    node = Node(disk)
    node.change(A, b"here")
    node.save()
    monkeypatch.undo()
    with pytest.raises(StorageError, match="found version 9"):
        reopened(disk)
