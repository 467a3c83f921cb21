"""A node that takes part: its core, and all that hands inputs to it and does what it asks for.

    etcd ──▶ follower ──▶ ClusterView ──┬─▶ Replicas     a queue names this node: have a replica
      │                                 ├─▶ Linking      a node lives: dial it
      │                                 └─▶ Elections    a leader is gone, and this node elects
      ├──▶ Liveness ──▶ LeaseGranted, LeaseRenewed ───┐
      ├──▶ StateRequests ◀──▶ StateRead, Transaction…─┼──▶ MirroredNode ──▶ Broker: serve, stop
      └──▶ Stamping ──▶ StampRaised ──────────────────┤
    links ◀──▶ LinkTable ◀──▶ frames ─────────────────┘

Every input goes through ``step``, which sets the core's clock first where that is old: a process
that was frozen learns how late it is before it hears or says anything.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from cluster.links.sockets.transport import Budget
from cluster.links.table import LinkTable
from cluster.metadata.errors import MetadataError, OtherStoreError, StoreWentBackError
from cluster.metadata.following.cache import News
from cluster.metadata.port import Lease
from cluster.mirrored.log import MirroredLog
from cluster.mirrored.node import MirroredNode
from cluster.node.elections import Elections
from cluster.node.evidence import Evidence
from cluster.node.giving_up import GivingUp
from cluster.node.gone_notes import GoneNotes
from cluster.node.handing_over import HandingOver
from cluster.node.joining import Joined
from cluster.node.linking import LeaderLogs, Linking
from cluster.node.place import Place
from cluster.node.ports import ClusterListener
from cluster.node.replicas import Replicas
from cluster.node.requests import StateRequests
from cluster.node.seat import Seat
from cluster.node.stamping import Stamping
from cluster.node.view import Tidings
from cluster.node.waking import Waking, WokenCommit
from cluster.replication.core import ReplicationCore
from cluster.replication.inputs import Input, LeaseGranted, LeaseRenewed, StoreSeen
from cluster.replication.ready import Ready, StateTransaction
from cluster.replication.rules import Rules
from persistence.queue_recovery import RecoveredQueue

log = logging.getLogger(__name__)

LOOKS_MAX: Final = 256
"""Queues that one turn looks at for elections, or in an audit."""

ELECTIONS_MAX: Final = 256
"""Elections that the store has not answered yet."""

NEVER_MS: Final = 1 << 60
"""The core gives no transaction up: ``requests`` has an outcome for each."""

ELECTION_RETRY_S: Final = 0.1
"""After an election that was refused or is unknown, the copy gets this time to come up."""


class TakingPart:
    """From ``begin`` to ``end``.

    Args:
        place: where the node stands: its options, store, copy, disk and broker.
        joined: as what it takes part.
        budget: of a slice in the loop.

    Attributes:
        shell: the node's part in mirrored queues.
        linking, table: its links.
        seat: of the controller.
        elections: which it holds, and how many it held.
        incarnation, lease: of the ``live`` key; 0 before it has one.
        registered: set once it has one.
        failed: done with an error once the node cannot go on.
        frozen_because: why the store is not believed any more (R21); empty: it is.
    """

    def __init__(self, place: Place, joined: Joined, budget: Budget) -> None:
        self._place = place
        self._budget = budget
        options, store, keys = place.options, place.store, place.keys
        self._loop = asyncio.get_running_loop()
        self.incarnation, self.lease, self.frozen_because = 0, 0, ""
        self.registered, self._handed_over = asyncio.Event(), asyncio.Event()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        core = ReplicationCore(
            options.node,
            joined.identity,
            lease_margin_ms=options.lease_margin_ms,
            timers=replace(options.timers, answer_max_ms=NEVER_MS),
        )
        commit = WokenCommit(place.commit, self._woken)
        self.shell = MirroredNode(core, commit, self, now_ms=place.now_ms)
        self.waking = Waking(place.now_ms, self.shell.tick, options.times.turn_ms)
        self.seat = Seat(store, keys, options.node, place.view)
        self.elections = Elections(place.view, Rules())
        self._notes = GoneNotes(store, keys, options.node, place.view, place.pauses)
        self._ask_store(joined)
        self._replicas = Replicas(
            options.node,
            view=place.view,
            shell=self.shell,
            disk=place.disk,
            commit=commit,
            read=self._requests.read,
            dropped=self._notes.dropped,
        )
        self.table = LinkTable(self.step, self.shell.after_writing)
        self.shell.join_links(self.table)
        self.linking = Linking(
            options,
            disk=joined.identity.disk,
            incarnation=lambda: self.incarnation,
            table=self.table,
            log=LeaderLogs(self.shell),
            view=place.view,
            budget=budget,
            chance=place.chance,
            makers=place.makers,
        )
        self._listeners: list[ClusterListener] = []
        self._running: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._audit: Iterator[None] = iter(())
        self._audit_at_ms, self._has_elected = 0, False
        heard_at_ms, ttl_ms = self.linking.heard_at_ms, options.lease_ttl_ms
        self._giving_up = GivingUp(
            core, place.view, heard_at_ms, ttl_ms, lambda: commit.writing_bytes, self.shell.damages
        )
        self._handing_over: HandingOver | None = None

    def _ask_store(self, joined: Joined) -> None:
        """Make what asks the store for the core."""
        place, options = self._place, self._place.options
        identity = self.shell.core.node.identity
        evidence = Evidence(identity, joined.member)
        self._requests = StateRequests(
            place.store,
            place.keys,
            options.node,
            view=place.view,
            evidence=evidence,
            owner=self,
            pauses=place.pauses,
        )
        self._stamping = Stamping(
            place.store,
            place.keys.key("member", options.node),
            disk=place.disk,
            identity=identity,
            evidence=evidence,
            step=self.step,
            interval_ms=options.times.stamp_ms,
        )

    # -- begin and end ----------------------------------------------------------------------------

    async def begin(self, liveness: Coroutine[Any, Any, None]) -> None:
        """Take part: with the stored replicas first, then links, then what the store says.

        Args:
            liveness: keeps the node registered, and tells this object.

        Raises:
            OSError: a socket cannot be listened on.
        """
        self._replicas.take_part_with_stored()
        self._place.follower.cache.listen(self._take_news)
        await self.linking.listen()
        self._take_turn()
        works = [
            liveness,
            self._follow(),
            self._stamping.run(),
            self.seat.run(),
            self._notes.run(),
            *(self._requests.run() for _ in range(self._place.options.requests_max)),
        ]
        self._running = [self._loop.create_task(self._kept(work)) for work in works]

    async def begun(self) -> None:
        """Return once the node has a ``live`` key, and the copy of the store knows that too.

        Raises:
            Exception: why it cannot go on.
        """
        seen = self._loop.create_task(self._seen())
        waited: set[asyncio.Future[Any]] = {seen, self.failed}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            await (self.failed if self.failed.done() else seen)
        finally:
            seen.cancel()

    async def _seen(self) -> None:
        await self.registered.wait()
        await self._place.follower.wait_for(self.incarnation)

    async def end(self, reason: str) -> None:
        """Do nothing any more, and end the links; the lease stays."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        running, self._running = self._running, []
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self.linking.close(reason)
        if not self.failed.cancel() and not self.failed.cancelled():
            self.failed.exception()  # It was told when it happened.

    async def hand_over(self) -> None:
        """Have others lead what this node leads, if that can be soon (R22)."""
        self._handing_over = HandingOver(self.shell.core, self._place.view)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._place.options.times.hand_over_ms / 1000):
                await self._handed_over.wait()

    def listen(self, listener: ClusterListener) -> None:
        """Tell somebody of changes from now on."""
        self._listeners.append(listener)

    def fail(self, error: BaseException) -> None:
        """The node cannot go on: it says and hears nothing from now on."""
        if not self.failed.done():
            log.critical("the node takes no part any more: %s", error, exc_info=error)
            self.failed.set_exception(error)
            for each in self._running:
                each.cancel()
            self.table.close("this node has failed")

    async def _kept(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 -- the node must not go on
            self.fail(error)

    async def _follow(self) -> None:
        try:
            await self._place.follower.follow()
        except (OtherStoreError, StoreWentBackError) as error:
            self.store_is_wrong(error)

    # -- inputs -----------------------------------------------------------------------------------

    def step(self, happened: Input) -> None:
        """Hand an input to the core, on a clock that is right, and do what it asks for."""
        if self.failed.done():
            return
        try:
            self.waking.wake()
            self.shell.step(happened)
        except Exception as error:  # noqa: BLE001 -- an invariant is broken, or the disk refuses
            self.fail(error)
        if self.is_frozen() and not self.frozen_because:
            self.frozen_because = "the metadata store does not fit this disk (R20)"
            log.error("the node is frozen: %s: %s", self.frozen_because, happened)

    def _woken(self, call: Callable[[], None]) -> None:
        if self.failed.done():
            return
        try:
            self.waking.wake()
            call()
        except Exception as error:  # noqa: BLE001
            self.fail(error)

    def granted(self, incarnation: int, lease: Lease) -> None:
        """The node is registered, with a new incarnation."""
        self.incarnation, self.lease = incarnation, lease.id
        log.info("registered incarnation=%d lease=%d", incarnation, lease.id)
        self.step(LeaseGranted(incarnation, lease.asked_at_ms, lease.ttl_ms))
        self.seat.granted(incarnation, lease.id)
        # The copy may have been quicker: who is elected already has to read it.
        for queue_id in self._place.view.led_by(self._place.options.node):
            self._replicas.note_queue(queue_id, incarnation)
        self.registered.set()

    def renewed(self, lease: Lease) -> None:
        """The lease was renewed."""
        self.step(LeaseRenewed(lease.asked_at_ms, lease.ttl_ms))

    def _take_news(self, news: News) -> None:
        if self.failed.done():
            return
        try:
            self._take_tidings(self._place.view.take(news.differences))
        except Exception as error:  # noqa: BLE001 -- the follower must go on, and the node must not
            self.fail(error)

    def _take_tidings(self, tidings: Tidings) -> None:
        for queue_id in tidings.gone:
            self._replicas.note_gone(queue_id)
        for queue_id in tidings.queues:
            self._replicas.note_queue(queue_id, self.incarnation)
            self.elections.note_queue(queue_id)
        for name in tidings.nodes:
            self.linking.note_node(name)
            self.elections.note_node(name)
        if tidings.controller:
            self.seat.look()
        self._elect()
        for listener in self._listeners:
            if tidings.queues:
                listener.leaders_changed(tuple(tidings.queues))
            if tidings.nodes:
                listener.nodes_changed(tuple(tidings.nodes))

    # -- turns ------------------------------------------------------------------------------------

    def _take_turn(self) -> None:
        times, now_ms = self._place.options.times, self._place.now_ms()
        self._timer = self._loop.call_later(times.turn_ms / 1000, self._take_turn)
        self._woken(self._elect)
        if self._handing_over is not None:
            self._step_all(self._handing_over.moves)
            if self._handing_over.is_over:
                self._handed_over.set()
        else:
            self._step_all(self._giving_up.look)
        if next(self._audit, self) is self and now_ms >= self._audit_at_ms + times.audit_ms:
            self._audit_at_ms = now_ms
            self._audit = self._replicas.audit(LOOKS_MAX)
            self.seat.look()

    def _step_all(self, found: Callable[[Callable[[], bool]], Iterable[Input]]) -> None:
        self._budget.begin()
        for each in found(self._budget.is_spent):
            self.step(each)

    def _elect(self) -> None:
        """As the controller: submit elections that are due."""
        elections = self.elections
        if not self.seat.is_held or self._handing_over is not None:
            elections.end()
            self._has_elected = False
            return
        if not self._has_elected:
            self._has_elected = True
            log.info("this node elects leaders")
            elections.begin()
        if elections.due_count and not self.is_frozen():
            room = min(LOOKS_MAX, ELECTIONS_MAX - len(elections.under_way))
            self._step_all(lambda is_spent: elections.take(room, is_spent))

    # -- what the shell hands on ------------------------------------------------------------------

    def route(self, ready: Ready) -> None:
        """Let the frames leave."""
        self.table.route(ready)

    def submit(self, transaction: StateTransaction) -> None:
        """Submit a transaction to the store; its outcome is an input."""
        self._requests.submit(transaction)

    def read_state(self, queue: str) -> None:
        """Read a queue's state."""
        self._requests.read(queue)

    def serve(self, queue: str, log: MirroredLog, found: RecoveredQueue) -> None:
        """This node leads a queue from now on."""
        self._place.broker.serve(queue, log, found)

    def stop(self, queue: str) -> None:
        """This node leads a queue no more."""
        self._place.broker.stop(queue)

    # -- what requests say ------------------------------------------------------------------------

    def is_awaited(self, number: int) -> bool:
        """Return whether the core still waits for a transaction."""
        return number in self.shell.core.node.transactions

    def is_frozen(self) -> bool:
        """Return whether the core does not believe the store."""
        return self.shell.core.node.identity.frozen

    def store_is_wrong(self, error: MetadataError) -> None:
        """The store says itself that it went back, or is another one: freeze (R21)."""
        if not self.frozen_because:
            self.frozen_because = str(error)
            log.error("the node is frozen: %s", error)
        self.step(StoreSeen(0, "", 0))

    def election_ended(self, queue_id: str, *, is_done: bool) -> None:
        """Look at a queue again; not at once where the copy may not have come up."""
        self.elections.done_count += is_done
        self._loop.call_later((not is_done) * ELECTION_RETRY_S, self.elections.ended, queue_id)

    def queue_noted(self, queue_id: str) -> None:
        """The view knows something newer of a queue."""
        self._replicas.note_state(queue_id)
        for listener in self._listeners:
            listener.leaders_changed((queue_id,))
