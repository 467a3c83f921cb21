"""Prefetch: how many deliveries may be outstanding.

Source: RabbitMQ, consumer-prefetch. ``global=false`` is one of each consumer that starts
later on the channel; ``global=true`` is one that all consumers of the channel share. Both
may hold at once.
"""


class Prefetch:
    """One bound on unacked deliveries, and how much of it is used.

    Attributes:
        limit: outstanding deliveries at most; 0 is unlimited.
        used: how many are outstanding; may exceed a limit that was lowered meanwhile.
    """

    __slots__ = ("limit", "used")

    def __init__(self, limit: int = 0) -> None:
        self.limit = limit
        self.used = 0

    def clip(self, count: int) -> int:
        """Return how many of ``count`` deliveries fit."""
        if not self.limit:
            return count
        return max(min(count, self.limit - self.used), 0)
