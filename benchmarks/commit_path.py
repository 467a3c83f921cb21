"""The time between an append and its confirm: `python -m benchmarks.commit_path`.

Commits one group after the other on a real disk, with an idle loop and with a loop that computes in
turns of a given length. The threads of both builds and the loop itself commit. The bare write and
sync is printed beside them; the difference is our own cost. After that it prints the cost of
encoding and appending, in CPU time.
"""

import asyncio
import importlib.util
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import uvloop

from persistence import codec, commit_thread, kernels
from persistence.commit_thread import CommitThread, DiskWriter
from persistence.files import OsFiles
from persistence.group_commit import GroupCommit
from persistence.operations import encode_enqueue, encode_settle
from persistence.record import PERSISTENT, Record, make_route
from persistence.wal import Wal
from persistence.wal_replay import Replay

COMMITS = 300
ENTRY = bytes(128)
FILE_SIZE_BYTES = 4 << 20
RECORDS_PER_RUN = 64


class NoDefinitions:
    """A journal for a node whose definitions never change."""

    def write(self, changes: object) -> None:
        """Do nothing, because nothing is defined here."""
        raise NotImplementedError(changes)

    def fsync(self) -> None:
        """Do nothing, because nothing was written."""


def twin_writer() -> type[DiskWriter]:
    """Return the interpreted writer, on both builds."""
    spec = importlib.util.spec_from_file_location("twin_of_commit_thread", commit_thread.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch.object(kernels, "COMPILED", new=False):
        spec.loader.exec_module(module)
    writer: type[DiskWriter] = module.DiskWriter
    return writer


def new_commit(folder: Path) -> GroupCommit:
    """Return a group commit on a new log."""
    files = OsFiles(folder)
    replay = Replay(files)
    list(replay.batches())
    draw = int.from_bytes(os.urandom(8), "little")
    return GroupCommit(Wal(files, FILE_SIZE_BYTES, lambda: draw, replay, 1), NoDefinitions(), 1)


def bare(folder: Path) -> list[float]:
    """Return the seconds that each bare write and sync of the same size takes."""
    file = OsFiles(folder).open("bare", create=True)
    file.write_at(0, bytes(FILE_SIZE_BYTES))
    file.fsync()
    took = []
    for index in range(COMMITS):
        start = time.perf_counter()
        file.write_at(index * 256, [bytes(40), ENTRY])
        file.fsync()
        took.append(time.perf_counter() - start)
    return took


class Commits:
    """Appends, waits for the commit, and appends again, in a loop that may be busy meanwhile.

    Args:
        folder: of the log.
        busy_s: seconds that each turn of the loop computes; 0 is an idle loop.
        writer: writes and syncs; None is the loop itself.
    """

    def __init__(self, folder: Path, busy_s: float, writer: type[DiskWriter] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._busy_s = busy_s
        self._commit = new_commit(folder)
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._thread: CommitThread | None = None
        self.took_s: list[float] = []
        if writer is not None:
            with patch.object(commit_thread, "DiskWriter", writer):
                self._thread = CommitThread(
                    self._commit, self._loop, lambda: None, lambda: None, self._ended.set_exception
                )

    async def run(self) -> list[float]:
        """Return how long each append waited, in seconds."""
        if self._busy_s:
            self._turn()
        self._append()
        await self._ended
        if self._thread is not None:
            self._thread.stop()
        return self.took_s

    def _turn(self) -> None:
        end = time.perf_counter() + self._busy_s
        while time.perf_counter() < end:
            pass
        if not self._ended.done():
            self._loop.call_soon(self._turn)

    def _append(self) -> None:
        start = time.perf_counter()
        lsn = self._commit.append_operation([ENTRY], fsync=True)
        self._commit.wait(lsn, lambda: self._committed(start))
        if self._thread is not None:
            self._thread.pump()
        elif (group := self._commit.seal()) is not None:
            self._commit.writer.write(group)
            self._commit.finish(group, None)

    def _committed(self, start: float) -> None:
        self.took_s.append(time.perf_counter() - start)
        if len(self.took_s) == COMMITS:
            self._ended.set_result(None)
        else:
            self._loop.call_soon(self._append)


async def commits(folder: Path, busy_s: float, writer: type[DiskWriter] | None) -> list[float]:
    """Return how long each append waited for its commit, in seconds."""
    return await Commits(folder, busy_s, writer).run()


def row(name: str, busy_ms: float, took: list[float], bare_s: float) -> str:
    """Return a line of the table."""
    ordered = sorted(took)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    over_us = (p50 - bare_s) * 1e6
    return f"{name:<14}{busy_ms:>8.1f}{p50 * 1e6:>10.0f}{p99 * 1e6:>10.0f}{over_us:>10.0f}"


def compare_threads(folder: Path) -> None:
    """Print how long commits take through each kind of thread."""
    bare_s = statistics.median(bare(folder))
    print(f"bare write and fdatasync of {40 + len(ENTRY)} octets: p50 {bare_s * 1e6:.0f} us")
    print(f"{'through':<14}{'turn ms':>8}{'p50 us':>10}{'p99 us':>10}{'over us':>10}")
    ways: list[tuple[str, type[DiskWriter] | None]] = [("inline", None), ("twin", twin_writer())]
    if kernels.COMPILED:
        ways.append(("kernel", commit_thread.DiskWriter))
    for busy_ms in (0.0, 0.2, 1.0, 4.0):
        for name, writer in ways:
            with tempfile.TemporaryDirectory(dir=folder) as place:
                took = uvloop.run(commits(Path(place), busy_ms / 1000, writer))
            print(row(name, busy_ms, took, bare_s))


def cpu_us(work: Callable[[], object], times: int) -> float:
    """Return the CPU time of one call in us, best of seven rounds."""
    best = float("inf")
    for _ in range(7):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - start)
    return best / times * 1e6


def price_of_encoding() -> None:
    """Print the CPU time of encoding and decoding runs."""
    print(f"\n{'body octets':>12}{'encode us/run':>15}{'MB/s':>9}{'decode us/run':>15}{'MB/s':>9}")
    for body_bytes in (12, 128, 1024):
        octets = codec.encode_run([a_record(body_bytes)] * RECORDS_PER_RUN)
        run = codec.decode_run(octets, RECORDS_PER_RUN)
        encode_us = cpu_us(partial(codec.encode_run, run), 3000)
        decode_us = cpu_us(partial(codec.decode_run, octets, RECORDS_PER_RUN), 3000)
        print(
            f"{body_bytes:>12}{encode_us:>15.2f}{len(octets) / encode_us:>9.0f}"
            f"{decode_us:>15.2f}{len(octets) / decode_us:>9.0f}"
        )


def a_record(body_bytes: int) -> Record:
    """Return a persistent message of the default exchange."""
    header = b"\0\x3c" + bytes(13)
    return Record(make_route("", "jobs"), header, bytes(body_bytes), PERSISTENT)


def price_of_an_append(folder: Path) -> None:
    """Print the CPU time of an append and of a group, without the disk."""
    commit = new_commit(folder)
    run = codec.decode_run(codec.encode_run([a_record(1024)]), 1)

    def enqueue() -> None:
        lsn = commit.append_operation(encode_enqueue(7, 1, run), fsync=False)
        commit.wait(lsn, lambda: None)

    def settle() -> None:
        commit.append_operation([encode_settle(7, range(1, 2))], fsync=False)

    def group_of_one() -> None:
        settle()
        group = commit.seal()
        assert group is not None
        write = commit.writer.plan(group)
        if write is None:
            commit.writer.write(group)
        else:
            commit.writer.note_written(group, write)
        commit.finish(group, None)

    print(f"ENQUEUE of a record of 1 KiB, with its waiter: {cpu_us(enqueue, 2000):.2f} us")
    print(f"SETTLE: {cpu_us(settle, 2000):.2f} us")
    commit = new_commit(folder)
    print(f"a group of one SETTLE, without the disk: {cpu_us(group_of_one, 2000):.2f} us")


def main() -> None:
    """Print all tables."""
    print(f"build={kernels.build_name()} python={sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as place:
        compare_threads(Path(place))
        price_of_encoding()
        price_of_an_append(Path(place))


if __name__ == "__main__":
    main()
