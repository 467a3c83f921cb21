"""The cluster that a node belongs to, as its broker sees it and drives it: a port, and its values.

    look at      view, nodes, links, queue, queues, harmed_without,
                 listener_of                                        from memory, no I/O
    do           move_leader, promote, drain, rebalance …              ``Awaited``: an answer later

The values are frozen, and say what this node knows now. It hears of other nodes through the
metadata store and its links, so that they may be some seconds old. A node that is in no cluster has
no such port: ``Broker.cluster`` is None.

Nodes are named as ``broker.settings.node_name`` has them. Who implements the port bounds the time
of each ``Awaited``: what does not come to an end there fails with ``StoreAwayError`` or
``UnknownOutcomeError``.
"""

from typing import Final, NamedTuple, Protocol, TypeAlias

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.groups.single_active import ConsumerGroups
from amqp_server.broker.pages import PAGE_USUAL, Page
from amqp_server.broker.steps import Steps
from amqp_server.broker.stream_numbers import Numbers

ACTIVE: Final = "active"
DRAINING: Final = "draining"
LEAVING: Final = "leaving"
"""Where a node stands: it serves; it will stop for a while; it will not come back."""

QueuePlace: TypeAlias = tuple[str, str]
"""Vhost and name of a queue: the cursor of ``Cluster.queues``."""

HARMED_SHOWN_MAX: Final = 100
"""Queues that ``Harm`` names."""


class NotClusteredError(BrokerError):
    """A command on the cluster of a node that is in none."""


class StoreAwayError(BrokerError):
    """The metadata store does not answer; nothing was done."""


class UnknownOutcomeError(BrokerError):
    """It is not known whether it was done: who asks again looks first."""


class PeerAwayError(BrokerError):
    """Another node has not answered.

    Attributes:
        was_asked: the question has left, so it may have been carried out.
    """

    def __init__(self, text: str, *, was_asked: bool) -> None:
        super().__init__(text)
        self.was_asked = was_asked


class PeerRefusedError(BrokerError):
    """Another node has refused to answer; the text is its own."""


class ReplicaView(NamedTuple):
    """A replica of a queue.

    Attributes:
        node: that has it.
        is_member: a member of the in-sync set: confirms wait for it.
        is_online: its node runs, with the disk of this replica.
        lag: records of the leader that are not on its disk; None is not known, as on nodes that do
            not lead the queue.
        is_replaced: a member whose node runs with another disk. This replica never comes back.
        is_damaged: some of it cannot be read, as its own node says of itself.
    """

    node: str
    is_member: bool
    is_online: bool
    lag: int | None = None
    is_replaced: bool = False
    is_damaged: bool = False


class MirroredView(NamedTuple):
    """Where a mirrored queue is, and how safe.

    Attributes:
        kind: ``classic``, ``quorum`` or ``stream``.
        leader: the node that leads it by the store; empty is nobody.
        epoch: of that leadership.
        min_isr: members below which nothing is confirmed.
        replicas: in the order of the store.
        is_clean: False once it was led by a replica that may lack confirmed records (R18).
        lease_guard: see R17.
        exchange: whose delayed messages wait in it, and ``name`` is what people are told; empty is
            a queue that clients can name.
    """

    vhost: str
    name: str
    kind: str
    leader: str
    epoch: int
    min_isr: int
    replicas: tuple[ReplicaView, ...]
    is_clean: bool = True
    lease_guard: bool = False
    exchange: str = ""

    @property
    def place(self) -> QueuePlace:
        """Its vhost and name."""
        return self.vhost, self.name

    @property
    def members(self) -> tuple[str, ...]:
        """The nodes of the in-sync set, whether they run or not."""
        return tuple(each.node for each in self.replicas if each.is_member)

    @property
    def safe_count(self) -> int:
        """How many members of the in-sync set run."""
        return sum(each.is_member and each.is_online for each in self.replicas)

    @property
    def is_offline(self) -> bool:
        """Whether nobody leads it who runs."""
        return not any(each.node == self.leader and each.is_online for each in self.replicas)

    @property
    def is_held(self) -> bool:
        """Whether its publishers wait, because fewer members than ``min_isr`` run."""
        return self.safe_count < self.min_isr

    @property
    def is_under_replicated(self) -> bool:
        """Whether a replica is not a member, or does not run."""
        return self.safe_count < len(self.replicas)

    @property
    def is_at_min_isr(self) -> bool:
        """Whether a replica is missing, and one more would stop its publishers."""
        return self.is_under_replicated and self.safe_count == self.min_isr


class ClusterNode(NamedTuple):
    """A member of the cluster.

    Attributes:
        is_running: its live key is there.
        state: ``active``, ``draining`` or ``leaving``.
        address: where its links are dialled; empty is not known.
        zone: replicas of a queue are in different zones where they can be.
        version: of the program; empty is not known.
        feature_level: the highest that it can read; 0 is not known.
        leaders_count, replicas_count: queues that it leads, and has a replica of.
        gone_ms: for how long it has not run, as far as was seen here; None where it runs.
        http_address: of its HTTP API; empty is not known.
    """

    name: str
    is_running: bool
    state: str = ACTIVE
    address: str = ""
    zone: str = ""
    version: str = ""
    feature_level: int = 0
    leaders_count: int = 0
    replicas_count: int = 0
    gone_ms: int | None = None
    http_address: str = ""


class LinkView(NamedTuple):
    """A link from this node, which leads, to a node with mirrors.

    Attributes:
        node: at the other end.
        is_connected: frames go over it.
        lag: about how many records of all queues wait for the other disk.
        heard_ms: how long ago the other end was heard; None is that there is no link now.
    """

    node: str
    is_connected: bool
    lag: int
    heard_ms: int | None


class ClusterView(NamedTuple):
    """The cluster as a whole, as this node sees it.

    Attributes:
        node: this node.
        controller: the node that elects leaders; empty is nobody.
        store: what the metadata store is and where, without secrets.
        store_heard_ms: how long ago the store answered; None is never.
        lease_left_ms: for how long this node's lease holds, less its margin; 0 is over, None is
            that it has none.
        frozen: why this node takes no part (R21); empty where it does.
        feature_level: that all nodes write.
        feature_level_next: the highest that all members can read.
        elections_count: leaders that this node elected since it started.
        promotions_count: of them, those with accepted loss.
        moves_left: leaders that this node has still to move, for a drain or a rebalance.
        incarnation: of this node: a number that no other process has; 0 has none yet.
    """

    node: str
    controller: str
    store: str
    store_heard_ms: int | None
    lease_left_ms: int | None
    frozen: str = ""
    feature_level: int = 1
    feature_level_next: int = 1
    elections_count: int = 0
    promotions_count: int = 0
    moves_left: int = 0
    incarnation: int = 0


class ListenerAddress(NamedTuple):
    """Where clients reach a node: a host, without brackets, and a port."""

    host: str
    port: int


class HarmedQueue(NamedTuple):
    """A queue that needs a node.

    Attributes:
        is_offline: nobody could lead it; else its publishers would wait.
        left_count: members that would still run.
        is_alone: it has this replica alone, and nobody asked for more.
    """

    vhost: str
    name: str
    kind: str
    is_offline: bool
    left_count: int
    min_isr: int
    is_alone: bool = False


class Harm(NamedTuple):
    """What queues would suffer without a node.

    Attributes:
        counts: how many queues of each kind; a kind without one may be missing.
        queues: the first of them, at most ``HARMED_SHOWN_MAX`` of each kind, and as many of those
            that are alone.
    """

    counts: dict[str, int]
    queues: tuple[HarmedQueue, ...]


class Promotion(NamedTuple):
    """What it would mean that a replica leads alone by command (R18).

    Attributes:
        node: of the replica.
        end: the index of its last record, and the epoch of that; None is not known.
        members: nodes of the in-sync set, with what may be lost.
        refusal: why it cannot be done; empty where it can.
        lease_guard: a leader that is cut off confirms nothing once its lease is over (R17).
        is_damaged: some of what it has cannot be read there.
        is_emptied: its node has emptied it to make room, and it has not come back yet.
        ahead: other nodes outside of the in-sync set whose replica has more than this one.
        silent: other nodes outside of it that do not run, or did not say what they have. Where the
            leader is meant, members are among them.
        leads: it leads already, and gives up alone what it cannot read.
    """

    node: str
    end: tuple[int, int] | None
    members: tuple[str, ...]
    refusal: str = ""
    lease_guard: bool = False
    is_damaged: bool = False
    is_emptied: bool = False
    ahead: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    leads: bool = False


class Cluster(Protocol):
    """The cluster; see the module. Methods that return no ``Awaited`` cost microseconds."""

    def view(self) -> ClusterView:
        """Return the cluster as a whole."""

    def nodes(self) -> tuple[ClusterNode, ...]:
        """Return the members by name, this node among them."""

    def links(self) -> tuple[LinkView, ...]:
        """Return the links from this node, by the names of their other ends."""

    def leader_of(self, vhost: str, name: str) -> str:
        """Return the node with the messages of a queue, mirrored or not; empty is nobody."""

    def queue(self, vhost: str, name: str) -> MirroredView | None:
        """Return where a queue is; None is not mirrored, or there is none."""

    def queues(
        self, after: QueuePlace | None = None, max_count: int = PAGE_USUAL
    ) -> Page[QueuePlace, MirroredView]:
        """Return the mirrored queues by vhost and name."""

    def harmed_without(self, node: str) -> Steps[Harm]:
        """Return what queues would suffer if a node stopped now, in steps."""

    def listener_of(self, node: str, protocol: str, *, is_tls: bool) -> ListenerAddress | None:
        """Return where clients of a protocol reach a node.

        None: it does not run, has no such listener, or does not say.
        """

    def move_leader(self, vhost: str, name: str, node: str) -> Awaited[str]:
        """Have another member lead a queue (R22); return which.

        Args:
            vhost: of the queue.
            name: of the queue.
            node: that is to lead; empty is any.
        """

    def add_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Have a node get a replica of a queue; over when it is in the list of replicas."""

    def remove_replica(self, vhost: str, name: str, node: str) -> Awaited[None]:
        """Have a node give its replica of a queue up; over when it is in the list no more.

        Fails with ``PreconditionFailedError`` where the queue would fall below ``min_isr``.
        """

    def promotion(self, vhost: str, name: str, node: str) -> Awaited[Promotion]:
        """Ask what a promotion with accepted loss would mean."""

    def promote(self, vhost: str, name: str, node: str) -> Awaited[int]:
        """Have a replica lead alone; see ``Promotion``. Return the new epoch."""

    def drain(self, node: str) -> Awaited[None]:
        """Have a node lead nothing: it will stop. Over when that is decided; the moves follow."""

    def undrain(self, node: str) -> Awaited[None]:
        """Have a node lead queues again."""

    def forget(self, node: str) -> Awaited[None]:
        """Take a node that does not run out of the cluster; its replicas are made elsewhere."""

    def rebalance(self, kind: str, vhost_pattern: str, queue_pattern: str) -> Awaited[int]:
        """Spread leaders over the nodes; return how many will move. The moves follow.

        Args:
            kind: only queues of this kind; empty is all.
            vhost_pattern: only in vhosts whose names it matches; a pattern of ``access.patterns``.
            queue_pattern: only queues whose names it matches.
        """

    def stream_numbers(
        self, vhost: str, name: str, what: str, reference: bytes
    ) -> Awaited[Numbers]:
        """Ask the leader of a stream for numbers; see ``broker.stream_numbers``.

        Fails with ``PeerAwayError`` or ``PeerRefusedError`` where nobody leads it who answers.
        """

    def stream_served(self, vhost: str, name: str) -> Awaited[None]:
        """Wait for a stream that this node is to lead, or nobody leads: for some seconds at most.

        Over at once where another node leads it, or this one serves it.
        """

    def store_offset(self, vhost: str, name: str, reference: bytes, offset: int) -> None:
        """Have the leader of a stream store how far a consumer has come; nobody hears of that."""

    @property
    def consumer_groups(self) -> ConsumerGroups:
        """The groups of single active consumers of streams, with members on all nodes."""

    def finalize(self) -> Awaited[int]:
        """Have all nodes write the highest feature level that they can read; return it."""


def required(cluster: Cluster | None) -> Cluster:
    """Return the cluster of a node.

    Raises:
        NotClusteredError: None, it is in none.
    """
    if cluster is None:
        raise NotClusteredError("this node is in no cluster")
    return cluster
