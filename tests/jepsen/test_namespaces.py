"""Namespaces are cut in one direction, keep their clients, and are swept after a death."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial

import pytest

from tests.clients.support.deadlines import wait_until
from tests.jepsen.namespaces import PREFIX, Network, pids_in, run, sweep, why_missing

MISSING = why_missing()
pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

SERVE = "import socket; s=socket.create_server(('', 9)); a=[s.accept() for _ in iter(int, 1)]"
REACH = "import socket, sys; socket.create_connection((sys.argv[1], 9), float(sys.argv[2]))"


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network(["a", "b"])
    servers = []
    try:
        for name in ("a", "b"):
            words = ("ip", "netns", "exec", made.namespace(name), sys.executable, "-c", SERVE)
            servers.append(subprocess.Popen(words))
        for name in ("a", "b"):
            wait_until(partial(client_reaches, made, name), f"the server of {name}")
        yield made
    finally:
        made.close()
        for server in servers:
            server.wait()
    assert made.namespace("a") not in run("ip", "netns", "list")


def client_reaches(network: Network, name: str) -> bool:
    words = (sys.executable, "-c", REACH, network.addresses[name], "1.0")
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


def reaches(network: Network, source: str, target: str) -> bool:
    inside = ("ip", "netns", "exec", network.namespace(source))
    words = (*inside, sys.executable, "-c", REACH, network.addresses[target], "1.0")
    return subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_a_cut_is_silent_and_is_healed(network: Network) -> None:
    assert reaches(network, "a", "b")
    network.cut([("a", "b")])
    assert not reaches(network, "a", "b")
    # The other direction has no answers either, as TCP needs both.
    assert not reaches(network, "b", "a")
    assert client_reaches(network, "a")
    assert client_reaches(network, "b")
    network.heal()
    assert reaches(network, "a", "b")


def test_a_cut_has_one_direction(network: Network) -> None:
    network.cut([("a", "b")])
    shown = [run("ip", "-n", network.namespace(name), "neighbour", "show") for name in "ab"]
    assert "PERMANENT" in shown[0]
    assert "PERMANENT" not in shown[1]


def test_loss_and_limits_are_undone(network: Network) -> None:
    if network.has_loss:
        network.lose(["a"], 100)
        assert not reaches(network, "b", "a")
    network.limit(["b"], 1_000)
    assert "tbf" in run("tc", "-n", network.namespace("b"), "qdisc", "show")
    network.heal()
    assert reaches(network, "b", "a")
    assert "tbf" not in run("tc", "-n", network.namespace("b"), "qdisc", "show")


def test_what_a_killed_run_left_is_swept() -> None:
    words = "from tests.jepsen.namespaces import Network; Network(['x']); print('up', flush=True)"
    code = f"{words}; import signal; signal.pause()"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "up\n"
        namespace = f"{PREFIX}{child.pid}-x"
        inside = ["ip", "netns", "exec", namespace, sys.executable, "-c", SERVE]
        orphan = subprocess.Popen(inside)
        wait_until(lambda: pids_in(namespace) == [orphan.pid], "a process in the namespace")
        assert namespace not in sweep()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert namespace in sweep()
    orphan.wait()
    assert pids_in(namespace) == []
    assert f"{PREFIX}{child.pid}" not in run("ip", "-o", "link", "show")
