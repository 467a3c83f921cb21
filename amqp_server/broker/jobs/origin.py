"""Where a dead letter came from: the queue in which it died first, by its ``x-death`` header.

It goes back there as it first came: with the exchange and the routing key that it had, and with the
history of its deaths.
"""

from typing import NamedTuple

from amqp_server.broker.moves.dead_letters import deaths_of
from persistence.record import HAS_HEADERS, Record, make_route

_NAME_BYTES_MAX = 255


class Origin(NamedTuple):
    """The queue of a dead letter, and the message as it was published there."""

    queue_name: str
    record: Record


def origin_of(record: Record) -> Origin | None:
    """Return where a message died first; None if it says nothing of that."""
    if not record.flags & HAS_HEADERS:
        return None
    deaths = deaths_of(record.header)
    if not deaths:
        return None
    queue_name, exchange, routing_key = deaths[-1]
    names = (queue_name, exchange, routing_key)
    if max([len(name.encode("utf-8", "surrogateescape")) for name in names]) > _NAME_BYTES_MAX:
        return None
    return Origin(queue_name, record._replace(route=make_route(exchange, routing_key)))


def addressed(record: Record, dest: str | None, source: str) -> tuple[str, Record]:
    """Return the queue that a message is moved to, empty for none, and what goes there.

    Args:
        record: the message.
        dest: name of the queue; None is the one in which it died first.
        source: name of the queue in which it is.
    """
    if dest is not None:
        return dest, record
    origin = origin_of(record)
    if origin is None or origin.queue_name == source:
        return "", record
    return origin
