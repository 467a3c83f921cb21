"""The cost of a queue's log without a broker: appends, spilling, a restart.

    python -m benchmarks.queue_log --messages 1000000 --body-bytes 128

Times are CPU seconds of this process, so the disk has little effect. The directory is removed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from persistence.codec import decode_run, encode_run
from persistence.files import OsFiles
from persistence.group_commit import GroupCommit
from persistence.kernels import build_name
from persistence.log import Log
from persistence.log_making import StoreLimits
from persistence.log_state import LogOptions
from persistence.opening import OpenedStore, open_store
from persistence.record import PERSISTENT, Record, Run, make_route, uniform_run
from persistence.slices import Slice
from persistence.store import Store
from persistence.wal import Wal
from persistence.wal_replay import next_lsn_after

RUN_MESSAGES = 500
WAL_FILE_BYTES = 32 << 20
SLICE_RUNS = 16


class NoDefinitions:
    """A ``DefinitionsJournal`` that is never written to."""

    def write(self, changes: object) -> None:
        """Do nothing, because nothing is defined here."""

    def fsync(self) -> None:
        """Do nothing, because nothing was written."""


class Place:
    """A store in a directory, with one queue of id 1."""

    def __init__(self, directory: Path, known: dict[int, LogOptions]) -> None:
        self.files = OsFiles(directory)
        self.opened: OpenedStore = open_store(self.files, known, StoreLimits(), lambda: 0)
        next_lsn = next_lsn_after(self.opened.replay.highest_lsn)
        self.wal = Wal(self.files, WAL_FILE_BYTES, lambda: 1 << 60, self.opened.replay, next_lsn)
        self.commit = GroupCommit(self.wal, NoDefinitions(), next_lsn)
        self.store: Store = self.opened.store
        self.store.start(self.wal, self.commit)

    def commit_all(self) -> None:
        """Write all pending operations, and a checkpoint if one is due."""
        while (group := self.commit.seal()) is not None:
            group.fsync = False
            self.commit.writer.write(group)
            self.commit.finish(group, None)
        if self.store.checkpoint_is_due():
            made = self.store.begin_checkpoint()
            while not self.store.step(made):
                pass
            for _ in self.store.persist(made):
                pass
            self.store.finish(made, None)


def run_of(body_bytes: int) -> Run:
    """Return a run in the form that the scanner makes."""
    header = b"\x00\x3c\x00\x00" + body_bytes.to_bytes(8, "big") + b"\x10\x00\x02"
    template = Record(make_route("", "benchmark"), header, b"", PERSISTENT)
    records = uniform_run(template, [bytes(body_bytes)] * RUN_MESSAGES)
    return decode_run(encode_run(records), len(records))


def append_all(place: Place, log: Log, run: Run, message_count: int, *, settled: bool) -> float:
    """Append runs, and settle each at once if asked; return CPU seconds in the log's own calls."""
    spent = 0.0
    for first in range(0, message_count, len(run)):
        started = time.process_time()
        log.append(first, run)
        if settled:
            log.settle(range(first, first + len(run)))
        spent += time.process_time() - started
        place.commit_all()
    return spent


def seconds_of(call: Callable[[], None]) -> tuple[float, float]:
    """Return CPU and wall seconds of a call."""
    cpu, wall = time.process_time(), time.perf_counter()
    call()
    return time.process_time() - cpu, time.perf_counter() - wall


def written_bytes() -> int:
    """Return the octets that this process has passed to write calls so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))


def encode_all(run: Run, run_count: int) -> None:
    """Do only the part of an append that every log must do."""
    for _ in range(run_count):
        encode_run(run)


def measure_paging(log: Log, run: Run, message_count: int) -> list[str]:
    """Spill everything, and read it back."""
    total_bytes = len(encode_run(run)) * message_count / len(run)

    def spill() -> None:
        step = len(run) * SLICE_RUNS
        for first in range(0, message_count, step):
            slices = [
                Slice(run, range(at, at + len(run))) for at in range(first, first + step, len(run))
            ]
            assert log.spill(0, slices), "the disk refused"

    def read_back() -> None:
        position = 0
        while (messages := log.read_back(0, position).messages) is not None:
            position = messages.positions[-1] + 1

    lines = []
    for name, call in (("spill", spill), ("read back", read_back)):
        cpu, wall = seconds_of(call)
        lines.append(f"{name:<22}{total_bytes / cpu / 1e6:>9.0f} MB/s of CPU, {wall:.2f} s")
    return lines


def unsynced_log(place: Place) -> Log:
    """Return the log of a new queue of class os, so that no sync of the disk is measured."""
    log = place.store.new_log(LogOptions())
    log.set_fsynced(is_fsynced=False)
    return log


def measure(message_count: int, body_bytes: int) -> list[str]:
    """Measure; return a line for each figure."""
    run = run_of(body_bytes)
    run_count = message_count // len(run)
    encode_seconds, _ = seconds_of(lambda: encode_all(run, run_count))
    lines = [
        f"{build_name()} build, {message_count} messages of {body_bytes} B, runs of {len(run)}"
    ]
    with tempfile.TemporaryDirectory(dir=".") as name:
        directory = Path(name)
        place = Place(directory, {})
        log = unsynced_log(place)
        spent = append_all(place, log, run, message_count, settled=False)
        lines.append(f"{'append':<22}{(spent - encode_seconds) / run_count * 1e6:>9.1f} us a run")
        lines.append(
            f"{'of it encoding':<22}{encode_seconds / run_count * 1e6:>9.1f} us a run more"
        )
        place.files.close()
        opened: list[OpenedStore] = []
        known = {1: LogOptions()}
        cpu, wall = seconds_of(lambda: opened.append(Place(directory, known).opened))
        found = opened[0].report
        assert found.message_count == message_count, "all are there"
        lines.append(f"{'restart':<22}{cpu:>9.2f} s of CPU, {wall:.2f} s")
    with tempfile.TemporaryDirectory(dir=".") as name:
        place = Place(Path(name), {})
        log = unsynced_log(place)
        lines += measure_paging(log, run, message_count)
    with tempfile.TemporaryDirectory(dir=".") as name:
        place = Place(Path(name), {})
        log = unsynced_log(place)
        before = written_bytes()
        spent = append_all(place, log, run, message_count, settled=True)
        each_bytes = (written_bytes() - before) / message_count
        lines.append(f"{'append and settle':<22}{spent / run_count * 1e6:>9.1f} us a run")
        lines.append(f"{'written for each':<22}{each_bytes:>9.0f} B, consumed at once")
    return lines


def main() -> None:
    """Measure, and write the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--body-bytes", type=int, default=128)
    arguments = parser.parse_args()
    sys.stdout.write("\n".join(measure(arguments.messages, arguments.body_bytes)) + "\n")


if __name__ == "__main__":
    main()
