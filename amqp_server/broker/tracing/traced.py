"""The message that the firehose makes of a publish or a delivery.

Its body is that of the message. Its headers say where the message went, who did it, and which
properties it had; it has no other property.

Source: RabbitMQ 3.10, rabbit_trace.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from amqp_server.broker.arguments.rules import SHORTSTR_MAX_BYTES
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import PROPERTIES, Properties, split, traits_of
from amqp_server.wire.tables import Field
from persistence.record import Record, make_route

TRACE_EXCHANGE: Final = "amq.rabbitmq.trace"
"""The exchange of each vhost that traces are published to."""

CARBON_COPIES: Final = "CC"
"""The header of further routing keys. BCC has left the message when it is delivered."""

_SIGNEDINT_MAX: Final = 2**31 - 1
_TRACE_ROUTE: Final = bytes([len(TRACE_EXCHANGE)]) + TRACE_EXCHANGE.encode()


class Actor(NamedTuple):
    """Who publishes or gets: the connection's name, the number of its channel, the user's name."""

    connection: str
    channel: int
    user: str


def is_trace(record: Record) -> bool:
    """Whether a message is a trace itself."""
    return record.route.startswith(_TRACE_ROUTE)


def trace_of_publish(
    record: Record, keys: Sequence[str], queue_names: Sequence[str], actor: Actor, place: "Place"
) -> Record:
    """Return the trace of a publish.

    Args:
        record: the message.
        keys: all its routing keys.
        queue_names: the queues that it goes to.
        actor: who published it.
        place: where that was.
    """
    headers = _about(record, keys, place) | _by(actor, place)
    headers["routed_queues"] = Field("A", [_longstr(name) for name in queue_names])
    return _trace(f"publish.{record.exchange}", headers, record)


def trace_of_delivery(
    record: Record, queue_name: str, actor: Actor, place: "Place", *, redelivered: bool
) -> Record:
    """Return the trace of a delivery, or of a basic.get.

    Args:
        record: the message.
        queue_name: where it was.
        actor: who gets it.
        place: where that is.
        redelivered: whether it was delivered before.
    """
    keys = [record.routing_key, *_carbon_copies(record)]
    headers = _about(record, keys, place)
    headers["redelivered"] = Field("I", int(redelivered))
    return _trace(f"deliver.{queue_name}", headers | _by(actor, place), record)


class Place(NamedTuple):
    """The names of the vhost and of the node."""

    vhost: str
    node: str


def _trace(key: str, headers: dict[str, Field], record: Record) -> Record:
    # Names may be as long as the key, so the end of a long one is cut off.
    octets = key.encode("utf-8", "surrogateescape")[:SHORTSTR_MAX_BYTES]
    properties = Properties(len(record.body), {})
    properties.set_headers(headers)
    header = properties.encode()
    route = make_route(TRACE_EXCHANGE, octets.decode("utf-8", "ignore"))
    return Record(route, header, record.body, *traits_of(header))


def _about(record: Record, keys: Sequence[str], place: Place) -> dict[str, Field]:
    return {
        "exchange_name": _longstr(record.exchange),
        "routing_keys": Field("A", [_longstr(key) for key in keys]),
        "properties": Field("F", _properties(record.header)),
        "node": _longstr(place.node),
    }


def _by(actor: Actor, place: Place) -> dict[str, Field]:
    return {
        "vhost": _longstr(place.vhost),
        "connection": _longstr(actor.connection),
        "channel": Field("I", actor.channel),
        "user": _longstr(actor.user),
    }


def _properties(header: bytes) -> dict[str, Field]:
    """Return the properties as a table; headers that cannot be decoded are left out."""
    found = split(header)
    table: dict[str, Field] = {}
    for name, _, data_type in reversed(PROPERTIES):
        octets = found.raw.get(name)
        if octets is None:
            continue
        if data_type == "shortstr":
            table[name] = Field("S", bytes(octets[1:]))
        elif data_type == "table":
            headers = _headers(found)
            if headers is not None:
                table[name] = Field("F", headers)
        else:
            number = int.from_bytes(octets, "big")
            table[name] = Field("I" if number <= _SIGNEDINT_MAX else "T", number)
    return table


def _headers(properties: Properties) -> dict[str, Field] | None:
    try:
        return properties.headers()
    except WireError:
        return None


def _carbon_copies(record: Record) -> list[str]:
    """Return the keys of CC, which stays in a message."""
    if CARBON_COPIES.encode() not in record.header:
        return []
    copies = (_headers(split(record.header)) or {}).get(CARBON_COPIES)
    if copies is None or not isinstance(copies.value, list):
        return []
    found = [one.value for one in copies.value]
    return [key.decode("utf-8", "surrogateescape") for key in found if isinstance(key, bytes)]


def _longstr(text: str) -> Field:
    return Field("S", text.encode("utf-8", "surrogateescape"))
