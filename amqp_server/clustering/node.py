"""A node of a cluster, joined with its broker: made before the broker, begun before its clients.

    ClusterNode ─ serve, stop ─▶ MirroredQueues ◀─ make_engine ─ the broker's queue tables
        │ copy of the store ─▶ Applier ─ a piece in each turn ─▶ the broker's tables
        └ store ◀─ DecidingDesk ◀─ Decisions ◀─ declares, binds, deletes of clients

What the core writes for a link or a timer comes beside the turns. A turn is asked for behind it, at
the end of which the disk is told (``net.storage``).
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from functools import partial
from itertools import count
from typing import Any

from amqp_server.broker.alarms import Resource
from amqp_server.broker.backing import Backing
from amqp_server.broker.broker import Broker
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.clustered.applying import Applier
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.clustered.declaring import Declaring
from amqp_server.broker.clustered.last_bindings import last_bindings
from amqp_server.broker.clustered.stored import StoredDefinitions
from amqp_server.broker.clustered.unplaced import placing
from amqp_server.broker.clustered.waiting import known_waiting_queue
from amqp_server.broker.errors import UndecidedError
from amqp_server.broker.events import DEFINITION_KINDS, EventKind
from amqp_server.broker.led_elsewhere import tell_led_elsewhere, tell_led_here
from amqp_server.broker.queue import memory_log
from amqp_server.broker.turn import Turn
from amqp_server.cluster_options import options_of, rules_of
from amqp_server.clustering.beginning import first_definitions, run_steps
from amqp_server.clustering.cluster_commands import ClusterCommands
from amqp_server.clustering.elsewhere import Elsewhere
from amqp_server.clustering.owners import owner_of
from amqp_server.clustering.peers import Peers
from amqp_server.clustering.pipes import Pipes
from amqp_server.clustering.placing import Placing, Wanted
from amqp_server.clustering.queues import MirroredQueues
from amqp_server.clustering.restoring import Restoring
from amqp_server.clustering.waking_commit import WakingCommit
from amqp_server.deciding_desk import PATIENCE_MS, DecidingDesk
from amqp_server.definitions_sweep import DefinitionsSweep
from amqp_server.net.reactor import Reactor
from amqp_server.net.timers import now_ms, wall_offset_ms
from amqp_server.settings.schema import Settings
from amqp_server.stored_node import StoredNode
from cluster.asking.table import AskingTable
from cluster.definitions.desk import Desk
from cluster.definitions.moving import MARK
from cluster.fronts.limits import FrontLimits, FrontNode
from cluster.fronts.links.dialing import FrontDialing
from cluster.fronts.links.table import FrontTable
from cluster.links.handshake import Trust
from cluster.links.hello import NONCE_BYTES, Hello
from cluster.links.kinds import Purpose
from cluster.links.port import MakeLink
from cluster.links.sockets.dialer import Address
from cluster.mirrored.emptying import room_above
from cluster.mirrored.mirror_stream_log import MirrorStreamLog
from cluster.node.addresses import address_of
from cluster.node.node import ClusterNode
from cluster.node.options import LINKS
from cluster.replication.publishers import Front
from queues.kinds import QueueKind
from queues.memory import MemoryRules
from queues.options import Durability

log = logging.getLogger(__name__)

_CHANCE_BITS = 53
RETRY_S = 0.2
"""Before the store is asked once more whether the cluster has begun."""


class ClusteredNode:
    """One start of a node of a cluster; made within a running loop.

    Args:
        settings: of the node; ``settings.cluster.is_clustered`` holds.
        disk: its disk.
        turn: the broker's.
        memory: how much of the messages stays in memory.

    Raises:
        ClusterFilesError: a secret or certificate cannot be used.
        ListenError: the address of its links cannot be listened on.

    Attributes:
        node: its part in the cluster.
        backing: of its broker.
        peers: the other nodes, as they are asked.
        has_failed: it takes no part any more, and the process has to end.
    """

    _broker: Broker
    _reactor: Reactor
    _commands: ClusterCommands | None = None

    def __init__(
        self, settings: Settings, disk: StoredNode, turn: Turn, memory: MemoryRules
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._settings = settings
        self._turn = turn
        self._is_begun = self.has_failed = False
        options = options_of(settings)
        self._queues = MirroredQueues(options.node, turn, memory, self.wake)
        commit = WakingCommit(disk.commit, self.wake)
        self._makers: dict[Purpose, MakeLink] = {}
        self.node = node = ClusterNode(
            options, disk.replicas, commit, self._queues, makers=self._makers
        )
        self._free_bytes = disk.free_bytes
        self._stored = StoredDefinitions(node.keys)
        self._applier = Applier(turn, self._stored)
        life = secrets.token_hex(8)
        numbers = count(1)
        desk = Desk(node.store, node.keys, options.node, life, node.now_ms, PATIENCE_MS)
        self._elsewhere = Elsewhere(node.is_applied_elsewhere)
        self._desk = DecidingDesk(desk, node.follower, self._applier, elsewhere=self._elsewhere)
        rules = rules_of(settings)
        self._placing = Placing(options.node, node.view, rules, self._policy_of)
        self._restoring = Restoring(
            node,
            self._placing.standings,
            self._wanted_of,
            rules,
            settings.cluster.replication.replace_after_s * 1000,
        )
        declaring = Declaring(
            self._stored,
            node.follower.cache.get,
            lambda: f"{life}-{next(numbers)}",
            lease=lambda: node.lease_id,
            place=self._placing,
        )
        self._decisions = Decisions(declaring, self._desk, node.keys, options.node)
        self._sweep = DefinitionsSweep(
            desk,
            declaring,
            node.keys,
            node.follower.cache,
            lambda: node.is_controller,
            partial(placing, self._stored, self._placing),
        )
        self._sweeping: asyncio.Task[None] | None = None
        trust = Trust(
            options.secret, needs_certificate=options.tls is not None and options.tls.names_nodes
        )
        self._pipes = self._joined_links(trust)
        self.peers = self._joined_peers(trust)
        self.backing = Backing(
            make_log=lambda queue: memory_log(queue, wall_offset_ms),
            default_durability=Durability(settings.persistence.durability),
            memory=memory,
            make_engine=self._queues.make_engine,
            decisions=self._decisions,
        )

    def _joined_links(self, trust: Trust) -> Pipes:
        """Join the front links to the queues, and to the socket of the node's links."""
        pipes = Pipes(self._queues, self._turn, now_ms, self.wake, self._note_far_work)
        pipes.table = FrontTable(pipes, pipes, self._hello, trust)
        pipes.dialing = FrontDialing(
            self._loop, pipes.table, self._addresses_of, _link_budget, _chance
        )
        self._makers[Purpose.FRONTS] = pipes.table.make_accepted
        self._queues.reach = pipes
        self._queues.leaders = self
        self._queues.readings.mirrors = self
        return pipes

    def _joined_peers(self, trust: Trust) -> Peers:
        """Join the asking links to the socket of the node's links."""
        peers = Peers()
        peers.table = AskingTable(peers, self._hello, trust)
        peers.dialing = FrontDialing(
            self._loop, peers.table, self._addresses_of, _link_budget, _chance
        )
        self._makers[Purpose.ASKING] = peers.table.make_accepted
        return peers

    # -- start and stop ---------------------------------------------------------------------------

    async def start(self, broker: Broker, reactor: Reactor) -> None:
        """Take part, and have all definitions in the tables of the broker; it waits for the store.

        Raises:
            NodeFrozenError, NameTakenError, IdentityDamagedError, OSError: see ``ClusterNode``.
        """
        self._broker, self._reactor = broker, reactor
        node = self.node
        log.info("joining cluster=%s node=%s", node.options.cluster, node.options.node)
        await node.start()
        front = Front(node.options.node, node.incarnation)
        limits = FrontLimits(hold_ms=self._settings.cluster.held_publishes_ms)
        self._queues.front_node = FrontNode(front, limits, broker.congestion.fill)
        self._is_begun = True
        node.listen(self._queues)
        node.on_applied_elsewhere(self._elsewhere.ring)
        self._applier.on_applied = node.tell_applied
        standings = self._placing.standings
        broker.cluster = self._commands = commands = ClusterCommands(
            node, broker, standings, self.peers, self._wanted_of
        )
        node.listen(commands)
        limit_bytes = self._settings.broker.disk_free_limit_bytes
        node.shell.emptying.room_bytes = partial(room_above, limit_bytes, self._free_bytes)
        broker.alarms.subscribe(self._look_at_disk)
        self._look_at_disk()
        broker.events.subscribe(self._queues.queue_deleted, (EventKind.QUEUE_DELETED,))
        gone = (EventKind.EXCHANGE_DELETED, EventKind.VHOST_DELETED)
        broker.events.subscribe(self._queues.exchange_deleted, gone)
        self._queues.on_led_no_more = partial(tell_led_elsewhere, broker)
        self._queues.on_led_here = partial(tell_led_here, broker)
        self._queues.readings.ask = commands.stream_numbers
        self._decisions.last_bindings = partial(last_bindings, broker)
        self._applier.begin(broker, broker.events, node.follower.cache)
        await self._desk.caught_up()
        await self._begin_cluster()
        self._sweeping = self._loop.create_task(self._sweep.run())
        node.listen(self._restoring)
        broker.events.subscribe(self._restoring.definition_changed, DEFINITION_KINDS)
        self._restoring.begin()
        commands.forgetting.begin()
        log.info("joined cluster=%s incarnation=%d", node.options.cluster, node.incarnation)

    def _look_at_disk(self, _now_ms: int = 0) -> None:
        """A disk that is nearly full takes no more for queues that can do without it."""
        is_short = self._broker.alarms.is_low(Resource.DISK)
        self.node.shell.sparing.set_short(is_short=is_short)

    async def stop(self) -> None:
        """Hand queues over and leave; no client is connected any more."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        await self._restoring.stop()
        if self._commands is not None:
            await self._commands.stop()
        await self.peers.stop()
        await self._pipes.dialing.stop()
        await self._desk.stop()
        await self.node.stop()

    async def failed(self) -> None:
        """Return when the node cannot go on.

        Raises:
            Exception: why.
        """
        await self.node.run()

    async def _begin_cluster(self) -> None:
        """Make what a new cluster begins with, unless a node has; as long as that takes."""
        mark = self.node.follower.cache.get(self.node.keys.key("meta", MARK))
        moved = None if mark is None else {vhost.name for vhost in self._broker.vhosts()}
        first = tuple(first_definitions(self._settings, secrets.token_bytes, moved_vhosts=moved))
        while True:
            try:
                await run_steps(self._decisions.making_first(first))
            except UndecidedError as error:
                log.warning("whether the cluster has begun is not known yet: %s", error)
                await asyncio.sleep(RETRY_S)
            else:
                return

    # -- turns ------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Ask for a turn, unless one runs."""
        if self._is_begun and not self._reactor.is_in_turn:
            self._reactor.request_turn()

    def carry_out(self) -> None:
        """Do what the core asks for; before the disk is told of what a turn has appended."""
        if not self._is_begun:
            return
        part = self.node.part
        try:
            part.waking.wake()
            if part.shell.carry_out():
                self._note_far_work()
        except Exception as error:  # noqa: BLE001 -- an invariant is broken, or the disk refuses
            part.fail(error)

    def _note_far_work(self) -> None:
        """Something of this turn goes on to other nodes."""
        if self._is_begun:
            self._reactor.note_far_work()

    # -- what the queues ask: see ``queues.Leaders`` -----------------------------------------------

    def leader_of(self, queue_id: str) -> tuple[str, int] | None:
        """Return who leads a mirrored queue, and in which epoch."""
        found = self.node.leader_of(queue_id)
        return None if found is None else found[:2]

    def owner_of(self, vhost: str, name: str) -> str | None:
        """Return the node whose lease a transient queue hangs on; None where it is durable.

        An empty name is a node that does not live any more.
        """
        return owner_of(self.node, vhost, name)

    # -- what readers of mirrors ask: see ``mirror_readings.Mirrors`` ------------------------------

    def follow(self, queue_id: str) -> MirrorStreamLog | None:
        """Return the log of a stream that this node has in sync and does not lead; None: none."""
        node = self.node
        if not node.has_readable_mirror(queue_id):
            return None
        followed = node.shell.followed.follow(queue_id)
        self.wake()
        return followed

    def unfollow(self, queue_id: str) -> None:
        """Nobody reads it any more."""
        self.node.shell.followed.leave(queue_id)
        self.wake()

    # -- inside -----------------------------------------------------------------------------------

    def _policy_of(self, vhost: str, name: str, kind: QueueKind) -> Mapping[str, object]:
        return self._broker.vhost(vhost).policies.effective("queue", kind.name, name)

    def _wanted_of(self, vhost: str, name: str) -> Wanted | None:
        broker = self._broker
        waiting = known_waiting_queue(vhost, name)
        if waiting is not None:
            return self._placing.wanted(waiting) if broker.has_vhost(vhost) else None
        queue = broker.vhost(vhost).queues.look_at(name) if broker.has_vhost(vhost) else None
        if queue is None or not queue.properties.durable or queue.kind.make_mirrored is None:
            return None
        return self._placing.wanted(queue.definition)

    def _hello(self, meant: str) -> Hello:
        options = self.node.options
        return Hello(
            options.cluster,
            options.node,
            self.node.shell.core.node.identity.disk.disk,
            self._queues.front_node.front.incarnation,
            meant,
            secrets.token_bytes(NONCE_BYTES),
        )

    def _addresses_of(self, node: str) -> tuple[Address, ...]:
        peer, tls = self.node.live_nodes().get(node), self.node.options.tls
        if peer is None:
            return ()
        text = dict(peer.record.addresses).get(LINKS, "")
        address = address_of(text, None if tls is None else tls.dialing)
        return () if address is None else (address,)


def _link_budget() -> Any:  # noqa: ANN401 - of a slice
    return TurnBudget(time.perf_counter_ns)


def _chance() -> float:
    return secrets.randbits(_CHANCE_BITS) / (1 << _CHANCE_BITS)
