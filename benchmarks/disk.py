"""The disk's own time and octets for the least work that a persistent message needs."""

import os
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

WRITE_BYTES: Final = 128
SYNC_COUNT: Final = 200
FILE_BYTES: Final = 1 << 20
SECTOR_BYTES: Final = 512
_SECTORS_WRITTEN: Final = 6
"""Index of a field in /sys/dev/block/*/stat, from 0."""


def disk_written_bytes() -> int | None:
    """Return the octets that the disk has written since its boot, for all; None if unknown.

    It is the disk of temporary files. The kernel's count for a process (``/proc/PID/io``) cannot be
    used: if a file's pages are kept in large folios, a write of 300 octets counts as 1 MiB, though
    the disk gets only a block.
    """
    device = Path(tempfile.gettempdir()).stat().st_dev
    try:
        text = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text()
    except OSError:
        return None
    return int(text.split()[_SECTORS_WRITTEN]) * SECTOR_BYTES


def disk_sync_us() -> float:
    """Return the median time of a write of WRITE_BYTES and fdatasync, one after another.

    The file has its full length already, and is among the temporary files, like the data of brokers
    that were started here.
    """
    taken_us = []
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(bytes(FILE_BYTES))
        os.fsync(file.fileno())
        for number in range(SYNC_COUNT):
            begin_ns = time.perf_counter_ns()
            os.pwrite(file.fileno(), bytes(WRITE_BYTES), number * WRITE_BYTES)
            os.fdatasync(file.fileno())
            taken_us.append((time.perf_counter_ns() - begin_ns) / 1_000)
    return median(taken_us)
