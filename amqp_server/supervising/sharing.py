"""Several nodes of one host behind the ports of one: what each node's settings say then. Pure.

All nodes listen on the ports of AMQP, and the kernel gives each its share of new connections
(SO_REUSEPORT). A connection stays with its node: if that ends, its clients connect again and reach
another one. What one asks of a certain node has a port for each: streams, whose clients go to a
leader; management; metrics, which a scraper takes of each.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from amqp_server.settings.schema import Settings
from amqp_server.supervising.layout import NODES_MAX, PORT_MAX_OF_ALL, LayoutError, NodePlace
from cluster.settings import address_problem, host_and_port, is_unix

SHARED: Final = "amqp"


def shared_places(folder: Path, nodes_count: int, settings: Settings) -> list[NodePlace]:
    """Return the places of nodes that share the ports of these settings.

    Raises:
        LayoutError: there are no such ports, or the path is too long for a socket in it.
    """
    if not 1 <= nodes_count <= NODES_MAX:
        raise LayoutError(f"nodes: expected 1 to {NODES_MAX}, got {nodes_count}")
    net, management = settings.net, settings.management
    amqp = [each.port for each in net.listeners if each.protocol == SHARED]
    stream = [each.port for each in net.listeners if each.protocol != SHARED]
    ports = [
        amqp,
        [each.port for each in management.listeners],
        [each.port for each in management.metrics_listeners],
        stream,
    ]
    if 0 in amqp:
        raise LayoutError("net.listeners: nodes cannot share port 0, which is another one for each")
    places = []
    for index in range(nodes_count):
        chosen = [
            _moved(of_kind[0], index * step) if of_kind else 0
            for of_kind, step in zip(ports, (0, 1, 1, 1), strict=True)
        ]
        name = f"haremq-{index + 1}@localhost"
        place = NodePlace(name, folder / f"node-{index + 1}", *chosen)
        if address_problem(place.links):
            raise LayoutError(f"folder {folder}: its path is too long for Unix sockets in it")
        places.append(place)
    return places


def shared_sections(settings: Settings, index: int) -> dict[str, Any]:
    """Return the listeners of one of the nodes, as its file has them.

    Args:
        settings: of all.
        index: of the node, from 0.
    """
    management = settings.management
    sections: dict[str, Any] = {
        "net": {"listeners": [_listener(asdict(each), index) for each in settings.net.listeners]},
        "management": {
            "listeners": _next_ports(management.listeners, index),
            "metrics_listeners": _next_ports(management.metrics_listeners, index),
        },
    }
    listen = settings.cluster.links.listen
    if listen and not is_unix(listen):
        host, port = host_and_port(listen)
        where = f"[{host}]" if ":" in host else host
        sections["cluster"] = {"links": {"listen": f"{where}:{_moved(port, index)}"}}
    return sections


def _listener(raw: dict[str, Any], index: int) -> dict[str, Any]:
    if raw["protocol"] == SHARED:
        return {**raw, "reuse_port": True}
    return {**raw, "port": _moved(raw["port"], index)}


def _next_ports(listeners: Sequence[Any], index: int) -> list[dict[str, Any]]:
    return [{**asdict(each), "port": _moved(each.port, index)} for each in listeners]


def _moved(port: int, by: int) -> int:
    """Return a port so much above; the system's choice stays that."""
    if port and port + by > PORT_MAX_OF_ALL:
        raise LayoutError(f"port: there is no port {port + by}, {by} above {port}")
    return port + by if port else 0
