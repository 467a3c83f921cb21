"""A node that looks at a cluster which a test puts into its view, and the broker beside it."""

from typing import Any

from amqp_server.clustering.cluster_commands import ClusterCommands
from cluster.metadata.following.freshness import Freshness
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Item
from cluster.node.queue_views import MirroredQueueView, view_of
from cluster.placement.nodes import NodeStanding
from cluster.replication.core import ReplicationCore
from cluster.replication.identity import DiskIdentity
from tests.support.cluster_views import KEYS, Told
from tests.support.joined_peers import JoinedPeers
from tests.support.peer import Node


class _Etcd:
    endpoints = ("http://127.0.0.1:2379",)


class _Options:
    def __init__(self, node: str) -> None:
        self.node = node
        self.etcd = _Etcd()


class _Follower:
    freshness = Freshness(7, 1_000, None)

    def __init__(self) -> None:
        self.cache: dict[bytes, Item] = {}


class LookedNode:
    """Stands for a ``cluster.node.node.ClusterNode``, which a test fills by hand."""

    def __init__(self, name: str) -> None:
        self.told = Told()
        self.keys: KeySpace = KEYS
        self.view = self.told.view
        self.options = _Options(name)
        self.follower = _Follower()
        self.core = ReplicationCore(name, DiskIdentity("disk " + name, 1))
        self.time_ms = 1_500
        self.frozen_because = ""
        self.lease_ends_at_ms: int | None = 3_500
        self.elections_count = 2
        self.incarnation = 17
        self.heard: dict[str, int] = {}
        self.led: set[str] = set()
        self.came_to: dict[str, int] = {}

    def now_ms(self) -> int:
        return self.time_ms

    def come_to(self, queue_id: str) -> int:
        return self.came_to.get(queue_id, 0)

    def queue_id_of(self, vhost: str, name: str) -> str | None:
        return self.view.queue_id_of(vhost, name)

    def queue_view(self, queue_id: str) -> MirroredQueueView | None:
        return view_of(queue_id, self.view, self.core)

    def is_damaged(self, queue_id: str) -> bool:
        return queue_id in self.core.node.damaged

    def is_leading(self, queue_id: str) -> bool:
        return queue_id in self.led

    def waiting_count(self, mirror: str) -> int:
        return len(mirror)

    def heard_at_ms(self, mirror: str) -> int | None:
        return self.heard.get(mirror)


def standings_of(node: LookedNode) -> list[NodeStanding]:
    found = []
    for name, member in node.view.members.items():
        peer = node.view.live.get(name)
        incarnation = 0 if peer is None else peer.incarnation
        found.append(NodeStanding(name, member.disk, incarnation, member.zone, member.state))
    return found


def looked(name: str = "a") -> tuple[LookedNode, ClusterCommands]:
    """Return a node without cluster, and who looks at it."""
    node = LookedNode(name)
    commands: Any = ClusterCommands
    return node, commands(node, Node().broker, lambda: standings_of(node), JoinedPeers(name, {}))
