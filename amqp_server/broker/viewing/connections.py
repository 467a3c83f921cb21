"""Views of connections, channels and consumers."""

from collections.abc import Iterator
from typing import TypeAlias

from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import (
    ChannelView,
    ConnectionView,
    ConsumerView,
    OpenChannel,
    PublishesView,
)
from amqp_server.broker.pages import PAGE_MAX, PAGE_USUAL, Page, page_of

ChannelCursor: TypeAlias = tuple[int, int]
"""Number of a connection, and of a channel of it."""

ConsumerCursor: TypeAlias = tuple[int, int, str]
"""Number of a connection, of a channel of it, and a consumer tag there."""


class ConnectionViews:
    """The views of connections, and what is on them; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def connections(
        self, after: int | None = None, max_count: int = PAGE_USUAL
    ) -> Page[int, ConnectionView]:
        """Return the open connections in the order of opening."""
        numbered = self._broker.numbered
        return page_of(numbered.numbers.in_order(), numbered.view, after, max_count)

    def connection(self, number: int) -> ConnectionView | None:
        """Return a connection; None if it is not open any more."""
        return self._broker.numbered.view(number)

    def channels(
        self, after: ChannelCursor | None = None, max_count: int = PAGE_USUAL
    ) -> Page[ChannelCursor, ChannelView]:
        """Return the channels of all connections, by connection and number."""
        left = max(1, min(max_count, PAGE_MAX))
        views: list[ChannelView] = []
        for (number, _), channel in self._channels_from(_behind(after)):
            if len(views) == left:
                last = views[-1]
                return Page(tuple(views), (last.connection_number, last.number))
            views.append(channel.view(number))
        return Page(tuple(views), None)

    def publishes(
        self, after: ChannelCursor | None = None, max_count: int = PAGE_USUAL
    ) -> Page[ChannelCursor, PublishesView]:
        """Return what each channel published to which exchange, channel by channel.

        Args:
            after: the channel behind which it goes on.
            max_count: about so many are returned: those of a channel stay together.
        """
        left = max(1, min(max_count, PAGE_MAX))
        views: list[PublishesView] = []
        for cursor, channel in self._channels_from(_behind(after)):
            views += channel.publishes_views(cursor[0])
            if len(views) >= left:
                return Page(tuple(views), cursor)
        return Page(tuple(views), None)

    def publishes_of(self, connection: int, channel: int) -> tuple[PublishesView, ...]:
        """Return what a channel published to which exchange; nothing if it is gone."""
        found = self._broker.numbered.find(connection)
        opened = None if found is None else found.channels.get(channel)
        if opened is None or opened.is_closing:
            return ()
        return tuple(opened.publishes_views(connection))

    def consumers(
        self, after: ConsumerCursor | None = None, max_count: int = PAGE_USUAL
    ) -> Page[ConsumerCursor, ConsumerView]:
        """Return the consumers of all channels, by channel and consumer tag.

        Direct reply-to consumers, which have no queue, are not among them.
        """
        left = max(1, min(max_count, PAGE_MAX))
        views: list[ConsumerView] = []
        connection, number, tag = after or (0, 0, "")
        begin = (connection, number)
        for place, channel in self._channels_from(begin):
            behind = tag if place == begin else None
            # One more than fits shows whether there is more.
            views += channel.consumer_views(place[0], behind, left + 1 - len(views))
            if len(views) > left:
                last = views[left - 1]
                cursor = (last.connection_number, last.channel_number, last.consumer_tag)
                return Page(tuple(views[:left]), cursor)
        return Page(tuple(views), None)

    def _channels_from(self, begin: ChannelCursor) -> Iterator[tuple[ChannelCursor, OpenChannel]]:
        """Yield the open channels from a place on, by connection and number."""
        numbered = self._broker.numbered
        for number in numbered.numbers.in_order().irange(begin[0]):
            found = numbered.find(number)
            channels = {} if found is None else found.channels
            for key in sorted([key for key in channels if not channels[key].is_closing]):
                if (number, key) >= begin:
                    yield (number, key), channels[key]


def _behind(after: ChannelCursor | None) -> ChannelCursor:
    return (0, 0) if after is None else (after[0], after[1] + 1)
