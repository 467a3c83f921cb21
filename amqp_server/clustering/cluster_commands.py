"""What is done to a cluster from one of its nodes: the other half of ``broker.cluster.Cluster``."""

from typing import TypeVar

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.cluster import Promotion
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.clustering.cluster_look import ClusterLook

T = TypeVar("T")


class ClusterCommands(ClusterLook):
    """A ``broker.cluster.Cluster``. What is not there yet is refused, and changes nothing."""

    def move_leader(self, vhost: str, name: str, node: str) -> Awaited[str]:
        """Refuse to have another member lead a queue."""
        del vhost, name, node
        return _refused("to move the leader of one queue")

    def add_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Refuse to have a node get a replica of a queue."""
        del vhost, name, node
        return _refused("to add a replica")

    def remove_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Refuse to have a node give its replica of a queue up."""
        del vhost, name, node
        return _refused("to remove a replica")

    def promotion(self, vhost: str, name: str, node: str) -> Awaited[Promotion]:
        """Refuse to say what a promotion with accepted loss would mean."""
        del vhost, name, node
        return _refused("a promotion with accepted loss")

    def promote(self, vhost: str, name: str, node: str) -> Awaited[int]:
        """Refuse to have a replica lead that is no member of the in-sync set."""
        del vhost, name, node
        return _refused("a promotion with accepted loss")

    def drain(self, node: str) -> Awaited[None]:
        """Refuse to have a node lead nothing."""
        del node
        return _refused("to drain a node")

    def undrain(self, node: str) -> Awaited[None]:
        """Refuse to have a node lead queues again."""
        del node
        return _refused("to undrain a node")

    def forget(self, node: str) -> Awaited[None]:
        """Refuse to take a node out of the cluster."""
        del node
        return _refused("to forget a node")

    def rebalance(self, kind: str, vhost_pattern: str, queue_pattern: str) -> Awaited[int]:
        """Refuse to spread leaders over the nodes."""
        del kind, vhost_pattern, queue_pattern
        return _refused("to rebalance leaders")

    def finalize(self) -> Awaited[int]:
        """Refuse to raise the feature level."""
        return _refused("to finalize the feature level")


def _refused(what: str) -> Awaited[T]:
    awaited: Awaited[T] = Awaited()
    awaited.fail(PreconditionFailedError(f"{what} is not there yet: nothing was done"))
    return awaited
