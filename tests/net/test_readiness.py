"""The service manager is told once the node is ready, in systemd's own words."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from amqp_server.net.readiness import ADDRESS_VARIABLE, tell_ready, tell_stopping


@pytest.fixture
def systemd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        yield listening


def test_it_hears_that_the_node_is_ready_and_that_it_stops(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.bind(str(tmp_path / "notify"))
    monkeypatch.setenv(ADDRESS_VARIABLE, str(tmp_path / "notify"))
    tell_ready("amqp://127.0.0.1:5672\nREADY=0")
    lines = systemd.recv(1_000).decode().splitlines()
    assert lines == [
        "READY=1",
        "STATUS=amqp://127.0.0.1:5672 READY=0",
        f"MAINPID={os.getpid()}",
    ]
    tell_stopping()
    assert systemd.recv(1_000).startswith(b"STOPPING=1\n")


def test_its_socket_may_have_no_file(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"haremq-test-{os.getpid()}"
    systemd.bind(f"\0{name}")
    monkeypatch.setenv(ADDRESS_VARIABLE, f"@{name}")
    tell_ready("here")
    assert systemd.recv(1_000).startswith(b"READY=1\n")


def test_without_one_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    tell_ready("here")
    assert caplog.records == []


def test_one_that_is_gone_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, str(tmp_path / "gone"))
    tell_ready("here")
    (line,) = caplog.messages
    assert "the service manager cannot be told" in line
