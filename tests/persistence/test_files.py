"""The contract of ``Files``: what a folder of the host and the disk in memory both do."""

import os
from typing import TypeAlias

import pytest

from persistence.files import (
    NAME_BYTES_MAX,
    PARTS_PER_WRITE_MAX,
    File,
    Files,
    path_parts,
)

Disk: TypeAlias = Files
NOT_IN_THE_FOLDER = ["/etc", "..", "../x", "a/../b", "a/./b", "a//b", "a/", "/", "a\0b", "\ud800"]


def written(disk: Disk, path: str, octets: bytes = b"x") -> None:
    file = disk.open(path, create=True)
    file.write_at(0, octets)
    file.close()


def content(disk: Disk, path: str) -> bytes:
    file = disk.open(path)
    try:
        return file.read_at(0, 1 << 20)
    finally:
        file.close()


# ── a file ──


def test_a_new_file_is_empty(file: File) -> None:
    assert file.size_bytes == 0
    assert file.read_at(0, 100) == b""


def test_what_was_written_is_read(file: File) -> None:
    file.write_at(0, b"hare")
    file.write_at(4, bytearray(b"and"))
    file.write_at(7, memoryview(b"[rabbit]")[1:7])
    assert file.read_at(0, 13) == b"hareandrabbit"
    assert file.read_at(4, 3) == b"and"
    assert file.size_bytes == 13


def test_parts_are_written_one_behind_the_other(file: File) -> None:
    file.write_at(2, [b"ha", b"", bytearray(b"r"), memoryview(b"e")])
    assert file.read_at(0, 10) == b"\0\0hare"


def test_writing_nothing_does_not_lengthen_a_file(file: File) -> None:
    file.write_at(10, b"")
    file.write_at(10, [])
    file.write_at(10, [b"", b""])
    assert file.size_bytes == 0


def test_more_parts_than_a_system_call_takes_are_written(file: File) -> None:
    octets = os.urandom(2 * PARTS_PER_WRITE_MAX + 1)
    file.write_at(0, [octets[at : at + 1] for at in range(len(octets))])
    assert file.read_at(0, len(octets)) == octets


def test_a_read_is_short_at_the_end_only(file: File) -> None:
    file.write_at(0, b"hare")
    assert file.read_at(2, 2) == b"re"
    assert file.read_at(2, 3) == b"re"
    assert file.read_at(4, 1) == b""
    assert file.read_at(900, 1) == b""
    assert file.read_at(0, 0) == b""


def test_a_read_of_a_size_that_no_memory_has_returns_what_is_there(file: File) -> None:
    file.write_at(0, b"hare")
    assert file.read_at(1, 1 << 62) == b"are"


def test_a_write_in_the_middle_changes_nothing_else(file: File) -> None:
    file.write_at(0, b"hare")
    file.write_at(1, b"o")
    assert file.read_at(0, 9) == b"hore"


def test_a_file_is_cut_and_lengthened_with_zeros(file: File) -> None:
    file.write_at(0, b"hare")
    file.truncate(2)
    assert file.read_at(0, 9) == b"ha"
    file.truncate(4)
    assert file.read_at(0, 9) == b"ha\0\0"


def test_a_sync_and_advice_change_nothing_that_is_read(file: File) -> None:
    file.write_at(0, b"hare")
    file.fsync()
    file.done_with(0, 4)
    assert file.read_at(0, 9) == b"hare"


def test_a_closed_file_refuses_and_closing_it_again_does_not(file: File) -> None:
    file.close()
    file.close()
    for call in (lambda: file.write_at(0, b"x"), lambda: file.read_at(0, 1), file.fsync):
        with pytest.raises((OSError, ValueError), match="file descriptor"):
            call()


def test_two_who_opened_a_file_see_the_same(disk: Disk, file: File) -> None:
    other = disk.open("file")
    file.write_at(0, b"hare")
    assert other.read_at(0, 4) == b"hare"
    other.close()


# ── names ──


def test_only_who_asks_for_it_makes_a_file(disk: Disk) -> None:
    with pytest.raises(FileNotFoundError):
        disk.open("file")
    assert not disk.exists("file")
    disk.open("file", create=True).close()
    assert disk.exists("file")


def test_a_file_that_is_there_is_opened_as_it_is(disk: Disk) -> None:
    written(disk, "file", b"hare")
    disk.open("file", create=True).close()
    assert content(disk, "file") == b"hare"


def test_names_are_sorted_and_those_of_one_folder(disk: Disk) -> None:
    disk.make_directory("queues")
    disk.make_directory("queues/1")
    for path in ("queues/b", "queues/a", "queues/1/x", "z"):
        written(disk, path)
    assert disk.names() == ["queues", "z"]
    assert disk.names("queues") == ["1", "a", "b"]
    assert disk.names("queues/1") == ["x"]


def test_names_of_no_folder_cannot_be_had(disk: Disk) -> None:
    written(disk, "file")
    with pytest.raises(FileNotFoundError):
        disk.names("queues")
    with pytest.raises(NotADirectoryError):
        disk.names("file")


def test_a_folder_is_made_once(disk: Disk) -> None:
    disk.make_directory("queues")
    written(disk, "queues/a")
    disk.make_directory("queues")
    assert disk.names("queues") == ["a"]


def test_no_folder_is_made_where_a_file_is_or_no_folder_around_it(disk: Disk) -> None:
    written(disk, "file")
    with pytest.raises(NotADirectoryError):
        disk.make_directory("file")
    with pytest.raises(FileNotFoundError):
        disk.make_directory("queues/1")


def test_files_and_folders_are_not_mistaken_for_one_another(disk: Disk) -> None:
    disk.make_directory("folder")
    written(disk, "file")
    with pytest.raises(IsADirectoryError):
        disk.open("folder", create=True)
    with pytest.raises(IsADirectoryError):
        disk.remove("folder")
    with pytest.raises(IsADirectoryError):
        disk.rename("file", "folder")
    with pytest.raises(NotADirectoryError):
        disk.open("file/inside", create=True)
    with pytest.raises(FileNotFoundError):
        disk.open("nowhere/file", create=True)


def test_a_renamed_file_takes_the_place_of_another(disk: Disk) -> None:
    written(disk, "old", b"old")
    written(disk, "new", b"new")
    disk.rename("new", "old")
    assert disk.names() == ["old"]
    assert content(disk, "old") == b"new"
    with pytest.raises(FileNotFoundError):
        disk.rename("new", "old")


def test_a_file_may_change_its_folder(disk: Disk) -> None:
    disk.make_directory("wal")
    written(disk, "file", b"hare")
    disk.rename("file", "wal/file")
    assert (disk.names(), disk.names("wal")) == (["wal"], ["file"])
    assert content(disk, "wal/file") == b"hare"


def test_a_removed_file_is_gone_and_still_there_for_who_has_it_open(disk: Disk, file: File) -> None:
    file.write_at(0, b"hare")
    disk.remove("file")
    assert disk.names() == []
    assert file.read_at(0, 4) == b"hare"
    with pytest.raises(FileNotFoundError):
        disk.remove("file")


def test_a_tree_is_removed_with_all_in_it(disk: Disk) -> None:
    for folder in ("queues", "queues/1", "queues/1/deep", "queues2"):
        disk.make_directory(folder)
    for path in ("queues/a", "queues/1/b", "queues/1/deep/c"):
        written(disk, path)
    disk.remove_tree("queues")
    assert disk.names() == ["queues2"]
    disk.remove_tree("queues")


def test_only_a_folder_is_a_tree(disk: Disk) -> None:
    written(disk, "file")
    with pytest.raises(NotADirectoryError):
        disk.remove_tree("file")
    assert disk.names() == ["file"]


def test_folders_can_be_synced_and_files_as_folders_not(disk: Disk) -> None:
    disk.make_directory("queues")
    disk.fsync_directory()
    disk.fsync_directory("queues")
    written(disk, "file")
    with pytest.raises(NotADirectoryError):
        disk.fsync_directory("file")
    with pytest.raises(FileNotFoundError):
        disk.fsync_directory("nowhere")


def test_there_is_room(disk: Disk) -> None:
    assert disk.free_bytes() > 0


@pytest.mark.parametrize("path", NOT_IN_THE_FOLDER)
def test_no_path_leads_out_of_the_folder(disk: Disk, path: str) -> None:
    disk.make_directory("a")
    for call in (
        lambda: disk.open(path, create=True),
        lambda: disk.exists(path),
        lambda: disk.names(path),
        lambda: disk.make_directory(path),
        lambda: disk.rename(path, "b"),
        lambda: disk.rename("b", path),
        lambda: disk.remove(path),
        lambda: disk.remove_tree(path),
        lambda: disk.fsync_directory(path),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 -- a surrogate is refused by its encoding
            call()


def test_the_folder_itself_is_no_file_in_it(disk: Disk) -> None:
    for call in (
        lambda: disk.open("", create=True),
        lambda: disk.remove_tree(""),
        lambda: disk.make_directory(""),
        lambda: disk.exists(""),
    ):
        with pytest.raises(ValueError, match="inside the data directory"):
            call()


# ── paths ──


def test_a_path_is_its_names() -> None:
    assert path_parts("queues/0001/a.seg") == ("queues", "0001", "a.seg")
    assert path_parts("") == ()
    assert path_parts("..a/b..") == ("..a", "b..")


def test_a_name_is_as_long_as_file_systems_allow() -> None:
    assert path_parts("ü" * 127 + "x") == ("ü" * 127 + "x",)
    with pytest.raises(ValueError, match="expected a path"):
        path_parts("ü" * 128)
    assert NAME_BYTES_MAX == 255
