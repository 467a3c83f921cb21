"""The shim sees every change of a process, and a power cut takes what was not synced, only that."""

import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which

import pytest

from tests.crash.power_cut import SECTOR_BYTES, PowerCut
from tests.style.tree import ROOT

FOLDERS = 24
PROGRAM = """
import sys
from pathlib import Path
from persistence.files import OsFiles

def program(files):
{}

for folder in sys.argv[1:]:
    program(OsFiles(Path(folder)))
"""


pytestmark = pytest.mark.skipif(which("gcc") is None, reason="there is no C compiler")


class Machine:
    """A folder whose contents processes change until the power is cut."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.power = PowerCut(folder, self.data)

    def run(self, program: str, folders: Sequence[Path] = ()) -> str:
        """Run a program with ``files`` in each folder, whose end is a crash; return its output."""
        text = PROGRAM.format(textwrap.indent(textwrap.dedent(program), "    "))
        done = subprocess.run(
            [sys.executable, "-c", text, *(folders or [self.data])],
            env={"PYTHONPATH": str(ROOT), **self.power.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not done.returncode, done.stderr
        return done.stdout


@pytest.fixture
def after_cut(tmp_path: Path) -> Callable[[str], list[dict[str, bytes]]]:
    """What is there after a cut, of many folders in each of which a program had run."""
    machine = Machine(tmp_path)

    def cut(program: str) -> list[dict[str, bytes]]:
        folders = [machine.data / str(number) for number in range(FOLDERS)]
        for folder in folders:
            folder.mkdir()
        machine.run(program, folders)
        machine.power.cut(random.Random(5))
        return [
            {
                str(path.relative_to(folder)): path.read_bytes()
                for path in folder.rglob("*")
                if path.is_file()
            }
            for folder in folders
        ]

    return cut


AfterCut = Callable[[str], list[dict[str, bytes]]]


def test_what_was_synced_stays_and_what_came_after_may_go(after_cut: AfterCut) -> None:
    states = after_cut("""
        file = files.open("a", create=True)
        file.write_at(0, b"1" * 2048)
        file.fsync()
        files.fsync_directory()
        file.write_at(512, [b"2" * 512, b"3" * 512])
        file.write_at(2048, b"4" * 512)
    """)
    for state in states:
        octets = state["a"]
        assert octets[:SECTOR_BYTES] == b"1" * 512
        assert octets[1536:2048] == b"1" * 512
        assert octets[512:1024] in {b"1" * 512, b"2" * 512}
        assert octets[1024:1536] in {b"1" * 512, b"3" * 512}
        assert octets[2048:] in {b"", bytes(512), b"4" * 512}
    assert len({state["a"] for state in states}) > 3


def test_a_name_is_safe_when_its_folder_was_synced(after_cut: AfterCut) -> None:
    states = after_cut("""
        files.open("safe", create=True)
        files.fsync_directory()
        files.open("unsafe", create=True).fsync()
    """)
    assert {frozenset(state) for state in states} == {
        frozenset({"safe"}),
        frozenset({"safe", "unsafe"}),
    }


def test_a_rename_and_a_removal_may_be_undone(after_cut: AfterCut) -> None:
    states = after_cut("""
        for name in ("old", "new", "gone"):
            file = files.open(name, create=True)
            file.write_at(0, name.encode())
            file.fsync()
        files.fsync_directory()
        files.rename("new", "old")
        files.remove("gone")
    """)
    before = {"old": b"old", "new": b"new", "gone": b"gone"}
    between = {"old": b"new", "gone": b"gone"}
    assert {str(sorted(state.items())) for state in states} == {
        str(sorted(state.items())) for state in (before, between, {"old": b"new"})
    }


def test_a_tree_that_was_removed_may_be_there_in_part(after_cut: AfterCut) -> None:
    states = after_cut("""
        files.make_directory("queue")
        for name in ("queue/1", "queue/2"):
            files.open(name, create=True).fsync()
        files.fsync_directory("queue")
        files.fsync_directory()
        files.remove_tree("queue")
    """)
    assert {len(state) for state in states} >= {0, 1, 2}


def test_a_truncation_may_be_undone(after_cut: AfterCut) -> None:
    states = after_cut("""
        file = files.open("a", create=True)
        file.write_at(0, b"1" * 1024)
        file.fsync()
        files.fsync_directory()
        file.truncate(512)
    """)
    assert {state["a"] for state in states} >= {b"1" * 512, b"1" * 1024}


def test_what_is_written_while_a_sync_goes_on_is_not_safe_by_it(after_cut: AfterCut) -> None:
    """The journal says so: a sync is noted with the place where it began."""
    states = after_cut("""
        import threading
        file = files.open("a", create=True)
        files.fsync_directory()
        for turn in range(20):
            file.write_at(turn * 512, b"1" * 512)
            other = threading.Thread(target=file.fsync)
            other.start()
            file.write_at(turn * 512, b"2" * 512)
            other.join()
    """)
    sectors = {state["a"][at : at + 512] for state in states for at in range(0, 20 * 512, 512)}
    assert sectors <= {b"1" * 512, b"2" * 512, bytes(512), b""}


def test_nothing_is_taken_of_what_is_safe_and_the_next_life_begins_anew(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.run("files.open('a', create=True).fsync()\nfiles.fsync_directory()")
    assert machine.power.cut(random.Random(1)) == 0
    machine.run("files.open('a').write_at(0, b'1')")
    assert machine.power.cut(random.Random(1)) == 1
    assert machine.power.cut(random.Random(1)) == 0


def test_syncs_fail_once_the_trigger_is_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.power.trigger.touch()
    output = machine.run("""
        from persistence.errors import FatalStorageError

        file = files.open("a", create=True)
        for sync in (file.fsync, files.fsync_directory):
            try:
                sync()
            except OSError as error:
                print(error.errno)
            except FatalStorageError as error:
                print(error.__cause__.errno)
    """)
    assert output.split() == ["5", "5"]
