"""The library that is loaded before a node makes its syncs slow and shifts its clock."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.jepsen.machines import build_delay

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no compiler")

HOUR_MS = 3_600_000
WALL_CLOCK = "import time; [time.time() for _ in range(100)]; print(time.time())"
SYNC = (
    "import os, sys, time\n"
    "file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)\n"
    "began = time.monotonic()\n"
    "os.fsync(file), os.fdatasync(file)\n"
    "print(time.monotonic() - began)\n"
)


def said_by(folder: Path, code: str, *words: str) -> float:
    """Return the number that a Python says with the library before it."""
    environment = {
        **os.environ,
        "LD_PRELOAD": str(build_delay(folder)),
        "SLOW_DISK_DELAY": str(folder / "delay"),
        "SLOW_DISK_SHIFT": str(folder / "shift"),
    }
    command = [sys.executable, "-c", code, *words]
    return float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("shift_ms", [HOUR_MS, -HOUR_MS, 0])
def test_the_wall_clock_is_shifted(tmp_path: Path, shift_ms: int) -> None:
    (tmp_path / "shift").write_text(str(shift_ms))
    assert abs(said_by(tmp_path, WALL_CLOCK) - time.time() - shift_ms / 1_000) < 60


def test_without_a_file_the_clock_is_right(tmp_path: Path) -> None:
    assert abs(said_by(tmp_path, WALL_CLOCK) - time.time()) < 60


def test_syncs_take_longer(tmp_path: Path) -> None:
    (tmp_path / "delay").write_text("150")
    assert said_by(tmp_path, SYNC, str(tmp_path / "file")) > 0.3
