"""Connections, channels and consumers: ``connections``, ``channels``, ``consumers``."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import ChannelView, ConnectionView, ConsumerView
from management.access.authorization import NO_OBJECT_ACCESS
from management.bodies.connections import (
    bare_connection_body,
    channel_body,
    channel_name,
    connection_body,
    consumer_body,
)
from management.call import Call
from management.http.errors import bad_request, not_authorised, not_found
from management.http.response import Response, empty
from management.listing import Rows, listed
from management.lists.ranges import Ranges, ranges_of
from management.node import pages
from management.routing.route import Right, Route
from management.vhost_commands import matching

CLOSED: Final = "Closed via management plugin"
"""Why a connection was closed, unless the request has another reason (``X-Reason``)."""

NO_STATS: Final = "Stats in management UI are disabled on this node"


class _OnConnection(NamedTuple):
    """A channel, and its connection."""

    connection: ConnectionView
    channel: ChannelView


# ── what the user sees ──


def _connections(call: Call, vhost: str | None = None) -> Iterator[ConnectionView]:
    """Yield the connections that the user sees: its own, or all for one who monitors."""
    account = call.account
    for page in pages(call.node.views.connections):
        for view in page:
            is_seen = account.is_monitor or view.username == account.name
            if is_seen and vhost in {None, view.vhost}:
                yield view


def _channels(call: Call, vhost: str | None = None) -> Iterator[_OnConnection]:
    account, views = call.account, call.node.views
    for page in pages(views.channels):
        for view in page:
            is_seen = account.is_monitor or view.username == account.name
            if not is_seen or vhost not in {None, view.vhost}:
                continue
            connection = views.connection(view.connection_number)
            if connection is not None:
                yield _OnConnection(connection, view)


def _consumers(call: Call, vhost: str | None = None) -> Iterator[dict[str, Any]]:
    account, views, node = call.account, call.node.views, call.services.identity.node
    for page in pages(views.consumers):
        for view in page:
            connection = views.connection(view.connection_number)
            if connection is None or vhost not in {None, view.vhost}:
                continue
            if account.is_monitor or connection.username == account.name:
                yield consumer_body(view, connection, node)


# ── connections ──


async def connections(call: Call) -> Response:
    """Return the connections that the user sees."""
    return await _connections_listed(call, _connections(call))


async def connections_of_vhost(call: Call) -> Response:
    """Return the connections of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _connections_listed(call, _connections(call, call.vhost))


async def _connections_listed(call: Call, views: Iterator[ConnectionView]) -> Response:
    query, node = call.request.query, call.services.identity.node
    ranges = ranges_of(query)
    if query.is_true("disable_stats"):
        bare = Rows(views, lambda view: bare_connection_body(view, node), _name_of)
        return await listed(call, bare)
    offset_ms = _wall_offset_ms(call)
    rows = Rows(views, lambda view: _body(call, view, offset_ms, ranges), _name_of)
    return await listed(call, rows)


def _wall_offset_ms(call: Call) -> int:
    view = call.node.views.node()
    return view.wall_ms - view.now_ms


def _name_of(view: ConnectionView) -> str:
    return view.name


def _body(call: Call, view: ConnectionView, wall_offset_ms: int, ranges: Ranges) -> dict[str, Any]:
    sampler, node = call.services.sampler, call.services.identity.node
    numbers = sampler.connections.get(view.number)
    return connection_body(view, node, wall_offset_ms, numbers, sampler.looks, ranges)


async def connection(call: Call) -> Response:
    """Return a connection."""
    ranges = ranges_of(call.request.query)
    view = await _named(call)
    return call.answer(_body(call, view, _wall_offset_ms(call), ranges))


async def close_connection(call: Call) -> Response:
    """Close a connection, with the reason of the header ``X-Reason``."""
    view = await _named(call, is_change=True)
    try:
        await call.node.command("close_connection", number=view.number, reason=_reason(call))
    except NotFoundError as error:
        raise not_found() from error
    return empty()


async def channels_of_connection(call: Call) -> Response:
    """Return the channels of a connection."""
    number = (await _named(call)).number
    found = await matching(
        call, _channels(call), lambda each: each.channel.connection_number == number
    )
    return await _channels_listed(call, iter(found), is_paged=False)


async def connections_of_user(call: Call) -> Response:
    """Return the connections of a user, without details."""
    user, node = call.names["user"], call.services.identity.node
    _require_own(call, user, is_change=False)
    found = await matching(call, _connections(call), lambda view: view.username == user)
    rows = Rows(iter(found), lambda view: bare_connection_body(view, node), _name_of)
    return await listed(call, rows._replace(is_paged=False))


async def close_connections_of_user(call: Call) -> Response:
    """Close all connections of a user."""
    user = call.names["user"]
    _require_own(call, user, is_change=True)
    await call.node.command("close_connections_of_user", username=user, reason=_reason(call))
    return empty()


def _reason(call: Call) -> str:
    return call.request.header("x-reason") or CLOSED


async def _named(call: Call, *, is_change: bool = False) -> ConnectionView:
    """Return the connection of the path.

    Raises:
        HttpError: 404, there is none; 401, it is another user's.
    """
    name, slices = call.names["connection"], call.node.slices
    for page in pages(call.node.views.connections):
        for view in page:
            if view.name == name:
                _require_own(call, view.username, is_change=is_change)
                return view
        if slices.is_spent():
            await slices.pause()
    raise not_found()


def _require_own(call: Call, owner: str, *, is_change: bool) -> None:
    account = call.account
    may = account.is_administrator if is_change else account.is_monitor
    if owner != account.name and not may:
        raise not_authorised(NO_OBJECT_ACCESS)


# ── channels ──


async def channels(call: Call) -> Response:
    """Return the channels that the user sees."""
    return await _channels_listed(call, _channels(call))


async def channels_of_vhost(call: Call) -> Response:
    """Return the channels of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _channels_listed(call, _channels(call, call.vhost))


async def _channels_listed(
    call: Call, found: Iterator[_OnConnection], *, is_paged: bool = True
) -> Response:
    _require_stats(call)
    ranges = ranges_of(call.request.query)
    rows = Rows(
        found, lambda each: _channel_body(call, each, ranges), _channel_name, is_paged=is_paged
    )
    return await listed(call, rows)


def _channel_name(each: _OnConnection) -> str:
    return channel_name(each.connection, each.channel.number)


def _channel_body(call: Call, each: _OnConnection, ranges: Ranges) -> dict[str, Any]:
    sampler, node = call.services.sampler, call.services.identity.node
    numbers = sampler.channels.get((each.channel.connection_number, each.channel.number))
    return channel_body(each.channel, each.connection, node, numbers, sampler.looks, ranges)


async def channel(call: Call) -> Response:
    """Return a channel, with its consumers."""
    _require_stats(call)
    ranges = ranges_of(call.request.query)
    name, views, node = call.names["channel"], call.node.views, call.services.identity.node
    for page in pages(views.channels):
        for view in page:
            owner = views.connection(view.connection_number)
            if owner is None or channel_name(owner, view.number) != name:
                continue
            _require_own(call, view.username, is_change=False)
            body = _channel_body(call, _OnConnection(owner, view), ranges)
            consumers = await _consumers_of(call, view)
            body["consumer_details"] = [consumer_body(each, owner, node) for each in consumers]
            # RabbitMQ has nothing in these two lists unless its rates mode is detailed.
            return call.answer({**body, "publishes": [], "deliveries": []})
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    raise not_found()


async def _consumers_of(call: Call, channel: ChannelView) -> list[ConsumerView]:
    found = (view for page in pages(call.node.views.consumers) for view in page)
    place = (channel.connection_number, channel.number)
    return await matching(
        call, found, lambda view: (view.connection_number, view.channel_number) == place
    )


# ── consumers ──


async def consumers(call: Call) -> Response:
    """Return the consumers that the user sees."""
    return await _consumers_listed(call, _consumers(call))


async def consumers_of_vhost(call: Call) -> Response:
    """Return the consumers of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    return await _consumers_listed(call, _consumers(call, call.vhost))


async def _consumers_listed(call: Call, found: Iterator[dict[str, Any]]) -> Response:
    _require_stats(call)
    rows = Rows(found, dict, lambda body: str(body["consumer_tag"]), is_paged=False)
    return await listed(call, rows)


def _require_stats(call: Call) -> None:
    if call.request.query.is_true("disable_stats"):
        raise bad_request(NO_STATS)


def _get(path: str, handler: Any, summary: str, answer: str, *, is_list: bool) -> Route:  # noqa: ANN401 -- a Handler
    return Route(
        method="GET",
        path=path,
        right=Right.USER,
        handler=handler,
        summary=summary,
        answer=answer,
        is_list=is_list,
    )


ROUTES: Final = (
    _get("connections", connections, "Open connections.", "connection", is_list=True),
    _get(
        "vhosts/{vhost}/connections",
        connections_of_vhost,
        "Open connections of a vhost.",
        "connection",
        is_list=True,
    ),
    _get("connections/{connection}", connection, "A connection.", "connection", is_list=False),
    _get(
        "connections/{connection}/channels",
        channels_of_connection,
        "The channels of a connection.",
        "channel",
        is_list=True,
    ),
    _get(
        "connections/username/{user}",
        connections_of_user,
        "The connections of a user.",
        "bare_connection",
        is_list=True,
    ),
    Route(
        method="DELETE",
        path="connections/{connection}",
        right=Right.USER,
        handler=close_connection,
        summary="Close a connection; the header X-Reason says why.",
    ),
    Route(
        method="DELETE",
        path="connections/username/{user}",
        right=Right.USER,
        handler=close_connections_of_user,
        summary="Close all connections of a user.",
    ),
    _get("channels", channels, "Open channels.", "channel", is_list=True),
    _get(
        "vhosts/{vhost}/channels",
        channels_of_vhost,
        "Channels of a vhost.",
        "channel",
        is_list=True,
    ),
    _get("channels/{channel}", channel, "A channel.", "channel", is_list=False),
    _get("consumers", consumers, "Consumers.", "consumer", is_list=True),
    _get(
        "consumers/{vhost}", consumers_of_vhost, "Consumers of a vhost.", "consumer", is_list=True
    ),
)
