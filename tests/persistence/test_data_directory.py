"""A node's folder: made once, locked, never another's, and known again after any crash."""

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from persistence.data_directory import (
    DataDirectory,
    RandomBytes,
    node_id_of,
    open_data_directory,
)
from persistence.errors import DataDirectoryError
from tests.support.fault_fs import FaultFS, Operation

SEED_ID, OTHER_ID = "5e" * 16, "07" * 16


def drawing(octet: int) -> RandomBytes:
    return lambda size_bytes: bytes([octet]) * size_bytes


def opened(path: Path) -> DataDirectory:
    return open_data_directory(path, drawing(0x5E))


def refusal(path: Path) -> str:
    with pytest.raises(DataDirectoryError) as raised:
        opened(path)
    return str(raised.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "haremq-data"


# ── first and later starts ──


def test_the_folder_is_made_with_those_around_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib" / "haremq-data"
    with opened(path) as directory:
        assert directory.path == path
        assert directory.node_id == SEED_ID
        assert directory.files.names() == ["format", "lock"]
    assert (path / "format").read_bytes() == f"haremq data 1\n{SEED_ID}\n".encode()


def test_the_first_start_is_known_as_such(path: Path) -> None:
    with opened(path) as first:
        assert first.is_new
    with opened(path) as second:
        assert not second.is_new


@pytest.fixture
def others_path(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node's folder that belongs to another user than root, and root is who asks."""
    opened(path).close()
    if os.geteuid() == 0:
        for owned in (path, *path.iterdir()):
            os.chown(owned, 54_321, 54_321)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return path


def test_root_leaves_another_users_folder_alone(others_path: Path) -> None:
    before = {each.name: (each.stat(), each.read_bytes()) for each in others_path.iterdir()}
    told = refusal(others_path)
    assert told.startswith(f"data directory {others_path}: it belongs to the user ")
    assert "run as that user: sudo -u " in told
    after = {each.name: (each.stat(), each.read_bytes()) for each in others_path.iterdir()}
    assert {name: found[1] for name, found in before.items()} == {
        name: found[1] for name, found in after.items()
    }
    assert all(found[0].st_mtime_ns == after[name][0].st_mtime_ns for name, found in before.items())


def test_root_makes_nothing_in_an_empty_folder_of_another_user(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.mkdir()
    if os.geteuid() == 0:
        os.chown(path, 54_321, 54_321)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "it belongs to the user" in refusal(path)
    assert list(path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder of root's")
def test_root_uses_a_folder_of_its_own(path: Path) -> None:
    opened(path).close()
    opened(path).close()


def test_nobody_else_may_look_into_it(path: Path) -> None:
    with opened(path):
        assert path.stat().st_mode & 0o777 == 0o700
        assert (path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_node_is_the_same_one_at_every_start(path: Path) -> None:
    opened(path).close()
    (path / "wal").mkdir()
    with open_data_directory(path, drawing(7)) as directory:
        assert directory.node_id == SEED_ID


def test_an_empty_folder_is_taken_as_it_is(path: Path) -> None:
    path.mkdir(mode=0o750)
    (path / "lost+found").mkdir()
    with opened(path):
        assert path.stat().st_mode & 0o777 == 0o750


def test_a_first_start_that_was_interrupted_is_begun_anew(path: Path) -> None:
    path.mkdir()
    (path / "lock").write_text("17\n")
    (path / "format.new").write_text("haremq data 1\n and more than will be written there, by far")
    with opened(path) as directory:
        assert directory.node_id == SEED_ID
    assert (path / "format").read_bytes() == f"haremq data 1\n{SEED_ID}\n".encode()


def test_a_symbolic_link_to_a_folder_is_that_folder(path: Path, tmp_path: Path) -> None:
    (tmp_path / "disk2").mkdir()
    path.symlink_to(tmp_path / "disk2")
    opened(path).close()
    assert (tmp_path / "disk2" / "format").exists()


# ── two nodes ──


def test_a_second_node_is_told_who_the_first_is(path: Path) -> None:
    with opened(path):
        assert refusal(path) == (
            f"data directory {path}: a node that runs already uses it (process {os.getpid()}); "
            f"stop that node, or name another folder"
        )
    opened(path).close()


def test_a_lock_that_names_nobody_is_a_lock_all_the_same(path: Path) -> None:
    with opened(path):
        (path / "lock").write_text("<script>")
        assert "(another process)" in refusal(path)


def test_a_folder_is_free_once_its_node_was_killed(path: Path) -> None:
    program = (
        "import os, signal, sys, pathlib; from persistence.data_directory import *;"
        "held = open_data_directory(pathlib.Path(sys.argv[1]), os.urandom);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program, path], check=False)
    assert killed.returncode == -9
    assert (path / "lock").read_text() != ""
    with opened(path) as directory:
        assert directory.node_id != SEED_ID
        assert (path / "lock").read_text() == f"{os.getpid()}\n"


def test_closing_twice_is_closing_once(path: Path) -> None:
    directory = opened(path)
    directory.close()
    directory.close()


def test_a_refused_folder_is_let_go_of(path: Path) -> None:
    opened(path).close()
    (path / "format").write_text("")
    gc.collect()  # What other tests left open is closed now, and not in between.
    before = set(Path("/proc/self/fd").iterdir())
    refusal(path)
    assert set(Path("/proc/self/fd").iterdir()) - before == set()


# ── folders that cannot be ──


def test_another_version_is_named_with_what_to_do(path: Path) -> None:
    opened(path).close()
    (path / "format").write_text(f"haremq data 2\n{SEED_ID}\nand what format 2 has besides\n")
    assert refusal(path) == (
        f"data directory {path}: expected data of format 1, found format 2, which another version "
        f"of HareMQ wrote; start that version, or name an empty folder and bring definitions over "
        f"by export and import"
    )


@pytest.mark.parametrize(
    "content",
    ["", "haremq", "haremq data 1", "haremq data x\n", "rabbit data 1\n", "haremq data -1\n"],
)
def test_a_format_that_is_none_is_damaged(path: Path, content: str) -> None:
    opened(path).close()
    (path / "format").write_text(content)
    text = refusal(path)
    assert f'expected the file format to begin with "haremq data 1", found {content!r}' in (
        text.replace("found b'", "found '")
    )
    assert text.endswith("restore it from a backup, or name an empty folder")


@pytest.mark.parametrize(
    "node_id", ["", "\n", SEED_ID, f"{SEED_ID}\nmore", f"{SEED_ID[2:]}\n", "X" * 32 + "\n"]
)
def test_a_node_without_a_whole_id_is_damaged(path: Path, node_id: str) -> None:
    opened(path).close()
    (path / "format").write_text(f"haremq data 1\n{node_id}")
    assert "to be a node's id of 32 hex digits, found" in refusal(path)


def test_a_long_file_is_not_read_to_its_end(path: Path) -> None:
    opened(path).close()
    (path / "format").write_bytes(b"haremq data 1\n" + b"\0" * 10_000)
    assert len(refusal(path)) < 600


def test_a_folder_of_somebody_else_is_not_adopted(path: Path) -> None:
    path.mkdir()
    (path / "thesis.tex").write_text("hare")
    assert refusal(path) == (
        f"data directory {path}: expected an empty folder or one with a file format, found "
        f"'thesis.tex' in it; name an empty folder"
    )
    assert [entry.name for entry in path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(path: Path) -> None:
    path.write_text("hare")
    expected = "expected a folder, found a file; name another path"
    assert refusal(path) == f"data directory {path}: {expected}"
    assert expected in refusal(path / "inside")


@pytest.mark.parametrize(
    ("call", "number", "words"),
    [
        ("os.mkdir", errno.EACCES, "Permission denied"),
        ("fcntl.flock", errno.ENOLCK, "No locks available"),
        ("os.pwritev", errno.ENOSPC, "No space left on device"),
        ("os.fdatasync", errno.EIO, "Input/output error"),
    ],
)
def test_a_folder_that_cannot_be_written_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, words: str
) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(call, refuse)
    assert refusal(path) == (
        f"data directory {path}: expected a folder that can be read and written, got {words}; "
        f"change its rights, or name another"
    )


# ── crashes ──


def states_of(program: Callable[[FaultFS], object]) -> list[FaultFS]:
    """Return every disk that a power cut may leave after any step of a program."""
    disk = FaultFS()
    states: list[FaultFS] = []

    def look(operation: Operation) -> None:
        states.extend(disk.crash_states(1_000, operation.number))

    disk.after_each = look
    program(disk)
    return states


def test_after_any_crash_a_folder_has_a_whole_format_or_none() -> None:
    states = states_of(lambda disk: noted(disk, 0x5E))
    assert len(states) > 10
    assert {noted(state, 7) for state in states} == {SEED_ID, OTHER_ID}


def test_an_id_that_was_returned_is_never_another_one() -> None:
    disk = FaultFS()
    assert noted(disk, 0x5E) == SEED_ID
    assert [noted(state, 7) for state in disk.crash_states(1_000, seed=1)] == [SEED_ID]


def test_an_id_found_after_a_kill_survives_a_power_cut() -> None:
    """The first process died between the rename and the sync of the folder."""
    left: list[FaultFS] = []
    disk = FaultFS()
    disk.after_each = lambda operation: left.append(disk.killed())
    noted(disk, 0x5E)
    for killed in left:
        node_id = noted(killed, 7)
        assert {noted(state, 9) for state in killed.crash_states(1_000, seed=1)} == {node_id}


def noted(disk: FaultFS, octet: int) -> str:
    return node_id_of(disk, drawing(octet), "here")
