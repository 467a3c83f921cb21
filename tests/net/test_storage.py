"""The disk's side of the loop, on real files and threads: commits, checkpoints, a full disk."""

import asyncio
import errno
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from amqp_server.net.disk_monitor import DiskMonitor
from amqp_server.net.storage import Storage
from amqp_server.net.timers import now_ms
from persistence.definitions_format import DIRECTORY
from persistence.definitions_replay import DefinitionsReplay
from persistence.definitions_store import DefinitionsStore
from persistence.files import File, Octets, OsFiles
from persistence.group_commit import GroupCommit
from persistence.log import Log
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.opening import OpenedStore, open_store
from persistence.slices import Slice
from persistence.store import ROOM_DIRECTORY
from persistence.wal import Wal
from persistence.wal_replay import next_lsn_after
from tests.support.records import record

WAIT_S = 20.0
FILE_BYTES = 1 << 20


class RefusingFile:
    """A file of the system that refuses to write or fsync while it is told so.

    The kernel cannot know its number, so that every write comes by.
    """

    def __init__(self, file: File, path: str, refusals: dict[str, int]) -> None:
        self._file = file
        self._path = path
        self._refusals = refusals
        self.read_at = file.read_at
        self.truncate = file.truncate
        self.done_with = file.done_with
        self.close = file.close

    @property
    def size_bytes(self) -> int:
        return self._file.size_bytes

    def fileno(self) -> int:
        return -1

    def write_at(self, position: int, data: Octets | Sequence[Octets]) -> None:
        self._refuse("write")
        self._file.write_at(position, data)

    def fsync(self) -> None:
        self._refuse("fsync")
        self._file.fsync()

    def _refuse(self, what: str) -> None:
        for place in (what, f"{what} {self._path.split('/', maxsplit=1)[0]}"):
            if place in self._refusals:
                raise OSError(self._refusals[place], "refused")


class RefusingFiles(OsFiles):
    """A folder whose files refuse what ``refusals`` says: write or fsync, and the errno.

    ``write spill`` is a write of the files in that folder.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.refusals: dict[str, int] = {}

    def open(self, path: str, *, create: bool = False) -> File:  # type: ignore[override]
        return RefusingFile(super().open(path, create=create), path, self.refusals)


class Disk:
    """A node's disk without the node."""

    def __init__(self, path: Path, known: dict[int, LogOptions] | None = None) -> None:
        self.files = RefusingFiles(path)
        self.files.make_directory(DIRECTORY)
        definitions = DefinitionsReplay(self.files)
        self.definitions = DefinitionsStore(self.files, definitions, lambda: 5)
        self.opened: OpenedStore = open_store(self.files, known or {}, StoreLimits(), lambda: 0)
        next_lsn = next_lsn_after(max(self.opened.replay.highest_lsn, definitions.last_lsn))
        self.wal = Wal(self.files, FILE_BYTES, lambda: 7, self.opened.replay, next_lsn)
        self.commit = GroupCommit(self.wal, self.definitions, next_lsn)
        self.opened.store.start(self.wal, self.commit)
        self.told: list[bool] = []
        self.failures: list[None] = []
        self.monitor = DiskMonitor(
            0, lambda is_low, _: self.told.append(is_low), now_ms(), lambda: 0
        )

    @property
    def is_low(self) -> bool:
        return self.monitor.is_low

    def start(self) -> Storage:
        return Storage(
            asyncio.get_running_loop(),
            self.commit,
            self.wal,
            self.opened.store,
            self.monitor,
            on_failure=lambda: self.failures.append(None),
        )

    def new_log(self) -> Log:
        return self.opened.store.new_log(LogOptions())

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():  # noqa: ASYNC110 -- what is awaited is told by no event
                await asyncio.sleep(0)

    async def committed(self, lsn: int) -> None:
        await self.until(lambda: self.commit.committed_lsn >= lsn)

    def close(self) -> None:
        self.definitions.close()
        self.files.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.close()


def test_what_a_turn_appended_is_committed_by_the_pump(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.new_log()
        lsn = log.append(0, [record(b"one", persistent=True)])
        assert lsn > disk.commit.committed_lsn
        storage.turn_ended()
        await disk.committed(lsn)
        storage.stop()

    asyncio.run(run())
    assert not disk.failures


def test_what_was_appended_before_a_stop_is_there_after_it(tmp_path: Path) -> None:
    disk = Disk(tmp_path)

    async def run() -> int:
        storage = disk.start()
        log = disk.new_log()
        log.append(0, [record(b"one", persistent=True), record(b"two", persistent=True)])
        log.settle(range(1))
        log.state.delivered_below = 2
        storage.stop()
        return log.queue_id

    queue_id = asyncio.run(run())
    disk.close()
    found = Disk(tmp_path, {queue_id: LogOptions()})
    recovered = found.opened.queues[queue_id]
    assert found.opened.report.was_clean
    assert found.opened.report.message_count == 1
    assert recovered.next_position == 2
    found.close()


def test_a_file_of_the_log_that_ends_is_set_free_by_a_checkpoint(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.new_log()
        position = 0
        while disk.wal.number < 4:
            lsn = log.append(position, [record(b"x" * 100_000, persistent=True)] * 4)
            log.settle(range(position, position + 4))
            position += 4
            storage.turn_ended()
            await disk.committed(lsn)
        await disk.until(lambda: disk.wal.spare_count > 0)
        storage.stop()

    asyncio.run(run())
    assert not disk.failures


def test_a_full_disk_confirms_nothing_and_goes_on_when_there_is_room(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.new_log()
        called: list[None] = []
        disk.files.refusals["write"] = errno.ENOSPC
        lsn = log.append(0, [record(b"one", persistent=True)])
        disk.commit.wait(lsn, lambda: called.append(None))
        storage.turn_ended()
        await disk.until(lambda: disk.told == [True])
        storage.on_deadline(now_ms())
        await disk.until(lambda: disk.told == [True, True])
        assert not called
        disk.files.refusals.clear()
        storage.on_deadline(now_ms())
        await disk.committed(lsn)
        assert called
        assert disk.told[-1] is False
        storage.stop()

    asyncio.run(run())
    assert not disk.failures


@pytest.mark.parametrize("durable", [True, False])
def test_a_chunk_that_finds_no_room_trips_the_alarm_until_there_is_some(
    disk: Disk, *, durable: bool
) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.opened.store.new_log(LogOptions(durable=durable))
        disk.files.refusals |= {"write queues": errno.ENOSPC, "write spill": errno.ENOSPC}
        run = [record(b"one", persistent=True)]
        lsn = log.append(0, run)
        assert not log.spill(0, [Slice(run, range(1))])
        assert not log.spill(0, [Slice(run, range(1))])
        assert disk.told == []  # not while the queue is in the middle of something
        await asyncio.sleep(0)
        assert disk.told == [True]
        storage.turn_ended()
        await disk.committed(lsn)
        storage.on_deadline(now_ms())
        await disk.until(lambda: not storage._is_trying_room)
        assert disk.told == [True]
        assert disk.is_low
        disk.files.refusals.clear()
        storage.on_deadline(now_ms())
        await disk.until(lambda: not disk.is_low)
        assert not disk.files.exists(ROOM_DIRECTORY)
        storage.stop()

    asyncio.run(run())
    assert not disk.failures


def test_a_checkpoint_that_finds_no_room_trips_the_alarm_until_one_is_made(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.new_log()
        disk.files.refusals["write queues"] = errno.ENOSPC
        position = 0
        while not disk.is_low:
            lsn = log.append(position, [record(b"x" * 100_000, persistent=True)] * 4)
            position += 4
            storage.turn_ended()
            await disk.committed(lsn)
        assert disk.wal.number > 1
        # There is room for a chunk, and commits go on: still no checkpoint could be made.
        storage.on_deadline(now_ms())
        await disk.until(lambda: not storage._is_trying_room)
        storage.turn_ended()
        assert disk.is_low
        disk.files.refusals.clear()
        storage.on_deadline(now_ms())
        await disk.until(lambda: not disk.is_low)
        assert disk.wal.spare_count > 0
        storage.stop()

    asyncio.run(run())
    assert not disk.failures


def test_a_checkpoint_that_is_needed_no_more_keeps_no_alarm_on(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        storage._end_checkpoint(
            disk.opened.store.begin_checkpoint(), OSError(errno.ENOSPC, "refused")
        )
        assert disk.is_low
        storage.on_deadline(now_ms())
        await disk.until(lambda: not disk.is_low)
        storage.stop()

    asyncio.run(run())


def test_a_checkpoint_that_fails_otherwise_trips_nothing(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        storage._end_checkpoint(disk.opened.store.begin_checkpoint(), OSError(errno.EIO, "rotten"))
        assert disk.told == []
        storage.stop()

    asyncio.run(run())


def test_a_sync_that_fails_stops_the_node_and_confirms_nothing(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.new_log()
        called: list[None] = []
        first = log.append(0, [record(b"one", persistent=True)])
        storage.turn_ended()
        await disk.committed(first)
        disk.files.refusals["fsync"] = errno.EIO
        disk.commit.wait(
            log.append(1, [record(b"two", persistent=True)]), lambda: called.append(None)
        )
        storage.turn_ended()
        await disk.until(lambda: bool(disk.failures))
        disk.files.refusals.clear()
        log.append(2, [record(b"three", persistent=True)])
        storage.turn_ended()
        storage.on_deadline(now_ms())
        assert storage.next_deadline_ms() is None
        storage.stop()
        assert not called
        assert storage.failure is not None

    asyncio.run(run())
    assert len(disk.failures) == 1


def test_acks_that_nobody_waits_for_are_synced_by_the_clock(disk: Disk) -> None:
    async def run() -> None:
        storage = disk.start()
        log = disk.new_log()
        lsn = log.append(0, [record(b"one", persistent=True)])
        storage.turn_ended()
        await disk.committed(lsn)
        settled = log.settle(range(1))
        storage.turn_ended()
        await disk.committed(settled)
        assert disk.commit.has_unsynced
        storage.on_deadline(now_ms())
        await disk.until(lambda: not disk.commit.has_unsynced)
        storage.stop()

    asyncio.run(run())
