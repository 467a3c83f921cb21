"""What stands behind an exchange and keeps messages: the *keeper* of the exchange.

An exchange type that remembers messages names its keeper among the destinations of a message. The
walk turns this into a name that no queue can have, and the broker finds the keeper by that name.
So a message on its way to a queue never meets a question about keepers.
"""

from typing import Final

from exchanges.bindings import Destination, DestinationKind

NAME_BYTES_MAX: Final = 255
"""AMQP's limit of a name (shortstr), in octets."""

KEEP_COPY: Final = Destination(DestinationKind.KEEPER, "copy")
"""The keeper gets the message too. This is no route: the message may still be unroutable."""

KEEP_INSTEAD: Final = Destination(DestinationKind.KEEPER, "instead")
"""The keeper gets the message in place of all queues. It is a route."""

_LONGER_THAN_NAMES: Final = "." * (NAME_BYTES_MAX + 1)


def keeper_name(exchange_name: str) -> str:
    """Return the name of an exchange's keeper among queues: longer than any that AMQP has."""
    return exchange_name + _LONGER_THAN_NAMES


def exchange_of_keeper(name: str) -> str | None:
    """Return the exchange that a keeper stands behind; None where this is the name of a queue."""
    return name.removesuffix(_LONGER_THAN_NAMES) if len(name) > NAME_BYTES_MAX else None
