"""``rabbitmq-queues peek``: a message of a quorum queue by its place, the first is 1.

Source: RabbitMQ 3.10, asked; recorded answers of 3.10.8 and 4.3.6.
"""

import base64
from collections.abc import Iterator
from typing import Any, Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.accounts import NOT_FOUND
from command_line.lookalike.results import Result, Rows
from command_line.lookalike.terms import Term
from command_line.lookalike.words import Call, WrongWordsError

PAYLOAD_BYTES_MAX: Final = 64
POSITION_DIGITS_MAX: Final = 15
"""No queue has as many messages."""

PROPERTIES: Final = (
    "cluster_id",
    "app_id",
    "user_id",
    "type",
    "timestamp",
    "message_id",
    "expiration",
    "reply_to",
    "correlation_id",
    "priority",
    "delivery_mode",
    "content_encoding",
    "content_type",
)
"""In the order in which they are shown."""


def require_position(call: Call) -> None:
    """Refuse what is no position.

    Raises:
        WrongWordsError: that is so.
    """
    text = call.args[1]
    if not (text.isascii() and text.isdigit() and int(text[:POSITION_DIGITS_MAX])):
        problem = '"position value must be a positive integer"'
        raise WrongWordsError(problem, exit_status.USAGE)


def peek(call: Call) -> Result:
    """Show the message at a position; nothing is taken or marked.

    Raises:
        CommandError: 69, there is no such queue or message, or the queue is of another kind.
    """
    name = call.args[0]
    try:
        kind = call.api.thing(path_of("queues", call.vhost, name), columns="type").get("type")
    except RefusedError as error:
        if error.http_status != NOT_FOUND:
            raise
        text = f"Target queue was not found in virtual host '{call.vhost}'"
        raise CommandError(text, exit_status.UNAVAILABLE) from error
    if kind != "quorum":
        raise CommandError(f"Cannot peek into a {kind} queue", exit_status.UNAVAILABLE)
    fields = dict(_fields(_message(call)))
    rows = [{"keys": field, "values": value} for field, value in fields.items()]
    values = {
        field: value.json if isinstance(value, Term) else value for field, value in fields.items()
    }
    return Rows(("keys", "values"), rows, is_drawn=True, json={"message": values, "result": "ok"})


def _message(call: Call) -> Thing:
    """Return the message at the position; a look may end before it, and say where to go on."""
    name, position = call.args
    path = f"{path_of('queues', call.vhost, name)}/peek"
    place: Thing | None = {"offset": int(position[:POSITION_DIGITS_MAX]) - 1}
    limits = {"count": 1, "truncate": PAYLOAD_BYTES_MAX, "encoding": "auto"}
    while place is not None:
        found = call.api.call("POST", path, {**limits, **place})
        if found["items"]:
            message: Thing = found["items"][0]
            return message
        place = found["next"]
    text = "Target queue does not have a message at that position"
    raise CommandError(text, exit_status.UNAVAILABLE)


def _fields(message: Thing) -> Iterator[tuple[str, Any]]:
    properties = message["properties"] or {}
    headers = properties.get("headers") or {}
    yield from ((name, properties[name]) for name in PROPERTIES if name in properties)
    keys = [message["routing_key"], *_texts(headers.get("CC"))]
    yield "routing_keys", Term("".join(keys), keys)
    yield "exchange", message["exchange"]
    yield f"payload (max {PAYLOAD_BYTES_MAX} bytes)", _payload(message)
    counted = {**headers, "x-delivery-count": message.get("delivery_count") or 0}
    yield from ((f"header.{name}", value) for name, value in counted.items())


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _payload(message: Thing) -> str:
    """Return the payload as a text, or its octets as Erlang writes them."""
    payload: str = message["payload"]
    if message["payload_encoding"] != "base64":
        return payload
    return f"<<{','.join(map(str, base64.b64decode(payload)))}>>"
