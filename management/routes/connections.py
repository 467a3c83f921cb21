"""Connections, channels and consumers: ``connections``, ``channels``, ``consumers``."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.views import ChannelView, ConnectionView, ConsumerView, StreamConsumerView
from management.bodies.connections import (
    channel_body,
    channel_name,
    consumer_body,
    publishes_body,
)
from management.bodies.streams import consumer_body_of_stream
from management.call import Call
from management.http.errors import bad_request, not_found
from management.http.response import Response, answer, empty
from management.listing import Rows, listed
from management.lists.ranges import Ranges, ranges_of
from management.node import pages
from management.open_connections import (
    bare_body,
    close,
    connection_answer,
    connections_listed,
    name_of,
    named_connection,
    reason_of,
    require_own,
    seen_connections,
    told_connections,
)
from management.peer_rows import CHANNELS, CONSUMERS, PeerRow
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import matching

STREAM_PROTOCOL: Final = "stream"
NO_WORD: Final = "a subscription of the stream protocol cannot be cancelled: close its connection"

_NUMBER: Final = re.compile(r"[0-9]{1,5}")

NO_STATS: Final = "Stats in management UI are disabled on this node"


class OnConnection(NamedTuple):
    """A channel, and its connection."""

    connection: ConnectionView
    channel: ChannelView


# ── what the user sees ──


def seen_channels(call: Call, vhost: str | None = None) -> Iterator[OnConnection]:
    """Yield the channels of this node that the user sees."""
    account, views = call.account, call.node.views
    for page in pages(views.channels):
        for view in page:
            is_seen = account.is_monitor or view.username == account.name
            if not is_seen or vhost not in {None, view.vhost}:
                continue
            connection = views.connection(view.connection_number)
            if connection is not None:
                yield OnConnection(connection, view)


def _consumers(call: Call, vhost: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the consumers that the user sees: those of channels, and those of streams."""
    views, node = call.node.views, call.services.identity.node
    for page in pages(views.consumers):
        for view in page:
            owner = _owner(call, view, vhost)
            if owner is not None:
                yield consumer_body(view, owner, node)
    for stream_page in pages(views.stream_consumers):
        for stream_view in stream_page:
            owner = _owner(call, stream_view, vhost)
            if owner is not None:
                yield consumer_body_of_stream(stream_view, owner, node)


def _owner(
    call: Call, view: ConsumerView | StreamConsumerView, vhost: str | None
) -> ConnectionView | None:
    """Return the connection of a consumer; None if the user does not see it."""
    owner = call.node.views.connection(view.connection_number)
    if owner is None or vhost not in {None, view.vhost}:
        return None
    is_seen = call.account.is_monitor or owner.username == call.account.name
    return owner if is_seen else None


# ── connections ──


async def connections(call: Call) -> Response:
    """Return the connections that the user sees."""
    told = await told_connections(call)
    return await connections_listed(call, seen_connections(call), told)


async def connections_of_vhost(call: Call) -> Response:
    """Return the connections of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    told = await told_connections(call, call.vhost)
    return await connections_listed(call, seen_connections(call, call.vhost), told)


async def connection(call: Call) -> Response:
    """Return a connection."""
    return connection_answer(call, await named_connection(call))


async def close_connection(call: Call) -> Response:
    """Close a connection, with the reason of the header ``X-Reason``."""
    return await close(call, await named_connection(call, is_change=True))


async def sessions_of_connection(call: Call) -> Response:
    """Return no sessions, of a connection that there is."""
    await named_connection(call)
    return answer([])


async def channels_of_connection(call: Call) -> Response:
    """Return the channels of a connection."""
    number = (await named_connection(call)).number
    found = await matching(
        call, seen_channels(call), lambda each: each.channel.connection_number == number
    )
    return await _channels_listed(call, iter(found), (), is_paged=False)


async def connections_of_user(call: Call) -> Response:
    """Return the connections of a user, without details."""
    user = call.names["user"]
    require_own(call, user, is_change=False)
    found = await matching(call, seen_connections(call), lambda view: view.username == user)
    told = [row for row in await told_connections(call) if row.user == user]
    both: list[ConnectionView | PeerRow] = [*found, *told]
    rows = Rows(iter(both), partial(bare_body, call), name_of)
    return await listed(call, rows._replace(is_paged=False))


async def close_connections_of_user(call: Call) -> Response:
    """Close all connections of a user."""
    user = call.names["user"]
    require_own(call, user, is_change=True)
    await call.node.command("close_connections_of_user", username=user, reason=reason_of(call))
    return empty()


# ── channels ──


async def channels(call: Call) -> Response:
    """Return the channels that the user sees."""
    return await _channels_listed(call, seen_channels(call), await _told(call, CHANNELS))


async def channels_of_vhost(call: Call) -> Response:
    """Return the channels of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    told = await _told(call, CHANNELS, call.vhost)
    return await _channels_listed(call, seen_channels(call, call.vhost), told)


async def _told(call: Call, kind: str, vhost: str | None = None) -> list[PeerRow]:
    """Return what other nodes have of a kind, as far as the user sees it."""
    account = call.account

    def sees(row: PeerRow) -> bool:
        is_seen = account.is_monitor or row.user == account.name
        return is_seen and vhost in {None, row.vhost}

    return await call.services.told.things(kind, sees)


async def _channels_listed(
    call: Call, found: Iterator[OnConnection], told: Iterable[PeerRow], *, is_paged: bool = True
) -> Response:
    _require_stats(call)
    ranges = ranges_of(call.request.query)
    both: Iterator[OnConnection | PeerRow] = chain(found, told)
    rows = Rows(
        both,
        lambda each: body_of_channel(call, each, ranges),
        _channel_name,
        is_paged=is_paged,
    )
    return await listed(call, rows)


def _channel_name(each: OnConnection | PeerRow) -> str:
    if isinstance(each, PeerRow):
        return each.name
    return channel_name(each.connection, each.channel.number)


def body_of_channel(call: Call, each: OnConnection | PeerRow, ranges: Ranges) -> dict[str, Any]:
    """Return the object of a channel; one of another node has no samples."""
    if isinstance(each, PeerRow):
        return each.body()
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
            require_own(call, view.username, is_change=False)
            body = body_of_channel(call, OnConnection(owner, view), ranges)
            consumers = await _consumers_of(call, view)
            body["consumer_details"] = [consumer_body(each, owner, node) for each in consumers]
            # RabbitMQ has nothing in these two lists unless its rates mode is detailed.
            return call.answer({**body, "publishes": _publishes(call, view), "deliveries": []})
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    raise not_found()


def _publishes(call: Call, channel: ChannelView) -> list[dict[str, Any]]:
    """Return what a channel published to which exchange."""
    place = (channel.connection_number, channel.number)
    publishes, looks = call.services.sampler.publishes, call.services.sampler.looks
    return [
        publishes_body(each, publishes.get((*place, each.exchange)), looks)
        for each in call.node.views.publishes_of(*place)
    ]


async def _consumers_of(call: Call, channel: ChannelView) -> list[ConsumerView]:
    found = (view for page in pages(call.node.views.consumers) for view in page)
    place = (channel.connection_number, channel.number)
    return await matching(
        call, found, lambda view: (view.connection_number, view.channel_number) == place
    )


# ── consumers ──


async def consumers(call: Call) -> Response:
    """Return the consumers that the user sees."""
    return await _consumers_listed(call, _consumers(call), await _told(call, CONSUMERS))


async def consumers_of_vhost(call: Call) -> Response:
    """Return the consumers of a vhost."""
    if not call.node.has_vhost(call.vhost):
        raise not_found()
    told = await _told(call, CONSUMERS, call.vhost)
    return await _consumers_listed(call, _consumers(call, call.vhost), told)


async def _consumers_listed(
    call: Call, found: Iterator[dict[str, Any]], told: Iterable[PeerRow]
) -> Response:
    _require_stats(call)
    both = chain(found, (row.body() for row in told))
    rows = Rows(both, dict, lambda body: str(body["consumer_tag"]), is_paged=False)
    return await listed(call, rows)


async def cancel_consumer(call: Call) -> Response:
    """Cancel a consumer; its client is told, and its unacked messages stay with the channel."""
    owner = await named_connection(call, is_change=True)
    number = call.names["channel"]
    if owner.vhost != call.vhost or not _NUMBER.fullmatch(number):
        raise not_found()
    tag = call.names["consumer_tag"]
    if owner.protocol == STREAM_PROTOCOL:
        raise bad_request(NO_WORD)
    given = {"number": owner.number, "channel_number": int(number), "consumer_tag": tag}
    try:
        await call.node.command("cancel_consumer", **given)
    except NotFoundError as error:
        raise not_found() from error
    return empty()


def _require_stats(call: Call) -> None:
    if call.request.query.is_true("disable_stats"):
        raise bad_request(NO_STATS)


_SINGLE: Final = frozenset(
    {
        "connections/{connection}",
        "connections/{connection}/channels",
        "connections/{connection}/sessions",
        "channels/{channel}",
    }
)
"""What one node has, and another one may be asked for."""


def _get(path: str, handler: Any, summary: str, answer: str, *, is_list: bool) -> Route:  # noqa: ANN401 -- a Handler
    return Route(
        method="GET",
        path=path,
        right=Right.USER,
        handler=handler,
        summary=summary,
        answer=answer,
        is_list=is_list,
        answered_by=AnsweredBy.ANY_NODE if path in _SINGLE else AnsweredBy.THIS_NODE,
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
        "connections/{connection}/sessions",
        sessions_of_connection,
        "Sessions of AMQP 1.0 in a connection: none.",
        "session",
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
        answered_by=AnsweredBy.ANY_NODE,
    ),
    Route(
        method="DELETE",
        path="connections/username/{user}",
        right=Right.USER,
        handler=close_connections_of_user,
        summary="Close all connections of a user.",
        answered_by=AnsweredBy.ALL_NODES,
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
    Route(
        method="DELETE",
        path="consumers/{vhost}/{connection}/{channel}/{consumer_tag}",
        right=Right.USER,
        handler=cancel_consumer,
        summary="Cancel a consumer, of a channel by its number; its client is told.",
        extension=True,
        answered_by=AnsweredBy.ANY_NODE,
    ),
)
