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
    StreamSegments,
    StreamTracking,
)
from persistence.streams.extent import KeptSegment
from queues.stream_log import StreamLog

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
        log = self._log(vhost, name)
        if log is None:
            return None
        offsets, publishing_ids = log.tracking()
        return StreamTracking(_by_text(offsets), _by_text(publishing_ids))

    def stream_segments(
        self, vhost: str, name: str, from_offset: int = 0, max_count: int = PAGE_USUAL
    ) -> StreamSegments | None:
        """Return segments of a stream as they are in memory; None if this queue is no stream.

        Args:
            vhost: of the stream.
            name: of the stream.
            from_offset: the first of them goes beyond it.
            max_count: the most to return.

        Raises:
            NotFoundError: there is no such vhost or queue.
        """
        log = self._log(vhost, name)
        if log is None:
            return None
        count = max(1, min(max_count, PAGE_MAX))
        # One more than fits shows where the next part begins.
        found = log.segments_from(from_offset, count + 1)
        end = log.readable_offset
        return StreamSegments(
            log.first_offset,
            end,
            log.message_count - (log.next_offset - end),
            log.size_bytes,
            log.segment_count,
            [_below(segment, end) for segment in found[:count]],
            found[count].first_offset if len(found) > count else None,
        )

    def _log(self, vhost: str, name: str) -> StreamLog | None:
        queue = self._broker.vhost(vhost).queues.find(name)
        if queue is None:
            raise NotFoundError(f"no queue '{name}' in vhost '{vhost}'")
        return None if queue.stream is None else queue.stream.log

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


def _below(segment: KeptSegment, end: int) -> KeptSegment:
    """Return a segment without the offsets that are not committed yet."""
    return segment._replace(next_offset=max(segment.first_offset, min(segment.next_offset, end)))


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
