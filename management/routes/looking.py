"""Looks at messages: ``peek``, ``unacked`` and ``stream``; nothing is taken or marked."""

from collections.abc import Mapping
from typing import Any, Final, cast

from amqp_server.broker.admin import (
    HeldPlace,
    Look,
    LookPlace,
    NotSupportedError,
    OffsetSpec,
    Wanted,
)
from management.bodies.looks import (
    filter_of,
    held_place_of,
    look_body,
    offset_of,
    peeked_body,
    place_of,
)
from management.call import Call
from management.http.body import integer_of, text_of
from management.http.errors import bad_request, missing
from management.http.response import Response, answer
from management.routes.messages import as_base64_of, truncate_of
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import change, require_vhost

COUNT_USUAL: Final = 50
SCAN_USUAL: Final = 20_000
UNACKED_USUAL: Final = 100


async def peek(call: Call) -> Response:
    """Show messages of a queue, ready or unacked."""
    body = call.body()
    state = text_of(body, "state", "ready")
    if state == "unacked":
        return answer(await _look(call, body, "peek_unacked", held_place_of(body)))
    if state != "ready":
        raise bad_request("state: expected ready or unacked")
    return answer(await _look(call, body, "peek", place_of(body)))


async def stream(call: Call) -> Response:
    """Show messages of a stream from an offset, a time or an age on."""
    body = call.body()
    place = place_of(body)
    if place is None:
        start: OffsetSpec | LookPlace = offset_of(body)
    else:
        start = place
    return answer(await _look(call, {**body, "offset": 0}, "peek", start))


async def unacked(call: Call) -> Response:
    """Show who holds unacked messages of a queue, and for how long."""
    number = call.request.query.get("offset") or 0
    count = call.request.query.get("count") or UNACKED_USUAL
    given = {"offset": number, "count": count, "truncate": 0}
    shown = await _look(call, given, "peek_unacked", None)
    keys = ("delivery_tag", "consumer_tag", "channel_name", "unacked_for_seconds", "payload_bytes")
    return answer([{key: item[key] for key in keys} for item in shown["items"]])


async def _look(
    call: Call,
    body: Mapping[str, Any],
    command: str,
    start: LookPlace | HeldPlace | OffsetSpec | None,
) -> dict[str, Any]:
    """Carry a look out; return its answer."""
    require_vhost(call)
    as_base64 = as_base64_of({"encoding": "auto", **body})
    number = _count_of(body, "offset", 0)
    wanted = Wanted(
        _count_of(body, "count", COUNT_USUAL),
        filter_of(body),
        _count_of(body, "scan", SCAN_USUAL),
        truncate_of(body),
    )
    name = call.names["queue"]
    view = call.node.views.queue(call.vhost, name)
    if view is None:
        raise missing("queue_not_found")
    try:
        came = await change(call, command, name=name, start=start, number=number, wanted=wanted)
    except NotSupportedError as error:
        raise bad_request(str(error)) from error
    look = cast("Look", came)
    names: dict[tuple[int, int], str] = {}
    items: list[dict[str, Any]] = []
    for message in look.messages:
        item = peeked_body(message, as_base64=as_base64, is_stream=view.kind == "stream")
        holder = message.holder
        if holder is not None:
            item |= {
                "delivery_tag": holder.delivery_tag,
                "consumer_tag": holder.consumer_tag,
                "channel_name": _channel_name(
                    call, names, holder.connection_number, holder.channel_number
                ),
                "unacked_for_seconds": holder.held_ms // 1000,
            }
        items.append(item)
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return look_body(look, items)


def _channel_name(
    call: Call, names: dict[tuple[int, int], str], connection: int, channel: int
) -> str:
    """Return RabbitMQ's name of a channel; empty if its connection has gone meanwhile."""
    key = (connection, channel)
    if key not in names:
        view = call.node.views.connection(connection)
        names[key] = "" if view is None else f"{view.name} ({channel})"
    return names[key]


def _count_of(body: Mapping[str, Any], key: str, usual: int) -> int:
    if key not in body:
        return usual
    count = integer_of(body, key)
    if count < 0:
        raise bad_request(f"{key}: expected 0 or more")
    return count


ROUTES: Final = (
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/peek",
        right=Right.USER,
        handler=peek,
        summary="Look at messages, ready or unacked; nothing is taken, moved or marked.",
        body="peek",
        answer="look",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/stream",
        right=Right.USER,
        handler=stream,
        summary="Look at messages of a stream from an offset, a time or an age on.",
        body="stream_look",
        answer="look",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="GET",
        path="queues/{vhost}/{queue}/unacked",
        right=Right.USER,
        handler=unacked,
        summary="List who holds unacked messages of a queue, and for how long.",
        answer="unacked",
        is_list=True,
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
)
