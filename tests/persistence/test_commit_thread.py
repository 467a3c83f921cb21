"""Groups on their threads: each is finished on the loop, in order, whatever the disk says."""

import asyncio
import errno
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from persistence import commit_thread
from persistence.commit_thread import CommitThread, DiskWriter, Worker
from persistence.files import File, Files, Octets, OsFiles
from persistence.group_commit import GroupCommit
from tests.support.commit import FakeDisk, FakeJournal
from tests.support.fault_fs import FaultFS, Kind
from tests.support.twins import needs_kernels, twin_of
from tests.support.wal_program import entry, new_wal, replayed


class Node:
    """A log on a disk, its threads, and what they reported."""

    def __init__(self, files: Files, threads: type[CommitThread] = CommitThread) -> None:
        self.files = files
        self.events: list[object] = []
        self.heard = asyncio.Event()
        self.loop_thread = threading.get_ident()
        self.wal = new_wal(files, replayed(files).replay)
        self.disk = FakeDisk()
        self.commit = GroupCommit(self.wal, FakeJournal(self.disk), 1)
        self.thread = threads(
            self.commit,
            asyncio.get_running_loop(),
            lambda: self.hear("committed"),
            lambda: self.hear("full"),
            lambda error: self.hear(("failed", str(error))),
        )

    def hear(self, event: object) -> None:
        assert threading.get_ident() == self.loop_thread
        self.events.append(event)
        self.heard.set()

    def append(self, number: int, *, fsync: bool = True, units_count: int = 0) -> None:
        lsn = self.commit.append_operation([entry(number, 1, units_count)], fsync=fsync)
        self.commit.wait(lsn, lambda: self.hear(number))

    async def wait_for(self, event: object) -> None:
        while event not in self.events:
            self.heard.clear()
            await asyncio.wait_for(self.heard.wait(), 20)

    def numbers(self) -> list[int]:
        return [int.from_bytes(octets[:8], "little") for octets in replayed(self.files).entries]


@pytest.fixture(params=["memory", "disk"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """Return a disk that no thread but ours can write to, and one that the system knows."""
    return FaultFS() if request.param == "memory" else OsFiles(tmp_path)


def test_what_is_appended_meanwhile_is_the_next_group(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        for number in range(1, 200):
            node.append(number, fsync=number % 3 != 0, units_count=number % 90)
            if number % 7 == 0:
                node.thread.pump()
            if number % 50 == 0:
                await asyncio.sleep(0)
        node.thread.pump()
        await node.wait_for(199)
        node.thread.stop()
        assert [event for event in node.events if event != "committed"] == list(range(1, 200))
        assert node.numbers() == list(range(1, 200))
        assert node.commit.committed_lsn == node.commit.last_lsn

    asyncio.run(run())


def test_nothing_pending_is_nothing_done(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.thread.pump()
        node.thread.retry()
        node.thread.stop()
        node.thread.stop()
        assert node.events == []

    asyncio.run(run())


def test_those_who_waited_are_called_before_committed_is(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        assert node.events == [1, "committed"]
        node.thread.stop()

    asyncio.run(run())


def test_stopping_commits_all_that_is_pending(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        node.append(2)
        node.commit.append_definition(b"a queue")
        node.append(3)
        node.thread.stop()
        assert [event for event in node.events if event != "committed"] == [1, 2, 3]
        assert ("changes", (3, b"a queue")) in node.disk.calls
        node.thread.pump()
        await asyncio.sleep(0)
        assert node.numbers() == [1, 2, 3]

    asyncio.run(run())


def test_definitions_are_carried_out_too(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for(1)
        node.commit.append_definition(b"a queue")
        node.append(2)
        node.thread.pump()
        await node.wait_for(2)
        node.thread.stop()
        assert node.disk.calls == [("changes", (2, b"a queue")), "journal synced"]

    asyncio.run(run())


def test_something_else_is_done_on_a_thread_and_ends_on_the_loop(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        threads: list[int] = []
        node.thread.call(lambda: threads.append(threading.get_ident()), node.hear)
        await node.wait_for(None)
        assert threads != [node.loop_thread]

        def refuse() -> None:
            raise KeyError("what")

        node.thread.call(refuse, lambda error: node.hear(repr(error)))
        await node.wait_for("KeyError('what')")
        node.thread.stop()

    asyncio.run(run())


def test_groups_overtake_a_checkpoint(tmp_path: Path) -> None:
    async def run() -> None:
        node = Node(OsFiles(tmp_path))
        node.append(1)
        node.thread.pump()
        await node.wait_for(1)
        release = threading.Event()
        node.thread.call(lambda: assert_true(release.wait(20)), lambda _: node.hear("checkpoint"))
        node.append(2)
        node.thread.pump()
        await node.wait_for(2)
        release.set()
        await node.wait_for("checkpoint")
        node.thread.stop()

    asyncio.run(run())


def test_a_group_is_carried_out_here_in_the_call(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        node.events.clear()
        node.append(2)
        node.thread.commit_here()
        assert node.events == [2, "committed"]
        node.thread.commit_here()
        assert node.events == [2, "committed"], "nothing was pending"
        node.thread.stop()
        assert node.numbers() == [1, 2]

    asyncio.run(run())


def test_what_is_more_than_one_write_is_not_carried_out_here(files: Files) -> None:
    async def run() -> None:
        node = Node(files)
        node.append(1)  # The first file has to be made for it.
        node.thread.commit_here()
        assert node.events == []
        await node.wait_for(1)
        node.commit.append_definition(b"a queue")
        node.append(3)
        node.thread.commit_here()
        node.append(4)
        node.thread.commit_here()
        assert 4 not in node.events, "a group is under way"
        await node.wait_for(4)
        node.thread.stop()
        assert node.numbers() == [1, 3, 4]

    asyncio.run(run())


def test_a_disk_that_refuses_here_is_told_as_it_is_from_a_thread() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        node.append(1)
        node.thread.pump()
        await node.wait_for("committed")
        node.events.clear()
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=1)
        node.append(2)
        node.thread.commit_here()
        assert node.events == ["full"]
        node.thread.retry()
        await node.wait_for(2)
        node.events.clear()
        disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO, times=1)
        node.append(3)
        node.thread.commit_here()
        (event,) = node.events
        assert "a sync failed, so the node must stop" in str(event)
        node.append(4)
        node.thread.commit_here()
        node.thread.stop()
        assert len(node.events) == 1
        assert node.commit.committed_lsn == 2

    asyncio.run(run())


def assert_true(happened: object) -> None:
    assert happened


def test_a_full_disk_is_told_and_tried_again() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=2)
        node.append(1)
        node.thread.pump()
        await node.wait_for("full")
        node.append(2)
        node.thread.pump()
        node.thread.retry()
        node.events.clear()
        await node.wait_for("full")
        node.thread.retry()
        await node.wait_for(2)
        node.thread.stop()
        assert node.numbers() == [1, 2]

    asyncio.run(run())


def test_stopping_on_a_full_disk_leaves_what_has_no_room() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.WRITE, errno.ENOSPC, times=None)
        node.append(1)
        node.append(2)
        node.thread.stop()
        assert node.events == ["full"]

    asyncio.run(run())


def test_a_failed_sync_is_told_once_and_nothing_is_committed_after_it() -> None:
    async def run() -> None:
        disk = FaultFS()
        node = Node(disk)
        disk.fail_at(lambda operation: operation.kind is Kind.SYNC, errno.EIO, times=None)
        node.append(1)
        node.thread.pump()
        await asyncio.wait_for(node.heard.wait(), 20)
        node.append(2)
        node.thread.pump()
        node.thread.retry()
        node.thread.stop()
        (event,) = node.events
        assert str(event).startswith("('failed', ")
        assert "must stop" in str(event)

    asyncio.run(run())


@pytest.fixture(params=["interpreted", pytest.param("compiled", marks=needs_kernels)])
def new_writer(request: pytest.FixtureRequest) -> type[DiskWriter]:
    """Return the writer of each build."""
    if request.param == "compiled":
        return DiskWriter
    twin: type[DiskWriter] = twin_of("persistence.commit_thread").DiskWriter
    return twin


class Reports:
    """What a writer said of its jobs."""

    def __init__(self) -> None:
        self.said: list[tuple[int, bool]] = []
        self.heard = asyncio.Event()

    def done(self, error_number: int, failed_in_fsync: bool) -> None:
        self.said.append((error_number, failed_in_fsync))
        self.heard.set()

    async def next(self) -> tuple[int, bool]:
        await asyncio.wait_for(self.heard.wait(), 20)
        self.heard.clear()
        return self.said[-1]


def with_writer(
    new_writer: type[DiskWriter], tmp_path: Path, use: Callable[..., object]
) -> list[tuple[int, bool]]:
    """Call ``use(writer, file, reports)`` in a loop; return all that was reported."""

    async def run() -> list[tuple[int, bool]]:
        reports = Reports()
        writer = new_writer(asyncio.get_running_loop(), reports.done)
        folder = OsFiles(tmp_path)
        file = folder.open("file", create=True)
        result = use(writer, file, reports)
        if asyncio.iscoroutine(result):
            await result
        writer.stop()
        writer.stop()
        file.close()
        folder.close()
        return reports.said

    return asyncio.run(run())


@pytest.mark.parametrize("fsync", [True, False])
def test_a_writer_writes_all_parts(
    new_writer: type[DiskWriter], tmp_path: Path, fsync: bool
) -> None:
    parts: list[Octets] = [b"", b"head", bytearray(b"tail" * 1000), memoryview(b"xyz"), b""]

    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        assert writer.takes(file)
        writer.start(file, 5, parts, fsync)
        assert await reports.next() == (0, False)
        assert file.read_at(0, 10_000) == bytes(5) + b"".join(parts)

    assert with_writer(new_writer, tmp_path, use) == [(0, False)]


def test_a_writer_takes_more_parts_than_one_call_can(
    new_writer: type[DiskWriter], tmp_path: Path
) -> None:
    parts = [bytes([number % 251]) * (number % 3) for number in range(2500)]

    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        writer.start(file, 0, parts, False)
        assert await reports.next() == (0, False)
        assert file.read_at(0, 10_000) == b"".join(parts)

    with_writer(new_writer, tmp_path, use)


def test_a_writer_may_have_nothing_to_write(new_writer: type[DiskWriter], tmp_path: Path) -> None:
    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        writer.start(file, 0, [], True)
        assert await reports.next() == (0, False)

    with_writer(new_writer, tmp_path, use)


def test_a_writer_reports_a_write_that_fails(new_writer: type[DiskWriter], tmp_path: Path) -> None:
    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        full = OsFiles(Path("/dev")).open("full")
        writer.start(full, 0, [b"x"], True)
        assert await reports.next() == (errno.ENOSPC, False)
        writer.start(file, 0, [b"x"], True)
        assert await reports.next() == (0, False)

    with_writer(new_writer, tmp_path, use)


def test_a_writer_reports_a_sync_that_fails(new_writer: type[DiskWriter], tmp_path: Path) -> None:
    async def use(writer: DiskWriter, _: File, reports: Reports) -> None:
        # What has no disk behind it cannot be synced.
        writer.start(OsFiles(Path("/dev")).open("null"), 0, [b"x"], True)
        assert await reports.next() == (errno.EINVAL, True)

    with_writer(new_writer, tmp_path, use)


def test_a_writer_that_is_stopped_reports_what_was_under_way(
    new_writer: type[DiskWriter], tmp_path: Path
) -> None:
    def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        writer.start(file, 0, [b"x" * 100_000], True)
        writer.stop()
        assert reports.said == [(0, False)]
        assert file.size_bytes == 100_000

    assert with_writer(new_writer, tmp_path, use) == [(0, False)]


def test_a_writer_lets_its_buffers_go(new_writer: type[DiskWriter], tmp_path: Path) -> None:
    part = bytearray(b"tail")

    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        for _ in range(3):
            writer.start(file, 0, [part], False)
            await reports.next()
            part.extend(b"more")  # a buffer that is held cannot grow

    with_writer(new_writer, tmp_path, use)


@needs_kernels
def test_the_kernel_leaves_no_thread_and_no_descriptor(tmp_path: Path) -> None:
    def use(*_: object) -> None:
        """Do nothing."""

    with_writer(DiskWriter, tmp_path, use)
    before = open_counts()
    for _ in range(5):
        with_writer(DiskWriter, tmp_path, use)
    assert open_counts() == before


def open_counts() -> list[int]:
    """Return how many descriptors and threads this process has."""
    return [len(list(Path("/proc/self", kind).iterdir())) for kind in ("fd", "task")]


def test_the_kernel_takes_only_files_that_the_system_knows() -> None:
    async def run() -> None:
        disk = FaultFS()
        writer = DiskWriter(asyncio.get_running_loop(), lambda *_: None)
        is_kernel = commit_thread.DiskWriter.__module__ == "persistence._commit_thread"
        assert writer.takes(disk.open("file", create=True)) is not is_kernel
        writer.stop()

    asyncio.run(run())


def test_a_worker_keeps_the_order_and_reports_on_the_loop() -> None:
    async def run() -> list[int]:
        done: list[int] = []
        last = asyncio.Event()
        worker = Worker(asyncio.get_running_loop(), "test")

        def ended(number: int) -> Callable[[Exception | None], None]:
            def note(_: Exception | None) -> None:
                done.append(number)
                if number == 9:
                    last.set()

            return note

        for number in range(10):
            worker.submit(lambda: None, ended(number))
        await asyncio.wait_for(last.wait(), 20)
        for number in range(10, 20):
            worker.submit(lambda: None, ended(number))
        worker.stop()
        await asyncio.sleep(0)
        return done

    assert asyncio.run(run()) == list(range(20))
