"""What a node of a cluster says of it, from memory: one half of ``broker.cluster.Cluster``.

ClusterNode ─ view ─▶ queues, members, who lives      the copy of the store
            └ core ─▶ lags of queues that are led here, lease, links
the broker's tables ─▶ kinds of queues
"""

from collections.abc import Callable
from typing import Final

from amqp_server.broker.broker import Broker
from amqp_server.broker.cluster import (
    HARMED_SHOWN_MAX,
    ClusterNode,
    ClusterView,
    Harm,
    HarmedQueue,
    LinkView,
    ListenerAddress,
    MirroredView,
    QueuePlace,
    ReplicaView,
)
from amqp_server.broker.pages import PAGE_USUAL, Page, page_of
from amqp_server.broker.steps import Steps
from amqp_server.clustering.owners import owner_of
from cluster.definitions.waiting_queues import (
    exchange_behind,
    exchange_shown,
    first_behind,
    shown_name,
)
from cluster.links.sockets.dialer import TcpAddress
from cluster.node.addresses import address_of
from cluster.node.node import ClusterNode as Node
from cluster.node.options import LINKS, TLS_SUFFIX
from cluster.node.view import KnownQueue
from cluster.placement.checking import Harm as PlacedHarm
from cluster.placement.checking import harmed_without
from cluster.placement.moving import PlacedQueue
from cluster.placement.nodes import NodeStanding
from cluster.replication.election import is_due
from queues.delayed.waiting_engine import WAITING
from queues.kinds import DEFAULT_KIND

LOOKS_PER_STEP: Final = 100
"""Queues that are looked at before others have a turn."""


class ClusterLook:
    """Looks at a cluster; a ``cluster.node.ports.ClusterListener`` of its node.

    Args:
        node: the node's part in the cluster, once it was started.
        broker: of the node.
        standings: returns the members of the cluster, as placement sees them.

    Attributes:
        promotions_count: of replicas outside of the in-sync set, since the start.
    """

    def __init__(
        self, node: Node, broker: Broker, standings: Callable[[], list[NodeStanding]]
    ) -> None:
        self.promotions_count = 0
        self._node = node
        self._broker = broker
        self._standings = standings
        self._gone_at_ms: dict[str, int] = {}
        self.nodes_changed(tuple(node.view.members))

    # -- what the node tells ----------------------------------------------------------------------

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        """Do nothing: queues are looked at when somebody asks."""

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        """Note since when nodes do not run."""
        view = self._node.view
        for name in names:
            if name in view.live or name not in view.members:
                self._gone_at_ms.pop(name, None)
            else:
                self._gone_at_ms.setdefault(name, self._node.now_ms())

    # -- the port ---------------------------------------------------------------------------------

    def view(self) -> ClusterView:
        """Return the cluster as a whole."""
        node = self._node
        controller, fresh, now_ms = node.view.controller, node.follower.freshness, node.now_ms()
        ends_at_ms = node.lease_ends_at_ms
        level = self.feature_level()
        return ClusterView(
            node.options.node,
            "" if controller is None else controller.node,
            "etcd " + ", ".join(node.options.etcd.endpoints),
            now_ms - fresh.heard_at_ms if fresh.revision else None,
            None if ends_at_ms is None else max(0, ends_at_ms - now_ms),
            node.frozen_because,
            level,
            max(level, self.feature_level_next()),
            node.elections_count,
            self.promotions_count,
            self.moves_left,
            node.incarnation,
        )

    def nodes(self) -> tuple[ClusterNode, ...]:
        """Return the members by name, this node among them."""
        return tuple(map(self._member, sorted(self._node.view.members)))

    def links(self) -> tuple[LinkView, ...]:
        """Return the links from this node to members that have, or may get, mirrors."""
        own, now_ms = self._node.options.node, self._node.now_ms()
        found = []
        for name in sorted(self._node.view.members):
            if name != own:
                at_ms = self._node.heard_at_ms(name)
                heard_ms = None if at_ms is None else max(0, now_ms - at_ms)
                lag = self._node.waiting_count(name)
                found.append(LinkView(name, at_ms is not None, lag, heard_ms))
        return tuple(found)

    def leader_of(self, vhost: str, name: str) -> str:
        """Return the node with the messages of a queue, mirrored or not; empty is nobody."""
        known = self._known((vhost, name)) or self._behind(vhost, name)
        if known is None:
            owner = owner_of(self._node, vhost, name)
            return self._node.options.node if owner is None else owner
        leader = known.stored.state.leader
        return leader if leader in self._node.view.live else ""

    def queue(self, vhost: str, name: str) -> MirroredView | None:
        """Return where a queue is; None is not mirrored, or there is none.

        One behind a delayed exchange is named as it is shown.
        """
        known = self._known((vhost, name)) or self._behind(vhost, name)
        return None if known is None else self._mirrored(known.stored.queue_id)

    def queues(
        self, after: QueuePlace | None = None, max_count: int = PAGE_USUAL
    ) -> Page[QueuePlace, MirroredView]:
        """Return the mirrored queues by vhost and name; one behind an exchange as it is shown."""
        return page_of(self._node.view.names, self._listed, after, max_count)

    def harmed_without(self, node: str) -> Steps[Harm]:
        """Return what queues would suffer if a node stopped now, in steps."""
        counts: dict[str, int] = {}
        shown_counts: dict[tuple[str, bool], int] = {}
        shown: list[HarmedQueue] = []
        after: QueuePlace | None = None
        standings = self._standings()
        while True:
            page = page_of(self._node.view.names, self._known, after, LOOKS_PER_STEP)
            placed = [PlacedQueue(each.stored.queue_id, each.stored) for each in page.items]
            places = {each.stored.queue_id: each for each in page.items}
            for each in harmed_without(node, placed, standings):
                known = places[each.key]
                kind = self.kind_of(known.vhost, known.name)
                is_alone = len(known.stored.options.replicas) == 1
                counts[kind] = counts.get(kind, 0) + 1
                shown_count = shown_counts.get((kind, is_alone), 0)
                if shown_count < HARMED_SHOWN_MAX:
                    shown_counts[kind, is_alone] = shown_count + 1
                    shown.append(
                        HarmedQueue(
                            known.vhost,
                            shown_name(known.name),
                            kind,
                            each.harm is PlacedHarm.OFFLINE,
                            each.left_count,
                            each.min_isr,
                            is_alone,
                        )
                    )
            after = page.cursor
            if after is None:
                return Harm(counts, tuple(shown))
            yield
            standings = self._standings()

    def listener_of(self, node: str, protocol: str, *, is_tls: bool) -> ListenerAddress | None:
        """Return where clients of a protocol reach a node, as its ``live`` key says."""
        peer = self._node.view.live.get(node)
        if peer is None:
            return None
        name = protocol + TLS_SUFFIX if is_tls else protocol
        address = address_of(dict(peer.record.addresses).get(name, ""), None)
        return (
            ListenerAddress(address.host, address.port) if isinstance(address, TcpAddress) else None
        )

    @property
    def moves_left(self) -> int:
        """Leaders that this node has still to move."""
        return 0

    def _listed(self, place: QueuePlace) -> MirroredView | None:
        known = self._known(place)
        return None if known is None else self._mirrored(known.stored.queue_id)

    # -- inside -----------------------------------------------------------------------------------

    def feature_level(self) -> int:
        """Return the level that all nodes write."""
        return self._node.view.feature_level

    def feature_level_next(self) -> int:
        """Return the highest level that all members can read, as far as each has said; 0: none."""
        view = self._node.view
        levels = [
            view.live[name].record.wire_versions[1] if name in view.live else 0
            for name in view.members
        ]
        return min(levels, default=0)

    def kind_of(self, vhost: str, name: str) -> str:
        """Return the kind of a queue; the usual one where the tables do not have it any more."""
        if exchange_behind(name) is not None:
            return WAITING.name
        broker = self._broker
        queue = broker.vhost(vhost).queues.look_at(name) if broker.has_vhost(vhost) else None
        return (DEFAULT_KIND if queue is None else queue.kind).name

    def _known(self, place: QueuePlace) -> KnownQueue | None:
        queue_id = self._node.queue_id_of(*place)
        return None if queue_id is None else self._node.view.queues.get(queue_id)

    def _behind(self, vhost: str, shown: str) -> KnownQueue | None:
        """Return the queue behind an exchange by the name that people are told."""
        exchange = exchange_shown(shown)
        if exchange is None:
            return None
        first = first_behind(exchange)
        for place in self._node.view.names.irange((vhost, first)):
            if place[0] != vhost or not place[1].startswith(first):
                return None
            # Those of an exchange whose name has dots at its end are among them. There is one, but
            # for the moments in which what is left of an earlier one is swept.
            if exchange_behind(place[1]) == exchange:
                return self._known(place)
        return None

    def _member(self, name: str) -> ClusterNode:
        view = self._node.view
        member, peer = view.members[name], view.live.get(name)
        record = None if peer is None else peer.record
        gone_ms = None
        if record is None:
            now_ms = self._node.now_ms()
            gone_ms = now_ms - self._gone_at_ms.get(name, now_ms)
        return ClusterNode(
            name,
            record is not None,
            member.state,
            "" if record is None else dict(record.addresses).get(LINKS, ""),
            member.zone,
            "" if record is None else record.release,
            0 if record is None else record.wire_versions[1],
            view.led_count(name),
            view.replicas_count(name),
            gone_ms,
            "" if record is None else dict(record.addresses).get("http", ""),
        )

    def _mirrored(self, queue_id: str) -> MirroredView | None:
        known, shown = self._node.view.queues.get(queue_id), self._node.queue_view(queue_id)
        if known is None or shown is None:
            return None
        state, options = known.stored.state, known.stored.options
        disks = {each.node: each.disk for each in state.in_sync_set}
        # A leader that was started again leads nothing until it is elected.
        live = self._node.view.live_nodes()
        leads = state.leader not in live or not is_due(state, live)
        lags: dict[str, int] = dict(shown.lags)
        if state.leader == self._node.options.node and self._node.is_leading(queue_id):
            lags[state.leader] = 0
        replicas = tuple(
            ReplicaView(
                name,
                name in disks,
                self._is_online(name, disks),
                lags.get(name),
                name in disks and name in live and not self._is_online(name, disks),
                name == self._node.options.node and self._node.is_damaged(queue_id),
            )
            for name in dict.fromkeys((*options.replicas, *sorted(disks)))
        )
        return MirroredView(
            known.vhost,
            shown_name(known.name),
            self.kind_of(known.vhost, known.name),
            state.leader if leads else "",
            state.epoch,
            options.min_isr,
            replicas,
            known.stored.clean,
            options.lease_guard,
            exchange_behind(known.name) or "",
        )

    def _is_online(self, name: str, disks: dict[str, str]) -> bool:
        peer = self._node.view.live.get(name)
        return peer is not None and disks.get(name, peer.record.disk) == peer.record.disk
