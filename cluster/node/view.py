"""What a node knows of its cluster from its copy of the store: queues, nodes, who elects.

    follower's news ──▶ ClusterView.take ──▶ Tidings: what is different now
    own reads and writes ──▶ ClusterView.note

The copy is behind the store. So it says where to look, whom to dial and whom to elect; what a
leader believes of its own queue comes from linearizable reads (R15).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sortedcontainers import SortedList

from cluster.liveness.live_key import LiveRecord, decode_live
from cluster.metadata.errors import RecordFormatError
from cluster.metadata.following.cache import Difference
from cluster.metadata.keys import FEATURE_LEVEL, STATE, KeySpace, Place
from cluster.metadata.port import Item
from cluster.metadata.records import (
    StoredController,
    StoredGone,
    StoredMember,
    StoredQueueState,
    decode_controller,
    decode_gone,
    decode_level,
    decode_member,
    decode_queue_state,
)
from cluster.replication.state import LiveNode, ReplicaId


@dataclass(frozen=True, slots=True)
class KnownQueue:
    """A queue's state, and the revision of its last change."""

    vhost: str
    name: str
    stored: StoredQueueState
    revision: int


@dataclass(frozen=True, slots=True)
class Peer:
    """A node that lives: its incarnation, and what its ``live`` key says."""

    incarnation: int
    record: LiveRecord


@dataclass(frozen=True, slots=True)
class KnownGone:
    """A note that a queue is gone, and its revision."""

    note: StoredGone
    revision: int


@dataclass(slots=True)
class Tidings:
    """What is different: ids of queues, names of nodes, ids of queues that are gone, ``ctl``."""

    queues: dict[str, None] = field(default_factory=dict)
    nodes: dict[str, None] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    controller: bool = False


class ClusterView:
    """What is known of the cluster.

    Attributes:
        queues: by queue id.
        names: vhost and name of every queue, in their order.
        live: nodes that live, by name.
        members: nodes that belong to the cluster, by name.
        gone: queues that were deleted and may have replicas still, by queue id.
        controller: who elects leaders; None: nobody does.
        feature_level: which forms of records, frames and data all nodes write.
        unreadable: keys whose value this version cannot read, and why. They are left alone.
    """

    def __init__(self, keys: KeySpace) -> None:
        """Begin with nothing."""
        self.queues: dict[str, KnownQueue] = {}
        self.live: dict[str, Peer] = {}
        self.members: dict[str, StoredMember] = {}
        self.gone: dict[str, KnownGone] = {}
        self.controller: StoredController | None = None
        self.feature_level = 1
        self.unreadable: dict[bytes, str] = {}
        self._keys = keys
        self.names: SortedList[tuple[str, str]] = SortedList()
        self._ids: dict[tuple[str, str], str] = {}
        self._led_by: dict[str, dict[str, None]] = {}
        self._replicas = Counter[str]()
        self._live_nodes: dict[str, LiveNode] = {}

    def led_by(self, node: str) -> Iterable[str]:
        """Return the ids of the queues that a node leads, as far as is known here."""
        return tuple(self._led_by.get(node, ()))

    def led_count(self, node: str) -> int:
        """Return how many queues a node leads, as far as is known here."""
        return len(self._led_by.get(node, ()))

    def replicas_count(self, node: str) -> int:
        """Return of how many queues a node has a replica, as far as is known here."""
        return self._replicas[node]

    def live_nodes(self) -> Mapping[str, LiveNode]:
        """Return the nodes that live, as the core takes them."""
        return self._live_nodes

    def queue_id_of(self, vhost: str, name: str) -> str | None:
        """Return the id of the queue that has this name now; None: no mirrored queue has it."""
        return self._ids.get((vhost, name))

    def take(self, differences: Iterable[Difference]) -> Tidings:
        """Take a piece of the follower's news; return what is different."""
        tidings = Tidings()
        for each in differences:
            place = self._keys.place_of(each.key)
            if place is None:
                continue
            self.unreadable.pop(each.key, None)
            try:
                self._take(place, each.after, tidings)
            except RecordFormatError as error:
                self.unreadable[each.key] = str(error)
                self._take(place, None, tidings)
        return tidings

    def note(self, queue_id: str, stored: StoredQueueState, revision: int) -> bool:
        """Note what a read or an own write says of a queue; return whether it is news.

        A queue that the copy does not have is not noted: it may have been deleted since.
        """
        known = self.queues.get(queue_id)
        if known is None or revision <= known.revision:
            return False
        self._put_queue(KnownQueue(known.vhost, known.name, stored, revision))
        return True

    def _take(self, place: Place, item: Item | None, tidings: Tidings) -> None:
        match place.kind:
            case "q":
                vhost, name, what = place.names
                if what == STATE:
                    self._take_queue(vhost, name, item, tidings)
            case "live":
                self._take_live(place.names[0], item)
                tidings.nodes[place.names[0]] = None
            case "member":
                if item is None:
                    self.members.pop(place.names[0], None)
                else:
                    self.members[place.names[0]] = decode_member(item.value)
                tidings.nodes[place.names[0]] = None
            case "gone":
                self._take_gone(place.names[0], item)
                tidings.gone[place.names[0]] = None
            case "meta" if place.names[0] == FEATURE_LEVEL:
                self.feature_level = 1 if item is None else decode_level(item.value)
            case "ctl":
                self.controller = None if item is None else decode_controller(item.value)
                tidings.controller = True
            case _:
                pass

    def _take_queue(self, vhost: str, name: str, item: Item | None, tidings: Tidings) -> None:
        stored = None if item is None else decode_queue_state(item.value)
        before = self._ids.get((vhost, name))
        if before is not None and (stored is None or stored.queue_id != before):
            self._remove_queue(before)
            tidings.queues[before] = None
        if item is None or stored is None:
            return
        known = self.queues.get(stored.queue_id)
        if known is not None and item.mod_revision < known.revision:
            return
        self._put_queue(KnownQueue(vhost, name, stored, item.mod_revision))
        tidings.queues[stored.queue_id] = None

    def _put_queue(self, known: KnownQueue) -> None:
        queue_id, leader = known.stored.queue_id, known.stored.state.leader
        before = self.queues.get(queue_id)
        if before is not None and before.stored.state.leader != leader:
            self._led_by[before.stored.state.leader].pop(queue_id, None)
        if before is None:
            self.names.add((known.vhost, known.name))
        else:
            self._replicas.subtract(before.stored.options.replicas)
        self._replicas.update(known.stored.options.replicas)
        self.queues[queue_id] = known
        self._ids[known.vhost, known.name] = queue_id
        self._led_by.setdefault(leader, {})[queue_id] = None

    def _remove_queue(self, queue_id: str) -> None:
        known = self.queues.pop(queue_id)
        self._ids.pop((known.vhost, known.name), None)
        self.names.discard((known.vhost, known.name))
        self._replicas.subtract(known.stored.options.replicas)
        self._led_by[known.stored.state.leader].pop(queue_id, None)

    def _take_live(self, name: str, item: Item | None) -> None:
        if item is None:
            self.live.pop(name, None)
            self._live_nodes.pop(name, None)
            return
        record = decode_live(item.value)
        self.live[name] = Peer(item.create_revision, record)
        self._live_nodes[name] = LiveNode(item.create_revision, ReplicaId(name, record.disk))

    def _take_gone(self, queue_id: str, item: Item | None) -> None:
        if item is None:
            self.gone.pop(queue_id, None)
        else:
            self.gone[queue_id] = KnownGone(decode_gone(item.value), item.mod_revision)
