"""Bounds what all clients of a node have sent behind, and with, channels that wait.

A connection may keep a MiB or two of it (``protocol.overlapping``). With ten thousand connections
whose queues' leader is cut off that is more than a node has. Where the node's room is full, a
connection keeps a small part and its socket is read no more. Nobody is refused for it. Each such
wait has an end of its own, so that no client waits for another one.
"""

from amqp_server.broker.node_budget import UNLIMITED_BYTES


class WaitingMemory:
    """The sum over all connections.

    Attributes:
        used_bytes: what is kept. The event with which a connection begins to wait, and small ones,
            count too, and may come above the limit.
        limit_bytes: from here on no connection keeps more than a small part.
    """

    __slots__ = ("limit_bytes", "used_bytes")

    def __init__(self, limit_bytes: int = UNLIMITED_BYTES) -> None:
        self.used_bytes = 0
        self.limit_bytes = limit_bytes

    def has_room(self, more_bytes: int) -> bool:
        """Return whether so much more may be kept."""
        return self.used_bytes + more_bytes <= self.limit_bytes

    def count(self, more_bytes: int) -> None:
        """Count more, or less, whether there is room or not."""
        self.used_bytes += more_bytes
