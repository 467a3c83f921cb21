"""The definitions' files: what is written, when they are replaced, and what a full disk does."""

import errno
from collections.abc import Iterator
from functools import partial

import pytest

from persistence.definitions_format import FIRST_BATCH_AT
from persistence.errors import FatalStorageError
from tests.support.definitions import JOURNAL_BYTES_MIN, Node, reopened
from tests.support.fault_fs import FaultFS, Kind, Operation


def names(disk: FaultFS) -> list[str]:
    return disk.names("definitions")


def values_of(count: int, size_bytes: int = 300) -> Iterator[tuple[tuple[str, str], bytes]]:
    for number in range(count):
        yield ("queue", str(number)), bytes([number % 256]) * size_bytes


def test_a_node_that_never_ran_has_no_definitions() -> None:
    disk = FaultFS()
    node = Node(disk)
    assert node.found == {}
    assert names(disk) == ["journal-0000000000000001"]
    assert reopened(disk).items() == {}


def test_what_was_put_and_deleted_is_found_again_in_order() -> None:
    disk = FaultFS()
    node = Node(disk)
    node.change(("vhost", "/"), b"1")
    node.change(("queue", "/", "a"), b"2")
    node.save()
    node.change(("queue", "/", "b"), b"3")
    node.change(("vhost", "/"), b"4")
    node.change(("queue", "/", "a"), None)
    last_lsn = node.change(("queue", "/", "never was"), None)
    node.save()
    found = reopened(disk.killed())
    assert list(found.items().items()) == [(("vhost", "/"), b"4"), (("queue", "/", "b"), b"3")]
    assert found.last_lsn == last_lsn
    assert not found.damages
    assert not found.torn_bytes


def test_a_group_is_one_write_and_one_sync() -> None:
    disk = FaultFS()
    node = Node(disk)
    start = len(disk.operations)
    for key, value in values_of(3):
        node.change(key, value)
    node.save()
    assert [operation.kind for operation in disk.operations[start:]] == [Kind.WRITE, Kind.SYNC]
    assert disk.operations[start].position == FIRST_BATCH_AT


def test_a_journal_that_has_outgrown_what_it_describes_is_replaced() -> None:
    disk = FaultFS()
    node = Node(disk)
    for number in range(40):
        node.change(("policy", "p"), b"%4d" % number * 100)
        node.save()
    total_bytes = sum(disk.open(f"definitions/{name}").size_bytes for name in names(disk))
    assert total_bytes < 3 * JOURNAL_BYTES_MIN
    numbers = {name.rpartition("-")[2] for name in names(disk)}
    assert len(numbers) == 1
    assert len(names(disk)) == 2
    found = reopened(disk)
    assert found.items() == {("policy", "p"): b"  39" * 100}
    assert found.last_lsn == node.commit.committed_lsn


def test_a_journal_is_not_replaced_while_it_describes_about_as_much_as_it_holds() -> None:
    disk = FaultFS()
    node = Node(disk)
    for key, value in values_of(200):
        node.change(key, value)
        node.save()
    renames = [each for each in disk.operations if each.kind is Kind.RENAME]
    assert 2 <= len(renames) <= 4, "each snapshot is several times as large as the last"


def test_a_new_snapshot_is_on_disk_before_the_old_pair_goes() -> None:
    disk = FaultFS()
    node = Node(disk)
    node.change(("k",), bytes(JOURNAL_BYTES_MIN))
    node.save()
    start = len(disk.operations)
    node.change(("l",), b"")
    node.save()
    done = [
        (each.kind, each.path.rpartition("/")[2][:12])
        for each in disk.operations[start:]
        if each.kind is not Kind.TRUNCATE
    ]
    snapshot = [(Kind.WRITE, "snapshot.new")] * 3
    assert done == [
        (Kind.CREATE, "snapshot.new"),
        *snapshot,
        (Kind.SYNC, "snapshot.new"),
        (Kind.RENAME, "snapshot.new"),
        (Kind.SYNC_DIRECTORY, "definitions"),
        (Kind.CREATE, "journal-0000"),
        (Kind.WRITE, "journal-0000"),
        (Kind.SYNC, "journal-0000"),
        (Kind.SYNC_DIRECTORY, "definitions"),
        (Kind.REMOVE, "journal-0000"),
        (Kind.WRITE, "journal-0000"),
        (Kind.SYNC, "journal-0000"),
    ]


def test_a_full_disk_keeps_changes_waiting_and_nothing_is_lost() -> None:
    disk = FaultFS(capacity_bytes=FIRST_BATCH_AT + 100)
    node = Node(disk)
    lsn = node.change(("queue", "large"), bytes(200))
    node.save()
    assert node.commit.is_disk_full
    assert node.commit.committed_lsn < lsn
    assert reopened(disk.killed()).items() == {}
    disk.capacity_bytes = None
    node.save()
    assert node.commit.committed_lsn == lsn
    assert reopened(disk.killed()).items() == {("queue", "large"): bytes(200)}


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.CREATE, Kind.SYNC, Kind.RENAME, Kind.TRUNCATE])
def test_a_disk_that_fills_up_while_a_journal_is_replaced_is_tried_again(kind: Kind) -> None:
    for refused_count in range(1, 5):
        disk = FaultFS()
        node = Node(disk)
        node.change(("k",), bytes(JOURNAL_BYTES_MIN))
        node.save()
        start = len(disk.operations)
        hits = iter(range(refused_count))

        def refused(operation: Operation, start: int = start, hits: Iterator[int] = hits) -> bool:
            if operation.number <= start or operation.kind is not kind:
                return False
            if kind is Kind.SYNC and operation.path.endswith("2"):
                return False  # what a commit synced in vain is lost, and stops the node
            return next(hits, None) is not None

        disk.fail_at(refused, errno.ENOSPC, times=None)
        lsn = node.change(("l",), b"")
        for _ in range(refused_count + 1):
            assert reopened(disk.killed()).items() == {("k",): bytes(JOURNAL_BYTES_MIN)}
            node.save()
        assert node.commit.committed_lsn == lsn
        expected = {("k",): bytes(JOURNAL_BYTES_MIN), ("l",): b""}
        assert reopened(disk.killed()).items() == expected


def test_what_a_start_believes_after_a_kill_is_on_disk_before_it_runs() -> None:
    disk = FaultFS()
    node = Node(disk)
    node.change(("k",), b"v")
    group = node.commit.seal()
    assert group is not None
    node.store.write(group.definitions)
    killed = disk.killed()
    assert Node(killed).found == {("k",): b"v"}
    for state in killed.crash_states(100, seed=1):
        assert reopened(state).items() == {("k",): b"v"}


def test_a_power_cut_in_the_start_after_a_kill_finds_a_whole_pair() -> None:
    """The kill comes anywhere in the replacement of a pair, and leaves names that no disk has."""
    disk = FaultFS()
    node = Node(disk)
    node.change(("k",), bytes(JOURNAL_BYTES_MIN))
    node.save()
    node.change(("l",), b"")
    kept = {("k",): bytes(JOURNAL_BYTES_MIN)}
    seen: list[int] = []

    def look(killed: FaultFS, operation: Operation) -> None:
        for state in killed.crash_states(20, seed=operation.number):
            found = reopened(state)
            assert not found.damages
            assert found.items() in (kept, {**kept, ("l",): b""})
            seen.append(found.number)

    def restart(_operation: Operation) -> None:
        killed = disk.killed()
        killed.after_each = partial(look, killed)
        Node(killed)

    disk.after_each = restart
    node.save()
    assert set(seen) == {1, 2}


def test_what_is_left_of_a_longer_snapshot_is_not_behind_the_new_one() -> None:
    disk = FaultFS()
    node = Node(disk)
    node.change(("k",), bytes(JOURNAL_BYTES_MIN))
    node.save()
    disk.open("definitions/snapshot.new", create=True).write_at(0, bytes(20_000))
    node.change(("l",), b"")
    node.save()
    found = reopened(disk)
    assert not found.damages
    assert len(found.items()) == 2


def test_old_files_that_cannot_be_removed_are_left_for_the_next_start() -> None:
    disk = FaultFS()
    node = Node(disk)
    node.change(("k",), bytes(JOURNAL_BYTES_MIN))
    node.save()
    disk.fail_at(lambda operation: operation.kind is Kind.REMOVE, errno.EIO)
    lsn = node.change(("l",), b"")
    node.save()
    assert node.commit.committed_lsn == lsn
    assert len(names(disk)) == 3
    assert Node(disk).found == {("k",): bytes(JOURNAL_BYTES_MIN), ("l",): b""}
    assert len(names(disk)) == 2


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.SYNC])
def test_any_other_failure_of_the_disk_stops_the_node(kind: Kind) -> None:
    disk = FaultFS()
    node = Node(disk)
    disk.fail_at(lambda operation: operation.kind is kind, errno.EIO)
    node.change(("k",), b"v")
    group = node.commit.seal()
    assert group is not None
    with pytest.raises(FatalStorageError):
        node.commit.writer.write(group)
