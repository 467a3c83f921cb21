"""The running node of a cluster, as the broker sees it: from ``start`` to ``stop``.

It compares its disk with the store (``joining``), then takes part (``taking_part``).
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from cluster.links.kinds import Purpose
from cluster.links.port import MakeLink
from cluster.liveness.live_key import LiveRecord
from cluster.liveness.liveness import Liveness
from cluster.metadata.following.follower import Follower
from cluster.metadata.keys import SECRET_CHECK, KeySpace
from cluster.metadata.port import MetadataStore, Value
from cluster.mirrored.fsyncs import NodeCommit
from cluster.mirrored.node import MirroredNode
from cluster.node.budget import SliceBudget
from cluster.node.joining import Joined, Joining
from cluster.node.options import ClusterOptions
from cluster.node.pauses import Pauses
from cluster.node.place import Place
from cluster.node.ports import Broker, ClusterListener, NodeDisk
from cluster.node.queue_views import MirroredQueueView, view_of, waiting_count
from cluster.node.secret_check import secret_check_of
from cluster.node.taking_part import TakingPart
from cluster.node.view import ClusterView, Peer
from cluster.replication.inputs import ChangeOptions, HandOver
from cluster.replication.state import QueueOptions

NAME_PATIENCE_LEASES: Final = 2
"""A node on an empty disk waits so many leases for the node that had its name before."""

_CHANCE_BITS: Final = 53


def monotonic_ms() -> int:
    """Return the clock that all processes of this host share."""
    return time.monotonic_ns() // 1_000_000


def _chance() -> float:
    return secrets.randbits(_CHANCE_BITS) / (1 << _CHANCE_BITS)


class ClusterNode:
    """One start of a node; made within a running loop.

    Args:
        options: what it is told of its cluster.
        disk: identity and replicas on its disk.
        commit: its group commit.
        broker: serves the queues that it leads.
        now_ms: the monotonic clock of this host; the process that renews the lease has the same.
        makers: of the listener's ends of links that come in for other purposes, such as the front
            halves of other nodes.

    Attributes:
        store: of the cluster; the node closes it.
        keys: where things are in it.
        follower: this node's copy of it.
        view: what the copy says of the cluster.
    """

    def __init__(
        self,
        options: ClusterOptions,
        disk: NodeDisk,
        commit: NodeCommit,
        broker: Broker,
        *,
        now_ms: Callable[[], int] = monotonic_ms,
        makers: Mapping[Purpose, MakeLink] = MappingProxyType({}),
    ) -> None:
        times = options.times
        self.options = options
        self.now_ms = now_ms
        self.store: MetadataStore = options.etcd.opened(now_ms)
        self.keys = KeySpace(options.cluster)
        self.follower = Follower(self.store, self.keys.prefix, now_ms)
        self.view = ClusterView(self.keys)
        self._place = Place(
            options,
            self.store,
            self.keys,
            self.follower,
            self.view,
            disk,
            commit,
            broker,
            Pauses(times.retry_ms, times.retry_max_ms, _chance),
            now_ms,
            _chance,
            makers,
        )
        self._part: TakingPart | None = None
        self._liveness: Liveness | None = None

    # -- start and stop ---------------------------------------------------------------------------

    async def start(self) -> None:
        """Take part; return once the node has a ``live`` key and a copy of the store.

        Raises:
            NodeFrozenError: disk and store do not belong together; the text says what to do.
            NameTakenError: another node has this name.
            IdentityDamagedError, OSError: of the disk, or of the sockets.
        """
        try:
            joined = await self._joined()
            part = self._part = TakingPart(self._place, joined, SliceBudget(time.monotonic_ns))
            self._liveness = self._liveness_of(joined, part)
            await part.begin(self._liveness.run())
            await part.begun()
        except BaseException:
            await self.kill()
            raise

    async def run(self) -> None:
        """Return when it was stopped.

        Raises:
            Exception: why it cannot go on: the process has to end.
        """
        try:
            await asyncio.shield(self.part.failed)
        except asyncio.CancelledError:
            if not self.part.failed.cancelled():
                raise

    async def stop(self) -> None:
        """Hand queues over, leave the cluster at once, end. The disk is the caller's to close."""
        part, liveness = self._part, self._liveness
        if part is None or liveness is None:
            await self.kill()
            return
        if not part.failed.done():
            await part.hand_over()
        await part.end("this node leaves")
        if part.lease:
            await liveness.leave(part.lease)
        await self._close()

    async def kill(self) -> None:
        """End without a word to the store: for the others it is as if the process was killed."""
        if self._part is not None:
            await self._part.end("this node ends")
        await self._close()

    # -- for the broker ---------------------------------------------------------------------------

    @property
    def part(self) -> TakingPart:
        """The node's part in the cluster; there is one once ``start`` was called."""
        assert self._part is not None, "a node takes part once it was started"
        return self._part

    @property
    def shell(self) -> MirroredNode:
        """The node's part in mirrored queues."""
        return self.part.shell

    @property
    def incarnation(self) -> int:
        """Of the ``live`` key that the node has now, or had last."""
        return self.part.incarnation

    @property
    def lease_id(self) -> int:
        """The lease that the ``live`` key hangs on; others may hang keys on it too."""
        return self.part.lease

    @property
    def frozen_because(self) -> str:
        """Why the node does not believe the store any more (R21); empty: it does."""
        return self.part.frozen_because

    @property
    def is_controller(self) -> bool:
        """Whether this node elects leaders, as far as is known here."""
        return self.part.seat.is_held

    def leader_of(self, queue_id: str) -> tuple[str, int, int] | None:
        """Return who leads a queue: node, epoch, incarnation; None where nobody does, or is known.

        It is what the copy of the store says: that node may not serve yet, or not any more.
        """
        known = self.view.queues.get(queue_id)
        if known is None or not known.stored.state.leader:
            return None
        state = known.stored.state
        return state.leader, state.epoch, state.incarnation

    def has_readable_mirror(self, queue_id: str) -> bool:
        """Return whether this node has a mirror of a queue that is in sync, as far as is known.

        One whose disk is nearly full does not count: it may leave at any moment. Nor does one that
        its readers had to leave because no leader reaches it.
        """
        known, shell = self.view.queues.get(queue_id), self.shell
        is_here = queue_id in shell.replicas() and queue_id not in shell.damages
        is_left = shell.sparing.is_short or shell.followed.is_cut(queue_id)
        if known is None or not is_here or is_left:
            return False
        state, me = known.stored.state, shell.core.node.replica_id
        return state.leader != me.node and me in state.in_sync_set

    def queue_id_of(self, vhost: str, name: str) -> str | None:
        """Return the id of the mirrored queue that has this name; None: there is none."""
        return self.view.queue_id_of(vhost, name)

    def live_nodes(self) -> Mapping[str, Peer]:
        """Return the nodes that live, with their addresses; this one too."""
        return self.view.live

    def queue_view(self, queue_id: str) -> MirroredQueueView | None:
        """Return how a queue is; None where it is not known."""
        return view_of(queue_id, self.view, self.shell.core)

    def waiting_count(self, mirror: str) -> int:
        """Return about how many records that were written here wait for the disk of a node."""
        return waiting_count(mirror, self.shell.core)

    def heard_at_ms(self, mirror: str) -> int | None:
        """Return when a node was heard on the link to its mirrors; None: there is no link."""
        return self.part.linking.heard_at_ms(mirror)

    def is_leading(self, queue_id: str) -> bool:
        """Return whether the core of this node leads a queue now."""
        return self.shell.core.lead_of(queue_id) is not None

    def is_damaged(self, queue_id: str) -> bool:
        """Return whether some of a replica here cannot be read, as far as was found out."""
        return queue_id in self.shell.damages

    def come_to(self, queue_id: str) -> int:
        """Return a number that grows while mirrors that are not in sync get on."""
        return self.shell.catch_ups.come_to(queue_id)

    @property
    def lease_ends_at_ms(self) -> int | None:
        """Until when the lease of this node holds, less its margin; None: it has none."""
        lease = self.shell.core.node.lease
        return lease.deadline_ms if lease.incarnation else None

    @property
    def elections_count(self) -> int:
        """How many leaders this node has elected since its start."""
        return self.part.elections.done_count

    def may_deliver(self, queue_id: str) -> bool:
        """Return whether committed messages may be delivered, on a clock that is right (R16)."""
        self.part.waking.wake()
        return self.shell.core.may_deliver(queue_id)

    def tell_applied(self, revision: int) -> None:
        """Tell the other nodes that this one has all definitions up to a revision."""
        self.part.table.tell_seen(revision)

    def is_applied_elsewhere(self, revision: int) -> bool:
        """Return whether all other nodes that live have said that they have them, too."""
        others = [name for name in self.view.live if name != self.options.node]
        return self.part.table.have_seen(revision, others)

    def on_applied_elsewhere(self, call: Callable[[], None]) -> None:
        """Call this whenever another node says that it has more definitions."""
        self.part.table.on_seen = call

    def change_options(self, queue_id: str, options: QueueOptions) -> bool:
        """Replicate a queue that is led here in another way; return whether that was submitted.

        That it was done is seen in ``queue_view``. False: ask again, or the leader has to be among
        the replicas first, or too few of the in-sync set would be left.
        """
        may_be = self.shell.core.may_change(queue_id, options)
        if may_be:
            self.part.step(ChangeOptions(queue_id, options))
        return may_be

    def move_leader(self, queue_id: str, target: str) -> bool:
        """Have a member lead a queue that is led here (R22); return whether that was begun.

        That it was done is seen in ``leader_of``. False: ask again. The target has to live, and to
        have all records of this moment. Where clients use the queue it stands still until then, for
        half a second at most.
        """
        peer = self.view.live.get(target)
        if peer is None or not self.shell.core.may_hand_over(queue_id, target):
            return False
        self.part.step(HandOver(queue_id, target, peer.incarnation))
        return True

    def end_of(self, queue_id: str) -> tuple[int, int] | None:
        """Return index and epoch of the last record of a replica here; None: there is none."""
        replica = self.shell.core.node.replicas.get(queue_id)
        return None if replica is None else (replica.end, replica.epoch_at(replica.end))

    def listen(self, listener: ClusterListener) -> None:
        """Tell somebody of changes of leaders and nodes from now on."""
        self.part.listen(listener)

    # -- inside -----------------------------------------------------------------------------------

    async def _close(self) -> None:
        await self.store.close()
        for listening in self.options.listening:
            listening.close()

    async def _joined(self) -> Joined:
        place = self._place
        joining = Joining(
            self.store,
            self.keys,
            node=self.options.node,
            zone=self.options.zone,
            patience_ms=NAME_PATIENCE_LEASES * self.options.lease_ttl_ms,
            now_ms=self.now_ms,
            disk=place.disk,
            committed=self._committed,
            new_disk=lambda: secrets.token_hex(16),
            pauses=place.pauses,
            secret_check=secret_check_of(self.options.secret, self.options.cluster),
            levels=self.options.levels,
        )
        return await joining.join()

    async def _committed(self) -> None:
        committed = asyncio.get_running_loop().create_future()
        self._place.commit.wait(self._place.disk.last_lsn(), lambda: committed.set_result(None))
        await committed

    def _liveness_of(self, joined: Joined, part: TakingPart) -> Liveness:
        options = self.options
        return Liveness(
            self.store,
            options.etcd,
            key=self.keys.key("live", options.node),
            record=LiveRecord(
                disk=joined.identity.disk,
                boot=secrets.token_hex(8),
                release=options.release,
                wire_versions=options.levels,
                addresses=options.addresses,
            ),
            ttl_ms=options.lease_ttl_ms,
            now_ms=self.now_ms,
            listener=part,
            secret=Value(self.keys.key("meta", SECRET_CHECK), joined.secret_check)
            if joined.secret_check
            else None,
        )
