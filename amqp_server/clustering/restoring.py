"""Has the queues that are led here replicated as they ask for: the list of replicas is mended.

    a node is taken out of the cluster    another one gets its replicas
    a node joins                          queues with too few replicas get one there
    a policy is another one               queues get as many as it says
    a node is away for too long           another one gets its replicas, if the settings say so

What is to be done is computed from this node's copy of the store, and each step is one write of the
queue's leader. So nothing is remembered elsewhere: whoever leads the queue next goes on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Final

from amqp_server.broker.definitions.definition import (
    OperatorPolicyDefinition,
    PolicyDefinition,
)
from amqp_server.broker.events import Event
from amqp_server.clustering.placing import Wanted
from cluster.metadata.records import StoredQueueState
from cluster.metadata.watching import Bell
from cluster.node.node import ClusterNode
from cluster.node.view import KnownQueue
from cluster.placement.asking import ReplicaRules
from cluster.placement.changing import next_step
from cluster.placement.nodes import NodeStanding, by_name
from cluster.placement.replacing import GoneNodes, replaced_nodes
from cluster.replication.state import QueueOptions

CATCH_UPS_MAX: Final = 32
"""Queues that are led here and may get replicas at once: each is copied from this node."""

GETS_NOTHING_MS: Final = 60_000
"""A queue whose new replicas have got nothing for so long leaves its place to another one. Their
disk may be full. Its leader goes on trying, and it counts again once they get on."""

LOOKS_MAX: Final = 256
"""Queues that are looked at before the members are counted anew."""

LOOKS_PER_STEP: Final = 8
"""Queues that are looked at before others have the loop."""

PAUSE_S: Final = 0.05
RETRY_S: Final = 0.25
"""Before queues are looked at again that could not be changed at that moment."""

AUDIT_MS: Final = 300_000
"""Before all queues are looked at again: what should have told of a change may have been missed."""

WantedOf = Callable[[str, str], Wanted | None]
"""Returns how a queue is to be replicated: vhost, name; None: its definition is not known."""

NOTHING_WANTED: Final[WantedOf] = lambda _vhost, _name: None  # noqa: E731 -- of a node alone


class Restoring:
    """Changes lists of replicas, a few queues at a time; a ``ClusterListener`` of its node.

    Args:
        node: the node's part in the cluster.
        standings: returns the members of the cluster, as placement sees them.
        wanted_of: says how a queue is to be replicated.
        rules: of the cluster.
        replace_after_ms: for how long a node may be away before its replicas are replaced; 0 is
            for ever.

    Attributes:
        catching_up: the queues that are led here and have replicas to take in, by id: the revision
            at which these were asked for, until they are seen in the store; then 0.
    """

    def __init__(
        self,
        node: ClusterNode,
        standings: Callable[[], list[NodeStanding]],
        wanted_of: WantedOf,
        rules: ReplicaRules,
        replace_after_ms: int = 0,
    ) -> None:
        self.catching_up: dict[str, int] = {}
        self._node = node
        self._name = node.options.node
        self._standings = standings
        self._wanted_of = wanted_of
        self._rules = rules
        self._gone = GoneNodes(replace_after_ms)
        self._looked_with: tuple[str, ...] = ()
        # By queue that has to take replicas in: how far they were, and since when.
        self._come_to: dict[str, tuple[int, int]] = {}
        self._due: dict[str, None] = {}
        self._are_all_due = False
        self._bell = Bell()
        self._seen: frozenset[tuple[str, str, str, str, bool]] = frozenset()
        self._running: asyncio.Task[None] | None = None

    @property
    def due_count(self) -> int:
        """How many queues are to be looked at."""
        return len(self._due)

    def begin(self) -> None:
        """Begin, once this node has all definitions: without them no policy would be known."""
        self._gone.see(self._standings(), self._node.now_ms())
        self._running = asyncio.get_running_loop().create_task(self._run())
        self._look_at_all()

    async def stop(self) -> None:
        """Change nothing more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    # -- what it is told --------------------------------------------------------------------------

    def leaders_changed(self, queue_ids: tuple[str, ...]) -> None:
        """Leader or state of these queues is another one, or they are gone."""
        self._due |= dict.fromkeys(queue_ids)
        self._bell.ring()

    def nodes_changed(self, names: tuple[str, ...]) -> None:
        """Look at all queues, if more is different of a node than its stamp."""
        del names
        nodes = self._standings()
        self._gone.see(nodes, self._node.now_ms())
        seen = frozenset(
            (each.name, each.disk, each.zone, each.state, each.is_live) for each in nodes
        )
        if seen != self._seen:
            self._seen = seen
            self._look_at_all()

    def definition_changed(self, event: Event) -> None:
        """A policy may be another one."""
        if isinstance(event.definition, PolicyDefinition | OperatorPolicyDefinition):
            self._look_at_all()

    # -- inside -----------------------------------------------------------------------------------

    def _look_at_all(self) -> None:
        self._are_all_due = True
        self._bell.ring()

    async def _run(self) -> None:
        while True:
            self._see_who_is_gone()
            if not self._due and not self._are_all_due:
                next_ms = self._gone.next_ms(self._node.now_ms())
                await self._bell.wait(AUDIT_MS if next_ms is None else min(AUDIT_MS, next_ms))
                self._are_all_due |= not self._due
            if self._are_all_due:
                self._are_all_due = False
                self._due |= dict.fromkeys(self._node.view.led_by(self._name))
            before = len(self._due)
            await self._look_at_some()
            await asyncio.sleep(PAUSE_S if len(self._due) < before else RETRY_S)

    def _see_who_is_gone(self) -> None:
        """Look at all queues with whoever is gone by now, also if that came during a look."""
        gone = self._gone.names(self._node.now_ms())
        self._are_all_due |= gone != self._looked_with
        self._looked_with = gone

    async def _look_at_some(self) -> None:
        nodes = self._standings()
        gone = self._gone.names(self._node.now_ms())
        for number, queue_id in enumerate(tuple(islice(self._due, LOOKS_MAX)), 1):
            self._due.pop(queue_id, None)
            if self._must_look_again(queue_id, nodes, gone):
                self._due[queue_id] = None
            if number % LOOKS_PER_STEP == 0:
                await asyncio.sleep(0)

    def _must_look_again(
        self, queue_id: str, nodes: list[NodeStanding], gone: tuple[str, ...]
    ) -> bool:
        known = self._node.view.queues.get(queue_id)
        if known is None or known.stored.state.leader != self._name:
            self.catching_up.pop(queue_id, None)
            self._come_to.pop(queue_id, None)
            return False
        stored = known.stored
        if _has_to_take_in(stored, nodes):
            self._note_taking_in(queue_id)
        elif self.catching_up.get(queue_id) != known.revision:
            self.catching_up.pop(queue_id, None)
            self._come_to.pop(queue_id, None)
        wanted = self._wanted_of(known.vhost, known.name)
        if wanted is None:
            return False
        asked, rules, lowers = wanted.asked, self._rules, wanted.lowers
        if gone:
            gone = replaced_nodes(stored, asked, nodes, gone, rules, lowers=lowers)
        step = next_step(stored, asked, nodes, gone, rules, lowers=lowers)
        if step.options != stored.options:
            self._change(known, step.options, nodes)
        elif step.leader:
            self._node.move_leader(queue_id, step.leader)
        else:
            return False
        return True

    def _note_taking_in(self, queue_id: str) -> None:
        """Note that a queue has replicas to take in, and has a place as long as these get on."""
        now_ms, come_to = self._node.now_ms(), self._node.come_to(queue_id)
        before, since_ms = self._come_to.get(queue_id, (-1, now_ms))
        if come_to > before:
            self._come_to[queue_id] = come_to, now_ms
        elif now_ms - since_ms >= GETS_NOTHING_MS:
            self.catching_up.pop(queue_id, None)
            return
        self.catching_up[queue_id] = 0

    def _has_place(self) -> bool:
        """Return whether one more queue may get replicas."""
        if len(self.catching_up) >= CATCH_UPS_MAX:
            for queue_id in [each for each, since in self.catching_up.items() if not since]:
                self._note_taking_in(queue_id)
        return len(self.catching_up) < CATCH_UPS_MAX

    def _change(
        self,
        known: KnownQueue,
        options: QueueOptions,
        nodes: list[NodeStanding],
    ) -> None:
        """Have the core write other options, unless too many queues get replicas already."""
        queue_id = known.stored.queue_id
        further = set(options.replicas).difference(known.stored.options.replicas)
        is_more = bool(further) and queue_id not in self.catching_up
        if is_more and not self._has_place():
            return
        if not self._node.change_options(queue_id, options):
            return
        if is_more:
            self.catching_up[queue_id] = known.revision
        for at, each in enumerate(nodes):
            if each.name in further:
                nodes[at] = replace(each, replicas_count=each.replicas_count + 1)


def _has_to_take_in(stored: StoredQueueState, nodes: list[NodeStanding]) -> bool:
    """Return whether a replica of a node that runs is not in the in-sync set."""
    known = by_name(nodes)
    return any(
        name in known
        and known[name].is_live
        and known[name].replica not in stored.state.in_sync_set
        for name in stored.options.replicas
    )
