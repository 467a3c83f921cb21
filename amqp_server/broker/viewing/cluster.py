"""Views of the cluster; a node that is in none has nothing to show."""

from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import (
    ClusterNode,
    ClusterView,
    Harm,
    LinkView,
    MirroredView,
    QueuePlace,
    required,
)
from amqp_server.broker.pages import PAGE_USUAL, Page
from amqp_server.broker.steps import Steps
from cluster.definitions.waiting_queues import shown_as


class ClusterViews:
    """The views of the cluster; see ``broker.views`` and ``broker.cluster``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def cluster(self) -> ClusterView | None:
        """Return the cluster as a whole; None: this node is in none."""
        cluster = self._broker.cluster
        return None if cluster is None else cluster.view()

    def cluster_nodes(self) -> tuple[ClusterNode, ...]:
        """Return the members of the cluster by name; none where there is no cluster."""
        cluster = self._broker.cluster
        return () if cluster is None else cluster.nodes()

    def cluster_links(self) -> tuple[LinkView, ...]:
        """Return the links to nodes with mirrors, by their names."""
        cluster = self._broker.cluster
        return () if cluster is None else cluster.links()

    def leader_of(self, vhost: str, name: str) -> str:
        """Return the node with the messages of a queue; empty is nobody, or there is no cluster."""
        cluster = self._broker.cluster
        return "" if cluster is None else cluster.leader_of(vhost, name)

    def leader_behind(self, vhost: str, exchange: str) -> str:
        """Return the node with what waits behind an exchange; empty as for ``leader_of``.

        A client may have called a queue as it is shown, and that is another one.
        """
        broker = self._broker
        room = broker.vhost(vhost).keepers.room(exchange) if broker.has_vhost(vhost) else None
        name = "" if room is None else room.queue_name
        return self.leader_of(vhost, name or shown_as(exchange))

    def mirrored_queue(self, vhost: str, name: str) -> MirroredView | None:
        """Return where a queue is; None is not mirrored."""
        cluster = self._broker.cluster
        return None if cluster is None else cluster.queue(vhost, name)

    def mirrored_queues(
        self, after: QueuePlace | None = None, max_count: int = PAGE_USUAL
    ) -> Page[QueuePlace, MirroredView]:
        """Return the mirrored queues by vhost and name, also of vhosts that are gone here."""
        cluster = self._broker.cluster
        return Page((), None) if cluster is None else cluster.queues(after, max_count)

    def harmed_without(self, node: str) -> Steps[Harm]:
        """Return what queues would suffer if a node stopped now, in steps.

        Raises:
            NotClusteredError: there is no cluster.
        """
        return (yield from required(self._broker.cluster).harmed_without(node))
