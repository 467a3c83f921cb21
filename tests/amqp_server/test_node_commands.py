"""Commands on a node that does not run: what is run with which settings, and the exit status."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from amqp_server import exit_status
from amqp_server.cli import haremq
from amqp_server.net.settings import ListenerSettings
from amqp_server.node_commands import management_port, metrics_port
from amqp_server.settings.explain import explain_markdown, explain_text
from amqp_server.settings.schema import Settings
from persistence.data_directory import FORMAT_VERSION, open_data_directory

LISTENERS = """\
net.listeners[0]: amqp://127.0.0.1:1
net.listeners[1]: amqp://127.0.0.1:2
management.listeners[0]: http://127.0.0.1:15672
management.metrics_listeners[0]: http://127.0.0.1:15692/metrics
"""


def call(*arguments: str) -> Result:
    return CliRunner().invoke(haremq, list(arguments))


class Node:
    """Stands in for the node: keeps what it was run with, and ends as it is told."""

    def __init__(self, exit_status: int) -> None:
        self.exit_status = exit_status
        self.settings: Settings | None = None
        self.config_file: Path | None = None

    def run(self, settings: Settings, config_file: Path | None = None) -> int:
        self.settings = settings
        self.config_file = config_file
        return self.exit_status


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    node = Node(exit_status=0)
    monkeypatch.setattr("amqp_server.app.run", node.run)
    return node


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "haremq.yaml"
    path.write_text("net:\n  backlog: 9\n  listeners: [{port: 1}, {port: 2}]\n", encoding="utf-8")
    return path


# ── start ──


def test_start_runs_with_the_defaults(node: Node) -> None:
    result = call("start")
    assert (result.exit_code, result.output) == (0, "")
    assert node.settings == Settings()


def test_start_reads_the_file(node: Node, config: Path) -> None:
    assert call("start", "--config", str(config)).exit_code == 0
    assert node.settings is not None
    assert node.config_file == config
    assert node.settings.net.backlog == 9
    assert [listener.port for listener in node.settings.net.listeners] == [1, 2]


@pytest.mark.parametrize(
    ("options", "listener"),
    [
        (["--port", "0"], ListenerSettings(port=0)),
        (["--bind", "::"], ListenerSettings(address="::")),
        (["--bind", "0.0.0.0", "--port", "7"], ListenerSettings(address="0.0.0.0", port=7)),
    ],
)
def test_bind_and_port_replace_the_listeners_of_the_file(
    node: Node, config: Path, options: list[str], listener: ListenerSettings
) -> None:
    assert call("start", "--config", str(config), *options).exit_code == 0
    assert node.settings is not None
    assert node.settings.net.listeners == (listener,)
    [page] = node.settings.management.listeners
    assert (page.address, page.port) == (listener.address, management_port(listener.port))
    [metrics] = node.settings.management.metrics_listeners
    assert (metrics.address, metrics.port) == (listener.address, metrics_port(listener.port))
    assert node.settings.net.backlog == 9


@pytest.mark.parametrize(("port", "above"), [(5672, 15672), (0, 0), (55_535, 65_535), (55_536, 0)])
def test_management_is_ten_thousand_above(port: int, above: int) -> None:
    assert management_port(port) == above


@pytest.mark.parametrize(("port", "above"), [(5672, 15692), (0, 0), (55_515, 65_535), (55_516, 0)])
def test_metrics_are_ten_thousand_and_twenty_above(port: int, above: int) -> None:
    assert metrics_port(port) == above


def test_a_data_folder_replaces_that_of_the_file(node: Node, tmp_path: Path) -> None:
    result = call("start", "--data-dir", str(tmp_path))
    assert node.settings is not None
    assert node.settings.broker.data_dir == tmp_path
    assert not result.output


@pytest.mark.parametrize("exit_status", [0, 1])
def test_the_nodes_exit_status_is_the_commands(node: Node, exit_status: int) -> None:
    node.exit_status = exit_status
    assert call("start").exit_code == exit_status


@pytest.mark.parametrize(
    "options",
    [
        ["start", "--port", "65536"],
        ["start", "--port", "x"],
        ["start", "--zork"],
        ["start", "--bind"],
        ["--zork"],
        ["strat"],
        ["check-config", "a", "b"],
        ["perf", "--ack", "never"],
    ],
)
def test_a_wrong_command_line_starts_nothing(node: Node, options: list[str]) -> None:
    result = call(*options)
    assert result.exit_code == exit_status.USAGE
    assert "Traceback" not in result.output
    assert node.settings is None


@pytest.mark.timeout(60)
def test_data_of_another_version_are_refused_and_left_alone(tmp_path: Path) -> None:
    """In a process of its own, as a service manager sees it."""
    folder = tmp_path / "data"
    open_data_directory(folder, bytes).close()
    stored = (folder / "format").read_text(encoding="ascii")
    other = stored.replace(f"haremq data {FORMAT_VERSION}\n", f"haremq data {FORMAT_VERSION + 1}\n")
    assert other != stored
    (folder / "format").write_text(other, encoding="ascii")
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    command = [sys.executable, "-m", "amqp_server", "start", "--port", "0", "--data-dir"]
    ended = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert ended.returncode == exit_status.DATA_DIRECTORY
    line = ended.stderr.splitlines()[-1]
    assert line.endswith(
        f"cannot start: data directory {folder}: expected data of format {FORMAT_VERSION}, found"
        f" format {FORMAT_VERSION + 1}, which another version of HareMQ wrote; start that version,"
        " or name an empty folder and bring definitions over by export and import"
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_wrong_file_starts_nothing(node: Node, config: Path) -> None:
    config.write_text("net: {backlog: x, listenerz: 1}", encoding="utf-8")
    result = call("start", "--config", str(config))
    assert result.exit_code == exit_status.CONFIGURATION
    assert result.output.splitlines() == [
        "net.listenerz: unknown key; did you mean net.listeners?",
        "net.backlog: expected an integer from 1 to 65535, got 'x'",
    ]
    assert node.settings is None


def test_a_file_that_is_not_there_starts_nothing(node: Node) -> None:
    result = call("start", "--config", "missing.yaml")
    assert result.exit_code == exit_status.CONFIGURATION
    assert result.output == "missing.yaml: No such file or directory\n"
    assert node.settings is None


# ── the others ──


def test_check_config_says_ok_and_what_is_spoken_where(config: Path) -> None:
    result = call("check-config", str(config))
    assert (result.exit_code, result.output) == (0, LISTENERS + f"{config}: ok\n")


def test_check_config_says_what_is_wrong(config: Path) -> None:
    config.write_text("nett: {}", encoding="utf-8")
    result = call("check-config", str(config))
    assert (result.exit_code, result.output) == (78, "nett: unknown key; did you mean net?\n")


def test_check_config_refuses_a_protocol_that_nobody_speaks(config: Path) -> None:
    config.write_text("net: {listeners: [{port: 5552, protocol: smtp}]}", encoding="utf-8")
    result = call("check-config", str(config))
    assert (result.exit_code, result.output) == (
        78,
        "net.listeners[0].protocol: expected one of amqp, stream, got 'smtp'\n",
    )


def test_a_file_that_is_no_yaml_is_named_with_the_line(config: Path) -> None:
    config.write_text("net:\n  backlog: 1\n backlog: 2\n", encoding="utf-8")
    result = call("check-config", str(config))
    assert result.exit_code == exit_status.CONFIGURATION
    assert result.output.startswith(f"{config}: line 3: ")


def test_check_config_opens_certificates_and_definitions(config: Path, tmp_path: Path) -> None:
    definitions = tmp_path / "definitions.json"
    definitions.write_text('{"queues": 5}', encoding="utf-8")
    config.write_text(
        "net:\n  tls: {certificate_file: no.pem, key_file: no.key}\n"
        f"broker:\n  load_definitions: {definitions}\n",
        encoding="utf-8",
    )
    result = call("check-config", str(config))
    assert result.exit_code == exit_status.CONFIGURATION
    assert result.output.splitlines() == [
        "net.tls.certificate_file: no.pem: No such file or directory",
        "net.tls.key_file: no.key: No such file or directory",
        f"broker.load_definitions: {definitions}: definitions.queues: expected a list, got 5",
    ]


def test_check_config_without_a_name_looks_in_this_folder(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    assert call("check-config").output == LISTENERS + "haremq.yaml: ok\n"
    config.unlink()
    result = call("check-config")
    assert (result.exit_code, result.output) == (78, "haremq.yaml: No such file or directory\n")


def test_explain_config_prints_every_key() -> None:
    assert call("explain-config").output == explain_text() + "\n"
    assert call("explain-config", "--markdown").output == explain_markdown()
