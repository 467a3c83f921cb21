"""The least that a stream can take is measured on files of two kinds."""

from pathlib import Path

from benchmarks.large_appends import MESSAGE_BYTES, appended, files


def test_each_kind_of_file_is_written_and_removed(tmp_path: Path) -> None:
    block = bytes(4 * MESSAGE_BYTES)
    found = dict(files(tmp_path, block, 3 * len(block)))
    assert list(found) == ["new", "rewritten"]
    assert all(figures.messages_per_s > 0 for figures in found.values())
    assert list(tmp_path.iterdir()) == []


def test_all_blocks_are_written_behind_each_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w+b") as file:
        appended(file.fileno(), b"block", 12)
    assert path.read_bytes() == b"blockblock"
