"""A cluster of real nodes with an etcd, each a process of its own on loopback, ended by pid."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from management.access.login import Credentials, basic_header
from tests.support.etcd_server import EtcdServer, require_etcd, running_etcd
from tests.support.ports import free_port

READY_S = 60
STOP_S = 30
ANSWER_S = 30


async def _moment() -> None:
    await asyncio.sleep(0.1)


class ClusteredProcesses:
    """Nodes ``n1``, ``n2`` … of one cluster; their links are Unix sockets.

    Attributes:
        ports: of AMQP, by node.
        http_ports: of the HTTP API, by node.
        stream_ports: of the stream protocol, by node.
    """

    def __init__(
        self,
        folder: Path,
        etcd: EtcdServer,
        count: int,
        replication: Mapping[str, object] | None = None,
    ) -> None:
        """Begin with no process; ``replication`` are settings of that section."""
        self._folder = folder
        self._replication = dict(replication or {})
        self._secret = folder / "secret"
        self._secret.write_text("a secret of these nodes\n", encoding="utf-8")
        self._secret.chmod(0o600)
        self.ports = {f"n{number}": free_port() for number in range(1, count + 1)}
        self.http_ports = {name: free_port() for name in self.ports}
        self.stream_ports = {name: free_port() for name in self.ports}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in self.ports:
            text = yaml.safe_dump(self._settings(name, etcd))
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")

    def _settings(self, name: str, etcd: EtcdServer) -> dict[str, object]:
        return {
            "broker": {"node_name": name, "data_dir": str(self._folder / f"{name}.data")},
            "net": {
                "listeners": [
                    {"address": "127.0.0.1", "port": self.ports[name]},
                    {
                        "address": "127.0.0.1",
                        "port": self.stream_ports[name],
                        "protocol": "stream",
                    },
                ]
            },
            "management": {
                "listeners": [{"address": "127.0.0.1", "port": self.http_ports[name]}],
                "metrics_listeners": [],
            },
            "cluster": {
                "name": self._folder.name,
                "etcd": {"endpoints": [etcd.url]},
                "secret_file": str(self._secret),
                "links": {"listen": f"unix:{self._folder}/{name}.sock"},
                "lease_ttl_ms": 2_000,
                "replication": self._replication,
            },
        }

    def start(self, name: str) -> None:
        """Start a node, and do not wait for it."""
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "amqp_server", "start", "--config", f"{name}.yaml"],
                cwd=self._folder,
                env={"PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin"},
                stdout=log,
                stderr=log,
            )

    async def start_all(self) -> None:
        """Start all nodes, and wait until each lets clients in."""
        for name in self.ports:
            self.start(name)
        for name in self.ports:
            await self.until_ready(name)

    async def until_ready(self, name: str) -> None:
        """Wait until a node accepts connections."""
        async with asyncio.timeout(READY_S):
            while True:
                ended = self._processes[name].poll()
                assert ended is None, f"{name} ended with {ended}:\n{self.log(name)}"
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.ports[name])
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    writer.close()
                    return

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return when something holds that nodes say."""
        async with asyncio.timeout(READY_S):
            while not holds():
                await _moment()

    def get(self, name: str, path: str) -> tuple[int, bytes]:
        """Ask the HTTP API of a node; return the status and the body."""
        return self.call(name, "GET", path)

    def call(self, name: str, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Ask the HTTP API of a node with a body of JSON; return the status and the body."""
        url = f"http://127.0.0.1:{self.http_ports[name]}/{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", basic_header(Credentials("guest", "guest")))
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def kill(self, name: str) -> None:
        """Kill a node without a word."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    async def ended(self, name: str) -> int:
        """Return the exit status of a node, once it has ended by itself."""
        process = self._processes[name]
        await self.until(lambda: process.poll() is not None)
        return self._processes.pop(name).wait()

    def empty(self, name: str) -> None:
        """Remove all data of a node that does not run."""
        shutil.rmtree(self._folder / f"{name}.data")

    def freeze(self, name: str) -> None:
        """Stop a node's process."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on."""
        self._processes[name].send_signal(signal.SIGCONT)

    def log(self, name: str) -> str:
        """Return what a node has logged."""
        return (self._folder / f"{name}.log").read_text("utf-8", "replace")

    def stop(self) -> list[int]:
        """Have all nodes end; return their exit statuses."""
        for process in self._processes.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        statuses = []
        for process in self._processes.values():
            try:
                statuses.append(process.wait(STOP_S))
            except subprocess.TimeoutExpired:
                process.kill()
                statuses.append(process.wait())
        self._processes.clear()
        return statuses


@contextmanager
def running_nodes(
    folder: Path, count: int, replication: Mapping[str, object] | None = None
) -> Iterator[ClusteredProcesses]:
    """Make nodes and their etcd for a block, and end them; skip the test where there is no etcd."""
    require_etcd()
    with running_etcd(folder) as etcd:
        nodes = ClusteredProcesses(folder, etcd, count, replication)
        try:
            yield nodes
        finally:
            nodes.stop()
