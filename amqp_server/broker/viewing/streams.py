"""Views of what clients of the stream protocol do, and of what streams keep for them."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, TypeVar

from amqp_server.broker.broker import Broker
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.pages import PAGE_MAX, PAGE_USUAL, Page
from amqp_server.broker.stream_counts import (
    OpenStreams,
    StreamConsumerView,
    StreamPublisherView,
    StreamTracking,
)

StreamCursor: TypeAlias = tuple[int, int]
"""Number of a connection, and of a publisher or subscription of it."""

_BEFORE_ALL: Final = -1
View = TypeVar("View", StreamPublisherView, StreamConsumerView)
_Look: TypeAlias = Callable[[int, int, int], Sequence[View]]


class StreamViews:
    """The views of streams; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def stream_publishers(
        self, after: StreamCursor | None = None, max_count: int = PAGE_USUAL
    ) -> Page[StreamCursor, StreamPublisherView]:
        """Return the publishers of all connections of the stream protocol."""
        return self._page(_publishers_of, _publisher_cursor, after, max_count)

    def stream_consumers(
        self, after: StreamCursor | None = None, max_count: int = PAGE_USUAL
    ) -> Page[StreamCursor, StreamConsumerView]:
        """Return the subscriptions of all connections of the stream protocol."""
        return self._page(_consumers_of, _consumer_cursor, after, max_count)

    def stream_tracking(self, vhost: str, name: str) -> StreamTracking | None:
        """Return what a stream keeps by reference; None if this queue is no stream.

        Raises:
            NotFoundError: there is no such vhost or queue.
        """
        queue = self._broker.vhost(vhost).queues.find(name)
        if queue is None:
            raise NotFoundError(f"no queue '{name}' in vhost '{vhost}'")
        stream = queue.stream
        if stream is None:
            return None
        offsets, publishing_ids = stream.log.tracking()
        return StreamTracking(_by_text(offsets), _by_text(publishing_ids))

    def _page(
        self,
        views_of: Callable[[OpenStreams], _Look[View]],
        cursor_of: Callable[[View], StreamCursor],
        after: StreamCursor | None,
        max_count: int,
    ) -> Page[StreamCursor, View]:
        numbered = self._broker.numbered
        left = max(1, min(max_count, PAGE_MAX))
        found: list[View] = []
        connection, behind = after or (0, _BEFORE_ALL)
        for number in numbered.numbers.in_order().irange(connection):
            opened = numbered.find(number)
            streams = None if opened is None else opened.open_streams
            if streams is None:
                continue
            first = behind if number == connection else _BEFORE_ALL
            # One more than fits shows whether there is more.
            found += views_of(streams)(number, first, left + 1 - len(found))
            if len(found) > left:
                return Page(tuple(found[:left]), cursor_of(found[left - 1]))
        return Page(tuple(found), None)


def _publishers_of(streams: OpenStreams) -> _Look[StreamPublisherView]:
    return streams.publisher_views


def _consumers_of(streams: OpenStreams) -> _Look[StreamConsumerView]:
    return streams.consumer_views


def _publisher_cursor(view: StreamPublisherView) -> StreamCursor:
    return view.connection_number, view.publisher_id


def _consumer_cursor(view: StreamConsumerView) -> StreamCursor:
    return view.connection_number, view.subscription_id


def _by_text(numbers: Sequence[tuple[bytes, int]]) -> dict[str, int]:
    return {reference.decode("utf-8", "surrogateescape"): number for reference, number in numbers}
