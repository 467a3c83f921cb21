"""Several nodes of this host and their etcd, from what a user asks for to their end."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amqp_server.net.readiness import tell_ready, tell_stopping
from amqp_server.settings.schema import Settings
from amqp_server.supervising.folder import (
    ETCD,
    check_free,
    found_etcd,
    free_ports,
    made_secret,
    opened_folder,
    write_settings,
)
from amqp_server.supervising.layout import (
    LOOPBACK,
    NodePlace,
    etcd_command,
    laid_out,
    node_settings,
    table_of,
)
from amqp_server.supervising.running import Runner
from amqp_server.supervising.sharing import shared_places, shared_sections
from amqp_server.supervising.supervision import ChildPlan

ETCD_STAGE = 0
NODE_STAGE = 1


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks for.

    Attributes:
        nodes_count: how many.
        port: of AMQP at the first node.
        folder: see ``folder.opened_folder``; None is the default.
        keeps: what is in the folder stays.
        restarts: a node that ends is started again.
        is_clustered: they are a cluster; without, each one is alone.
        others: settings of the user, for all of them.
        shared: the nodes share the ports of these settings; None: each has ports of its own.
    """

    nodes_count: int
    port: int
    folder: Path | None = None
    keeps: bool = False
    restarts: bool = False
    is_clustered: bool = True
    others: Mapping[str, Any] = field(default_factory=dict)
    shared: Settings | None = None

    @property
    def needs_etcd(self) -> bool:
        """Whether an etcd is started with them: a cluster whose settings name none."""
        section = self.others.get("cluster") or {}
        return self.is_clustered and not (section.get("etcd") or {}).get("endpoints")


def run(wish: Wish, say: Callable[[str], None]) -> bool:
    """Run nodes until SIGINT, SIGTERM or SIGHUP, or until none is left.

    Args:
        wish: what is asked for.
        say: takes a line for the user.

    Returns:
        Whether they ended because they were asked to.

    Raises:
        LayoutError, FolderError, NoEtcdError, TakenPortError, SettingsError: nothing was started.
        OSError: a file of the folder cannot be written.
    """
    program = found_etcd() if wish.needs_etcd else ""
    with opened_folder(wish.folder, keeps=wish.keeps) as folder:
        places = _places(wish, folder)
        if wish.shared is None:
            check_free([port for place in places for port in place.ports])
        plans, etcd_url = [], ""
        if program:
            port, peer_port = free_ports(2)
            etcd_url = f"http://{LOOPBACK}:{port}"
            (folder / ETCD).mkdir(mode=0o700, exist_ok=True)
            command = etcd_command(program, folder / ETCD / "data", port, peer_port)
            plans.append(ChildPlan(ETCD, command, ETCD_STAGE, folder / ETCD / "log", wish.restarts))
        for index, place in enumerate(places):
            plans.append(_node_plan(wish, index, place, folder, etcd_url))
        say(f"folder: {folder}")

        def on_ready(pids: Mapping[str, int]) -> None:
            for line in table_of(places, pids, etcd_url):
                say(line)
            tell_ready(f"ready: {len(places)} nodes")

        was_asked = Runner(plans, say, on_ready).run()
        tell_stopping()
        return was_asked


def _places(wish: Wish, folder: Path) -> list[NodePlace]:
    if wish.shared is not None:
        return shared_places(folder, wish.nodes_count, wish.shared)
    return laid_out(folder, wish.nodes_count, wish.port)


def _node_plan(wish: Wish, index: int, place: NodePlace, folder: Path, etcd_url: str) -> ChildPlan:
    secret_file = made_secret(folder) if wish.is_clustered else None
    raw = node_settings(
        place,
        secret_file=secret_file,
        etcd_url=etcd_url,
        others=wish.others,
        listening=None if wish.shared is None else shared_sections(wish.shared, index),
    )
    write_settings(place.settings_file, raw)
    command = (sys.executable, "-m", "amqp_server", "start", "--config", str(place.settings_file))
    return ChildPlan(
        place.name,
        command,
        NODE_STAGE,
        place.log_file,
        restarts=wish.restarts,
        reloads=wish.shared is not None,
    )
