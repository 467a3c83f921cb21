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


def keeper_name(exchange_name: str, kept: str) -> str:
    """Return the name of a keeper among queues: longer than any that AMQP has.

    Args:
        exchange_name: of its exchange.
        kept: the name of ``KEEP_COPY`` or ``KEEP_INSTEAD``.
    """
    return exchange_name + _LONGER_THAN_NAMES + kept


def exchange_of_keeper(name: str, to: Destination) -> str | None:
    """Return the exchange that such a keeper stands behind; None where this is another name."""
    end = _LONGER_THAN_NAMES + to.name
    return name[: -len(end)] if name.endswith(end) else None


def is_keeper(name: str) -> bool:
    """Whether a name among queues is that of a keeper."""
    return len(name) > NAME_BYTES_MAX
