"""A node that hears fewer than half of the cluster sends its clients away, if the settings say so.

    most members are heard, this node among them    clients are let in
    half of them or fewer, for a while              connections end with 320, and none is accepted

So clients reach another node, as with RabbitMQ's ``pause_minority``. The HTTP API goes on. Without
that they stay: what they publish waits, and is nacked after ``cluster.held_publishes_ms``.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Protocol

from amqp_server.net.listener import ListenError
from cluster.node.node import ClusterNode
from cluster.placement.nodes import LEAVING

log = logging.getLogger(__name__)

REASON: Final = "the node hears fewer than half of the cluster"
LOOK_S: Final = 0.25
STAYS_MS: Final = 1_000
"""How long there have to be too few, looked at again and again."""

AWAY_MS: Final = 2_000
"""A node that has not looked for so long was frozen: it did not listen either."""


class Entrance(Protocol):
    """The connections of a node's clients; ``amqp_server.net.server`` implements it."""

    def turn_away(self, reason: str) -> None:
        """End all connections with a reason, and accept none."""

    def let_in(self) -> None:
        """Accept clients again; ``ListenError``: an address is taken."""


class Hearing:
    """Says whether too few members are heard.

    Args:
        heard_ms: a member counts as heard for so long after its last octet.
    """

    def __init__(self, heard_ms: int) -> None:
        self._heard_ms = heard_ms
        self._few_since_ms: int | None = None
        self._looked_at_ms = 0

    def are_few(self, others: Mapping[str, int | None], now_ms: int) -> bool:
        """Return whether half of the members or fewer have been heard for a while.

        Args:
            others: when each other member was heard; None has no link.
            now_ms: the instant.
        """
        was_away = now_ms - self._looked_at_ms > AWAY_MS
        self._looked_at_ms = now_ms
        heard_count = 1 + sum(
            at_ms is not None and now_ms - at_ms <= self._heard_ms for at_ms in others.values()
        )
        if 2 * heard_count > 1 + len(others):
            self._few_since_ms = None
            return False
        if self._few_since_ms is None or was_away:
            self._few_since_ms = now_ms
        return now_ms - self._few_since_ms >= STAYS_MS


class MinorityWatch:
    """Closes a node to its clients, and opens it again.

    Args:
        node: its part in the cluster.
        entrance: of the node.
    """

    def __init__(self, node: ClusterNode, entrance: Entrance) -> None:
        self._node = node
        self._entrance = entrance
        self._hearing = Hearing(node.options.lease_ttl_ms)
        self.is_closed = False

    async def run(self) -> None:
        """Look until this is cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Close or open, if it is time."""
        node = self._node
        others = {
            name: node.heard_at_ms(name)
            for name, member in node.view.members.items()
            if member.state != LEAVING and name != node.options.node
        }
        are_few = self._hearing.are_few(others, node.now_ms())
        if are_few and not self.is_closed:
            log.warning("%s: clients are sent away, until it hears more", REASON)
            self._entrance.turn_away(REASON)
            self.is_closed = True
        elif self.is_closed and not are_few:
            try:
                self._entrance.let_in()
            except ListenError as error:
                log.warning("clients cannot be let in again: %s", error)
                return
            log.info("the node hears most of the cluster: clients are let in again")
            self.is_closed = False
