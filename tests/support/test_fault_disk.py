"""What a power cut leaves of a name is in its own folder, not in another one of the same path."""

from tests.support.fault_fs import FaultFS

MANY = 1_000_000
"""More states than any test here has: all of them."""


def content(disk: FaultFS, path: str = "queue/file") -> bytes | None:
    return disk.open(path).read_at(0, 1 << 20) if disk.exists(path) else None


def test_what_was_synced_in_a_folder_is_not_of_an_earlier_one_of_its_name() -> None:
    disk = FaultFS()
    disk.make_directory("queue")
    disk.fsync_directory()
    disk.remove_tree("queue")
    disk.make_directory("queue")
    disk.open("queue/file", create=True).fsync()
    disk.fsync_directory("queue")
    left = {
        content(state) if state.exists("queue") else "no folder"
        for state in disk.crash_states(MANY, seed=1)
    }
    assert left == {None, "no folder", b""}, "the earlier folder, none, or the new one"
    disk.fsync_directory()
    assert {content(state) for state in disk.crash_states(MANY, seed=1)} == {b""}


def test_what_was_not_synced_is_in_no_earlier_folder_of_its_name() -> None:
    disk = FaultFS()
    disk.make_directory("queue")
    disk.open("queue/mark", create=True)
    disk.fsync_directory("queue")
    disk.fsync_directory()
    disk.remove_tree("queue")
    disk.make_directory("queue")
    disk.open("queue/file", create=True).fsync()
    names = [
        state.names("queue") for state in disk.crash_states(MANY, seed=1) if state.exists("queue")
    ]
    assert ["file"] in names
    assert ["file", "mark"] not in names
