"""Messages that wait behind an exchange that delays: ``exchanges/…/waiting``, shown and dropped."""

from operator import attrgetter
from typing import Any, Final, cast

from amqp_server.broker.admin import Dropped, WaitingMessage
from management.bodies.messages import shown_payload, shown_properties
from management.call import Call
from management.http.errors import bad_request
from management.http.response import Response, answer
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import change, require_vhost

COUNT_USUAL: Final = 50
TRUNCATE_USUAL: Final = 50_000


async def waiting(call: Call) -> Response:
    """Show messages, about in the order in which they are due."""
    require_vhost(call)
    query = call.request.query
    given = {
        "count": query.number("count", COUNT_USUAL),
        "truncate_bytes": query.number("truncate", TRUNCATE_USUAL),
    }
    came = await change(call, "list_waiting", exchange=call.names["exchange"], **given)
    as_base64 = query.get("encoding") == "base64"
    shown = []
    found = sorted(cast("tuple[WaitingMessage, ...]", came), key=attrgetter("due_ms"))
    for message in found:
        shown.append(_body_of(message, as_base64=as_base64))
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return answer(shown)


async def drop(call: Call) -> Response:
    """Drop the messages with an id, or with ``all=true`` all of them."""
    require_vhost(call)
    message_id = call.request.query.get("message_id")
    if (message_id is None) is not call.request.query.is_true("all"):
        raise bad_request("expected message_id, or all=true")
    came = await change(
        call, "drop_waiting", exchange=call.names["exchange"], message_id=message_id
    )
    return answer({"dropped": cast("Dropped", came).message_count})


def _body_of(message: WaitingMessage, *, as_base64: bool) -> dict[str, Any]:
    payload, encoding = shown_payload(message.payload, as_base64=as_base64)
    return {
        "due_at": message.due_ms,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "properties": shown_properties(message.properties),
        "payload_bytes": message.payload_bytes,
        "payload": payload,
        "payload_encoding": encoding,
    }


ROUTES: Final = (
    Route(
        method="GET",
        path="exchanges/{vhost}/{exchange}/waiting",
        right=Right.USER,
        handler=waiting,
        summary="Messages that wait behind an exchange that delays, the next that is due first.",
        answer="waiting",
        is_list=True,
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
    Route(
        method="DELETE",
        path="exchanges/{vhost}/{exchange}/waiting",
        right=Right.USER,
        handler=drop,
        summary="Drop messages that wait: those with a message_id, or all=true.",
        answer="dropped",
        extension=True,
        answered_by=AnsweredBy.LEADER,
    ),
)
