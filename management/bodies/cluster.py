"""The cluster as JSON: its nodes, where mirrored queues are, and which of them are in danger.

RabbitMQ's fields are there under RabbitMQ's names: ``leader``, ``members`` and ``online`` of quorum
queues and streams, ``slave_nodes`` of mirrored classic queues.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from amqp_server.broker.views import (
    DRAINING,
    ClusterNode,
    ClusterView,
    LinkView,
    MirroredView,
)
from management.dangers import Census, danger_of, leader_of, state_of
from management.identity import Identity
from management.shapes import SHAPES
from management.shapes.words import alternatives, fields_of

_LIMITS: Final = (
    "mem_limit",
    "disk_free_limit",
    "fd_total",
    "sockets_total",
    "proc_total",
    "processors",
)
"""Tools divide by these."""

_NOTHINGS: Final[Mapping[str, Any]] = {"string": "", "boolean": False, "number": 0.0, "share": 0.0}


def nothing_of(shape: str) -> dict[str, Any]:
    """Return an object of a shape that says nothing: zeros, empty texts and lists."""
    return {
        name: _nothing(alternatives(word)[0])
        for name, word, needed in fields_of(SHAPES[shape])
        if needed
    }


def _nothing(word: str) -> object:
    match word[0]:
        case "@":
            return nothing_of(word[1:])
        case "=":
            return word[1:]
        case "[":
            return []
        case "{":
            return {}
        case _:
            known: dict[str, object] = {"array": [], "object": {}, **_NOTHINGS}
            return known.get(word, 0)


def replication_body(view: MirroredView) -> dict[str, Any]:
    """Return what a queue has beside what RabbitMQ says of it."""
    return {
        "epoch": view.epoch,
        "min_isr": view.min_isr,
        "in_sync": list(view.members),
        "replicas": [
            {
                "node": each.node,
                "in_sync": each.is_member,
                "online": each.is_online,
                "lag": each.lag,
                "other_disk": each.is_replaced,
                "damaged": each.is_damaged,
            }
            for each in view.replicas
        ],
        "clean": view.is_clean,
    }


def places_body(view: MirroredView) -> dict[str, Any]:
    """Return where a queue is, in RabbitMQ's words and in ours."""
    online = [each.node for each in view.replicas if each.is_online]
    body: dict[str, Any] = {
        "leader": leader_of(view),
        "members": [each.node for each in view.replicas],
        "online": online,
        **replication_body(view),
    }
    if view.kind == "classic":
        # RabbitMQ names a mirrored classic queue's leader as its node.
        for name in ("leader", "members", "online"):
            del body[name]
        mirrors = [each for each in view.replicas if each.node != view.leader]
        synchronised = [each.node for each in mirrors if each.is_member and each.is_online]
        body |= {
            "slave_nodes": [each.node for each in mirrors if each.is_online],
            "synchronised_slave_nodes": synchronised,
        }
    return body


def recoverable_of(view: MirroredView) -> list[str]:
    """Return the mirrors that have all messages and may lead, whether they run or not."""
    return [node for node in view.members if node != view.leader]


def danger_body(view: MirroredView) -> dict[str, Any]:
    """Return a queue in the list of those that are in danger.

    ``exchange`` is the one behind which its messages wait; null: clients can name the queue.
    """
    return {
        "name": view.name,
        "exchange": view.exchange or None,
        "vhost": view.vhost,
        "type": view.kind,
        "state": state_of(view),
        "danger": danger_of(view),
        "leader": leader_of(view),
        **replication_body(view),
    }


def peer_body(node: ClusterNode) -> dict[str, Any]:
    """Return another node, in the words of ``nodes``.

    Clients of strict types need all fields of each node that runs. What only the node itself knows
    is 0 or empty here, limits are 1, and ``numbers_known`` is false.
    """
    applications = (
        [{"name": "haremq", "description": "HareMQ", "version": node.version}]
        if node.version
        else []
    )
    return {
        **nothing_of("node"),
        **dict.fromkeys(_LIMITS, 1),
        "name": node.name,
        "type": "disc",
        "running": node.is_running,
        "os_pid": "0",
        "applications": applications,
        "numbers_known": False,
        **membership_body(node),
    }


def membership_body(node: ClusterNode) -> dict[str, Any]:
    """Return what ``nodes`` says of a node as a member of the cluster."""
    return {
        "being_drained": node.state == DRAINING,
        "cluster_state": node.state,
        "zone": node.zone,
        "cluster_address": node.address,
        "feature_level": node.feature_level,
        "leaders": node.leaders_count,
        "replicas": node.replicas_count,
    }


def member_body(node: ClusterNode, link: LinkView | None) -> dict[str, Any]:
    """Return a member as ``cluster`` shows it.

    Args:
        node: the member.
        link: to it; None is this node, or one that there is no link to.
    """
    return {
        "name": node.name,
        "running": node.is_running,
        "state": node.state,
        "address": node.address,
        "zone": node.zone,
        "version": node.version,
        "feature_level": node.feature_level,
        "leaders": node.leaders_count,
        "replicas": node.replicas_count,
        "gone_ms": node.gone_ms,
        "connected": None if link is None else link.is_connected,
        "lag": None if link is None else link.lag,
        "heard_ms": None if link is None else link.heard_ms,
    }


def single_body(name: str, identity: Identity) -> dict[str, Any]:
    """Return the cluster of a node that is in none."""
    return {"clustered": False, "name": name, "node": identity.node, "nodes": []}


def cluster_body(
    name: str,
    view: ClusterView,
    nodes: Sequence[ClusterNode],
    links: Sequence[LinkView],
    census: Census,
) -> dict[str, Any]:
    """Return the cluster as a whole.

    Args:
        name: of the cluster.
        view: of it.
        nodes: its members.
        links: from this node.
        census: of its mirrored queues.
    """
    by_node = {link.node: link for link in links}
    return {
        "clustered": True,
        "name": name,
        "node": view.node,
        "controller": view.controller or None,
        "store": view.store,
        "store_heard_ms": view.store_heard_ms,
        "lease_left_ms": view.lease_left_ms,
        "frozen": view.frozen or None,
        "feature_level": view.feature_level,
        "feature_level_next": view.feature_level_next,
        "elections": view.elections_count,
        "promotions": view.promotions_count,
        "moves_left": view.moves_left,
        "queues": census.body(),
        "nodes": [member_body(node, by_node.get(node.name)) for node in nodes],
    }
