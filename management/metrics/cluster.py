"""Metrics of the cluster: queues in danger, links, elections, the store.

Queues in danger are those of the whole cluster as this node sees them. All nodes say the same, so a
dashboard takes the largest of them. A node that is in no cluster has none of these metrics.
"""

from collections.abc import Callable, Sequence
from typing import Final

from amqp_server.broker.views import ClusterNode, ClusterView, LinkView
from management.dangers import Census
from management.metrics.family import (
    COUNTER,
    GAUGE,
    HAREMQ,
    RABBITMQ,
    Family,
    Group,
    Number,
    itself,
)
from management.metrics.text import labels

MS_PER_S: Final = 1_000
_ONE: Final = ""
"""The key of what there is one of."""


def _counted(name: str) -> Callable[[Census], Number]:
    return lambda census: census.counts[name]


def _in_s(span_ms: int | None) -> Number | None:
    return None if span_ms is None else span_ms / MS_PER_S


QUEUES: Final = (
    Family("queues_mirrored", GAUGE, "Mirrored queues", lambda census: census.mirrored),
    Family("queues_offline", GAUGE, "Queues that nobody leads", _counted("offline")),
    Family("queues_held", GAUGE, "Queues that hold publishers, below min_isr", _counted("held")),
    Family(
        "queues_at_min_isr",
        GAUGE,
        "Queues that hold publishers if one more member goes",
        _counted("at_min_isr"),
    ),
    Family(
        "queues_under_replicated",
        GAUGE,
        "Queues with a replica that is not in sync or does not run",
        _counted("under_replicated"),
    ),
)
WHOLE: Final = (
    Family(
        "elections_total",
        COUNTER,
        "Leaders that this node elected",
        lambda view: view.elections_count,
    ),
    Family(
        "promotions_total",
        COUNTER,
        "Of these, those with accepted loss",
        lambda view: view.promotions_count,
    ),
    Family(
        "store_heard_seconds",
        GAUGE,
        "Time since the metadata store was heard",
        lambda view: _in_s(view.store_heard_ms),
    ),
    Family(
        "lease_left_seconds",
        GAUGE,
        "For how long the lease of this node holds",
        lambda view: _in_s(view.lease_left_ms),
    ),
    Family("frozen", GAUGE, "1 if this node takes no part", lambda view: int(bool(view.frozen))),
    Family(
        "leader_moves_left",
        GAUGE,
        "Leaders to be moved for a drain or a rebalance",
        lambda view: view.moves_left,
    ),
)
LINKS: Final = (
    Family(
        "replication_lag_records",
        GAUGE,
        "Records written here that are not on the disk of a peer",
        lambda link: link.lag,
    ),
    Family(
        "link_connected",
        GAUGE,
        "1 if there is a link to a peer",
        lambda link: int(link.is_connected),
    ),
    Family(
        "link_heard_seconds",
        GAUGE,
        "Time since a peer was heard",
        lambda link: _in_s(link.heard_ms),
    ),
)
_LEADERS: Final = Family("leaders", GAUGE, "Queues that this node leads", itself)
_NODES: Final = Family("cluster_nodes", GAUGE, "Members of the cluster", itself)
_UNREACHABLE: Final = Family(
    "unreachable_cluster_peers_count", GAUGE, "Members of the cluster that do not run", itself
)


def cluster_groups(
    view: ClusterView,
    nodes: Sequence[ClusterNode],
    links: Sequence[LinkView],
    census: Census,
) -> list[Group]:
    """Return the metrics of a cluster.

    Args:
        view: of it.
        nodes: its members.
        links: from this node.
        census: of its mirrored queues.
    """
    led = next((node.leaders_count for node in nodes if node.name == view.node), 0)
    gone = sum(not node.is_running for node in nodes)
    return [
        Group(QUEUES, ((_ONE, census),), HAREMQ),
        Group(WHOLE, ((_ONE, view),), HAREMQ),
        Group((_LEADERS,), ((_ONE, led),), HAREMQ),
        Group((_NODES,), ((_ONE, len(nodes)),), HAREMQ),
        Group(LINKS, [(labels(peer=link.node), link) for link in links], HAREMQ),
        Group((_UNREACHABLE,), ((_ONE, gone),), RABBITMQ),
    ]
