"""Open files of streams: bounded, and held for a write that is under way."""

import pytest

from persistence.open_segments import OpenSegments
from persistence.streams.open_files import OpenFiles
from tests.support.fault_fs import FaultFS


def open_files(count_max: int = 2) -> tuple[OpenFiles, OpenSegments]:
    counted = OpenSegments(count_max)
    return OpenFiles(FaultFS(), counted), counted


def test_a_file_is_opened_once() -> None:
    opened, counted = open_files()
    first = opened.get("a", create=True)
    assert opened.get("a") is first
    assert len(counted) == 1


def test_the_file_that_was_used_longest_ago_is_closed() -> None:
    opened, counted = open_files()
    first, second = opened.get("a", create=True), opened.get("b", create=True)
    opened.get("a")
    opened.get("c", create=True)
    first.file.write_at(0, b"x")
    with pytest.raises(OSError, match="descriptor"):
        second.file.write_at(0, b"x")
    assert opened.get("b") is not second
    assert len(counted) == 2


def test_a_file_that_is_held_is_closed_when_it_is_released() -> None:
    opened, counted = open_files(1)
    held = opened.get("a", create=True)
    held.hold()
    held.hold()
    opened.get("b", create=True)
    held.file.write_at(0, b"x")
    again = opened.get("a")
    assert again is not held
    held.release()
    held.file.write_at(0, b"x")
    held.release()
    with pytest.raises(OSError, match="descriptor"):
        held.file.write_at(0, b"x")
    again.file.write_at(0, b"x")
    assert len(counted) == 1


def test_a_file_that_is_not_needed_is_closed_once() -> None:
    opened, counted = open_files()
    file = opened.get("a", create=True).file
    opened.close("a")
    opened.close("a")
    assert len(counted) == 0
    with pytest.raises(OSError, match="descriptor"):
        file.write_at(0, b"x")


def test_a_file_that_is_not_there_takes_no_place() -> None:
    opened, counted = open_files()
    with pytest.raises(FileNotFoundError):
        opened.get("gone")
    assert len(counted) == 0
