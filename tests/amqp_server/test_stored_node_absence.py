"""Absence is not news: whatever is missing, cut off or another's, nothing is taken for a new node.

Every file of a data directory, and every kind of damage, one at a time. After it a node either does
not start, says which file it is and changes nothing; or it starts, says what is lost, and whatever
of a message is still on disk is served or kept there.
"""

import logging
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from amqp_server.broker.steps import finish
from persistence.errors import StorageError
from persistence.settings import PersistenceSettings
from tests.support.node_place import NOW_MS, Place

SMALL = PersistenceSettings(
    wal_file_size_bytes=64 << 10, segment_size_bytes=16 << 10, unneeded_bytes_max=1 << 20
)
QUEUES = ("long", "few", "gone", "late")
NOT_DATA = frozenset({"lock", "clean"})
"""Nothing is lost with them."""


def body(queue: str, number: int) -> bytes:
    return b"<%s:%06d>" % (queue.encode(), number)


BODY = re.compile(rb"<[a-z]+:\d{6}>")


class Home(NamedTuple):
    """A data directory to be damaged.

    Attributes:
        path: as a kill, or a stop, left it.
        older: a copy of an earlier moment.
        ready: what there is of each queue.
    """

    path: Path
    older: Path
    ready: dict[str, list[bytes]]


def build(path: Path, *, is_stopped: bool, prefix: str = "") -> Home:
    place = Place(path, persistence=SMALL)
    names = [prefix + name for name in QUEUES]
    long, few, gone, late = names
    place.declare(long)
    place.declare(gone)
    place.publish(gone, *[body(gone, number) for number in range(20)])
    older = path.with_name(path.name + "-older")
    for first in range(0, 400, 20):
        bodies = [body(long, number) + bytes(1_000) for number in range(first, first + 20)]
        place.publish(long, *bodies)
        place.commit()
        if first == 200:
            place.checkpoint()
            shutil.copytree(path, older)
    place.declare(few)
    place.publish(few, *[body(few, number) for number in range(30)])
    place.commit()
    finish(
        place.broker.vhost("/").queues.deleting(gone, None, NOW_MS, if_unused=False, if_empty=False)
    )
    queue = place.broker.vhost("/").queues.find(long)
    assert queue is not None
    for _ in range(10):
        queue.engine.get(NOW_MS, no_ack=True)
    place.checkpoint()
    place.declare(late)
    place.publish(late, *[body(late, number) for number in range(20)])
    place.publish(few, *[body(few, number) for number in range(30, 40)])
    place.commit()
    place.node.witness.write()
    if is_stopped:
        place.stop()
    else:
        place.node.close()
    ready = {
        long: [body(long, number) for number in range(10, 400)],
        few: [body(few, number) for number in range(40)],
        late: [body(late, number) for number in range(20)],
    }
    return Home(path, older, ready)


Damage = Callable[[Path, Path], None]
"""Takes the file, and the folder to take another one from."""


def removed(path: Path, _other: Path) -> None:
    path.unlink()


def emptied(path: Path, _other: Path) -> None:
    path.write_bytes(b"")


def zeroed(path: Path, _other: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def replaced(path: Path, other: Path) -> None:
    if not other.exists():
        pytest.skip("there is no such file")
    shutil.copyfile(other, path)


def cut_at(part: float) -> Damage:
    def cut(path: Path, _other: Path) -> None:
        octets = path.read_bytes()
        path.write_bytes(octets[: int(len(octets) * part) // 8 * 8])

    return cut


def cut_last(path: Path, _other: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def flipped_at(part: float) -> Damage:
    def flip(path: Path, _other: Path) -> None:
        octets = bytearray(path.read_bytes())
        at = int(len(octets) * part)
        octets[at : at + 24] = bytes(octet ^ 0x5A for octet in octets[at : at + 24])
        path.write_bytes(octets)

    return flip


DAMAGES: dict[str, Damage] = {
    "removed": removed,
    "emptied": emptied,
    "zeroed": zeroed,
    "cut by one": cut_last,
    **{f"cut at {part}": cut_at(part) for part in (0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9)},
    **{f"flipped at {part}": flipped_at(part) for part in (0.0, 0.05, 0.3, 0.5, 0.7, 0.95)},
}


@pytest.fixture(scope="module", params=[False, True], ids=["killed", "stopped"])
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Home:
    path = tmp_path_factory.mktemp("home") / "data"
    return build(path, is_stopped=request.param)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Another node's, with the same number of everything."""
    return build(tmp_path_factory.mktemp("other") / "data", is_stopped=False, prefix="o")


def files_in(path: Path) -> list[str]:
    return sorted(
        str(each.relative_to(path))
        for each in path.rglob("*")
        if each.is_file() and each.name not in NOT_DATA
    )


def contents(path: Path) -> dict[str, bytes]:
    return {name: (path / name).read_bytes() for name in files_in(path)}


def bodies_in(path: Path, leaving_out: str = "none") -> set[bytes]:
    return {
        found
        for name, octets in contents(path).items()
        if not name.startswith(leaving_out)
        for found in BODY.findall(octets)
    }


def copies(home: Home, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    for name in files_in(home.path):
        copy = tmp_path / name.replace("/", "-")
        shutil.copytree(home.path, copy)
        yield name, copy
        shutil.rmtree(copy)


class Found(NamedTuple):
    """What a start found: what it served, and what it said."""

    served: dict[str, list[bytes]]
    errors: list[str]


def started(path: Path, caplog: pytest.LogCaptureFixture) -> Found | None:
    """Start on a folder, take everything, stop in order, and start again; None if refused."""
    caplog.clear()
    before = contents(path)
    place = None
    refusal = ""
    try:
        place = Place(path, persistence=SMALL)
    except StorageError as error:
        refusal = str(error)
    if place is None:
        changed = {name for name, octets in contents(path).items() if before.get(name) != octets}
        assert not changed, f"{refusal}: {changed}"
        assert re.search(r"format|witness|node", refusal), refusal
        return None
    assert not place.node.is_new, "it is not taken for a new one"
    served: dict[str, list[bytes]] = {}
    for vhost in place.broker.vhosts():
        for queue in list(vhost.queues):
            served[queue.name] = [BODY.findall(octets)[0] for octets, _ in place.bodies(queue.name)]
    errors = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    place.stop()
    Place(path, persistence=SMALL).node.close()
    return Found(served, errors)


def expect_nothing_silent(
    home: Home, path: Path, caplog: pytest.LogCaptureFixture, *, what: str
) -> None:
    # Files of the log that a checkpoint let go of may hold what a segment has lost, until they are
    # used again: nobody looks for it there.
    still_there = bodies_in(path, "wal" if what.startswith("queues") else "none")
    found = started(path, caplog)
    if found is None:
        return
    kept = bodies_in(path)
    for queue, expected in home.ready.items():
        served = found.served.get(queue, [])
        missing = [each for each in expected if each not in set(served)]
        assert not missing or found.errors, f"{what}: {len(missing)} of {queue} lost silently"
        gone = [each for each in missing if each in still_there and each not in kept]
        assert not gone, f"{what}: {len(gone)} of {queue} were there, and are gone"
        in_order = [each for each in served if each in set(expected)]
        assert in_order == sorted(in_order), f"{what}: {queue} is out of order"
        others = [each for each in served if not each.startswith(b"<" + queue.encode())]
        assert not others, f"{what}: messages of another queue in {queue}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_never_taken_for_none(
    damage: str, home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, copy in copies(home, tmp_path):
        DAMAGES[damage](copy / name, copy)
        expect_nothing_silent(home, copy, caplog, what=f"{name} {damage}")


@pytest.mark.timeout(300)
def test_an_older_copy_of_a_file_is_noticed(
    home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, copy in copies(home, tmp_path):
        if (home.older / name).exists():
            replaced(copy / name, home.older / name)
            expect_nothing_silent(home, copy, caplog, what=f"{name} older")


@pytest.mark.timeout(300)
def test_a_file_of_another_node_is_noticed(
    home: Home, other: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, copy in copies(home, tmp_path):
        if (other.path / name).exists():
            replaced(copy / name, other.path / name)
            expect_nothing_silent(home, copy, caplog, what=f"{name} of another node")


@pytest.mark.timeout(300)
def test_a_folder_that_is_gone_is_noticed(
    home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for folder in sorted(each.name for each in home.path.iterdir() if each.is_dir()):
        copy = tmp_path / folder
        shutil.copytree(home.path, copy)
        shutil.rmtree(copy / folder)
        expect_nothing_silent(home, copy, caplog, what=f"{folder} removed")


def test_undamaged_nothing_is_said_and_everything_is_there(
    home: Home, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(home.path, copy)
    found = started(copy, caplog)
    assert found is not None
    assert found.errors == []
    assert found.served == home.ready
