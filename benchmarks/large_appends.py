"""What the system takes for the octets of a stream alone: `python -m benchmarks.large_appends`.

Appends blocks to a file and syncs each, as a stream with a large publisher does, and nothing else.
So its rate and its CPU time are the least that `stream-1k` can have here. Two kinds of file are
compared, because most of the time is neither the disk's nor a copy's:

    new        a file that grows, in memory that the system takes for its page cache now
    rewritten  a file that is in the page cache already

In a virtual machine whose host takes free memory back, the first touch of a page waits for it.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MESSAGE_BYTES: Final = 1_060
"""A body of 1 KiB as an AMQP 1.0 message, with its share of the chunk."""

BLOCKS_BYTES: Final = (64 << 10, 256 << 10, 1 << 20, 4 << 20)
TOTAL_BYTES: Final = 512 << 20


class Figures(NamedTuple):
    """What one file took.

    Attributes:
        messages_per_s: of 1 KiB, each block synced.
        sync_us: from the begin of a write until its sync has returned.
        cpu_us: for each message, of this process.
        unsynced_cpu_us: the same for the writes alone.
    """

    messages_per_s: float
    sync_us: float
    cpu_us: float
    unsynced_cpu_us: float


def appended(file: int, block: bytes, total_bytes: int) -> Figures:
    """Write blocks behind each other, from the begin of a file, and sync each."""
    write_s = 0.0
    begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
    count = total_bytes // len(block)
    for number in range(count):
        before_s = time.process_time()
        os.pwrite(file, block, number * len(block))
        write_s += time.process_time() - before_s
        os.fdatasync(file)
    took_s, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
    messages = count * len(block) / MESSAGE_BYTES
    return Figures(
        messages / took_s, took_s / count * 1e6, cpu_s / messages * 1e6, write_s / messages * 1e6
    )


def files(folder: Path, block: bytes, total_bytes: int) -> Iterator[tuple[str, Figures]]:
    """Yield each kind of file, and what it took."""
    path = folder / "file"
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        for kind in ("new", "rewritten"):
            yield kind, appended(file, block, total_bytes)
    finally:
        os.close(file)
        path.unlink()


def main() -> None:
    """Measure each size of a block, and print a line for each kind of file."""
    print(f"{'block':>9}  {'file':10}{'messages/s':>12}{'sync':>10}{'CPU':>10}{'of writes':>12}")
    with tempfile.TemporaryDirectory(prefix="haremq-benchmark-") as folder:
        for block_bytes in BLOCKS_BYTES:
            for kind, figures in files(Path(folder), os.urandom(block_bytes), TOTAL_BYTES):
                print(
                    f"{block_bytes >> 10:>5} KiB  {kind:10}{figures.messages_per_s:>12,.0f}"
                    f"{figures.sync_us:>7,.0f} us{figures.cpu_us:>7.2f} us"
                    f"{figures.unsynced_cpu_us:>9.2f} us"
                )


if __name__ == "__main__":
    main()
