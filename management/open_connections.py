"""Open connections as those who ask see them: their own, or all of them for one who monitors.

The routes of connections and those of streams show them.
"""

from collections.abc import Iterator
from typing import Any, Final

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import ConnectionView
from management.access.authorization import NO_OBJECT_ACCESS
from management.bodies.connections import (
    bare_connection_body,
    connection_body,
    single_connection_body,
)
from management.call import Call
from management.http.errors import not_authorised, not_found
from management.http.response import Response, empty
from management.listing import Rows, listed
from management.lists.ranges import Ranges, ranges_of
from management.node import pages

CLOSED: Final = "Closed via management plugin"
"""Why a connection was closed, unless the request has another reason (``X-Reason``)."""


def seen_connections(call: Call, vhost: str | None = None) -> Iterator[ConnectionView]:
    """Yield the connections that the user sees: its own, or all for one who monitors."""
    account = call.account
    for page in pages(call.node.views.connections):
        for view in page:
            is_seen = account.is_monitor or view.username == account.name
            if is_seen and vhost in {None, view.vhost}:
                yield view


async def connections_listed(call: Call, views: Iterator[ConnectionView]) -> Response:
    """Return connections as a list."""
    query, node = call.request.query, call.services.identity.node
    ranges = ranges_of(query)
    if query.is_true("disable_stats"):
        bare = Rows(views, lambda view: bare_connection_body(view, node), name_of)
        return await listed(call, bare)
    offset_ms = _wall_offset_ms(call)
    rows = Rows(views, lambda view: _body(call, view, offset_ms, ranges), name_of)
    return await listed(call, rows)


def _wall_offset_ms(call: Call) -> int:
    view = call.node.views.node()
    return view.wall_ms - view.now_ms


def name_of(view: ConnectionView) -> str:
    """Return the name of a connection."""
    return view.name


def _body(call: Call, view: ConnectionView, wall_offset_ms: int, ranges: Ranges) -> dict[str, Any]:
    sampler, node = call.services.sampler, call.services.identity.node
    numbers = sampler.connections.get(view.number)
    return connection_body(view, node, wall_offset_ms, numbers, sampler.looks, ranges)


def connection_answer(call: Call, view: ConnectionView) -> Response:
    """Return a connection as an answer."""
    ranges = ranges_of(call.request.query)
    body = _body(call, view, _wall_offset_ms(call), ranges)
    return call.answer(single_connection_body(body))


async def close(call: Call, view: ConnectionView) -> Response:
    """Close a connection, with the reason of the request."""
    try:
        await call.node.command("close_connection", number=view.number, reason=reason_of(call))
    except NotFoundError as error:
        raise not_found() from error
    return empty()


def reason_of(call: Call) -> str:
    """Return why the request closes connections."""
    return call.request.header("x-reason") or CLOSED


async def named_connection(call: Call, *, is_change: bool = False) -> ConnectionView:
    """Return the connection of the path.

    Raises:
        HttpError: 404, there is none; 401, it is another user's.
    """
    name, slices = call.names["connection"], call.node.slices
    for page in pages(call.node.views.connections):
        for view in page:
            if view.name == name:
                require_own(call, view.username, is_change=is_change)
                return view
        if slices.is_spent():
            await slices.pause()
    raise not_found()


def require_own(call: Call, owner: str, *, is_change: bool) -> None:
    """Refuse a user who may not see, or close, the connections of another one.

    Raises:
        HttpError: 401.
    """
    account = call.account
    may = account.is_administrator if is_change else account.is_monitor
    if owner != account.name and not may:
        raise not_authorised(NO_OBJECT_ACCESS)
