"""All that needs a hand, worst first; made at each look at the counters, and kept until the next.

The sampler shows what it looks at, so that nothing is walked twice. Where there is no sampler, the
board looks by itself when it is asked, at most every 5 s.
"""

import heapq
from collections.abc import Collection, Iterator
from functools import partial
from typing import Final

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import ConnectionView, ExchangeView, QueueCounts
from management.access.account import Account
from management.attention.cluster import ClusterWatch
from management.attention.concern import CONNECTION, NODE, Concern, worst_first
from management.attention.flows import ConnectionWatch, ExchangeWatch
from management.attention.links import of_links
from management.attention.node import LoginWatch, of_node, of_vhost
from management.attention.queues import QueueWatch, of_paused
from management.node import Node, pages

CONCERNS_MAX: Final = 10_000
"""Concerns that are kept; the worst ones."""

LOOK_AGE_MS: Final = 5_000


class Board:
    """What needs a hand in a node.

    Attributes:
        concerns: found by the last look, worst first.

    Args:
        node: that is looked at.
        name: of the node.
    """

    def __init__(self, node: Node, name: str) -> None:
        self._node = node
        self._name = name
        self._queues = QueueWatch(node.views.queue)
        self._exchanges = ExchangeWatch()
        self._connections = ConnectionWatch()
        self._logins = LoginWatch()
        self._cluster = ClusterWatch()
        self._looked_ms: int | None = None
        self.concerns: tuple[Concern, ...] = ()

    def begin(self, now_ms: int) -> None:
        """Begin a look at everything."""
        self._looked_ms = now_ms
        self._queues.begin()
        self._exchanges.begin(now_ms)
        self._connections.begin()

    def queue(self, now_ms: int, vhost: str, name: str, counts: QueueCounts) -> None:
        """Note how a queue is now."""
        self._queues.note(now_ms, vhost, name, counts)

    def exchange(self, now_ms: int, view: ExchangeView) -> None:
        """Note how an exchange is now."""
        self._exchanges.note(now_ms, view)

    def connection(self, view: ConnectionView) -> None:
        """Note how a connection is now."""
        self._connections.note(view)

    async def end(self, now_ms: int) -> None:
        """Judge what the look has shown, in slices."""
        known = {concern.key: concern.since_ms for concern in self.concerns}
        found: list[Concern] = []
        slices = self._node.slices
        for concern in self._found(now_ms):
            if concern is not None:
                since_ms = min(known.get(concern.key, concern.since_ms), concern.since_ms)
                found.append(concern._replace(since_ms=since_ms))
            if slices.is_spent():
                await slices.pause()
        if len(found) > CONCERNS_MAX:
            found = heapq.nsmallest(CONCERNS_MAX, found, key=worst_first)
        self.concerns = tuple(sorted(found, key=worst_first))

    def _found(self, now_ms: int) -> Iterator[Concern | None]:
        views = self._node.views
        yield from of_node(self._name, views.node())
        yield from self._logins.concerns(self._name, now_ms, views.refused_logins_count())
        for limits in views.vhost_limits():
            view = views.vhost(limits.name)
            if view is not None:
                yield from of_vhost(view, now_ms)
            yield None
        yield from self._queues.concerns(now_ms)
        yield from self._paused(now_ms)
        yield from self._exchanges.concerns()
        yield from self._connections.concerns(now_ms)
        yield from of_links(views.federation_links(), now_ms)
        yield from self._cluster.concerns(views, now_ms)

    def _paused(self, now_ms: int) -> Iterator[Concern | None]:
        views = self._node.views
        for vhost in self._node.vhost_names():
            if not self._node.has_vhost(vhost):
                continue  # It went meanwhile.
            for name in views.paused_queues(vhost):
                view = views.queue(vhost, name)
                yield None if view is None else of_paused(view, now_ms)
            yield None

    def visible(self, account: Account, vhosts: Collection[str], count_max: int) -> list[Concern]:
        """Return the worst of what a user may see, as the lists of the same things would show it.

        Args:
            account: of the user.
            vhosts: that it may enter.
            count_max: how many at most.
        """
        shown: list[Concern] = []
        for concern in self.concerns:
            if concern.kind == NODE:
                is_shown = account.is_monitor
            elif concern.kind == CONNECTION:
                is_shown = account.is_monitor or concern.username == account.name
            else:
                is_shown = concern.vhost in vhosts
            if is_shown:
                shown.append(concern)
                if len(shown) == count_max:
                    break
        return shown

    async def refresh(self) -> None:
        """Look at everything, if nobody has for some time; in slices."""
        now_ms = self._node.now_ms()
        if self._looked_ms is not None and now_ms - self._looked_ms < 2 * LOOK_AGE_MS:
            return
        self.begin(now_ms)
        slices = self._node.slices
        for _ in self._looking(now_ms):
            if slices.is_spent():
                await slices.pause()
        await self.end(now_ms)

    def _looking(self, now_ms: int) -> Iterator[None]:
        views = self._node.views
        for vhost in self._node.vhost_names():
            try:
                for counted in pages(partial(views.queue_counts, vhost)):
                    for name, counts in counted:
                        self.queue(now_ms, vhost, name, counts)
                        yield
                for shown in pages(partial(views.exchanges, vhost)):
                    for exchange in shown:
                        self.exchange(now_ms, exchange)
                    yield
            except NotFoundError:
                continue  # It went meanwhile.
        for connections in pages(views.connections):
            for connection in connections:
                self.connection(connection)
            yield
