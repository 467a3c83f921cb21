"""A message that a program writes as plain values, as ``POST …/publish`` of the HTTP API has it.

Source: RabbitMQ 3.10, rabbit_mgmt_wm_exchange_publish and rabbit_mgmt_util:to_properties.
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.arguments.rules import SHORTSTR_MAX_BYTES
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.errors import InvalidMessageError
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import PROPERTIES, Properties, traits_of
from amqp_server.wire.tables import encode_shortstr
from persistence.record import Record, make_route

_DELIVERY_MODES: Final = (1, 2)
_SIZES_BYTES: Final[Mapping[str, int]] = {"octet": 1, "timestamp": 8}


class PropertyTypeError(InvalidMessageError):
    """A property has a value of another type than it must have (406).

    Attributes:
        name: of the property.
        expected: ``int``, ``string`` or ``table``.
    """

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"invalid message: property {name} must be of type {expected}")
        self.name = name
        self.expected = expected


def written_message(
    exchange: str, routing_key: str, properties: Mapping[str, object], body: bytes
) -> Record:
    """Return a message of these values.

    Args:
        exchange: name of the exchange, or "".
        routing_key: of the message.
        properties: by the names of ``wire.properties``, as JSON has them; unknown names are
            ignored. Integers that are out of range lose their upper octets, as in RabbitMQ.
        body: its octets.

    Raises:
        PropertyTypeError: a value of another type.
        InvalidMessageError: another delivery mode than 1 and 2, a text of more than 255 octets, or
            more headers than a client may send.
        DefinitionsError: a value in the headers that a field table cannot hold.
    """
    _check_text("routing key", routing_key)
    raw: dict[str, bytes] = {}
    for name, _, data_type in PROPERTIES:
        if name in properties:
            raw[name] = _octets_of(name, data_type, properties[name])
    mode = raw.get("delivery_mode")
    if mode is not None and properties["delivery_mode"] not in _DELIVERY_MODES:
        text = f"invalid message: {{delivery_mode_unknown,{properties['delivery_mode']}}}"
        raise InvalidMessageError(text)
    written = Properties(len(body), raw)
    if "headers" in properties:
        headers = Item({"headers": properties["headers"]}, "properties").table("headers")
        written.set_headers(headers)
        try:
            written.headers()
        except WireError as error:
            raise InvalidMessageError(f"invalid message: {error}") from None
    header = written.encode()
    return Record(make_route(exchange, routing_key), header, body, *traits_of(header))


def _octets_of(name: str, data_type: str, value: object) -> bytes:
    """Return the encoded value of a property; of the headers nothing yet."""
    size_bytes = _SIZES_BYTES.get(data_type)
    if size_bytes is not None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise PropertyTypeError(name, "int")
        return (value % (1 << 8 * size_bytes)).to_bytes(size_bytes, "big")
    if data_type == "table":
        if not isinstance(value, Mapping) and value != []:
            raise PropertyTypeError(name, "table")
        return b""
    if not isinstance(value, str):
        raise PropertyTypeError(name, "string")
    _check_text(f"property {name}", value)
    return encode_shortstr(value)


def _check_text(what: str, text: str) -> None:
    try:
        octets = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise InvalidMessageError(f"invalid message: {what} is no text") from None
    if len(octets) > SHORTSTR_MAX_BYTES:
        raise InvalidMessageError(
            f"invalid message: {what} is longer than {SHORTSTR_MAX_BYTES} octets"
        )
