"""Setting aside: folders move, files are copied, and no crash in between loses an octet."""

from contextlib import suppress

from persistence.files import Files
from persistence.set_aside import SET_ASIDE_DIRECTORY, set_aside
from tests.support.fault_fs import FaultFS, PowerCutError


def written(disk: Files, path: str, octets: bytes) -> None:
    folder = path.rpartition("/")[0]
    for end in [at for at, octet in enumerate(path) if octet == "/"]:
        disk.make_directory(path[:end])
        disk.fsync_directory(path[:end].rpartition("/")[0])
    file = disk.open(path, create=True)
    file.write_at(0, octets)
    file.fsync()
    file.close()
    disk.fsync_directory(folder)


def content(disk: Files, path: str) -> bytes:
    file = disk.open(path)
    try:
        return file.read_at(0, 1 << 22)
    finally:
        file.close()


def disk_with_queues() -> FaultFS:
    disk = FaultFS()
    for name in ("a", "b"):
        for number in ("1.seg", "2.seg"):
            written(disk, f"queues/{name}/{number}", f"{name}{number}".encode())
    written(disk, "wal/1.wal", b"log" * 700_000)
    written(disk, "checkpoint", b"all")
    return disk


def all_octets(disk: Files, folder: str = "") -> set[bytes]:
    found: set[bytes] = set()
    for name in disk.names(folder):
        path = f"{folder}/{name}".lstrip("/")
        try:
            found.add(content(disk, path))
        except IsADirectoryError:
            found |= all_octets(disk, path)
    return found


def test_folders_move_and_files_are_copied() -> None:
    disk = disk_with_queues()
    place = set_aside(disk, ["queues/a"], ["wal/1.wal", "checkpoint", "never"])
    assert place == f"{SET_ASIDE_DIRECTORY}/0001"
    assert disk.names("queues") == ["b"]
    assert disk.names(place) == ["checkpoint", "queues", "wal"]
    assert content(disk, f"{place}/queues/a/2.seg") == b"a2.seg"
    assert content(disk, f"{place}/wal/1.wal") == content(disk, "wal/1.wal")


def test_each_time_has_a_place_of_its_own() -> None:
    disk = disk_with_queues()
    places = [set_aside(disk, [], ["checkpoint"]) for _ in range(3)]
    assert places == [f"{SET_ASIDE_DIRECTORY}/{number:04d}" for number in (1, 2, 3)]


def test_no_crash_in_between_loses_anything() -> None:
    whole = all_octets(disk_with_queues())
    number = 0
    while True:
        number += 1
        disk = disk_with_queues()
        first = len(disk.operations)
        disk.halt_after = first + number
        with suppress(PowerCutError):
            set_aside(disk, ["queues/a", "queues/b"], ["checkpoint"])
            break
        assert all_octets(disk.killed()) >= whole
        for left in disk.crash_states(12, seed=number):
            assert all_octets(left) >= whole
    assert number > 10
