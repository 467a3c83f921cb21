"""A view of a cluster, filled by hand; keys and values are those of the store."""

from cluster.liveness.live_key import LiveRecord, encode_live
from cluster.metadata.following.cache import Difference
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Item
from cluster.metadata.records import (
    StoredController,
    StoredGone,
    StoredMember,
    StoredQueueState,
    encode_controller,
    encode_gone,
    encode_member,
    encode_queue_state,
)
from cluster.node.view import ClusterView, Tidings
from cluster.replication.state import QueueOptions, QueueState, ReplicaId

KEYS = KeySpace("c")
OPTIONS = QueueOptions(("a", "b", "c"), 2)


def members(*names: str) -> frozenset[ReplicaId]:
    return frozenset(ReplicaId(name, f"disk {name}") for name in names)


def stored(
    queue_id: str, leader: str = "", incarnation: int = 0, epoch: int = 0, isr: str = "abc"
) -> StoredQueueState:
    return StoredQueueState(
        queue_id, QueueState(leader, incarnation, epoch, members(*isr)), OPTIONS
    )


class Told:
    """A view, and what tells it of changes."""

    def __init__(self) -> None:
        self.view = ClusterView(KEYS)
        self.revision = 0

    def tell(self, key: bytes, value: bytes | None, *, created: int = 0, lease: int = 0) -> Tidings:
        self.revision += 1
        item = None
        if value is not None:
            item = Item(key, value, created or self.revision, self.revision, lease)
        return self.view.take([Difference(key, None, item)])

    def queue(self, state: StoredQueueState | None, name: str = "jobs") -> Tidings:
        value = None if state is None else encode_queue_state(state)
        return self.tell(KEYS.queue_state("v", name), value)

    def live(self, name: str, incarnation: int = 0, disk: str = "", **addresses: str) -> Tidings:
        named = {"links": f"{name}:1", **addresses}
        record = LiveRecord(disk or f"disk {name}", "boot", addresses=tuple(named.items()))
        key = KEYS.key("live", name)
        return self.tell(key, encode_live(record) if incarnation else None, created=incarnation)

    def member(self, name: str, member: StoredMember | None) -> Tidings:
        value = None if member is None else encode_member(member)
        return self.tell(KEYS.key("member", name), value)

    def gone(self, queue_id: str, *nodes: str) -> Tidings:
        return self.tell(KEYS.key("gone", queue_id), encode_gone(StoredGone(nodes)))

    def controller(self, node: str, incarnation: int) -> Tidings:
        value = encode_controller(StoredController(node, incarnation)) if node else None
        return self.tell(KEYS.key("ctl"), value, lease=7)
