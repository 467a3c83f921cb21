"""A real etcd on loopback, with data directories of its own, ended by its pids."""

import os
import shutil
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from tests.support.certificates import Files
from tests.support.ports import free_port

IS_REQUIRED = bool(os.environ.get("HAREMQ_REQUIRE_CLIENTS"))

START_S = 20

QUICK = ("--heartbeat-interval", "20", "--election-timeout", "200")
"""Leases of one second: three halves of the election's time are the least. It elects itself."""

STEADY = ("--heartbeat-interval", "50", "--election-timeout", "500")
"""For several members, on a machine that has much to do."""


@dataclass
class EtcdServer:
    """One member. ``stop`` ends it, ``start`` starts it again on the same data and ports.

    ``members`` are all of its cluster, by name; empty: it is the only one.
    """

    folder: Path
    name: str = "only"
    certificate: Files | None = None
    members: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    peer_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it; one of several answers once most of them are there."""
        peer = self.peer_url
        members = self.members or {self.name: peer}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    "etcd",
                    *("--data-dir", str(self.folder / "data"), "--name", self.name),
                    *("--listen-client-urls", self.url, "--advertise-client-urls", self.url),
                    *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                    "--initial-cluster",
                    ",".join(f"{name}={url}" for name, url in members.items()),
                    *self._tls(),
                    # It is killed and never loses power.
                    "--unsafe-no-fsync",
                    *(QUICK if not self.members else STEADY),
                ],
                stdout=log,
                stderr=log,
            )

    def wait(self) -> None:
        """Return when it answers."""
        assert self.process is not None
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """Stop it where it stands; its connections stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after ``freeze``."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def post(self, path: str, request: object) -> dict[str, object]:
        """Ask it something that the engine has no method for."""
        body = orjson.dumps(request)
        trust = ssl._create_unverified_context() if self.certificate else None
        url = f"{self.url}/v3/{path}"
        with urllib.request.urlopen(url, body, timeout=10, context=trust) as answer:
            answered: dict[str, object] = orjson.loads(answer.read())
        return answered

    def _tls(self) -> tuple[str, ...]:
        if self.certificate is None:
            return ()
        files = self.certificate
        return ("--cert-file", str(files.certificate_file), "--key-file", str(files.key_file))

    def _answers(self) -> bool:
        try:
            self.post("kv/range", {"key": "AA=="})
        except urllib.error.HTTPError as error:
            error.close()
            return True  # it asks for a login
        except OSError:
            return False
        return True


@contextmanager
def running_etcd(folder: Path, certificate: Files | None = None) -> Iterator[EtcdServer]:
    server = EtcdServer(folder, certificate=certificate)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def running_members(folder: Path, count: int) -> Iterator[list[EtcdServer]]:
    """Run one etcd of several members."""
    folders = {f"member{number}": folder / f"member{number}" for number in range(count)}
    for each in folders.values():
        each.mkdir()
    servers = [EtcdServer(each, name) for name, each in folders.items()]
    try:
        for server in servers:
            server.members = {each.name: each.peer_url for each in servers}
            server.launch()
        for server in servers:
            server.wait()
        yield servers
    finally:
        for server in servers:
            server.stop()


def require_etcd() -> None:
    """Skip the test where there is no etcd; fail it where clients are required."""
    if shutil.which("etcd") is None:
        reason = "there is no etcd (Debian: etcd-server)"
        pytest.fail(reason) if IS_REQUIRED else pytest.skip(reason)
