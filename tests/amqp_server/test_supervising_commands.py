"""The commands that run several nodes: what they ask for, and how they end."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amqp_server import exit_status
from amqp_server.cli import haremq
from amqp_server.settings.load import SettingsError
from amqp_server.supervising.folder import FolderError, NoEtcdError, TakenPortError
from amqp_server.supervising.layout import LayoutError
from amqp_server.supervising.nodes import Wish
from persistence.data_directory import FORMAT_PATH


class Nodes:
    """Stands in for the nodes: keeps what was asked for, and ends as it is told."""

    def __init__(self) -> None:
        self.wish: Wish | None = None
        self.outcome: bool | Exception = True

    def run(self, wish: Wish, _say: object) -> bool:
        self.wish = wish
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Nodes:
    nodes = Nodes()
    monkeypatch.setattr("amqp_server.supervising_commands.run", nodes.run)
    return nodes


def call(*arguments: str) -> Result:
    return CliRunner().invoke(haremq, list(arguments))


def test_a_cluster_for_development_has_three_nodes_and_keeps_nothing(nodes: Nodes) -> None:
    assert call("dev-cluster").exit_code == exit_status.OK
    assert nodes.wish == Wish(3, 5672)


def test_its_options_are_obeyed(nodes: Nodes, tmp_path: Path) -> None:
    config = tmp_path / "haremq.yaml"
    config.write_text("net: {backlog: 9}\n")
    options = ("--nodes", "5", "--dir", str(tmp_path), "--port", "6000", "--keep", "--restart")
    assert call("dev-cluster", *options, "--config", str(config)).exit_code == exit_status.OK
    assert nodes.wish == Wish(
        5,
        6000,
        folder=tmp_path,
        keeps=True,
        restarts=True,
        others={"net": {"backlog": 9}},
    )


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (False, exit_status.FAILED),
        (NoEtcdError("no etcd"), exit_status.UNAVAILABLE),
        (TakenPortError("port 5672"), exit_status.UNAVAILABLE),
        (FolderError("a folder"), exit_status.DATA_DIRECTORY),
        (LayoutError("a port"), exit_status.USAGE),
        (SettingsError(["one", "two"]), exit_status.CONFIGURATION),
        (PermissionError("not yours"), exit_status.DATA_DIRECTORY),
    ],
)
def test_it_ends_with_the_status_of_what_went_wrong(
    nodes: Nodes, outcome: bool | Exception, status: int
) -> None:
    nodes.outcome = outcome
    result = call("dev-cluster")
    assert result.exit_code == status
    if isinstance(outcome, Exception):
        assert result.stderr.startswith("haremq: ")


@pytest.mark.parametrize("count", ["0", "10", "many"])
def test_there_are_so_many_nodes_and_no_more(nodes: Nodes, count: str) -> None:
    assert call("dev-cluster", "--nodes", count).exit_code == exit_status.USAGE
    assert call("start", "--nodes", count).exit_code == exit_status.USAGE
    assert nodes.wish is None


def test_several_nodes_share_the_ports_and_are_started_again(nodes: Nodes, tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    result = call("start", "--nodes", "2", "--data-dir", str(data_dir), "--port", "6000")
    assert result.exit_code == exit_status.OK
    assert nodes.wish is not None
    assert nodes.wish.restarts
    assert nodes.wish.keeps
    assert nodes.wish.folder == data_dir
    assert nodes.wish.shared is not None
    assert nodes.wish.shared.net.listeners[0].port == 6000


def test_the_folder_of_a_node_that_is_alone_is_left_alone(nodes: Nodes, tmp_path: Path) -> None:
    path = tmp_path / FORMAT_PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    result = call("start", "--nodes", "2", "--data-dir", str(tmp_path))
    assert result.exit_code == exit_status.DATA_DIRECTORY
    assert "move-to-etcd" in result.stderr
    assert nodes.wish is None


def test_several_nodes_need_a_folder(nodes: Nodes, tmp_path: Path) -> None:
    config = tmp_path / "haremq.yaml"
    config.write_text("broker: {data_dir: null}\n")
    result = call("start", "--nodes", "2", "--config", str(config))
    assert result.exit_code == exit_status.CONFIGURATION
    assert nodes.wish is None
