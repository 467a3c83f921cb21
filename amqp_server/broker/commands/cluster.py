"""The commands on the cluster: leaders, replicas, and nodes that go and come.

Each waits outside of the turns, until the cluster has answered. One that moves many leaders answers
when that is decided; the moves follow, and ``ClusterView.moves_left`` counts them.
"""

from amqp_server.broker.access.patterns import PatternError, compile_pattern
from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import Cluster, MirroredView, Promotion, required
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.broker.steps import WaitingSteps


class ClusterCommands:
    """The commands on the cluster; see ``broker.admin``.

    All of them raise a ``NotClusteredError`` where there is none, a ``StoreAwayError`` where the
    metadata store does not answer, and an ``UnknownOutcomeError`` where they may have been done.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def move_leader(self, _now_ms: int, vhost: str, name: str, *, node: str) -> WaitingSteps[str]:
        """Have another member of the in-sync set lead a queue; return which.

        Args:
            now_ms: the time.
            vhost: of the queue.
            name: of the queue.
            node: that is to lead; empty is any.

        Raises:
            NotFoundError: no such queue, or no such node.
            PreconditionFailedError: the node is no member, or does not run.
        """
        queue = self._mirrored(vhost, name)
        if node and node not in queue.members:
            members = ", ".join(queue.members)
            raise PreconditionFailedError(
                f"{node} is not in the in-sync set of the queue, which is {members}"
            )
        return (yield from self._cluster.move_leader(vhost, queue.name, node).value())

    def add_replica(self, _now_ms: int, vhost: str, name: str, *, node: str) -> WaitingSteps[None]:
        """Have a node get a replica of a queue; it catches up afterwards.

        Raises:
            NotFoundError: no such queue, or no such node.
            PreconditionFailedError: it has one.
        """
        queue = self._mirrored(vhost, name)
        self._require_node(node)
        if any(each.node == node for each in queue.replicas):
            raise PreconditionFailedError(f"{node} has a replica of the queue")
        yield from self._cluster.add_replica(vhost, queue.name, node).value()

    def remove_replica(
        self, _now_ms: int, vhost: str, name: str, *, node: str
    ) -> WaitingSteps[None]:
        """Have a node give its replica of a queue up.

        Raises:
            NotFoundError: no such queue, or the node has no replica of it.
            PreconditionFailedError: too few members would be left, or it is the last replica.
        """
        queue = self._mirrored(vhost, name)
        if all(each.node != node for each in queue.replicas):
            raise NotFoundError(f"{node} has no replica of the queue")
        if len(queue.replicas) == 1:
            raise PreconditionFailedError("it is the last replica: delete the queue instead")
        yield from self._cluster.remove_replica(vhost, queue.name, node).value()

    def ask_promotion(
        self, _now_ms: int, vhost: str, name: str, *, node: str
    ) -> WaitingSteps[Promotion]:
        """Ask what it would mean that a replica leads which is not in the in-sync set.

        Raises:
            NotFoundError: no such queue, or the node has no replica of it.
        """
        queue = self._replica(vhost, name, node)
        return (yield from self._cluster.promotion(vhost, queue.name, node).value())

    def promote(self, _now_ms: int, vhost: str, name: str, *, node: str) -> WaitingSteps[int]:
        """Have a replica lead that is not in the in-sync set; return the new epoch.

        What only the members had is lost, see ``loss_text``. The caller has asked for that.

        Raises:
            NotFoundError: no such queue, or the node has no replica of it.
            PreconditionFailedError: the queue has a leader, or the node does not run.
        """
        queue = self._replica(vhost, name, node)
        asked = yield from self._cluster.promotion(vhost, queue.name, node).value()
        if asked.refusal:
            raise PreconditionFailedError(asked.refusal)
        return (yield from self._cluster.promote(vhost, queue.name, node).value())

    def drain_node(self, _now_ms: int, node: str) -> WaitingSteps[None]:
        """Have a node lead nothing: it will stop for a while.

        Raises:
            NotFoundError: no such node.
        """
        self._require_node(node)
        yield from self._cluster.drain(node).value()

    def undrain_node(self, _now_ms: int, node: str) -> WaitingSteps[None]:
        """Have a node lead queues again.

        Raises:
            NotFoundError: no such node.
        """
        self._require_node(node)
        yield from self._cluster.undrain(node).value()

    def forget_node(self, _now_ms: int, node: str) -> WaitingSteps[None]:
        """Take a node out of the cluster, which will not come back.

        Raises:
            NotFoundError: no such node.
            PreconditionFailedError: it runs.
        """
        self._require_node(node)
        if any(each.name == node and each.is_running for each in self._cluster.nodes()):
            raise PreconditionFailedError(f"{node} runs: drain it and stop it first")
        yield from self._cluster.forget(node).value()

    def rebalance_queues(
        self, _now_ms: int, *, kind: str, vhost_pattern: str, queue_pattern: str
    ) -> WaitingSteps[int]:
        """Spread leaders over the nodes; return how many will move.

        Args:
            now_ms: the time.
            kind: only queues of this kind; empty is all.
            vhost_pattern: only in vhosts whose names it matches; empty matches all.
            queue_pattern: only queues whose names it matches.

        Raises:
            PreconditionFailedError: a pattern is none.
        """
        for pattern in (vhost_pattern, queue_pattern):
            try:
                compile_pattern(pattern)
            except PatternError as error:
                raise PreconditionFailedError(f"{pattern}: {error}") from error
        cluster = self._cluster
        return (yield from cluster.rebalance(kind, vhost_pattern, queue_pattern).value())

    def finalize_feature_level(self, _now_ms: int) -> WaitingSteps[int]:
        """Have all nodes write what all of them can read, so that none can go back; return it."""
        return (yield from self._cluster.finalize().value())

    @property
    def _cluster(self) -> Cluster:
        return required(self._broker.cluster)

    def _mirrored(self, vhost: str, name: str) -> MirroredView:
        queue = self._cluster.queue(vhost, name)
        if queue is None:
            raise NotFoundError(f"queue '{name}' in vhost '{vhost}' is not mirrored")
        return queue

    def _replica(self, vhost: str, name: str, node: str) -> MirroredView:
        queue = self._mirrored(vhost, name)
        if all(each.node != node for each in queue.replicas):
            raise NotFoundError(f"{node} has no replica of the queue")
        return queue

    def _require_node(self, name: str) -> None:
        if all(each.name != name for each in self._cluster.nodes()):
            raise NotFoundError(f"no node {name} in the cluster")


def loss_text(name: str, asked: Promotion) -> str:
    """Return what would be lost by a promotion, and what else it would mean, in words.

    Args:
        name: of the queue.
        asked: what is known of it.
    """
    members = ", ".join(asked.members) or "the members"
    if asked.leads:
        return (
            f"{asked.node} leads {name} and cannot read all that it has, and no other member of the"
            f" in-sync set, which is {members}, runs with its disk. Alone, {asked.node} gives up"
            " what it cannot read, for ever, and goes on with all the rest; the other replicas are"
            " filled from it. What was confirmed is lost only where it cannot be read."
        )
    if asked.end is None:
        held = f"How much {asked.node} has is not known."
    else:
        index, epoch = asked.end
        held = f"{asked.node} has the records up to {index:,}, the last of epoch {epoch:,}."
    text = (
        f"{asked.node} is not in the in-sync set of {name}, which is {members}. {held}"
        f" What was confirmed and only {members} had is lost for ever, and nobody can say how much"
        " that is. Messages that were acked may be delivered again."
    )
    if asked.lease_guard:
        return text
    return (
        f"{text} If {members} still runs and is only cut off, it goes on confirming to its clients"
        " until it hears of the new leader, and all that is lost too: stop its broker first."
    )


def promotion_warnings(name: str, asked: Promotion) -> list[str]:
    """Return what speaks against this replica, a sentence or two each: none where nothing is known.

    Args:
        name: of the queue.
        asked: what is known of it.
    """
    node, warnings = asked.node, []
    if asked.silent:
        silent = ", ".join(asked.silent)
        warnings.append(
            f"What {silent} has is not known, and may be more: start it first, and ask again."
        )
    if asked.leads:
        return warnings
    if asked.is_emptied:
        warnings.append(
            f"The replica on {node} was emptied, because the disk of {node} is nearly full."
        )
    if node in asked.members:
        warnings.append(f"{node} runs on another disk than the one that was in sync.")
    if asked.end is not None and not asked.end[0]:
        warnings.append(f"{node} has nothing of {name}: all its messages would be lost.")
    if asked.is_damaged:
        warnings.append(
            f"The replica on {node} is damaged: some of its messages cannot be read, and would be"
            " lost, too."
        )
    if asked.ahead:
        ahead = ", ".join(asked.ahead)
        warnings.append(f"{node} is behind {ahead}: less is lost where {asked.ahead[0]} leads.")
    return warnings
