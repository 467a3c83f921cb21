"""A cluster of Debian's RabbitMQ in namespaces, with queues of one kind: the checkers' own test.

Mirrored classic queues lose what they confirmed when a partition is healed, and are known for it;
quorum queues do not.
"""

import json
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from conformance.rabbitmq import SERVER
from load_generator.wire import FieldValue
from tests.jepsen.machines import Machines

START_S: Final = 180.0
NET_TICK_S: Final = 5
HTTP_PORT: Final = 15672
HTTP_S: Final = 5.0

KINDS: Final[Mapping[str, tuple[Mapping[str, FieldValue], str]]] = {
    "quorum": ({"x-queue-type": "quorum", "x-quorum-initial-group-size": 5}, "pause_minority"),
    "mirrored-autoheal": ({}, "autoheal"),
    "mirrored-pause-minority": ({}, "pause_minority"),
}
"""By name: arguments of the queues, and what the cluster does about partitions."""

CONFIG: Final = """\
listeners.tcp.1 = {address}:5672
loopback_users = none
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 50MB
management.tcp.ip = {address}
management.tcp.port = 15672
load_definitions = {definitions}
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.randomized_startup_delay_range.min = 0
cluster_formation.randomized_startup_delay_range.max = 2
cluster_partition_handling = {handling}
{members}
"""
ADVANCED: Final = (
    f"[{{kernel,[{{net_ticktime,{NET_TICK_S}}}]}}, {{aten,[{{poll_interval,1000}}]}}]."
)
MIRRORED: Final = {"ha-mode": "all", "ha-sync-mode": "automatic", "ha-promote-on-failure": "always"}


class RabbitNodes(Machines):
    """Nodes of RabbitMQ in one cluster."""

    def __init__(self, folder: Path, node_count: int, kind: str) -> None:
        """Make the namespaces and the files; ``launch`` starts the nodes."""
        super().__init__(folder, node_count)
        self.queue_arguments, self._handling = KINDS[kind]
        for node in self.nodes:
            self._write_files(node, is_mirrored=kind.startswith("mirrored"))

    def launch(self) -> None:
        """Start all nodes; the first alone, so that the others have somebody to join."""
        self.start(self.nodes[0])
        self.wait_until_ready(self.nodes[0], START_S)
        self.launch_all(START_S)

    def _write_files(self, node: str, *, is_mirrored: bool) -> None:
        place = self.place(node)
        policy = {
            "vhost": "/",
            "name": "mirrored",
            "pattern": ".*",
            "apply-to": "queues",
            "definition": MIRRORED,
        }
        guest = {"name": "guest", "password": "guest", "tags": "administrator"}
        every = {"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "users": [guest],
            "vhosts": [{"name": "/"}],
            "permissions": [every],
            "policies": [policy] if is_mirrored else [],
        }
        (place / "definitions.json").write_text(json.dumps(definitions), encoding="utf-8")
        members = "\n".join(
            f"cluster_formation.classic_config.nodes.{number} = rabbit@{self.address(one)}"
            for number, one in enumerate(self.nodes, 1)
        )
        config = CONFIG.format(
            address=self.address(node),
            definitions=place / "definitions.json",
            handling=self._handling,
            members=members,
        )
        (place / "rabbitmq.conf").write_text(config, encoding="utf-8")
        (place / "advanced.config").write_text(ADVANCED, encoding="utf-8")
        (place / "plugins").write_text("[rabbitmq_management].", encoding="utf-8")
        cookie = place / ".erlang.cookie"
        cookie.write_text("JEPSEN", encoding="utf-8")
        cookie.chmod(0o400)

    def command(self, name: str) -> tuple[Sequence[str], Mapping[str, str]]:
        place = self.place(name)
        return [str(SERVER)], {
            "HOME": str(place),
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": f"rabbit@{self.address(name)}",
            "RABBITMQ_MNESIA_BASE": str(place / "data"),
            "RABBITMQ_LOG_BASE": str(place / "logs"),
            "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(place / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "plugins"),
        }

    def leader_of(self, queue: str) -> str | None:
        found = self._asked(f"/api/queues/%2F/{quote(queue, safe='')}")
        leader = str(found.get("leader") or found.get("node") or "").removeprefix("rabbit@")
        return next((node for node in self.nodes if self.address(node) == leader), None)

    def _asked(self, path: str) -> dict[str, object]:
        login = b64encode(b"guest:guest").decode()
        for node in self.nodes:
            url = f"http://{self.address(node)}:{HTTP_PORT}{path}"
            request = urllib.request.Request(url, headers={"Authorization": f"Basic {login}"})
            try:
                with urllib.request.urlopen(request, timeout=HTTP_S) as answer:
                    found: dict[str, object] = json.load(answer)
            except (OSError, urllib.error.URLError, ValueError):
                continue
            return found
        return {}
