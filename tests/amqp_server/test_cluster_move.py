"""A node's definitions from its disk to a real etcd, also where the program is killed."""

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from amqp_server import exit_status
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    QueueDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.table import TABLE
from amqp_server.cli import haremq
from amqp_server.cluster_move import address_with, pairs_of
from amqp_server.wire.tables import longstr
from cluster.definitions.references import References
from cluster.definitions.waiting_queues import waiting_queue_name
from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.keys import KeySpace
from cluster.metadata.paging import read_whole
from cluster.metadata.port import Item, end_of_prefix
from persistence.data_directory import open_data_directory
from tests.support.definitions import Node
from tests.support.etcd_server import EtcdServer, require_etcd, running_etcd
from tests.support.etcd_stores import Clock, opened, play, put

NUMBERS = itertools.count()
QUEUES = 400


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EtcdServer]:
    require_etcd()
    with running_etcd(tmp_path_factory.mktemp("etcd")) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data of a node that stopped; its queues were declared before its vhost was changed."""
    definitions: list[Definition] = [VhostDefinition("/")]
    for number in range(QUEUES):
        name = f"q{number}"
        definitions.append(QueueDefinition(name, "/", True, False, {}, number + 1))
        definitions.append(BindingDefinition("amq.topic", "/", name, "queue", name, {}))
    path = tmp_path / "data"
    with open_data_directory(path, bytes) as directory:
        node = Node(directory.files)
        for each in reversed(definitions):
            node.change(TABLE.key_of(each), TABLE.value_of(each))
        node.save()
    return path


def cluster_name() -> str:
    return f"moved {next(NUMBERS)}"


def arguments(folder: Path, etcd: EtcdServer, cluster: str, *more: str) -> list[str]:
    named = ["--data-dir", str(folder), "--etcd", etcd.url, "--cluster", cluster]
    return ["move-to-etcd", *named, *more]


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def items_in(etcd: EtcdServer, keys: KeySpace) -> list[Item]:
    found: list[Item] = []

    async def read() -> None:
        _, items = await read_whole(
            opened([etcd.url], Clock()), keys.prefix, end_of_prefix(keys.prefix)
        )
        found.extend(items)

    play(read())
    return found


def require_moved(folder: Path, etcd: EtcdServer, keys: KeySpace) -> None:
    items = {each.key: each for each in items_in(etcd, keys)}
    _, pairs = pairs_of(folder, keys)
    assert len(pairs) == 2 * QUEUES + 1
    assert {key: items[key].value for key, _ in pairs} == dict(pairs)
    references = References(keys)
    assert all(references.holds(each, items.get) for each in items.values())
    queue = items[keys.queue_definition("/", "q6")]
    stored = StoredDefinitions(keys).definition_of(queue.key, queue.value)
    assert stored is not None
    assert isinstance(stored.definition, QueueDefinition)
    assert (stored.definition.queue_id, stored.queue_id) == (7, "00" * 16 + "-7")


def test_all_of_a_node_is_moved_and_its_disk_stays(folder: Path, etcd: EtcdServer) -> None:
    before, cluster = files_of(folder), cluster_name()
    result = CliRunner().invoke(haremq, arguments(folder, etcd, cluster))
    assert result.output == f"{2 * QUEUES + 1} definitions are in etcd, {2 * QUEUES + 1} new\n"
    assert result.exit_code == 0
    require_moved(folder, etcd, KeySpace(cluster))
    assert files_of(folder) == before
    again = CliRunner().invoke(haremq, arguments(folder, etcd, cluster))
    assert (again.exit_code, again.output) == (0, "this node was moved before: nothing to do\n")


def test_a_delayed_exchange_gets_the_queue_in_which_its_messages_wait(tmp_path: Path) -> None:
    arguments = {"x-delayed-type": longstr("direct")}
    exchange = ExchangeDefinition("x", "/", "x-delayed-message", True, False, False, arguments, 9)
    with open_data_directory(tmp_path / "data", bytes) as directory:
        node = Node(directory.files)
        for each in (VhostDefinition("/"), exchange):
            node.change(TABLE.key_of(each), TABLE.value_of(each))
        node.save()
    keys = KeySpace("c")
    _, pairs = pairs_of(tmp_path / "data", keys)
    _, (made_key, _), (waiting_key, value) = pairs
    assert made_key == keys.key("x", "/", "x")
    name = waiting_queue_name("x", "00" * 16 + "-9")
    assert waiting_key == keys.queue_definition("/", name)
    stored = StoredDefinitions(keys).definition_of(waiting_key, value)
    assert stored is not None
    assert stored.queue_id == "00" * 16 + "-9"


def test_a_move_that_is_killed_goes_on_where_it_was(folder: Path, etcd: EtcdServer) -> None:
    cluster = cluster_name()
    keys = KeySpace(cluster)
    counts: list[int] = []
    for wanted in (1, 200, 500):
        program = subprocess.Popen(
            [sys.executable, "-m", "amqp_server", *arguments(folder, etcd, cluster)],
            stdout=subprocess.DEVNULL,
        )
        while program.poll() is None and len(items_in(etcd, keys)) < wanted:
            """It has not come so far yet."""
        program.send_signal(signal.SIGKILL)
        program.wait()
        counts.append(len(items_in(etcd, keys)))
    assert counts == sorted(counts)
    result = CliRunner().invoke(haremq, arguments(folder, etcd, cluster))
    assert result.exit_code == 0
    require_moved(folder, etcd, keys)


def test_a_cluster_with_definitions_is_left_alone(folder: Path, etcd: EtcdServer) -> None:
    cluster = cluster_name()
    keys = KeySpace(cluster)

    async def put_user() -> None:
        await opened([etcd.url], Clock()).transact(put(keys.key("user", "u"), b"{}"))

    play(put_user())
    result = CliRunner().invoke(haremq, arguments(folder, etcd, cluster))
    assert result.exit_code == exit_status.UNAVAILABLE
    assert "has definitions already; nothing was changed" in result.output
    assert len(items_in(etcd, keys)) == 1
    result = CliRunner().invoke(haremq, arguments(folder, etcd, cluster, "--into-existing"))
    assert result.exit_code == 0
    require_moved(folder, etcd, keys)


def test_a_node_that_runs_is_not_moved(folder: Path, etcd: EtcdServer) -> None:
    with open_data_directory(folder, bytes):
        result = CliRunner().invoke(haremq, arguments(folder, etcd, cluster_name()))
    assert result.exit_code == exit_status.DATA_DIRECTORY
    assert "in use" in result.output or "another" in result.output


def test_a_folder_without_a_node_is_left_alone(tmp_path: Path, etcd: EtcdServer) -> None:
    result = CliRunner().invoke(haremq, arguments(tmp_path, etcd, cluster_name()))
    assert result.exit_code == exit_status.DATA_DIRECTORY
    assert list(tmp_path.iterdir()) == []


def test_an_etcd_that_is_away_and_an_address_that_is_none(folder: Path) -> None:
    for url, status in (
        ("http://127.0.0.1:1", exit_status.UNAVAILABLE),
        ("no URL", exit_status.USAGE),
    ):
        named = ["--data-dir", str(folder), "--etcd", url, "--cluster", "c"]
        result = CliRunner().invoke(haremq, ["move-to-etcd", *named])
        assert (result.exit_code, bool(result.output)) == (status, True)


def test_where_etcd_is_and_how_to_log_in(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\nanother line\n", encoding="utf-8")
    tls = {"ca_file": Path("ca"), "certificate_file": None, "key_file": None}
    assert address_with(("http://a",), "u", secret, tls) == EtcdAddress(
        ("http://a",), "u", "hidden", "ca"
    )
    assert address_with(("http://a",), "", None, {}) == EtcdAddress(("http://a",))
