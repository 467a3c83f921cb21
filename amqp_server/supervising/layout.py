"""Where the nodes of a development cluster are: folders, ports, settings. It touches no file.

    folder/secret               that the nodes share
    folder/etcd/data, log
    folder/node-1/haremq.yaml   written at each start
    folder/node-1/data, log
    folder/node-1/links         the Unix socket of its links

The first node has the ports of a node that is alone, and each further one the next ports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cluster.settings import UNIX_PREFIX, address_problem

NODES_MAX: Final = 9
"""With more, the ports of one thing would be those of another: 15672 and 15692 are 20 apart."""
MANAGEMENT_OFFSET: Final = 10_000
METRICS_OFFSET: Final = 10_020
STREAM_OFFSET: Final = -120
"""From the port of AMQP: 5672 to 15672, 15692 and 5552, which are RabbitMQ's."""
PORT_MAX_OF_ALL: Final = 65_535
PORT_MIN: Final = 1_024 - STREAM_OFFSET
PORT_MAX: Final = PORT_MAX_OF_ALL - METRICS_OFFSET - NODES_MAX

LOOPBACK: Final = "127.0.0.1"


class LayoutError(Exception):
    """Nodes cannot be laid out so; the text says what to change."""


@dataclass(frozen=True, slots=True)
class NodePlace:
    """One node.

    Attributes:
        name: in the cluster.
        folder: of all that it has.
        port, management_port, metrics_port, stream_port: where clients find it.
    """

    name: str
    folder: Path
    port: int
    management_port: int
    metrics_port: int
    stream_port: int

    @property
    def settings_file(self) -> Path:
        """The settings, written at each start."""
        return self.folder / "haremq.yaml"

    @property
    def data_dir(self) -> Path:
        """What survives."""
        return self.folder / "data"

    @property
    def log_file(self) -> Path:
        """What it logs."""
        return self.folder / "log"

    @property
    def ports(self) -> tuple[int, ...]:
        """All of them."""
        return (self.port, self.management_port, self.metrics_port, self.stream_port)

    @property
    def links(self) -> str:
        """The address of its links."""
        return f"{UNIX_PREFIX}{self.folder / 'links'}"


def laid_out(folder: Path, nodes_count: int, port: int, port_step: int = 1) -> list[NodePlace]:
    """Return the places of nodes.

    Args:
        folder: of the cluster, absolute.
        nodes_count: 1 to ``NODES_MAX``.
        port: of AMQP at the first node.
        port_step: between the ports of AMQP of two nodes; 0: all have one. Other ports differ.

    Raises:
        LayoutError: the path is too long for a socket in it, or there are no such ports.
    """
    if not 1 <= nodes_count <= NODES_MAX:
        raise LayoutError(f"nodes: expected 1 to {NODES_MAX}, got {nodes_count}")
    if not PORT_MIN <= port <= PORT_MAX:
        raise LayoutError(
            f"port: expected {PORT_MIN} to {PORT_MAX}, as other ports are"
            f" {-STREAM_OFFSET} below and {METRICS_OFFSET} above it, got {port}"
        )
    places = []
    for index in range(nodes_count):
        place = NodePlace(
            name=f"haremq-{index + 1}@localhost",
            folder=folder / f"node-{index + 1}",
            port=port + index * port_step,
            management_port=port + MANAGEMENT_OFFSET + index,
            metrics_port=port + METRICS_OFFSET + index,
            stream_port=port + STREAM_OFFSET + index,
        )
        if address_problem(place.links):
            raise LayoutError(
                f"folder {folder}: its path is too long for Unix sockets in it; choose a shorter"
                " one"
            )
        places.append(place)
    return places


def node_settings(
    place: NodePlace,
    *,
    secret_file: Path | None = None,
    etcd_url: str = "",
    others: Mapping[str, Any] | None = None,
    listening: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the settings of a node, as its file has them.

    Args:
        place: of the node.
        secret_file: of the cluster; None: the node is alone.
        etcd_url: where etcd answers; empty: ``others`` says it, or the node is alone.
        others: settings of a user, which these are laid over; None is none.
        listening: sections that say where it listens; None: on the ports of its place.
    """
    mine: dict[str, Any] = {
        "broker": {"node_name": place.name, "data_dir": str(place.data_dir)},
    }
    if secret_file is not None:
        mine["cluster"] = {"secret_file": str(secret_file), "links": {"listen": place.links}}
    if etcd_url:
        mine["cluster"]["etcd"] = {"endpoints": [etcd_url]}
    mine = laid_over(mine, _listening_at(place) if listening is None else listening)
    return laid_over(others or {}, mine)


def _listening_at(place: NodePlace) -> dict[str, Any]:
    return {
        "net": {
            "listeners": [
                {"address": LOOPBACK, "port": place.port, "protocol": "amqp"},
                {"address": LOOPBACK, "port": place.stream_port, "protocol": "stream"},
            ]
        },
        "management": {
            "listeners": [{"address": LOOPBACK, "port": place.management_port}],
            "metrics_listeners": [{"address": LOOPBACK, "port": place.metrics_port}],
        },
    }


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in which one side's keys win; sections are joined, lists are not."""
    joined = dict(below)
    for key, value in above.items():
        held = joined.get(key)
        if isinstance(held, Mapping) and isinstance(value, Mapping):
            joined[key] = laid_over(held, value)
        else:
            joined[key] = value
    return joined


def etcd_command(
    program: str, data_dir: Path, port: int, peer_port: int, address: str = LOOPBACK
) -> tuple[str, ...]:
    """Return the command of an etcd that is alone, on an address of loopback."""
    client, peer = (f"http://{address}:{each}" for each in (port, peer_port))
    return (
        program,
        *("--name", "haremq", "--data-dir", str(data_dir)),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"haremq={peer}"),
        # Without it the history grows for ever; five minutes are more than a watch needs.
        *("--auto-compaction-retention", "5m"),
    )


def table_of(places: Sequence[NodePlace], pids: Mapping[str, int], etcd_url: str) -> list[str]:
    """Return lines that say where the nodes are, and how to end one of them."""
    rows = [("node", "pid", "amqp", "streams", "management", "metrics")]
    rows += [
        (
            place.name,
            str(pids.get(place.name, "")),
            f"amqp://{LOOPBACK}:{place.port}" if place.port else "",
            f"{LOOPBACK}:{place.stream_port}" if place.stream_port else "",
            f"http://{LOOPBACK}:{place.management_port}" if place.management_port else "",
            f"http://{LOOPBACK}:{place.metrics_port}/metrics" if place.metrics_port else "",
        )
        for place in places
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    if etcd_url:
        lines.append(f"etcd: {etcd_url}, pid {pids.get('etcd', '')}")
    last = pids.get(places[-1].name, "")
    end = f"To end one of them: kill {last} (in order) or kill -9 {last} (as a crash)."
    return [*lines, f"{end} Ctrl-C here ends all."]
