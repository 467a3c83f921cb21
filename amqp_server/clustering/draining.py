"""A node that is to lead nothing moves its leaders away, a few at a time, as long as it is so.

The metadata store says of each node whether it drains. So the command may be given to any node, and
a node that was started again goes on. A queue moves once its new leader has all of its records; one
that is in use stands still for a moment, so that this comes true.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from amqp_server.clustering.in_turns import done_in_turns
from cluster.node.node import ClusterNode
from cluster.placement.moving import Drain, PlacedQueue, drain_of
from cluster.placement.nodes import ACTIVE, NodeStanding

MOVES_AT_ONCE: Final = 64
"""Moves that the store is asked for before others have their turn."""

PAUSE_S: Final = 0.05
LOOK_S: Final = 0.5
"""Before it is looked again whether anything is led here."""


class Draining:
    """Watches where this node stands.

    Args:
        node: the node's part in the cluster.
        standings: returns the members of the cluster, as placement sees them.

    Attributes:
        left_count: queues that are led here and could be led elsewhere.
    """

    def __init__(self, node: ClusterNode, standings: Callable[[], list[NodeStanding]]) -> None:
        self.left_count = 0
        self._node = node
        self._standings = standings
        self._running: asyncio.Task[None] | None = None

    def look(self) -> None:
        """This node may be told to drain, or not to any more."""
        if self._is_drained() and (self._running is None or self._running.done()):
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Move no more leaders."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def _is_drained(self) -> bool:
        member = self._node.view.members.get(self._node.options.node)
        return member is not None and member.state != ACTIVE

    async def _run(self) -> None:
        while self._is_drained():
            drain = await self._planned()
            self.left_count = len(drain.moves)
            for number, move in enumerate(drain.moves, 1):
                self.left_count -= self._node.move_leader(move.key, move.target)
                if number % MOVES_AT_ONCE == 0:
                    await asyncio.sleep(PAUSE_S)
                    if not self._is_drained():
                        break
            await asyncio.sleep(PAUSE_S if drain.moves else LOOK_S)
        self.left_count = 0

    async def _planned(self) -> Drain:
        steps = drain_of(self._node.options.node, self._led(), self._standings())
        return await done_in_turns(steps)

    def _led(self) -> Iterator[PlacedQueue]:
        view = self._node.view
        for queue_id in view.led_by(self._node.options.node):
            known = view.queues.get(queue_id)
            if known is not None:
                yield PlacedQueue(queue_id, known.stored)
