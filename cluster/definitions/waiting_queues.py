"""Names of the queues in which messages of delayed exchanges wait.

    orders..........…..........n1-4711        exchange, more dots than a name has octets, queue id

No client can name such a queue: it is longer than any name of AMQP. Who runs the cluster names it
as it is shown: ``(waits for exchange 'orders')``. It needs its exchange, and goes
with it. Each exchange that is declared has another one, so that what is left of an earlier exchange
of its name is in nobody's way.
"""

from typing import Final

_BETWEEN: Final = "." * 256
"""AMQP's names have 255 octets at most (shortstr)."""

_BEFORE: Final = "(waits for exchange '"
_BEHIND: Final = "')"


def waiting_queue_name(exchange: str, queue_id: str) -> str:
    """Return the name of the queue behind an exchange.

    Args:
        exchange: the name of the exchange.
        queue_id: of the queue; it has no dot.
    """
    return exchange + _BETWEEN + queue_id


def exchange_behind(queue: str) -> str | None:
    """Return the exchange whose messages wait in a queue; None where this is any other queue."""
    if len(queue) <= len(_BETWEEN):
        return None
    exchange, between, _ = queue.rpartition(_BETWEEN)
    return exchange if between else None


def shown_name(queue: str) -> str:
    """Return how people are told of a queue."""
    exchange = exchange_behind(queue)
    return queue if exchange is None else shown_as(exchange)


def shown_as(exchange: str) -> str:
    """Return how people are told of the queue behind an exchange."""
    return f"{_BEFORE}{exchange}{_BEHIND}"


def exchange_shown(name: str) -> str | None:
    """Return the exchange of a queue that is named as people are told of it; None: it is not."""
    if not (name.startswith(_BEFORE) and name.endswith(_BEHIND)):
        return None
    return name.removeprefix(_BEFORE).removesuffix(_BEHIND) or None


def first_behind(exchange: str) -> str:
    """Return what is before the names of all queues that were ever behind an exchange, sorted."""
    return exchange + _BETWEEN
