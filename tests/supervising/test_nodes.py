"""Real nodes, each alone, started and ended together; what needs etcd is only looked at."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from amqp_server.supervising.folder import NoEtcdError, TakenPortError
from amqp_server.supervising.nodes import Wish, run
from amqp_server.supervising.supervision import ChildPlan
from tests.support.ports import free_port

PATIENCE_MS = 60_000

PROGRAM = """
import sys
from pathlib import Path
from amqp_server.supervising.nodes import Wish, run

wish = Wish(2, int(sys.argv[1]), folder=Path(sys.argv[2]), keeps=True, is_clustered=False,
            others={"broker": {"default_user": "me"}})
raise SystemExit(0 if run(wish, lambda text: print(text, flush=True)) else 1)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port), str(tmp_path / "nodes")],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        yield running, port
        running.kill()


def lines_to(running: subprocess.Popen[str], begin: str) -> list[str]:
    assert running.stdout is not None
    lines = []
    for line in running.stdout:
        lines.append(line)
        if line.startswith(begin):
            return lines
    raise AssertionError(lines)


def test_nodes_are_ready_together_and_end_together(
    program: tuple[subprocess.Popen[str], int], tmp_path: Path
) -> None:
    running, port = program
    lines = lines_to(running, "To end one of them")
    pids = [int(line.split()[1]) for line in lines if line.startswith("haremq-")]
    gone = [os.pidfd_open(pid) for pid in pids]
    for each in (port, port + 1, port + 10_000, port + 10_001, port - 120, port - 119):
        socket.create_connection(("127.0.0.1", each)).close()
    os.kill(pids[1], signal.SIGKILL)
    assert "haremq-2@localhost ended: SIGKILL" in lines_to(running, "haremq-2")[-1]
    socket.create_connection(("127.0.0.1", port)).close()
    running.send_signal(signal.SIGTERM)
    assert running.wait(PATIENCE_MS / 1000) == 0
    for fd in gone:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        assert poll.poll(0)
        os.close(fd)
    assert "stopped" in (tmp_path / "nodes" / "node-1" / "log").read_text()


class Fake:
    """Stands in for the runner: keeps its plans."""

    plans: tuple[ChildPlan, ...] = ()

    def __init__(self, plans: list[ChildPlan], *_: object) -> None:
        Fake.plans = tuple(plans)

    def run(self) -> bool:
        return True


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    monkeypatch.setattr("amqp_server.supervising.nodes.Runner", Fake)
    monkeypatch.setattr("amqp_server.supervising.nodes.found_etcd", lambda: "/bin/etcd")
    monkeypatch.setattr("amqp_server.supervising.nodes.check_free", lambda _ports: None)
    return Fake


def test_a_cluster_starts_with_its_etcd(planned: type[Fake], tmp_path: Path) -> None:
    said: list[str] = []
    assert run(Wish(3, 5672, folder=tmp_path, keeps=True, restarts=True), said.append)
    etcd, *nodes = planned.plans
    assert (etcd.name, etcd.stage) == ("etcd", 0)
    assert [node.stage for node in nodes] == [1, 1, 1]
    assert all(plan.restarts for plan in planned.plans)
    assert (
        "endpoints:\n    - http://127.0.0.1:" in (tmp_path / "node-3" / "haremq.yaml").read_text()
    )
    assert said == [f"folder: {tmp_path}"]


def test_a_cluster_whose_settings_name_an_etcd_starts_none(
    planned: type[Fake], tmp_path: Path
) -> None:
    others = {"cluster": {"etcd": {"endpoints": ["http://10.0.0.1:2379"]}}}
    wish = Wish(2, 5672, folder=tmp_path, keeps=True, others=others)
    assert not wish.needs_etcd
    assert run(wish, print)
    assert [plan.stage for plan in planned.plans] == [1, 1]
    text = (tmp_path / "node-1" / "haremq.yaml").read_text()
    assert "http://10.0.0.1:2379" in text
    assert f"listen: unix:{tmp_path}/node-1/links" in text


def test_without_an_etcd_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoEtcdError):
        run(Wish(3, 5672, folder=tmp_path / "new", keeps=True), print)
    assert not (tmp_path / "new").exists()


def test_where_a_port_is_taken_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("amqp_server.supervising.nodes.Runner", None)  # It would not be called.
    monkeypatch.setattr("amqp_server.supervising.nodes.found_etcd", lambda: "/bin/etcd")
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port + 10_001)),
        pytest.raises(TakenPortError, match=f"port {port + 10_001} of"),
    ):
        run(Wish(2, port, folder=tmp_path / "new"), print)
    assert not (tmp_path / "new").exists()
