"""On loopback addresses links are cut by relays, which know who dials by the process."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from load_generator.verifying.loopback import Loopback
from tests.clients.support.deadlines import wait_until

PORT = 9_077
ECHO = (
    "import socket, sys\n"
    "server = socket.create_server((sys.argv[1], int(sys.argv[2])))\n"
    "while True:\n"
    "    peer = server.accept()[0]\n"
    "    peer.sendall(b'x')\n"
)
REACH = (
    "import socket, sys\n"
    "peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
    "peer.settimeout(float(sys.argv[3]))\n"
    "sys.exit(peer.recv(1) != b'x')\n"
)


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    made = Loopback(["a", "b"])
    made.serves("b", [PORT])
    words = [sys.executable, "-c", ECHO, made.addresses["b"], str(PORT)]
    server = subprocess.Popen(words, env={**os.environ, **made.environment("b")})
    try:
        wait_until(lambda: reaches(made, "a"), "the server")
        yield made
    finally:
        made.close()
        server.wait()


def reaches(loopback: Loopback, source: str) -> bool:
    """Return whether a process of ``source`` reaches ``b`` where others do."""
    words = [sys.executable, "-c", REACH, loopback.reached_at("b"), str(PORT), "0.3"]
    environment = {**os.environ, **loopback.environment(source)}
    done = subprocess.run(words, env=environment, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


@pytest.mark.parametrize("pair", [("a", "b"), ("b", "a")])
def test_a_cut_concerns_who_is_named(loopback: Loopback, pair: tuple[str, str]) -> None:
    assert reaches(loopback, "a")
    loopback.cut([pair])
    assert not reaches(loopback, "a")
    assert reaches(loopback, "c")
    loopback.heal()
    assert reaches(loopback, "a")


def test_processes_are_known_by_their_name(loopback: Loopback) -> None:
    assert len(loopback.pids("b")) == 1
    assert loopback.pids("a") == []


def test_loss_and_limits_are_not_to_be_had(loopback: Loopback) -> None:
    with pytest.raises(NotImplementedError):
        loopback.lose(["a"], 10)
    with pytest.raises(NotImplementedError):
        loopback.limit(["a"], 10)
