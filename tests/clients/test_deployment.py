"""The files of docs/deploy do what they say: the unit of systemd, the image, and their checks."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path

import pytest

from amqp_server import exit_status
from amqp_server.net.settings import NetSettings
from amqp_server.settings.load import load_settings
from tests.clients.support.deadlines import wait_until
from tests.clients.support.programs import Program, run
from tests.clients.support.requirements import PROGRAMS, require_node_package, require_tool
from tests.clients.support.server import accepts
from tests.support.certificates import Authority
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "docs" / "deploy"
UNIT = DEPLOY / "haremq.service"
INSTALLED = "/usr/local/lib/haremq/bin/haremq"
COMMAND = Path(sys.executable).with_name("haremq")
ANALYZE = shutil.which("systemd-analyze")

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def service() -> ConfigParser:
    """The unit; of a key that stands more than once, only one value is kept."""
    unit = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment, method-assign] # keys keep their capitals
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    return unit


# ── systemd ──


@pytest.mark.skipif(ANALYZE is None, reason="there is no systemd here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text(encoding="utf-8").replace(INSTALLED, str(COMMAND)))
    verified = subprocess.run(
        [str(ANALYZE), "verify", str(installed)], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_the_unit_goes_with_what_the_node_does(service: ConfigParser) -> None:
    said = service["Service"]
    assert said["Type"] == "notify"
    final = set(map(int, said["RestartPreventExitStatus"].split()))
    assert final == {exit_status.DISK_FAILED, exit_status.USAGE, exit_status.CONFIGURATION}
    grace_s = NetSettings().shutdown_grace_ms / 1000
    assert float(said["TimeoutStopSec"].removesuffix("s")) >= 2 * grace_s


def test_the_unit_starts_a_node_that_says_when_it_is_ready(
    service: ConfigParser, tmp_path: Path
) -> None:
    port = free_port()
    settings = tmp_path / "haremq.yaml"
    text = (DEPLOY / "haremq.yaml").read_text(encoding="utf-8")
    assert "/var/lib/haremq/data" in text
    text = text.replace("/var/lib/haremq", str(tmp_path)).replace("port: 5672", f"port: {port}")
    # Other nodes of this machine may have the default ports.
    text += "management:\n  listeners: []\n  metrics_listeners: []\n"
    settings.write_text(text, encoding="utf-8")
    command = service["Service"]["ExecStart"].split()
    assert command == [INSTALLED, "start", "--config", "/etc/haremq/haremq.yaml"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        node = Program([COMMAND, *command[1:3], settings], environment, tmp_path)
        try:
            said = systemd.recv(4_096).decode()
            assert said.startswith("READY=1\n"), node.output
            assert f"amqp://127.0.0.1:{port}" in said
            assert accepts(port)
        finally:
            status = node.stop()
        assert (status, systemd.recv(4_096).decode().splitlines()[0]) == (0, "STOPPING=1")
    assert (tmp_path / "data" / "format").exists()


@pytest.mark.parametrize(
    ("name", "address"), [("haremq.yaml", "127.0.0.1"), ("container.yaml", "*")]
)
def test_configurations_are_taken(name: str, address: str) -> None:
    code, output = run([COMMAND, "check-config", DEPLOY / name])
    lines = (
        f"net.listeners[0]: amqp://{address}:5672",
        f"management.listeners[0]: http://{address}:15672",
        f"management.metrics_listeners[0]: http://{address}:15692/metrics",
        f"{DEPLOY / name}: ok",
    )
    assert (code, output) == (0, "\n".join(lines))


def test_the_listeners_of_stream_clients_are_there_as_comments(
    tmp_path: Path,
) -> None:
    text = (DEPLOY / "haremq.yaml").read_text(encoding="utf-8")
    keys = re.sub(r"(?m)^( *)# (?=[ -]|tls:|stream_protocol:|management:)", r"\1", text)
    files = Authority().issue(tmp_path)
    keys = keys.replace("/etc/haremq/server.pem", str(files.certificate_file))
    keys = keys.replace("/etc/haremq/server.key", str(files.key_file))
    settings = tmp_path / "haremq.yaml"
    settings.write_text(keys, encoding="utf-8")
    code, output = run([COMMAND, "check-config", settings])
    assert code == 0, output
    for number, uri in enumerate(
        (
            "amqp://127.0.0.1:5672",
            "rabbitmq-stream://127.0.0.1:5552",
            "rabbitmq-stream+tls://127.0.0.1:5551",
            "amqps://127.0.0.1:5671",
        )
    ):
        assert f"net.listeners[{number}]: {uri}\n" in output
    assert load_settings(settings).stream_protocol.advertised_host == "broker.example.com"


# ── the image ──


def instructions() -> list[tuple[str, str]]:
    """Return name and arguments of each instruction, lines joined and comments left out."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (name, arguments)
        for name, _, arguments in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def test_a_linter_finds_nothing() -> None:
    node = require_tool("node")
    require_node_package("dockerfile-utils")
    code, output = run([node, PROGRAMS / "lint_dockerfile.mjs", DEPLOY / "Dockerfile"])
    assert (code, output) == (0, "")


def test_the_linter_finds_what_is_wrong(tmp_path: Path) -> None:
    node = require_tool("node")
    require_node_package("dockerfile-utils")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM debian\nRUNN ls\nEXPOSE port\n", encoding="utf-8")
    _code, output = run([node, PROGRAMS / "lint_dockerfile.mjs", wrong])
    assert [line.split(":")[0] for line in output.splitlines()] == ["2", "3"]


def test_the_image_runs_as_nobody_special_and_holds_no_compiler() -> None:
    all_of_them = instructions()
    last_stage = all_of_them[max(i for i, (name, _) in enumerate(all_of_them) if name == "FROM") :]
    said = dict(last_stage)
    assert said["USER"] == "haremq"
    assert said["VOLUME"] == "/var/lib/haremq"
    assert {"HEALTHCHECK", "EXPOSE", "ENTRYPOINT", "CMD"} <= set(said)
    assert "gcc" not in str(last_stage)
    assert all(":" in arguments for name, arguments in all_of_them if name == "FROM")


def test_what_the_image_copies_is_in_its_context() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert [path for path in kept if not (ROOT / path).exists()] == []
    copied = [
        arguments.split()[-2]
        for name, arguments in instructions()
        if name == "COPY" and "--from" not in arguments
    ]
    assert [path for path in copied if path != "." and path not in kept] == []
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (included,) = re.findall(r"^include = \[(.*)\]$", project, re.MULTILINE)
    packages = re.findall(r'"(\w+)\*"', included)
    assert set(packages) <= set(kept)


def test_the_image_listens_where_its_healthcheck_asks() -> None:
    settings = load_settings(DEPLOY / "container.yaml")
    assert [each.port for each in settings.net.listeners] == [5672]


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A node's port; nothing listens there after the test."""
    port = free_port()
    node = Program(
        [COMMAND, "start", "--port", str(port), "--data-dir", tmp_path / "data"], None, tmp_path
    )
    try:
        wait_until(lambda: accepts(port), "the port to accept")
        yield port
    finally:
        node.stop()


def test_the_healthcheck_tells_a_node_from_none(port: int) -> None:
    check: list[str | Path] = [sys.executable, DEPLOY / "healthcheck.py"]
    assert run([*check, str(port)])[0] == 0
    assert run([*check, str(free_port())])[0] == 1
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        deaf_port = str(deaf.getsockname()[1])
        assert run([*check, deaf_port])[0] == 1
