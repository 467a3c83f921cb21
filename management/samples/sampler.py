"""Looks at all counters every 5 s, in slices, and notes what has changed.

What did not change costs a look and a comparison. What is idle for ten minutes keeps its last
numbers only: half a kilobyte for a queue. What is gone is forgotten.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeAlias, TypeVar

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.pages import Page
from management.attention.board import Board
from management.node import Node, pages
from management.samples import series
from management.samples.details import Looks
from management.samples.history import POINTS_MAX, History
from management.samples.spans import Spans

log = logging.getLogger(__name__)

PERIOD_MS: Final = 5_000
IDLE_MS: Final = PERIOD_MS * (POINTS_MAX - 1)

QueueKey: TypeAlias = tuple[str, str]
"""Vhost and name of a queue, or of an exchange."""

PublishesKey: TypeAlias = tuple[int, int, str]
"""Numbers of a connection and of a channel of it, and the name of an exchange."""

Key = TypeVar("Key")
Item = TypeVar("Item")


class Sampler:
    """The samples of a node.

    Attributes:
        looks: when it looked.
        totals: of the node; by channels, queues and connections.
        node_itself: gauges and churn.
        vhosts: totals by vhost.
        queues, exchanges: by vhost and name.
        channels: by number of the connection and of the channel.
        publishes: of channels by the exchange that they publish to: the numbers of a channel, and
            the name of the exchange.
        connections: by number.

    Args:
        node: that is sampled.
        attention: is shown what was looked at.
        tidying: returns what is tidied up after a look, in steps; gets the time.
    """

    def __init__(
        self,
        node: Node,
        attention: Board,
        tidying: Callable[[int], Iterator[None]] = lambda _now_ms: iter(()),
    ) -> None:
        self._node = node
        self._attention = attention
        self._tidying = tidying
        self.forget()

    def forget(self) -> None:
        """Forget all samples; the next look is the first one again."""
        now_ms, view = self._node.now_ms(), self._node.views.node()
        # Nothing has samples yet. Those of nothing are asked for by their times all the same.
        self.looks = Looks(now_ms, now_ms, view.wall_ms - view.now_ms, PERIOD_MS)
        self.totals = Spans(series.TOTALS_WIDTH)
        self.node_itself = Spans(series.NODE_WIDTH)
        self.vhosts: dict[str, Spans] = {}
        self.queues: dict[QueueKey, History] = {}
        self.exchanges: dict[QueueKey, History] = {}
        self.channels: dict[tuple[int, int], History] = {}
        self.publishes: dict[PublishesKey, History] = {}
        self.connections: dict[int, History] = {}
        self._is_first = True

    async def run(self) -> None:
        """Look for ever, every 5 s; a look that fails is logged.

        A look that was late does not make those after it late, so that none falls between two
        times that samples are asked for.
        """
        due_ms = self._node.now_ms()
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("a look at the counters failed")
            now_ms = self._node.now_ms()
            due_ms = max(due_ms + PERIOD_MS, now_ms + PERIOD_MS // 2)
            await asyncio.sleep((due_ms - now_ms) / 1000)

    async def look(self) -> None:
        """Look at all counters once."""
        node = self._node
        await node.slices.begin()
        now_ms = node.now_ms()
        view = node.views.node()
        self.node_itself.note(now_ms, series.of_node(view))
        vhosts = node.vhost_names()
        note = partial(self._note, now_ms)
        self._attention.begin(now_ms)
        self.queues = await note(self.queues, self._queues(vhosts, now_ms), series.QUEUE_WIDTH)
        exchanges = self._exchanges(vhosts, now_ms)
        self.exchanges = await note(self.exchanges, exchanges, series.EXCHANGE_WIDTH)
        self.channels = await note(self.channels, self._channels(), series.CHANNEL_WIDTH)
        self.publishes = await note(self.publishes, self._publishes(), series.PUBLISHES_WIDTH)
        self.connections = await note(self.connections, self._connections(), series.TRAFFIC_WIDTH)
        await self._attention.end(now_ms)
        await self._look_at_totals(vhosts, now_ms)
        before_ms = now_ms if self._is_first else self.looks.last_ms
        self.looks = Looks(now_ms, before_ms, view.wall_ms - view.now_ms, PERIOD_MS)
        self._is_first = False
        for _ in self._tidying(now_ms):
            if node.slices.is_spent():
                await node.slices.pause()

    async def _look_at_totals(self, names: list[str], now_ms: int) -> None:
        """Note the sums of each vhost and of the node; the queues were looked at before."""
        finish, views = self._node.slices.finish, self._node.views
        lengths = await self._lengths()
        kept: dict[str, Spans] = {}
        for name in names:
            try:
                flow = await finish(views.flow(name))
            except NotFoundError:
                continue  # It went meanwhile.
            spans = kept[name] = self.vhosts.get(name) or Spans(series.TOTALS_WIDTH)
            spans.note(now_ms, series.of_totals(flow, *lengths.get(name, (0, 0))))
        self.vhosts = kept
        ready_counts, unacked_counts = zip((0, 0), *lengths.values(), strict=True)
        flow = await finish(views.flow())
        self.totals.note(now_ms, series.of_totals(flow, sum(ready_counts), sum(unacked_counts)))

    async def _lengths(self) -> dict[str, tuple[int, int]]:
        """Return the messages in the queues of each vhost, ready and unacked."""
        sums: dict[str, tuple[int, int]] = {}
        for (vhost, _), history in self.queues.items():
            ready, unacked = history.last[0], history.last[1]
            if ready or unacked:
                ready_count, unacked_count = sums.get(vhost, (0, 0))
                sums[vhost] = (ready_count + ready, unacked_count + unacked)
            if self._node.slices.is_spent():
                await self._node.slices.pause()
        return sums

    async def _note(
        self,
        now_ms: int,
        known: dict[Key, History],
        looked: Iterator[tuple[Key, tuple[int, ...]]],
        width: int,
    ) -> dict[Key, History]:
        """Note the numbers of all things of a kind; return the histories of those that are there.

        The first look finds things of any age: what they counted before it is no growth.
        """
        slices = self._node.slices
        before_ms = now_ms if self._is_first else self.looks.last_ms
        kept: dict[Key, History] = {}
        for key, numbers in looked:
            history = known.get(key)
            if history is None:
                history = History(width, numbers if self._is_first else None, before_ms)
            if not history.note(now_ms, numbers):
                history.forget_before(now_ms - IDLE_MS)
            kept[key] = history
            if slices.is_spent():
                await slices.pause()
        return kept

    def _queues(self, vhosts: list[str], now_ms: int) -> Iterator[tuple[QueueKey, tuple[int, ...]]]:
        for vhost in vhosts:
            for name, counts in self._in_vhost(partial(self._node.views.queue_counts, vhost)):
                self._attention.queue(now_ms, vhost, name, counts)
                yield (vhost, name), series.of_queue(counts)

    def _exchanges(
        self, vhosts: list[str], now_ms: int
    ) -> Iterator[tuple[QueueKey, tuple[int, ...]]]:
        views = self._node.views
        for vhost in vhosts:
            for view in self._in_vhost(partial(views.exchanges, vhost)):
                self._attention.exchange(now_ms, view)
                yield (vhost, view.name), series.of_exchange(view)
            default = views.exchange(vhost, "")
            if default is not None:
                self._attention.exchange(now_ms, default)
                yield (vhost, ""), series.of_exchange(default)

    def _channels(self) -> Iterator[tuple[tuple[int, int], tuple[int, ...]]]:
        for page in pages(self._node.views.channels):
            for view in page:
                yield (view.connection_number, view.number), series.of_channel(view.counts)

    def _publishes(self) -> Iterator[tuple[PublishesKey, tuple[int, ...]]]:
        for page in pages(self._node.views.publishes):
            for view in page:
                key = (view.connection_number, view.channel_number, view.exchange)
                yield key, (view.published,)

    def _connections(self) -> Iterator[tuple[int, tuple[int, ...]]]:
        for page in pages(self._node.views.connections):
            for view in page:
                self._attention.connection(view)
                yield view.number, (view.received_bytes, view.sent_bytes)

    def _in_vhost(self, look: Callable[[str | None], Page[str, Item]]) -> Iterator[Item]:
        """Yield what is in a vhost, as long as there is one."""
        try:
            for page in pages(look):
                yield from page
        except NotFoundError:
            return
