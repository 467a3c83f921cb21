"""The stream protocol: its connections, publishers and subscriptions, and what streams keep.

Source: RabbitMQ 3.10 with rabbitmq_stream_management, recorded answers; for tracking, RabbitMQ
3.13, rabbit_stream_tracking_mgmt.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import ConnectionView, StreamConsumerView, StreamPublisherView
from management.bodies.streams import stream_consumer_body, stream_publisher_body, tracking_body
from management.call import Call
from management.http.errors import UNAVAILABLE, HttpError, not_found
from management.http.response import Response
from management.listing import Rows, listed
from management.node import pages
from management.open_connections import (
    close,
    connection_answer,
    connections_listed,
    named_connection,
    seen_connections,
)
from management.routing.route import Handler, Right, Route
from management.vhost_commands import matching, require_object

PROTOCOL: Final = "stream"
"""Of connections of the stream protocol, as their views name it."""

View = TypeVar("View", StreamPublisherView, StreamConsumerView)


class _Owned(NamedTuple):
    """A publisher or a subscription, and its connection."""

    view: Any
    connection: ConnectionView


# ── connections ──


async def connections(call: Call) -> Response:
    """Return the connections of the stream protocol that the user sees."""
    return await _connections_listed(call, None)


async def connections_of_vhost(call: Call) -> Response:
    """Return the same, of a vhost."""
    _require_vhost_seen(call)
    return await _connections_listed(call, call.vhost)


async def _connections_listed(call: Call, vhost: str | None) -> Response:
    seen = seen_connections(call, vhost)
    found = await matching(call, seen, lambda view: view.protocol == PROTOCOL)
    return await connections_listed(call, iter(found))


async def connection(call: Call) -> Response:
    """Return a connection of the stream protocol."""
    return connection_answer(call, await _named(call))


async def close_connection(call: Call) -> Response:
    """Close a connection of the stream protocol."""
    return await close(call, await _named(call, is_change=True))


async def _named(call: Call, *, is_change: bool = False) -> ConnectionView:
    found = await named_connection(call, is_change=is_change)
    if found.protocol != PROTOCOL or found.vhost != call.vhost:
        raise not_found()
    return found


def _require_vhost_seen(call: Call) -> None:
    if not call.node.has_vhost(call.vhost):
        raise not_found()


# ── publishers and subscriptions ──


async def publishers(call: Call) -> Response:
    """Return the publishers that the user sees."""
    return await _publishers_listed(call, {})


async def publishers_of_vhost(call: Call) -> Response:
    """Return the publishers of a vhost."""
    _require_vhost_seen(call)
    return await _publishers_listed(call, {"vhost": call.vhost})


async def publishers_of_stream(call: Call) -> Response:
    """Return the publishers of a stream."""
    name = call.names["queue"]
    require_object(call.node.views.queue(call.vhost, name))
    return await _publishers_listed(call, {"vhost": call.vhost, "stream_name": name})


async def publishers_of_connection(call: Call) -> Response:
    """Return the publishers of a connection."""
    number = (await _named(call)).number
    return await _publishers_listed(call, {"connection_number": number})


async def _publishers_listed(call: Call, wanted: Mapping[str, object]) -> Response:
    node = call.services.identity.node
    views = (view for page in pages(call.node.views.stream_publishers) for view in page)
    found = await _owned(call, views, wanted)
    rows = Rows(
        iter(found),
        lambda each: stream_publisher_body(each.view, each.connection, node),
        lambda each: str(each.view.reference),
    )
    return await listed(call, rows)


async def consumers(call: Call) -> Response:
    """Return the subscriptions that the user sees."""
    return await _consumers_listed(call, {})


async def consumers_of_vhost(call: Call) -> Response:
    """Return the subscriptions of a vhost."""
    _require_vhost_seen(call)
    return await _consumers_listed(call, {"vhost": call.vhost})


async def consumers_of_connection(call: Call) -> Response:
    """Return the subscriptions of a connection."""
    number = (await _named(call)).number
    return await _consumers_listed(call, {"connection_number": number})


async def _consumers_listed(call: Call, wanted: Mapping[str, object]) -> Response:
    node = call.services.identity.node
    views = (view for page in pages(call.node.views.stream_consumers) for view in page)
    found = await _owned(call, views, wanted)
    rows = Rows(
        iter(found),
        lambda each: stream_consumer_body(each.view, each.connection, node),
        lambda each: str(each.view.stream_name),
    )
    return await listed(call, rows)


async def _owned(call: Call, views: Iterator[View], wanted: Mapping[str, object]) -> list[_Owned]:
    """Return the wanted ones of connections that the user sees."""
    account, look = call.account, call.node.views.connection

    def is_wanted(view: View) -> bool:
        return all(getattr(view, key) == value for key, value in wanted.items())

    owned: list[_Owned] = []
    for view in await matching(call, views, is_wanted):
        connection = look(view.connection_number)
        if connection is not None and (account.is_monitor or connection.username == account.name):
            owned.append(_Owned(view, connection))
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return owned


# ── streams ──


async def tracking(call: Call) -> Response:
    """Return the stored offsets of a stream's consumers, and the publishing ids of publishers."""
    try:
        found = call.node.views.stream_tracking(call.vhost, call.names["queue"])
    except NotFoundError as error:
        raise not_found() from error
    if found is None:
        text = "The stream leader is not available"
        raise HttpError(UNAVAILABLE, "service_unavailable", text)
    return call.answer(tracking_body(found, call.request.query.get("type") or "all"))


def _list(path: str, handler: Handler, summary: str, answer: str) -> Route:
    return Route(
        method="GET",
        path=f"stream/{path}",
        right=Right.USER,
        handler=handler,
        summary=summary,
        answer=answer,
        is_list=True,
    )


ROUTES: Final = (
    _list("connections", connections, "Connections of the stream protocol.", "connection"),
    _list(
        "connections/{vhost}",
        connections_of_vhost,
        "Connections of the stream protocol in a vhost.",
        "connection",
    ),
    Route(
        method="GET",
        path="stream/connections/{vhost}/{connection}",
        right=Right.USER,
        handler=connection,
        summary="A connection of the stream protocol.",
        answer="connection",
    ),
    Route(
        method="DELETE",
        path="stream/connections/{vhost}/{connection}",
        right=Right.USER,
        handler=close_connection,
        summary="Close a connection of the stream protocol; the header X-Reason says why.",
    ),
    _list(
        "connections/{vhost}/{connection}/publishers",
        publishers_of_connection,
        "The publishers of a connection.",
        "stream_publisher",
    ),
    _list(
        "connections/{vhost}/{connection}/consumers",
        consumers_of_connection,
        "The subscriptions of a connection.",
        "stream_consumer",
    ),
    _list("publishers", publishers, "Publishers of the stream protocol.", "stream_publisher"),
    _list(
        "publishers/{vhost}",
        publishers_of_vhost,
        "Publishers of the stream protocol in a vhost.",
        "stream_publisher",
    ),
    _list(
        "publishers/{vhost}/{queue}",
        publishers_of_stream,
        "The publishers of a stream.",
        "stream_publisher",
    ),
    _list("consumers", consumers, "Subscriptions of the stream protocol.", "stream_consumer"),
    _list(
        "consumers/{vhost}",
        consumers_of_vhost,
        "Subscriptions of the stream protocol in a vhost.",
        "stream_consumer",
    ),
    Route(
        method="GET",
        path="stream/{vhost}/{queue}/tracking",
        right=Right.USER,
        handler=tracking,
        summary="Stored offsets and publishing ids of a stream; type=offset or writer is one half.",
        answer="stream_tracking",
    ),
)
