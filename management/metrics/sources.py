"""Collects the things that an endpoint shows, in slices, each kind once for a scrape.

A scrape holds the numbers of all things that it shows: some hundred octets for a queue.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.pages import Page
from amqp_server.broker.views import CountedView
from management.clustered import census_of
from management.dangers import Census
from management.metrics import connections, queues
from management.metrics.connections import ChannelTotals, ConnectionTotals
from management.metrics.family import Item
from management.metrics.selection import Selection
from management.metrics.text import labels
from management.node import Node, pages

Key = TypeVar("Key")
Thing = TypeVar("Thing")


class OfConnections(NamedTuple):
    """What connections and channels have now, all together."""

    channels: ChannelTotals
    connections: ConnectionTotals


class Sources:
    """The things of one scrape.

    Args:
        node: that has them.
        selection: which of them.
    """

    def __init__(self, node: Node, selection: Selection) -> None:
        self.node = node
        self._selection = selection
        self._queues: list[Item] | None = None
        self._connections: list[Item] | None = None
        self._channels: list[Item] | None = None
        self._exchanges: list[Item] | None = None
        self._counted: CountedView | None = None

    async def counted(self) -> CountedView:
        """Return the sums of the node."""
        if self._counted is None:
            self._counted = await self.node.slices.finish(self.node.views.counted())
        return self._counted

    async def queues(self) -> list[Item]:
        """Return the queues of the vhosts, those that are wanted."""
        if self._queues is None:
            found: list[Item] = []
            wants = self._selection.wants_queue
            for vhost in self._vhosts():
                look = partial(self.node.views.queue_numbers, vhost)
                for each in self._in_vhost(look):
                    if wants(each.name):
                        found.append(queues.item_of(vhost, each))
                    await self._heed_time()
            self._queues = found
        return self._queues

    async def exchanges(self) -> list[Item]:
        """Return the exchanges of the vhosts, the default one too."""
        if self._exchanges is None:
            found: list[Item] = []
            for vhost in self._vhosts():
                default = self.node.views.exchange(vhost, "")
                if default is not None:
                    found.append(connections.exchange_item(default))
                for view in self._in_vhost(partial(self.node.views.exchanges, vhost)):
                    found.append(connections.exchange_item(view))
                    await self._heed_time()
            self._exchanges = found
        return self._exchanges

    async def bindings(self) -> list[Item]:
        """Return the exchanges, with how many bindings each is the source of."""
        counts: dict[tuple[str, str], int] = {}
        for vhost in self._vhosts():
            for binding in self._in_vhost(partial(self.node.views.bindings, vhost)):
                key = vhost, binding.source
                counts[key] = counts.get(key, 0) + 1
                await self._heed_time()
        found: list[Item] = []
        for item in await self.exchanges():
            count = counts.get((item[1].vhost, item[1].name), 0)
            found.append((connections.key_with_type(item), count))
            await self._heed_time()
        return found

    async def connections(self) -> list[Item]:
        """Return the connections."""
        if self._connections is None:
            found: list[Item] = []
            for page in pages(self.node.views.connections):
                found += map(connections.connection_item, page)
                await self._heed_time()
            self._connections = found
        return self._connections

    async def channels(self) -> list[Item]:
        """Return the channels."""
        if self._channels is None:
            names = {each[1].number: each[1].name for each in await self.connections()}
            found: list[Item] = []
            for page in pages(self.node.views.channels):
                for view in page:
                    name = names.get(view.connection_number)
                    if name is not None:
                        found.append(connections.channel_item(view, name))
                await self._heed_time()
            self._channels = found
        return self._channels

    async def lags(self) -> list[Item]:
        """Return the streams that have consumers, with the largest lag of these."""
        largest: dict[tuple[str, str], int] = {}
        for page in pages(self.node.views.consumers):
            for consumer in page:
                if consumer.lag is not None and self._selection.wants_vhost(consumer.vhost):
                    key = consumer.vhost, consumer.queue_name
                    largest[key] = max(largest.get(key, 0), consumer.lag)
            await self._heed_time()
        for part in pages(self.node.views.stream_consumers):
            for each in part:
                if self._selection.wants_vhost(each.vhost):
                    key = each.vhost, each.stream_name
                    largest[key] = max(largest.get(key, 0), each.lag)
            await self._heed_time()
        return [(labels(vhost=vhost, queue=name), lag) for (vhost, name), lag in largest.items()]

    async def census(self) -> Census:
        """Return how the mirrored queues of the cluster are."""
        return await census_of(self.node)

    async def of_connections(self) -> OfConnections:
        """Return what connections and channels have all together."""
        counted, view = await self.counted(), self.node.views.node()
        uncommitted = unsettled = prefetch = shared = 0
        for item in await self.channels():
            channel = item[1]
            uncommitted += channel.uncommitted
            unsettled += channel.unsettled
            prefetch += channel.prefetch
            shared += channel.shared_prefetch
            await self._heed_time()
        unsent = 0
        for item in await self.connections():
            unsent += item[1].unsent_bytes
            await self._heed_time()
        traffic = counted.traffic
        return OfConnections(
            ChannelTotals(
                view.consumer_count, uncommitted, unsettled, prefetch, shared, counted.channels
            ),
            ConnectionTotals(
                traffic.received_bytes,
                traffic.sent_bytes,
                traffic.received_count,
                traffic.sent_count,
                unsent,
                view.channel_count,
            ),
        )

    def vhost_items(self) -> list[Item]:
        """Return the vhosts; all of them run."""
        return [(labels(vhost=name), 1) for name in self._vhosts()]

    def _vhosts(self) -> list[str]:
        return [name for name in self.node.vhost_names() if self._selection.wants_vhost(name)]

    def _in_vhost(self, look: Callable[[Key | None], Page[Key, Thing]]) -> Iterator[Thing]:
        """Yield what is in a vhost, as long as there is one."""
        try:
            for page in pages(look):
                yield from page
        except NotFoundError:
            return

    async def _heed_time(self) -> None:
        if self.node.slices.is_spent():
            await self.node.slices.pause()
