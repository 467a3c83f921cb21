"""What a node has of the other side's records and did not take yet, and the credit that it owes.

Credit is gathered: a queue's is given when it is an eighth of its window, and that of all queues
when together it is a sixteenth of theirs. So what is not given never closes a window.
"""

from typing import Final

from cluster.links.errors import LinkError
from cluster.links.settings import Windows

_OF_QUEUE: Final = 8
_OF_ALL: Final = 16


class IncomingCredit:
    """The windows of one connection's input, by queue."""

    __slots__ = ("_due", "_due_bytes", "_limits", "_queue_bytes", "bytes_count")

    def __init__(self, limits: Windows) -> None:
        """Nothing has come; ``limits`` are what this node said that it takes."""
        self._limits = limits
        self._queue_bytes: dict[str, int] = {}
        self.bytes_count = 0
        self._due: dict[str, int] = {}
        self._due_bytes = 0

    def came(self, queue: str, octets: int) -> None:
        """Octets have come.

        Raises:
            LinkError: more than the window allows.
        """
        in_queue = self._queue_bytes.get(queue, 0) + octets
        self._queue_bytes[queue] = in_queue
        self.bytes_count += octets
        limits = self._limits
        if in_queue > limits.stream_bytes or self.bytes_count > limits.catch_up_bytes:
            raise LinkError("more octets than the window allows")

    def taken(self, queue: str, octets: int) -> list[tuple[str, int]]:
        """Octets were taken; return the credit that is to be given now."""
        due = self._due.get(queue, 0) + octets
        self._due[queue] = due
        self._due_bytes += octets
        if self._due_bytes >= self._limits.catch_up_bytes // _OF_ALL:
            return self.all_due()
        if due >= self._limits.stream_bytes // _OF_QUEUE:
            return [(queue, self._give(queue))]
        return []

    def all_due(self) -> list[tuple[str, int]]:
        """Return all credit that was not given, as given now."""
        return [(queue, self._give(queue)) for queue in tuple(self._due)]

    def _give(self, queue: str) -> int:
        octets = self._due.pop(queue)
        self._due_bytes -= octets
        self.bytes_count -= octets
        left = self._queue_bytes[queue] - octets
        assert left >= 0, "no more is taken than came"
        if left:
            self._queue_bytes[queue] = left
        else:
            del self._queue_bytes[queue]
        return octets
