"""The log of a stream as the page of a stream draws it: its segments, and where its readers are."""

from collections.abc import Iterator
from typing import Any, Final

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import StreamSegments
from management.bodies.streams import (
    consumer_reader_body,
    segments_body,
    subscription_reader_body,
)
from management.call import Call
from management.http.errors import bad_request, not_found
from management.http.response import Response
from management.listing import Rows, listed
from management.node import pages
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import matching

SEGMENTS_MAX: Final = 500
"""Segments in an answer; ``next`` is the ``offset`` of the next request."""

_OFFSET_DIGITS_MAX: Final = 19


async def segments(call: Call) -> Response:
    """Return segments of a stream, the oldest first."""
    offset = call.request.query.number("offset", 0, _OFFSET_DIGITS_MAX)
    count = call.request.query.number("count", SEGMENTS_MAX)
    if not 1 <= count <= SEGMENTS_MAX:
        raise bad_request(f"count: expected 1 to {SEGMENTS_MAX}")
    return call.answer(segments_body(_found(call, offset, count)))


async def readers(call: Call) -> Response:
    """Return who reads a stream, and where each is: consumers of AMQP, and subscriptions."""
    _found(call, 0, 1)
    views, node = call.node.views, call.services.identity.node
    place = (call.vhost, call.names["queue"])
    all_consumers = (view for page in pages(views.consumers) for view in page)
    all_subscriptions = (view for page in pages(views.stream_consumers) for view in page)
    consumers = await matching(
        call, all_consumers, lambda view: (view.vhost, view.queue_name) == place
    )
    subscriptions = await matching(
        call, all_subscriptions, lambda view: (view.vhost, view.stream_name) == place
    )

    def bodies() -> Iterator[dict[str, Any]]:
        for consumer in consumers:
            if (owner := views.connection(consumer.connection_number)) is not None:
                yield consumer_reader_body(consumer, owner, node)
        for subscription in subscriptions:
            if (owner := views.connection(subscription.connection_number)) is not None:
                yield subscription_reader_body(subscription, owner, node)

    return await listed(call, Rows(bodies(), dict, lambda body: str(body["name"])))


def _found(call: Call, offset: int, count: int) -> StreamSegments:
    name = call.names["queue"]
    try:
        found = call.node.views.stream_segments(call.vhost, name, offset, count)
    except NotFoundError as error:
        raise not_found() from error
    if found is None:
        raise bad_request(f"queue '{name}' in vhost '{call.vhost}' is no stream")
    return found


ROUTES: Final = (
    Route(
        method="GET",
        path="stream/{vhost}/{queue}/segments",
        right=Right.USER,
        handler=segments,
        summary="The segments of a stream, from an offset on: offsets, times, sizes.",
        answer="stream_segments",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="GET",
        path="stream/{vhost}/{queue}/readers",
        right=Right.USER,
        handler=readers,
        summary="Who reads a stream over AMQP or the stream protocol, and where each is.",
        answer="stream_reader",
        is_list=True,
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
)
