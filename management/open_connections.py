"""Open connections as those who ask see them: their own, or all of them for one who monitors.

The routes of connections and those of streams show them.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
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
from management.peer_rows import CONNECTIONS, PeerRow

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


async def connections_listed(
    call: Call, views: Iterator[ConnectionView], told: Iterable[PeerRow] = ()
) -> Response:
    """Return connections as a list, those of this node first."""
    query = call.request.query
    ranges = ranges_of(query)
    found: Iterator[ConnectionView | PeerRow] = chain(views, told)
    if query.is_true("disable_stats"):
        return await listed(call, Rows(found, partial(bare_body, call), name_of))
    rows = Rows(found, lambda each: body_of(call, each, ranges), name_of)
    return await listed(call, rows)


async def told_connections(call: Call, vhost: str | None = None) -> list[PeerRow]:
    """Return the connections of other nodes that the user sees."""
    account = call.account

    def sees(row: PeerRow) -> bool:
        is_seen = account.is_monitor or row.user == account.name
        return is_seen and vhost in {None, row.vhost}

    return await call.services.told.things(CONNECTIONS, sees)


def bare_body(call: Call, each: ConnectionView | PeerRow) -> dict[str, Any]:
    """Return a connection without statistics."""
    if isinstance(each, PeerRow):
        return {"name": each.name, "vhost": each.vhost, "user": each.user, "node": each.node}
    return bare_connection_body(each, call.services.identity.node)


def _wall_offset_ms(call: Call) -> int:
    view = call.node.views.node()
    return view.wall_ms - view.now_ms


def name_of(each: ConnectionView | PeerRow) -> str:
    """Return the name of a connection."""
    return each.name


def body_of(call: Call, each: ConnectionView | PeerRow, ranges: Ranges) -> dict[str, Any]:
    """Return the object of a connection; one of another node has no samples."""
    if isinstance(each, PeerRow):
        return each.body()
    sampler, node = call.services.sampler, call.services.identity.node
    numbers = sampler.connections.get(each.number)
    return connection_body(each, node, _wall_offset_ms(call), numbers, sampler.looks, ranges)


def connection_answer(call: Call, view: ConnectionView) -> Response:
    """Return a connection as an answer."""
    ranges = ranges_of(call.request.query)
    body = body_of(call, view, ranges)
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
