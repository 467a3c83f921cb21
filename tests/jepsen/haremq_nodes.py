"""HareMQ under the suite: one node without a cluster, or a cluster with its etcd."""

import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml

from amqp_server.proving.store import is_well, leader_in, renewing_leases
from load_generator.verifying.cluster import Ability
from load_generator.verifying.processes import signal_all
from load_generator.wire import FieldValue
from tests.jepsen.machines import PORT, STREAM_PORT, Machines, MakeNetwork, build_delay
from tests.jepsen.namespaces import Network

START_S: Final = 60.0
LINK_PORT: Final = 25_672
ETCD_PORT: Final = 2379
ETCD_PEER_PORT: Final = 2380
HTTP_PORT: Final = 15672
CLUSTER: Final = "jepsen"
REFUSALS: Final = ("cannot start a node of a cluster yet", "cluster: unknown key")
"""What a HareMQ says that has no cluster; anything else that keeps it from starting is a fault."""
PERSISTENCE: Final = {
    "durability": "fsync",
    "wal_file_size_bytes": 4 << 20,
    "segment_size_bytes": 4 << 20,
}


class NoClusterError(Exception):
    """This HareMQ does not start clusters; the text is what it said."""


class HareNodes(Machines):
    """Nodes of HareMQ, which run with a library before them that delays syncs, where it builds."""

    speaks_streams = True

    def __init__(
        self, folder: Path, node_count: int, store_count: int = 0, network: MakeNetwork = Network
    ) -> None:
        super().__init__(folder, node_count, store_count, network)
        self._library = build_delay(folder)
        for node in self.nodes:
            text = yaml.safe_dump(self.settings(node))
            (self.place(node) / "haremq.yaml").write_text(text, encoding="utf-8")

    def settings(self, node: str) -> dict[str, object]:
        """Return the settings of a node."""
        return {
            "net": {
                "listeners": [
                    {"address": self.address(node), "port": PORT},
                    {"address": self.address(node), "port": STREAM_PORT, "protocol": "stream"},
                ]
            },
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

    def __init__(
        self, folder: Path, node_count: int, store_count: int, network: MakeNetwork = Network
    ) -> None:
        secret = folder / "secret"
        secret.write_text("a secret of all these nodes\n", encoding="utf-8")
        secret.chmod(0o600)
        super().__init__(folder, node_count, store_count, network)
        for store in self.stores:
            self.network.serves(store, _ETCD_PORTS)
        for node in self.nodes:
            self.network.serves(node, [LINK_PORT])

    @property
    def abilities(self) -> frozenset[Ability]:
        return super().abilities | {Ability.LEASE, Ability.WIPE}

    def settings(self, node: str) -> dict[str, object]:
        reached = self.network.reached_at
        endpoints = [f"http://{reached(store)}:{ETCD_PORT}" for store in self.stores]
        return {
            **super().settings(node),
            "management": {
                "listeners": [{"address": self.address(node), "port": HTTP_PORT}],
                "metrics_listeners": [],
            },
            "cluster": {
                "name": CLUSTER,
                "etcd": {"endpoints": endpoints},
                "secret_file": str(self.folder / "secret"),
                # As RabbitMQ has it here: clients of a node that is cut off go elsewhere.
                "pause_minority": True,
                "links": {
                    "listen": f"{self.address(node)}:{LINK_PORT}",
                    "advertise": f"{reached(node)}:{LINK_PORT}",
                },
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
        here, reached = self.address(name), self.network.reached_at
        members = ",".join(f"{one}=http://{reached(one)}:{ETCD_PEER_PORT}" for one in self.stores)
        words = ["etcd", "--name", name, "--data-dir", str(self.place(name) / "data")]
        words += ["--listen-client-urls", f"http://{here}:{ETCD_PORT}"]
        words += ["--advertise-client-urls", f"http://{reached(name)}:{ETCD_PORT}"]
        words += ["--listen-peer-urls", f"http://{here}:{ETCD_PEER_PORT}"]
        words += ["--initial-advertise-peer-urls", f"http://{reached(name)}:{ETCD_PEER_PORT}"]
        # It is killed and never loses power.
        return [*words, "--initial-cluster", members, "--unsafe-no-fsync"], {}

    def is_ready(self, name: str) -> bool:
        if name not in self.stores:
            return super().is_ready(name)
        return is_well(self._url(name))

    def freeze_lease(self, node: str) -> None:
        signal_all(renewing_leases(self.network.pids(node)), signal.SIGSTOP)

    def leader_of(self, queue: str) -> str | None:
        """Ask the stores, which know it also while no node serves."""
        return leader_in(map(self._url, self.stores), CLUSTER, queue)

    def _url(self, store: str) -> str:
        return f"http://{self.address(store)}:{ETCD_PORT}"


_ETCD_PORTS: Final = (ETCD_PORT, ETCD_PEER_PORT)
