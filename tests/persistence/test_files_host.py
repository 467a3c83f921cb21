"""The host's own files: short reads and writes, rights, links, and a folder that is moved."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persistence.files import (
    Files,
    OsFile,
    OsFiles,
)

Disk: TypeAlias = Files


@pytest.fixture
def os_file(tmp_path: Path) -> Iterator[OsFile]:
    opened = OsFiles(tmp_path)
    file = opened.open("file", create=True)
    yield file
    file.close()
    opened.close()


@pytest.fixture
def stingy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that does a part of each read and write: at most 3 octets."""
    pread, pwritev = os.pread, os.pwritev

    def short_write(descriptor: int, parts: list[memoryview], position: int) -> int:
        return pwritev(descriptor, [b"".join(parts)[:3]], position)

    monkeypatch.setattr("os.pread", lambda *given: pread(given[0], min(given[1], 3), given[2]))
    monkeypatch.setattr("os.pwritev", short_write)


@pytest.mark.usefixtures("stingy")
@given(parts=st.lists(st.binary(max_size=8), max_size=6), position=st.integers(0, 5))
def test_short_reads_and_writes_are_continued(parts: list[bytes], position: int) -> None:
    descriptor = os.memfd_create("short", os.MFD_CLOEXEC)
    file = OsFile(descriptor)
    file.write_at(position, parts)
    whole = b"".join(parts)
    assert file.read_at(position, len(whole) + 1) == whole
    file.close()


def test_a_write_that_writes_nothing_is_not_repeated_for_ever(
    os_file: OsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.pwritev", lambda *given: 0)
    with pytest.raises(OSError, match="wrote nothing") as raised:
        os_file.write_at(0, b"x")
    assert raised.value.errno == errno.EIO


def test_a_file_that_shrinks_while_it_is_read_is_short(
    os_file: OsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    os_file.write_at(0, b"hare")
    monkeypatch.setattr("os.pread", lambda *given: b"")
    assert os_file.read_at(0, 4) == b""


def test_a_sync_is_asked_of_the_kernel(os_file: OsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.EIO, "rotten")

    monkeypatch.setattr("os.fdatasync", refuse)
    with pytest.raises(OSError, match="rotten"):
        os_file.fsync()


def test_nobody_else_may_read_what_is_stored(tmp_path: Path) -> None:
    files = OsFiles(tmp_path)
    files.make_directory("folder")
    files.open("file", create=True).close()
    files.close()
    assert (tmp_path / "folder").stat().st_mode & 0o077 == 0
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0


def test_the_folder_stays_the_same_one_when_it_is_moved(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    files = OsFiles(tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "moved")
    files.open("file", create=True).close()
    files.close()
    files.close()
    assert (tmp_path / "moved" / "file").exists()


def test_symbolic_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("hare")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").symlink_to(outside / "secret")
    (tmp_path / "data" / "folder").symlink_to(outside)
    files = OsFiles(tmp_path / "data")
    assert files.exists("file")
    with pytest.raises(OSError, match="symbolic links"):
        files.open("file")
    with pytest.raises(NotADirectoryError):
        files.names("folder")
    with pytest.raises(OSError, match="symbolic link"):
        files.remove_tree("folder")
    files.remove("file")
    files.close()
    assert (outside / "secret").read_text() == "hare"


def test_there_is_no_folder_to_work_in(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        OsFiles(tmp_path / "nowhere")
