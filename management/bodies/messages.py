"""Messages as JSON: what was got, and what is to be published.

    payload    text if it is UTF-8, else base64; payload_encoding says which
    headers    void is "undefined", a decimal a number, octets that are no UTF-8 a text that says so

Source: RabbitMQ 3.10, recorded answers.
"""

import binascii
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from amqp_server.broker.admin import Got
from management.http.errors import bad_request

TEXT: Final = "string"
BASE64: Final = "base64"
VOID: Final = "undefined"


def message_body(message: Got, *, as_base64: bool) -> dict[str, Any]:
    """Return a message that was got.

    Args:
        message: with its payload, which may be cut.
        as_base64: whether a payload that is text is base64 too.
    """
    payload, encoding = shown_payload(message.payload, as_base64=as_base64)
    return {
        "payload_bytes": message.payload_bytes,
        "redelivered": message.redelivered,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "message_count": message.message_count,
        "properties": shown_properties(message.properties),
        "payload": payload,
        "payload_encoding": encoding,
    }


def shown_payload(payload: bytes, *, as_base64: bool) -> tuple[str, str]:
    """Return a payload and the name of its encoding; ``as_base64`` holds for text too."""
    if not as_base64:
        try:
            return payload.decode(), TEXT
        except UnicodeDecodeError:
            pass
    return b64encode(payload).decode(), BASE64


def shown_properties(properties: Mapping[str, object]) -> object:
    """Return the properties; none at all are a list, as Erlang writes an empty one."""
    return {name: header_value(value) for name, value in properties.items()} or []


def header_value(value: object) -> object:
    """Return a plain value of a field table as RabbitMQ shows it in JSON."""
    match value:
        case None:
            return VOID
        case dict():
            return {key: header_value(held) for key, held in value.items()}
        case list():
            return [header_value(held) for held in value]
        case (int(scale), int(unscaled)):
            # RabbitMQ writes scale and number with a dot between them.
            return float(f"{scale}.{unscaled}")
        case bytes():
            return _text_of(value)
        case str():
            return _text_of(value.encode("utf-8", "surrogateescape"))
        case _:
            return value


def _text_of(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return f"Not UTF-8, base64 is: {b64encode(octets).decode()}"


def payload_of(body: Mapping[str, Any]) -> bytes:
    """Return the payload of a message that is to be published.

    Raises:
        HttpError: 400, it is no text, not in base64, or in another encoding.
    """
    payload, encoding = body["payload"], body["payload_encoding"]
    if not isinstance(payload, str):
        raise bad_request("payload_not_string")
    if encoding == TEXT:
        return payload.encode("utf-8", "surrogateescape")
    if encoding != BASE64:
        raise bad_request(["unsupported_encoding", encoding])
    try:
        return b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request(["not_base64", payload]) from error
