"""A disk for the tests of what stands on one: the host's, and the one in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from persistence.files import File, Files, OsFiles
from tests.support.fault_fs import FaultFS


@pytest.fixture(params=["host", "memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Files]:
    if request.param == "memory":
        yield FaultFS()
        return
    files = OsFiles(tmp_path)
    yield files
    files.close()


@pytest.fixture
def file(disk: Files) -> Iterator[File]:
    opened = disk.open("file", create=True)
    yield opened
    opened.close()


@pytest.fixture(params=["memory", "disk"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """Return a disk that no thread but ours can write to, and one that the system knows."""
    return FaultFS() if request.param == "memory" else OsFiles(tmp_path)
