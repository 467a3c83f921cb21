"""A node dials those that it uses, and hangs up where it uses nothing more."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from cluster.links.port import Link, MakeLink
from cluster.links.settings import LinkSettings
from cluster.links.sockets.backoff import Backoff
from cluster.links.sockets.dialer import Address, Dialer
from cluster.links.sockets.transport import Budget

IDLE_MS: Final = 60_000
"""A link that nobody uses ends after so long: clients that come and go do not dial each time."""

FindAddresses: TypeAlias = Callable[[str], tuple[Address, ...]]
"""Returns where a node is now, the best way first; nothing while nobody knows."""


class DialingTable(Protocol):
    """The links of one purpose; ``FrontTable`` is one."""

    @property
    def settings(self) -> LinkSettings:
        """Of its links."""

    def make(self, meant: str, names: frozenset[str] | None, now_ms: int) -> Link:
        """Return an end of a new connection to the node that is meant."""

    def is_open(self, node: str) -> bool:
        """Return whether there is a link to a node."""

    def opened_count(self, node: str) -> int:
        """Return how many links to a node have been open."""


class FrontDialing:
    """The dialers of one node's links of one purpose."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        table: DialingTable,
        find_addresses: FindAddresses,
        make_budget: Callable[[], Budget],
        chance: Callable[[], float],
        *,
        idle_ms: int = IDLE_MS,
    ) -> None:
        """Begin without a dialer.

        Args:
            loop: of this node.
            table: its links.
            find_addresses: where other nodes are; asked before each attempt.
            make_budget: returns a turn's time for a socket.
            chance: returns a number from 0 to 1.
            idle_ms: how long a link without use stays.
        """
        self._loop = loop
        self._table = table
        self._find_addresses = find_addresses
        self._make_budget = make_budget
        self._chance = chance
        self._idle_ms = idle_ms
        self._dialers: dict[str, Dialer] = {}
        self._idle: dict[str, asyncio.TimerHandle] = {}
        self._stopping: set[asyncio.Task[None]] = set()
        self._is_over = False

    def reach(self, node: str) -> None:
        """Have a link to a node, now and until ``leave``; the table says when it is there."""
        idle = self._idle.pop(node, None)
        if idle is not None:
            idle.cancel()
        if node in self._dialers or self._is_over:
            return
        dialer = Dialer(
            self._loop,
            node,
            _Ways(node, self._find_addresses, self._table).next,
            self._maker(node),
            self._table.settings,
            self._make_budget(),
            backoff=Backoff(self._chance),
        )
        self._dialers[node] = dialer
        dialer.start()

    def leave(self, node: str) -> None:
        """Nothing is used at a node any more; its link ends some time later."""
        if node in self._dialers and node not in self._idle:
            delay_s = self._idle_ms / 1000
            self._idle[node] = self._loop.call_later(delay_s, self._hang_up, node)

    def renew(self, node: str) -> None:
        """A new process of a node is there: dial it now, where no link is open."""
        dialer = self._dialers.get(node)
        if dialer is None or self._table.is_open(node):
            return
        del self._dialers[node]
        self._end(dialer, "a new process of the node is there")
        self.reach(node)

    async def stop(self, reason: str = "this node leaves") -> None:
        """End all links to leaders, and dial no more."""
        self._is_over = True
        for idle in self._idle.values():
            idle.cancel()
        self._idle.clear()
        dialers = tuple(self._dialers.values())
        self._dialers.clear()
        await asyncio.gather(*[dialer.stop(reason) for dialer in dialers], *self._stopping)

    def _maker(self, node: str) -> MakeLink:
        def make(names: frozenset[str] | None, now_ms: int) -> Link:
            return self._table.make(node, names, now_ms)

        return make

    def _hang_up(self, node: str) -> None:
        del self._idle[node]
        self._end(self._dialers.pop(node), "it is not used")

    def _end(self, dialer: Dialer, reason: str) -> None:
        stopping = self._loop.create_task(dialer.stop(reason))
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)


class _Ways:
    """The ways to a node, one for each attempt; the best one again once a link was open."""

    def __init__(self, node: str, find_addresses: FindAddresses, table: DialingTable) -> None:
        self._node = node
        self._find_addresses = find_addresses
        self._table = table
        self._index = 0
        self._opened_count = 0

    def next(self) -> Address | None:
        addresses = self._find_addresses(self._node)
        opened_count = self._table.opened_count(self._node)
        if opened_count != self._opened_count:
            self._opened_count, self._index = opened_count, 0
        if not addresses:
            return None
        address = addresses[self._index % len(addresses)]
        self._index += 1
        return address
