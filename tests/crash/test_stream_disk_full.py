"""Streams on a disk that is full, on a file system that takes writes past the page cache."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.stream_disk_full import DiskFull

DISK_BYTES = 120 << 20
CYCLES = 2
SEED = 669_291_826


@pytest.fixture
def small_ext4(tmp_path: Path) -> Iterator[Path]:
    """An ext4 of 120 MiB: a tmpfs has no O_DIRECT on older systems."""
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    commands = (
        ["mkfs.ext4", "-q", "-F", str(image)],
        ["mount", "-o", "loop", str(image), str(place)],
    )
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip(f"there is no {command[0]} here")
        if done.returncode:
            pytest.skip(f"{command[0]} is refused here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.mark.timeout(240)
def test_what_streams_confirmed_before_the_disk_was_full_is_there(small_ext4: Path) -> None:
    folder = small_ext4 / "haremq"
    folder.mkdir()
    assert asyncio.run(DiskFull(folder, SEED, 0).run(CYCLES)) == []
