"""The delay of a message, as it goes to wait, and the keys by which it is routed afterwards.

While a message waits, a header BCC has the routing keys that its other headers do not tell. It is
taken off before anybody gets the message.

Source: RabbitMQ's community plugin rabbitmq_delayed_message_exchange: the delay becomes
negative, so that no such exchange on the way delays again, and consumers see how long it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from amqp_server.broker.errors import InvalidMessageError
from amqp_server.broker.messages.expiration import checked_expiration_ms
from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import Properties, priority_of, split
from amqp_server.wire.tables import Field, longstr, plain
from exchanges.delayed_message import DELAY, delay_ms
from persistence.record import BODY_SIZE_STOP, HAS_EXPIRATION, HAS_HEADERS, NO_TTL, Record

_CC: Final = "CC"
_BCC: Final = "BCC"
_COPIES: Final = b"CC"
_new_record: Final = partial(tuple.__new__, Record)
_SIGNEDINT_MIN: Final = -(1 << 31)


def as_waiting(header: bytes, keys: Sequence[str]) -> tuple[bytes, int]:
    """Return the content header that a message waits with, and its delay in ms.

    Args:
        header: of the message; its headers can be decoded.
        keys: the routing key, and what CC and BCC name; one is the routing key alone.
    """
    properties = split(header)
    headers = properties.headers()
    delay = delay_ms({DELAY: plain(headers[DELAY])} if DELAY in headers else None)
    headers[DELAY] = Field("I" if -delay >= _SIGNEDINT_MIN else "l", -delay)
    hidden = [key for key in keys[1:] if key not in _texts(headers, _CC)]
    if hidden:
        headers[_BCC] = Field("A", [longstr(key) for key in hidden])
    properties.set_headers(headers)
    return properties.encode(), delay


def as_shared(record: Record, header: bytes, delay_ms: int) -> Record:
    """Return a message as it goes to another node to wait: its TTL there is its delay."""
    return record._replace(header=header, ttl_ms=delay_ms)


def after_waiting(records: Sequence[Record]) -> tuple[list[Record], Sequence[str]]:
    """Return messages alike as their queues get them, and their routing keys."""
    first = records[0]
    properties = split(first.header)
    headers = _headers(properties)
    keys = (first.routing_key, *_texts(headers, _CC), *_texts(headers, _BCC))
    priority, ttl_ms = priority_of(first.header), _ttl_ms(first.header, first.flags)
    if headers.pop(_BCC, None) is None:
        return [record._replace(priority=priority, ttl_ms=ttl_ms) for record in records], keys
    properties.set_headers(headers)
    rest = properties.encode()[BODY_SIZE_STOP:]
    return [
        record._replace(
            header=record.header[:BODY_SIZE_STOP] + rest,
            priority=priority,
            ttl_ms=ttl_ms,
            flags=record.flags | HAS_HEADERS,
        )
        for record in records
    ], keys


def has_copies(record: Record) -> bool:
    """Whether a message that waits may have several routing keys: CC, or BCC."""
    return _COPIES in record.header


def as_before_waiting(records: Iterable[Record]) -> list[Record]:
    """Return messages of one routing key each as their queues get them."""
    return [
        _new_record((route, header, body, flags, priority_of(header), _ttl_ms(header, flags)))
        for route, header, body, flags, _, _ in records
    ]


def _ttl_ms(header: bytes, flags: int) -> int:
    """Return the TTL that a message begins to have once it has waited."""
    if not flags & HAS_EXPIRATION:
        return NO_TTL
    text = split(header).text("expiration")
    try:
        return NO_TTL if text is None else checked_expiration_ms(text)
    except InvalidMessageError:
        return NO_TTL


def _headers(properties: Properties) -> dict[str, Field]:
    try:
        return properties.headers()
    except WireError:
        return {}


def _texts(headers: Mapping[str, Field], name: str) -> list[str]:
    field = headers.get(name)
    keys = plain(field) if field is not None and field.kind == "A" else []
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
