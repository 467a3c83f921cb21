"""Prefetch: how many deliveries may be outstanding.

Source: RabbitMQ, consumer-prefetch. ``global=false`` sets a limit for each consumer that starts
later on the channel. ``global=true`` sets a limit that all consumers of the channel share. Both
may apply at once.
"""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Prefetch:
    """One bound on unacked deliveries, and how much of it is used.

    Attributes:
        limit: outstanding deliveries at most; 0 is unlimited.
        used: how many are outstanding; may exceed a limit that was lowered meanwhile.
    """

    limit: int = 0
    used: int = 0
