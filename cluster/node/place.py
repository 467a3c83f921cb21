"""Where a node stands: what all of its parts share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cluster.links.kinds import Purpose
from cluster.links.port import MakeLink
from cluster.metadata.following.follower import Follower
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import MetadataStore
from cluster.mirrored.fsyncs import NodeCommit
from cluster.node.options import ClusterOptions
from cluster.node.pauses import Pauses
from cluster.node.ports import Broker, NodeDisk
from cluster.node.view import ClusterView


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a node.

    Attributes:
        options: what it is told of its cluster.
        store: of the cluster, and ``keys``: where things are in it.
        follower: keeps the copy of the store, and ``view`` is made of that.
        disk: identity and replicas; ``commit`` says what of them is on the disk.
        broker: serves the queues that it leads.
        pauses: while the store does not answer.
        now_ms: the monotonic clock.
        chance: returns a number from 0 to 1.
        makers: of the listener's ends of links for other purposes than mirroring.
    """

    options: ClusterOptions
    store: MetadataStore
    keys: KeySpace
    follower: Follower
    view: ClusterView
    disk: NodeDisk
    commit: NodeCommit
    broker: Broker
    pauses: Pauses
    now_ms: Callable[[], int]
    chance: Callable[[], float]
    makers: Mapping[Purpose, MakeLink]
