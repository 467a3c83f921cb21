"""Leaders are spread over the nodes by a command: a plan, and then one move after the other.

The plan is made of this node's copy of the store, and nothing of it is kept: where this node ends
meanwhile, or a queue cannot move at that moment, the next command does what is left.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from amqp_server.broker.access.patterns import Pattern, compile_pattern
from amqp_server.broker.errors import BrokerError, PreconditionFailedError
from amqp_server.clustering.in_turns import done_in_turns
from cluster.metadata.errors import MetadataError
from cluster.node.view import ClusterView
from cluster.placement.moving import LeaderMove, PlacedQueue, rebalance_of
from cluster.placement.nodes import NodeStanding

log = logging.getLogger(__name__)

MOVE_S: Final = 5.0
"""How long one move may take before the next one has its turn."""

FAILURES_MAX: Final = 20
"""Moves in a row that came to nothing before the rest is given up."""

MoveLeader = Callable[[str, str, str], Awaitable[str]]
"""Has a node lead a queue, wherever it is led now: vhost, name, node; returns who leads."""


class Rebalancing:
    """Spreads leaders, at the command of this node.

    Args:
        view: of the cluster.
        standings: returns the members of the cluster, as placement sees them.
        kind_of: returns the kind of a queue: vhost, name.
        move: moves a leader; a ``BrokerError`` says why it cannot.

    Attributes:
        left_count: moves that are still to be done.
    """

    def __init__(
        self,
        view: ClusterView,
        standings: Callable[[], list[NodeStanding]],
        kind_of: Callable[[str, str], str],
        move: MoveLeader,
    ) -> None:
        self.left_count = 0
        self._view = view
        self._standings = standings
        self._kind_of = kind_of
        self._move = move
        self._is_planning = False
        self._running: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Move nothing more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def begin(self, kind: str, vhost_pattern: str, queue_pattern: str) -> int:
        """Plan moves and begin with them; return how many there are.

        Args:
            kind: only queues of this kind; empty is all.
            vhost_pattern: only in vhosts whose names it matches; empty is all.
            queue_pattern: only queues whose names it matches; empty is all.

        Raises:
            PatternError: a pattern is none.
            PreconditionFailedError: this node rebalances already.
        """
        if self._is_planning or (self._running is not None and not self._running.done()):
            text = f"this node rebalances already: {self.left_count} moves are left"
            raise PreconditionFailedError(text)
        vhosts, names = compile_pattern(vhost_pattern), compile_pattern(queue_pattern)
        self._is_planning = True
        try:
            queues = self._chosen(kind, vhosts, names)
            moves = await done_in_turns(rebalance_of(queues, self._standings()))
        finally:
            self._is_planning = False
        self.left_count = len(moves)
        self._running = asyncio.get_running_loop().create_task(self._run(moves))
        return len(moves)

    def _chosen(self, kind: str, vhosts: Pattern, names: Pattern) -> Iterator[PlacedQueue]:
        for queue_id in tuple(self._view.queues):
            known = self._view.queues.get(queue_id)
            if (
                known is not None
                and vhosts.search(known.vhost)
                and names.search(known.name)
                and kind in {"", self._kind_of(known.vhost, known.name)}
            ):
                yield PlacedQueue(queue_id, known.stored)

    async def _run(self, moves: list[LeaderMove]) -> None:
        log.info("leaders are spread: moves=%d", len(moves))
        failed_count = failures_in_row = 0
        for left_count, move in zip(range(len(moves) - 1, -1, -1), moves, strict=True):
            if await self._is_moved(move):
                failures_in_row = 0
            else:
                failed_count += 1
                failures_in_row += 1
            self.left_count = left_count
            if failures_in_row >= FAILURES_MAX:
                log.warning("leaders are spread no further: left=%d", left_count)
                break
        self.left_count = 0
        log.info("leaders were spread: moves=%d failed=%d", len(moves), failed_count)

    async def _is_moved(self, move: LeaderMove) -> bool:
        known = self._view.queues.get(move.key)
        if known is None or known.stored.state.leader == move.target:
            return True
        try:
            async with asyncio.timeout(MOVE_S):
                await self._move(known.vhost, known.name, move.target)
        except (BrokerError, MetadataError, TimeoutError) as error:
            log.info("queue=%s vhost=%s is not moved: %s", known.name, known.vhost, error)
            return False
        return True
