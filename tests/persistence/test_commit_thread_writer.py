"""The thread that writes and syncs, and the same on the loop: both builds."""

import asyncio
import errno
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from persistence import commit_thread
from persistence.commit_thread import DiskWriter
from persistence.direct_memory import gather
from persistence.files import File, Octets, OsFiles
from tests.support.fault_fs import FaultFS
from tests.support.twins import needs_kernels, twin_of


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
    before = open_now()
    for _ in range(5):
        with_writer(DiskWriter, tmp_path, use)
    # Descriptors and threads of other tests may end meanwhile, so only what is new counts.
    assert open_now() - before == set()


def open_now() -> set[str]:
    """Return the descriptors and threads of this process, each as ``kind/number``."""
    return {
        f"{kind}/{each.name}"
        for kind in ("fd", "task")
        for each in Path("/proc/self", kind).iterdir()
    }


def test_the_kernel_takes_only_files_that_the_system_knows() -> None:
    async def run() -> None:
        disk = FaultFS()
        writer = DiskWriter(asyncio.get_running_loop(), lambda *_: None)
        is_kernel = commit_thread.DiskWriter.__module__ == "persistence._commit_thread"
        assert writer.takes(disk.open("file", create=True)) is not is_kernel
        writer.stop()

    asyncio.run(run())


def test_what_the_disk_begins_with_is_as_it_was(
    new_writer: type[DiskWriter], tmp_path: Path
) -> None:
    def use(writer: DiskWriter, file: File, _: Reports) -> None:
        file.write_at(0, b"x" * 10_000)
        writer.begin_fsync(file, 5_000)
        writer.begin_fsync(file, 50_000)
        file.write_at(5_000, b"more")
        assert file.read_at(4_999, 6) == b"xmorex"
        assert file.size_bytes == 10_000

    assert with_writer(new_writer, tmp_path, use) == [], "nobody is told"


def test_a_file_that_cannot_begin_is_no_error(new_writer: type[DiskWriter], tmp_path: Path) -> None:
    def use(writer: DiskWriter, file: File, _: Reports) -> None:
        writer.begin_fsync(OsFiles(Path("/dev")).open("null"), 0)
        file.close()
        writer.begin_fsync(file, 0)

    with_writer(new_writer, tmp_path, use)


OLD = bytes(range(256)) * 16 * 512
"""What a file of 2 MiB has before."""


@pytest.mark.parametrize("position", [0, 1, 4095, 4096, 70_000])
@pytest.mark.parametrize("size_bytes", [262_144, 300_001, 1_048_576, 2_097_152])
def test_a_write_past_the_page_cache_changes_nothing_beside_it(
    new_writer: type[DiskWriter], tmp_path: Path, position: int, size_bytes: int
) -> None:
    octets = gather([b"new " * (size_bytes // 4), b"n" * (size_bytes % 4)], position)
    assert octets is not None

    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        file.write_at(0, OLD)
        writer.start(file, position, [octets], True)
        assert await reports.next() == (0, False)
        end = position + size_bytes
        assert file.read_at(0, 1 << 30) == OLD[:position] + bytes(octets) + OLD[end:]

    with_writer(new_writer, tmp_path, use)


def test_a_file_system_without_such_writes_gets_them_through_the_page_cache(
    new_writer: type[DiskWriter],
) -> None:
    octets = gather([b"new " * 100_000], 7)
    assert octets is not None

    async def use(writer: DiskWriter, file: File, reports: Reports) -> None:
        writer.start(file, 7, [octets], True)
        assert await reports.next() == (0, False)
        assert file.read_at(0, 1 << 30) == bytes(7) + bytes(octets)

    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        with_writer(new_writer, Path(folder), use)


@needs_kernels
def test_a_full_disk_is_told_of_a_write_past_the_page_cache(tmp_path: Path) -> None:
    octets = gather([b"new " * 100_000], 0)
    assert octets is not None

    async def use(writer: DiskWriter, _: File, reports: Reports) -> None:
        writer.start(OsFiles(Path("/dev")).open("full"), 0, [octets], True)
        assert await reports.next() == (errno.ENOSPC, False)

    with_writer(DiskWriter, tmp_path, use)
