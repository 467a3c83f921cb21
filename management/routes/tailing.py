"""Messages as they pass: ``queues/…/tail`` and ``exchanges/…/tail``, server-sent events."""

import asyncio
from dataclasses import replace
from functools import partial
from typing import Final, cast

from amqp_server.broker.admin import Tailing
from management.call import Call
from management.forwarding import Forwarded, Forwarding
from management.http.errors import bad_request, not_authorised
from management.http.event_stream import EVENT_STREAM, event_stream
from management.http.response import Response
from management.live.listeners import Listener
from management.live.other_tails import OtherTails
from management.live.tail import TailFollower, passed_body
from management.routing.route import Right, Route
from management.vhost_commands import change, require_vhost

RATE_USUAL: Final = 100
RATE_MAX: Final = 1_000
TRUNCATE_USUAL: Final = 4_096
TRUNCATE_MAX: Final = 65_536


async def tail_queue(call: Call) -> Response:
    """Send copies of the messages that come to a queue."""
    return await _tail(call, "queue")


async def tail_exchange(call: Call) -> Response:
    """Send copies of the messages that are published to an exchange."""
    if call.node.has_vhost(call.vhost) and not call.may_enter(call.vhost):
        raise not_authorised("Access refused.")
    return await _tail(call, "exchange")


async def _tail(call: Call, place: str) -> Response:
    require_vhost(call)
    query = call.request.query
    rate = min(query.number("rate", RATE_USUAL), RATE_MAX)
    truncate_bytes = min(query.number("truncate", TRUNCATE_USUAL), TRUNCATE_MAX)
    encoding = query.get("encoding") or "auto"
    if encoding not in {"auto", "base64"}:
        raise bad_request("Unsupported encoding. Please use auto or base64.")
    listeners, woken = call.services.listeners, asyncio.Event()
    listeners.require_room()
    view = call.node.views.node()
    wall_offset_ms = view.wall_ms - view.now_ms
    given = {"place": place, "rate": rate, "truncate_bytes": truncate_bytes, "wake": woken.set}
    came = await change(call, "tail", name=call.names[place], **given)
    tailing = cast("Tailing", came)
    follower = TailFollower(
        tailing,
        woken,
        call.node.slices,
        partial(passed_body, wall_offset_ms=wall_offset_ms, as_base64=encoding == "base64"),
    )
    sources: tuple[TailFollower | OtherTails, ...] = (follower, *_other_tails(call))

    def begin(listener: Listener) -> None:
        for each in sources:
            each.begin(listener)

    def end(listener: Listener) -> None:
        for each in sources:
            each.end(listener)

    listener = Listener(lambda: call.still_stands() and tailing.may_go_on())
    return event_stream(listeners.serve(listener, begin, end))


def _other_tails(call: Call) -> tuple[OtherTails, ...]:
    """Return what shows the tails of the other nodes; nothing where another one shows this one."""
    services = call.services
    if services.peers is None or call.is_forwarded:
        return ()
    forwarding = Forwarding(services.node, services.identity.node, services.peers)
    forwarded = Forwarded(replace(call.request, body=b""), call.account)
    return (
        OtherTails(
            lambda: [each.name for each in forwarding.others()],
            lambda node: services.relays.begin(node, forwarded),
        ),
    )


ROUTES: Final = (
    Route(
        method="GET",
        path="queues/{vhost}/{queue}/tail",
        right=Right.USER,
        handler=tail_queue,
        summary="Copies of the messages that come to a queue, as server-sent events.",
        extension=True,
        media_type=EVENT_STREAM,
    ),
    Route(
        method="GET",
        path="exchanges/{vhost}/{exchange}/tail",
        right=Right.MONITORING,
        handler=tail_exchange,
        summary="Copies of the messages that are published to an exchange, as server-sent events.",
        extension=True,
        media_type=EVENT_STREAM,
    ),
)
