"""Who leads the streams that have groups, as one node knows it: a ``broker.groups.shared.Leaders``.

    the copy of the store ─▶ leader and epoch
    the broker's tables   ─▶ whether this node has the engine
    the core              ─▶ whether it may deliver (R16): else it makes nobody active, and after a
                             while it leads no group

A leader that may deliver nothing may have a successor that it does not know of.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from amqp_server.broker.broker import Broker
from amqp_server.broker.groups.guests import NEW_MS
from amqp_server.broker.groups.shared import Place
from amqp_server.broker.groups.single_active import Stream

IDLE_MS: Final = 700
"""How long a leader that may deliver nothing still leads its groups. There may be a next one from
the beginning of it on, which lets others read after ``NEW_MS``. Until then what this one has said
may hold no more: this time, two looks and ``LEASE_MS`` are shorter.
"""

FIRST_EPOCH: Final = 1
"""Nobody has led a stream before."""


class KnownLeaders(Protocol):
    """What a node of a cluster knows; see ``cluster.node.node.ClusterNode``."""

    def queue_id_of(self, vhost: str, name: str) -> str | None:
        """Return the id of a mirrored queue."""

    def leader_of(self, queue_id: str) -> tuple[str, int, int] | None:
        """Return who leads a queue: node, epoch, incarnation."""

    def may_deliver(self, queue_id: str) -> bool:
        """Return whether committed messages may be delivered (R16)."""


class GroupLeaders:
    """The leaders that one node knows."""

    def __init__(
        self, name: str, node: KnownLeaders, broker: Broker, now_ms: Callable[[], int]
    ) -> None:
        """Begin; who leads by now is as new as this.

        Args:
            name: of this node.
            node: its part in the cluster.
            broker: of the node.
            now_ms: returns the time.
        """
        self._name = name
        self._node = node
        self._broker = broker
        self._now_ms = now_ms
        self._begun_ms = now_ms()
        self._since: dict[str, tuple[int, int]] = {}
        self._idle: dict[str, int] = {}

    def leader_of(self, stream: Stream) -> Place | None:
        """Return the leader by this node's copy of the store; None is nobody."""
        queue_id = self._id_of(stream)
        found = None if queue_id is None else self._node.leader_of(queue_id)
        if queue_id is None or found is None:
            return None
        node, epoch, _ = found
        return Place(node, epoch, queue_id)

    def is_served(self, stream: Stream) -> bool:
        """Return whether this node has the engine of a stream, and may deliver, or could lately."""
        queue_id = self._id_of(stream)
        if queue_id is None or not self._broker.has_vhost(stream.vhost):
            return False
        queue = self._broker.vhost(stream.vhost).queues.look_at(stream.name)
        if queue is None or queue.stream is None or queue.stored_id != queue_id:
            self._idle.pop(queue_id, None)
            return False
        if self._node.may_deliver(queue_id):
            self._idle.pop(queue_id, None)
            return True
        now_ms = self._now_ms()
        return now_ms - self._idle.setdefault(queue_id, now_ms) < IDLE_MS

    def is_new(self, stream: Stream) -> bool:
        """Return whether somebody may still obey the leader before the present one, or one after.

        A member that leaves this leader's group because it knows the next one may read on there.
        """
        queue_id = self._id_of(stream)
        found = None if queue_id is None else self._node.leader_of(queue_id)
        if queue_id is None or found is None:
            return False
        if not self._node.may_deliver(queue_id):
            return True
        if found[1] == FIRST_EPOCH:
            return False
        _, since_ms = self._since.get(queue_id, (0, self._begun_ms))
        return self._now_ms() - since_ms < NEW_MS

    def _id_of(self, stream: Stream) -> str | None:
        """Return the id of a stream; None where it is gone, or not there yet."""
        vhost, name, stored_id = stream
        found = self._node.queue_id_of(vhost, name)
        return found if not stored_id or stored_id == found else None

    def changed(self, queue_ids: Iterable[str]) -> None:
        """Note since when this node leads queues: their leaders, or their states, are others."""
        now_ms = self._now_ms()
        for queue_id in queue_ids:
            found = self._node.leader_of(queue_id)
            if found is None or found[0] != self._name:
                self._since.pop(queue_id, None)
                self._idle.pop(queue_id, None)
            elif found[1] != self._since.get(queue_id, (0, 0))[0] and found[1] != FIRST_EPOCH:
                self._since[queue_id] = found[1], now_ms
