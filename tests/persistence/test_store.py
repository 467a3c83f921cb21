"""The store's own rules; lives and crashes are in test_opening and tests/crash."""

import errno
from unittest.mock import patch

import pytest

from persistence.chunking import CHUNK_BYTES_MAX
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.slices import Slice
from persistence.store import ROOM_DIRECTORY, SHORT_BYTES, Store
from tests.support.commit import FakeDisk, commit_all, commit_on
from tests.support.fault_fs import FaultFS
from tests.support.records import record


class Released:
    """A write-ahead log of which only numbers matter."""

    def __init__(self) -> None:
        self.number = 1
        self.released_below = 0

    def release(self, below_number: int) -> None:
        self.released_below = below_number


def started(disk: FaultFS | None = None) -> tuple[Store, Released]:
    disk, wal = disk or FaultFS(), Released()
    for folder in ("queues", "spill"):
        disk.make_directory(folder)
    store = Store(disk, StoreLimits(), lambda: 0)
    store.start(wal, commit_on(FakeDisk()))
    return store, wal


def test_an_id_is_given_once_to_durable_and_transient_queues_alike() -> None:
    store, _ = started()
    durable = [LogOptions(), LogOptions(durable=False), LogOptions()]
    assert [store.new_log(options).queue_id for options in durable] == [1, 2, 3]


def test_before_the_start_nothing_can_be_appended() -> None:
    made = Store(FaultFS(), StoreLimits(), lambda: 0).make_log(1, LogOptions())
    assert made.committed_lsn == 0
    with pytest.raises(AssertionError, match="started"):
        made.commit_group.append_operation((), fsync=True)
    with pytest.raises(AssertionError, match="started"):
        made.commit_group.wait(1, lambda: None)


def test_a_checkpoint_is_due_when_a_file_of_the_log_has_ended() -> None:
    store, wal = started()
    assert not store.checkpoint_is_due()
    wal.number = 2
    assert store.checkpoint_is_due()
    made = store.begin_checkpoint()
    assert not store.checkpoint_is_due(), "one at a time"
    while not store.step(made):
        pass
    wal.number = 3
    for _ in store.persist(made):
        pass
    store.finish(made, None)
    assert wal.released_below == 2
    assert store.checkpoint_is_due(), "another file has ended meanwhile"


def test_where_the_disk_is_short_of_room_a_checkpoint_is_due_for_less() -> None:
    store, _ = started()
    log = store.new_log(LogOptions())
    with patch.object(type(log), "due_bytes", SHORT_BYTES):
        assert not store.checkpoint_is_due()
        assert store.checkpoint_is_due(is_short=True)
    with patch.object(type(log), "due_bytes", SHORT_BYTES - 1):
        assert not store.checkpoint_is_due(is_short=True)


def test_a_transient_queue_is_in_no_checkpoint() -> None:
    store, _ = started()
    store.new_log(LogOptions(durable=False))
    made = store.begin_checkpoint()
    assert store.step(made)
    assert made.snapshot.queues == {}


def test_many_queues_are_noted_in_several_steps() -> None:
    store, _ = started()
    for _ in range(600):
        store.new_log(LogOptions())
    made = store.begin_checkpoint()
    steps = 1
    while not store.step(made):
        steps += 1
    assert steps == 3
    assert len(made.snapshot.queues) == 600
    assert made.snapshot.next_queue_id == 601


# ── no room ──


@pytest.mark.parametrize("durable", [True, False])
def test_a_queue_whose_chunk_finds_no_room_is_heard_of(*, durable: bool) -> None:
    disk = FaultFS(capacity_bytes=CHUNK_BYTES_MAX)
    store, _ = started(disk)
    log = store.new_log(LogOptions(durable=durable))
    run = [record(bytes(CHUNK_BYTES_MAX), persistent=True)]
    log.append(0, run)
    assert not log.spill(0, [Slice(run, range(1))]), "nobody listens yet"
    told: list[None] = []
    store.on_disk_full = lambda: told.append(None)
    assert not log.spill(0, [Slice(run, range(1))])
    assert told == [None]
    disk.capacity_bytes = None
    assert log.spill(0, [Slice(run, range(1))])
    assert told == [None]


def test_room_is_found_by_writing_and_nothing_is_left_of_it() -> None:
    disk = FaultFS(capacity_bytes=CHUNK_BYTES_MAX)
    store, _ = started(disk)
    store.try_room()
    assert not disk.exists(ROOM_DIRECTORY)
    disk.capacity_bytes = CHUNK_BYTES_MAX - 1
    with pytest.raises(OSError, match="No space") as caught:
        store.try_room()
    assert caught.value.errno == errno.ENOSPC
    assert not disk.exists(ROOM_DIRECTORY)


def test_a_checkpoint_waits_for_the_disk_to_have_all_that_came_before_it() -> None:
    """What it says to be settled may have been copied to a queue of class os."""
    disk = FaultFS()
    for folder in ("queues", "spill"):
        disk.make_directory(folder)
    batches = FakeDisk()
    commit = commit_on(batches)
    store = Store(disk, StoreLimits(), lambda: 0)
    store.start(Released(), commit)
    log = store.new_log(LogOptions())
    log.set_fsynced(is_fsynced=False)
    log.append(0, [record(b"copy", persistent=True)])
    commit_all(commit)
    assert "batches synced" not in batches.calls
    made = store.begin_checkpoint()
    assert store.step(made)
    assert commit.committed_lsn < made.snapshot.lsn
    commit_all(commit)
    assert batches.calls[-1] == "batches synced"
    assert commit.committed_lsn >= made.snapshot.lsn
