"""A probe: only success is told."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from command_line import probe
from command_line.probe import probed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HAREMQ_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(probe, "_SOCKETS", (str(tmp_path / "s"),))


def served(path: Path, answer: bytes) -> tuple[threading.Thread, list[bytes]]:
    asked: list[bytes] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def serve() -> None:
        with listening, listening.accept()[0] as client:
            asked.append(client.recv(4096))
            client.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, asked


@pytest.mark.parametrize(
    ("words", "path", "text"),
    [
        (["ping"], b"is-in-service", "the node answers\n"),
        (["check", "ready"], b"ready-to-serve-clients", "ready: ok\n"),
    ],
)
def test_success(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], words: list[str], path: bytes, text: str
) -> None:
    thread, asked = served(tmp_path / "s", b"HTTP/1.1 200 OK\r\n\r\n{}")
    assert probed(words) == 0
    thread.join(10)
    assert asked[0].startswith(b"GET /api/health/checks/" + path + b" HTTP/1.1\r\n")
    assert capfd.readouterr().out == text


def test_anything_else_is_for_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["status"], ["ping", "--uri", "x"], ["check"], ["check", "alarms"], []):
        assert probed(words) is None
    thread, _ = served(tmp_path / "s", b"HTTP/1.1 503 No\r\n\r\n{}")
    assert probed(["ping"]) is None
    thread.join(10)
    assert probed(["ping"]) is None
    monkeypatch.setenv("HAREMQ_URI", "http://elsewhere")
    assert probed(["ping"]) is None


def test_it_loads_no_library() -> None:
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from amqp_server.__main__ import main\n"
        "slow = {'click', 'http.client', 'ssl', 'json', 'pathlib', 'email'}\n"
        "sys.exit(str(sorted(slow & (set(sys.modules) - before)) or '') or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
