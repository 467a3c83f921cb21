"""A data directory that 0.1 wrote is read by every later version: its bytes are kept here.

``data_directory_0_1.json`` has its files, compressed; ``stored_0_1.json`` the definitions in them.
"""

import base64
import json
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from amqp_server.broker.definitions.records import Key
from persistence.data_directory import open_data_directory
from persistence.definitions_store import open_definitions
from persistence.settings import PersistenceSettings
from queues.commits import SAFE_NOW
from tests.support.node_place import Place
from tests.support.stored_broker import surviving

FOLDER = Path(__file__).parents[1] / "broker" / "definitions"
STORED: dict[Key, bytes] = {
    tuple(key): value.encode("ascii")
    for key, value in json.loads((FOLDER / "stored_0_1.json").read_text(encoding="ascii"))
}
ODD = "caf\u00e9 \udcff"
"""A name that is no text."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    held = json.loads((FOLDER / "data_directory_0_1.json").read_text(encoding="ascii"))
    for name, octets in held.items():
        file = tmp_path / "data" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(zlib.decompress(base64.b64decode(octets)))
    return tmp_path / "data"


@pytest.fixture
def place(path: Path) -> Iterator[Place]:
    made = Place(path, persistence=PersistenceSettings(wal_file_size_bytes=1 << 20))
    yield made
    made.node.close()


def test_its_definitions_are_those_that_were_stored(path: Path) -> None:
    directory = open_data_directory(path, bytes)
    assert open_definitions(directory.files).items() == STORED
    directory.close()


def test_all_of_it_comes_back_and_nothing_is_written(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    assert [
        line.message for line in caplog.get_records("setup") if line.levelno >= logging.WARNING
    ] == []
    assert place.node.journal.safe_at is SAFE_NOW
    broker = place.broker
    assert sorted(vhost.name for vhost in broker.vhosts()) == ["/", ODD, "empty"]
    root = broker.vhost("/")
    assert {(queue.name, queue.queue_id) for queue in root.queues} == {
        *(("plain", 1), ("jobs", 2), ("quorum", 3), ("short-lived", 4), ("lazy", 5), ("typed", 6)),
    }
    assert len(list(root.router.bindings)) == 7
    assert [user.name for user in broker.users.list()] == ["alice", "guest", "nobody"]
    assert place.bodies("jobs") == [(b"p%d" % number, False) for number in (5, 4, 3, 2, 1, 0)]
    assert place.bodies("plain") == [(b"one", False), (b"two", False)]
    assert place.bodies("quorum") == [(b"q", False)]


def test_what_came_back_comes_back_again(place: Place) -> None:
    before = surviving(place.broker)
    assert surviving(place.restart()) == before
