"""HareMQ in namespaces: one node without a cluster, or a cluster with its etcd."""

import json
import os
import shutil
import signal
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import yaml

from load_generator.verifying.cluster import Ability
from load_generator.wire import FieldValue
from tests.jepsen.machines import Machines, build_delay
from tests.jepsen.namespaces import pids_in, signal_all

START_S: Final = 60.0
LINK_PORT: Final = 25_672
ETCD_PORT: Final = 2379
ETCD_PEER_PORT: Final = 2380
HTTP_PORT: Final = 15672
HTTP_S: Final = 3.0
LEASE_PROGRAM: Final = b"cluster.liveness"
REFUSALS: Final = ("cannot start a node of a cluster yet", "cluster: unknown key")
"""What a HareMQ says that has no cluster; anything else that keeps it from starting is a fault."""
NET: Final = {"listeners": [{"address": "0.0.0.0", "port": 5672}]}
PERSISTENCE: Final = {
    "durability": "fsync",
    "wal_file_size_bytes": 4 << 20,
    "segment_size_bytes": 4 << 20,
}


class NoClusterError(Exception):
    """This HareMQ does not start clusters; the text is what it said."""


class HareNodes(Machines):
    """Nodes of HareMQ, which run with a library before them that delays syncs, where it builds."""

    def __init__(self, folder: Path, node_count: int, store_count: int = 0) -> None:
        super().__init__(folder, node_count, store_count)
        self._library = build_delay(folder)
        for node in self.nodes:
            text = yaml.safe_dump(self.settings(node))
            (self.place(node) / "haremq.yaml").write_text(text, encoding="utf-8")

    def settings(self, node: str) -> dict[str, object]:
        """Return the settings of a node."""
        return {
            "net": NET,
            "management": {"listeners": [], "metrics_listeners": []},
            "persistence": PERSISTENCE,
            "broker": {
                "data_dir": str(self.place(node) / "data"),
                "loopback_users": [],
                "node_name": node,
            },
        }

    @property
    def abilities(self) -> frozenset[Ability]:
        library = {Ability.SLOW_DISK, Ability.CLOCK} if self._library else set()
        return super().abilities | library

    def launch(self) -> None:
        """Start all of it."""
        self.launch_all(START_S)

    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        place = self.place(name)
        program = Path(sys.executable).with_name("haremq")
        environment = {"HOME": os.environ.get("HOME", "/")}
        if self._library is not None:
            environment["LD_PRELOAD"] = str(self._library)
            environment["SLOW_DISK_DELAY"] = str(place / "delay")
            environment["SLOW_DISK_SHIFT"] = str(place / "shift")
        return [str(program), "start", "--config", str(place / "haremq.yaml")], environment

    def leader_of(self, queue: str) -> str | None:
        return self.nodes[0]


class ClusterNodes(HareNodes):
    """Nodes of one cluster, and its etcd."""

    queue_arguments: Mapping[str, FieldValue] = {"x-queue-type": "quorum"}

    def __init__(self, folder: Path, node_count: int, store_count: int) -> None:
        secret = folder / "secret"
        secret.write_text("a secret of all these nodes\n", encoding="utf-8")
        secret.chmod(0o600)
        super().__init__(folder, node_count, store_count)

    @property
    def abilities(self) -> frozenset[Ability]:
        return super().abilities | {Ability.LEASE, Ability.WIPE}

    def settings(self, node: str) -> dict[str, object]:
        endpoints = [f"http://{self.address(store)}:{ETCD_PORT}" for store in self.stores]
        return {
            **super().settings(node),
            "management": {
                "listeners": [{"address": "0.0.0.0", "port": HTTP_PORT}],
                "metrics_listeners": [],
            },
            "cluster": {
                "name": "jepsen",
                "etcd": {"endpoints": endpoints},
                "secret_file": str(self.folder / "secret"),
                "links": {"listen": f"{self.address(node)}:{LINK_PORT}"},
            },
        }

    def launch(self) -> None:
        """Start all of it.

        Raises:
            NoClusterError: this HareMQ has no cluster.
            TimeoutError: something does not start, for another reason.
        """
        if shutil.which("etcd") is None:
            raise NoClusterError("there is no etcd on this machine")
        try:
            super().launch()
        except TimeoutError as error:
            said = next((one for one in REFUSALS if one in str(error)), None)
            if said is not None:
                raise NoClusterError(f"it says: {said}") from error
            raise

    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        if name not in self.stores:
            return super().command(name)
        client, peer = (f"http://{self.address(name)}:{port}" for port in _ETCD_PORTS)
        members = ",".join(
            f"{one}=http://{self.address(one)}:{ETCD_PEER_PORT}" for one in self.stores
        )
        words = ["etcd", "--name", name, "--data-dir", str(self.place(name) / "data")]
        words += ["--listen-client-urls", client, "--advertise-client-urls", client]
        words += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        # It is killed and never loses power.
        return [*words, "--initial-cluster", members, "--unsafe-no-fsync"], {}

    def is_ready(self, name: str) -> bool:
        if name not in self.stores:
            return super().is_ready(name)
        url = f"http://{self.address(name)}:{ETCD_PORT}/health"
        try:
            with urllib.request.urlopen(url, timeout=HTTP_S) as answer:
                return bool(json.load(answer).get("health") == "true")
        except (OSError, ValueError):
            return False

    def freeze_lease(self, node: str) -> None:
        self._frozen.add(node)
        signal_all(_of_lease(pids_in(self.network.namespace(node))), signal.SIGSTOP)

    def leader_of(self, queue: str) -> str | None:
        login = b64encode(b"guest:guest").decode()
        for node in self.nodes:
            url = f"http://{self.address(node)}:{HTTP_PORT}/api/queues/%2F/{quote(queue, safe='')}"
            request = urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})
            try:
                with urllib.request.urlopen(request, timeout=HTTP_S) as answer:
                    found = json.load(answer)
            except (OSError, urllib.error.URLError, ValueError):
                continue
            leader = str(found.get("leader") or found.get("node") or "")
            return next((one for one in self.nodes if leader in {one, f"haremq@{one}"}), None)
        return None


_ETCD_PORTS: Final = (ETCD_PORT, ETCD_PEER_PORT)


def _of_lease(pids: Iterable[int]) -> list[int]:
    found = []
    for pid in pids:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if LEASE_PROGRAM in words:
            found.append(pid)
    return found
