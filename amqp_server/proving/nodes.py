"""The nodes of a cluster that is put to the test, and its etcd: on loopback, without root."""

import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from amqp_server.proving.store import is_well, leader_in, renewing_leases
from amqp_server.proving.tied import tied_command
from amqp_server.supervising.folder import made_secret, write_settings
from amqp_server.supervising.layout import etcd_command, laid_over
from load_generator.session import Endpoint
from load_generator.verifying.cluster import Ability
from load_generator.verifying.loopback import Loopback
from load_generator.verifying.machines import PORT, STREAM_PORT, Machines, MakeNetwork
from load_generator.verifying.processes import signal_all
from load_generator.wire import FieldValue

START_S: Final = 90.0
CLUSTER: Final = "verify"
USER: Final = "verify"
STORE_COUNT: Final = 1
LINK_PORT: Final = 25_672
ETCD_PORT: Final = 2379
ETCD_PEER_PORT: Final = 2380


class ProvedNodes(Machines):
    """Nodes of one cluster, and its etcd. What is done to them is ``Machines``'."""

    speaks_streams = True

    def __init__(
        self,
        folder: Path,
        node_count: int,
        etcd: str,
        sections: Mapping[str, Any],
        *,
        queue_arguments: Mapping[str, FieldValue],
        network: MakeNetwork = Loopback,
    ) -> None:
        """Make folders, settings and relays; ``launch`` starts the nodes.

        Args:
            folder: of all of it.
            node_count: how many.
            etcd: the program.
            sections: of the settings, which hold on all nodes.
            queue_arguments: with which the queues of the load are declared.
            network: makes the addresses and relays.

        Raises:
            SettingsError: the sections are none.
            OSError: a relay cannot listen.
        """
        super().__init__(folder, node_count, STORE_COUNT, network)
        self.queue_arguments = queue_arguments
        self._etcd = etcd
        self._password = secrets.token_hex(16)
        try:
            self.network.serves(self.stores[0], [ETCD_PORT])
            for node in self.nodes:
                self.network.serves(node, [LINK_PORT])
                raw = laid_over(sections, self._mine(node, made_secret(folder)))
                write_settings(self._settings_file(node), raw)
        except BaseException:
            self.close()
            raise

    @property
    def abilities(self) -> frozenset[Ability]:
        """What can be done to it here."""
        return super().abilities | {Ability.LEASE, Ability.WIPE}

    def launch(self) -> None:
        """Start all of it, and wait until it serves.

        Raises:
            TimeoutError: something does not start; the text has the end of its log.
        """
        self.launch_all(START_S)

    def endpoint(self, node: str) -> Endpoint:
        """Return where clients connect to a node."""
        return Endpoint(self.address(node), PORT, USER, self._password, "/")

    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        """Return the command of a node or store, and its environment."""
        tied = partial(tied_command, parent=os.getpid())
        if name in self.stores:
            data_dir, here = self.place(name) / "data", self.address(name)
            etcd = etcd_command(self._etcd, data_dir, ETCD_PORT, ETCD_PEER_PORT, here)
            return tied(etcd), os.environ
        start = ("start", "--config", str(self._settings_file(name)))
        return tied((sys.executable, "-m", "amqp_server", *start)), os.environ

    def is_ready(self, name: str) -> bool:
        """Return whether a client can log in, or the store is well."""
        return is_well(self._url(name)) if name in self.stores else super().is_ready(name)

    def freeze_lease(self, node: str) -> None:
        """Stop only the process that renews its lease."""
        signal_all(renewing_leases(self.network.pids(node)), signal.SIGSTOP)

    def leader_of(self, queue: str) -> str | None:
        """Return the node that leads a queue; None: nobody says."""
        return leader_in(map(self._url, self.stores), CLUSTER, queue)

    def _url(self, store: str) -> str:
        return f"http://{self.address(store)}:{ETCD_PORT}"

    def _settings_file(self, node: str) -> Path:
        return self.place(node) / "haremq.yaml"

    def _mine(self, node: str, secret_file: Path) -> dict[str, Any]:
        here, reached = self.address(node), self.network.reached_at
        return {
            "net": {
                "listeners": [
                    {"address": here, "port": PORT},
                    {"address": here, "port": STREAM_PORT, "protocol": "stream"},
                ]
            },
            "management": {"listeners": [], "metrics_listeners": []},
            "broker": {
                "data_dir": str(self.place(node) / "data"),
                "node_name": node,
                "default_user": USER,
                "default_pass": self._password,
            },
            "cluster": {
                "name": CLUSTER,
                "etcd": {
                    "endpoints": [f"http://{reached(each)}:{ETCD_PORT}" for each in self.stores]
                },
                "secret_file": str(secret_file),
                "links": {
                    "listen": f"{here}:{LINK_PORT}",
                    "advertise": f"{reached(node)}:{LINK_PORT}",
                },
            },
        }
