"""Messages: ``exchanges/…/publish`` and ``queues/…/get``, for looking into a broker by hand."""

from collections.abc import Mapping
from typing import Any, Final, cast

from amqp_server.broker.admin import (
    AccessRefusedError,
    BrokerError,
    DefinitionsError,
    Got,
    InvalidMessageError,
    NodeLimitError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    PropertyTypeError,
    Published,
    ReplyConsumerError,
    ResourceLockedError,
    SettledBy,
)
from management.bodies.messages import message_body, payload_of
from management.call import Call
from management.http.body import integer_of, key_text_of, object_of, require_keys
from management.http.errors import bad_request, missing, not_authorised
from management.http.response import Response, answer
from management.routing.route import AnsweredBy, Right, Route

_ENCODINGS: Final = {"auto": False, "base64": True}

_REPLIES: Final[Mapping[type[BrokerError], str]] = {
    AccessRefusedError: "403 ACCESS_REFUSED",
    NotFoundError: "404 NOT_FOUND",
    ResourceLockedError: "405 RESOURCE_LOCKED",
    PreconditionFailedError: "406 PRECONDITION_FAILED",
    InvalidMessageError: "406 PRECONDITION_FAILED",
    ReplyConsumerError: "406 PRECONDITION_FAILED",
    NodeLimitError: "506 RESOURCE_ERROR",
}
"""How RabbitMQ tells that a channel was closed: it does each of these on a channel of its own."""


def _as_reply(error: BrokerError) -> str:
    for kind, reply in _REPLIES.items():
        if isinstance(error, kind):
            return f"{reply} - {error}"
    return str(error)


async def publish(call: Call) -> Response:
    """Publish a message, with a confirm, and say whether it reached a queue."""
    body = call.body()
    _require_known_vhost(call)
    require_keys(body, "routing_key", "properties", "payload", "payload_encoding")
    payload = payload_of(body)
    properties = _properties_of(body)
    try:
        came = await call.node.command(
            "publish",
            vhost=call.vhost,
            exchange=call.names["exchange"],
            username=call.account.asker,
            routing_key=key_text_of(body, "routing_key"),
            properties=properties,
            payload=payload,
        )
    except PropertyTypeError as error:
        raise bad_request([f"not_{error.expected}", error.name]) from error
    except DefinitionsError:
        raise
    except BrokerError as error:
        raise bad_request(_as_reply(error)) from error
    published = cast("Published", came)
    if published.rejected:
        raise bad_request("rejected Unable to publish message. Check queue limits.")
    return answer({"routed": published.routed})


async def get(call: Call) -> Response:
    """Get messages, and settle them as the request says."""
    body = call.body()
    _require_known_vhost(call)
    if "ackmode" not in body and "requeue" in body:
        # Clients of before 3.7 send this in its place.
        is_requeued = body["requeue"] in {True, "true"}
        body["ackmode"] = f"ack_requeue_{'true' if is_requeued else 'false'}"
    require_keys(body, "ackmode", "count", "encoding")
    as_base64 = as_base64_of(body)
    try:
        came = await call.node.command(
            "get",
            vhost=call.vhost,
            name=call.names["queue"],
            username=call.account.asker,
            count=integer_of(body, "count"),
            settled_by=_settled_by(body),
            truncate_bytes=truncate_of(body),
        )
    except NotFoundError as error:
        raise missing(f"NOT_FOUND - {error}") from error
    except (ResourceLockedError, PreconditionFailedError) as error:
        raise bad_request(_as_reply(error)) from error
    except NotSupportedError as error:
        raise bad_request(f"540 {error}") from error
    shown = []
    for message in cast("tuple[Got, ...]", came):
        shown.append(message_body(message, as_base64=as_base64))
        if call.node.slices.is_spent():
            await call.node.slices.pause()
    return answer(shown)


def _properties_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of a message; the broker looks at the type of each.

    Raises:
        HttpError: 400, they are no object, or the headers hold a null.
    """
    properties = body["properties"]
    if not properties and isinstance(properties, list | dict):
        return {}
    if not isinstance(properties, dict):
        raise bad_request("properties: expected an object")
    if properties.get("headers"):
        object_of(properties, "headers")
    return {**properties, "headers": {}} if properties.get("headers") == [] else properties


def _require_known_vhost(call: Call) -> None:
    """Refuse a vhost that there is not, as the login of a channel there would be.

    Raises:
        HttpError: 401.
    """
    if not call.node.has_vhost(call.vhost):
        raise not_authorised("Access refused.")


def as_base64_of(body: Mapping[str, Any]) -> bool:
    """Return whether all payloads are to be shown in base64.

    Raises:
        HttpError: 400, the encoding is another one.
    """
    wanted = body["encoding"]
    if not isinstance(wanted, str) or wanted not in _ENCODINGS:
        raise bad_request("Unsupported encoding. Please use auto or base64.")
    return _ENCODINGS[wanted]


def _settled_by(body: Mapping[str, Any]) -> SettledBy:
    try:
        return SettledBy(body["ackmode"])
    except ValueError as error:
        expected = ", ".join([each.value for each in SettledBy])
        raise bad_request(f"ackmode: expected one of {expected}") from error


def truncate_of(body: Mapping[str, Any]) -> int | None:
    """Return where payloads are to be cut, in octets; None is nowhere.

    Raises:
        HttpError: 400, it is no number of octets.
    """
    if "truncate" not in body:
        return None
    size_bytes = integer_of(body, "truncate")
    if size_bytes < 0:
        raise bad_request("truncate: expected a number of octets, 0 or more")
    return size_bytes


ROUTES: Final = (
    Route(
        method="POST",
        path="exchanges/{vhost}/{exchange}/publish",
        right=Right.USER,
        handler=publish,
        summary="Publish a message; the answer says whether it reached a queue.",
        body="publish",
        answer="published",
    ),
    Route(
        method="POST",
        path="queues/{vhost}/{queue}/get",
        right=Right.USER,
        handler=get,
        summary="Get messages, and give them back, drop them, or reject them.",
        body="get",
        answer="message",
        is_list=True,
        answered_by=AnsweredBy.LEADER,
    ),
)
