"""A node as placement sees it: where it stands, whether it lives, and how much it has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from cluster.replication.state import ReplicaId

ACTIVE: Final = "active"
DRAINING: Final = "draining"
"""It will stop for a while: it keeps its replicas, and leads nothing where another one can."""
LEAVING: Final = "leaving"
"""It will not come back: it gets no replica any more, and those that it has move."""

STATES: Final = (ACTIVE, DRAINING, LEAVING)


@dataclass(frozen=True, slots=True)
class NodeStanding:
    """One member of the cluster.

    Attributes:
        name: of the node.
        disk: its disk: of the ``live`` key where it lives, else of its ``member`` record.
        incarnation: the create revision of its ``live`` key; 0: it does not live.
        zone: replicas of a queue are in different zones where they can; empty is a zone too.
        state: one of ``STATES``; another one counts as ``LEAVING``.
        leaders_count, replicas_count: the queues that it leads, and of which it has a replica.
    """

    name: str
    disk: str
    incarnation: int = 0
    zone: str = ""
    state: str = ACTIVE
    leaders_count: int = 0
    replicas_count: int = 0

    @property
    def is_live(self) -> bool:
        """Whether it runs, as far as the store knows."""
        return self.incarnation > 0

    @property
    def replica(self) -> ReplicaId:
        """The replica that it has, or would have, of any queue."""
        return ReplicaId(self.name, self.disk)

    def may_lead(self) -> bool:
        """Return whether it should be given queues to lead."""
        return self.is_live and self.state == ACTIVE

    def may_hold(self) -> bool:
        """Return whether it may be given replicas: it belongs to the cluster, and stays."""
        return self.state in {ACTIVE, DRAINING}

    def tier(self) -> int:
        """Return how far it is from the first choice for a replica, which is 0.

        One that lives is taken before one that does not, whatever its zone: what it has counts at
        once. One that is drained comes back, and is better than none.
        """
        return 2 * (not self.is_live) + (self.state != ACTIVE)


def by_name(nodes: Iterable[NodeStanding]) -> dict[str, NodeStanding]:
    """Return the nodes under their names."""
    return {node.name: node for node in nodes}


def counted(
    nodes: Iterable[NodeStanding], leaders: Mapping[str, int], replicas: Mapping[str, int]
) -> list[NodeStanding]:
    """Return the nodes with so many leaders and replicas each; a node without a number has none."""
    return [
        replace(
            node,
            leaders_count=leaders.get(node.name, 0),
            replicas_count=replicas.get(node.name, 0),
        )
        for node in nodes
    ]


def lot(queue: str, node: str) -> int:
    """Return a number that decides between nodes that are equal: another order for each queue.

    All queues of one node would otherwise have the same second replica, which would be elected for
    all of them.
    """
    return crc32(node.encode("utf-8", "surrogateescape"), crc32(queue.encode()))
