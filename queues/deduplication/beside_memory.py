"""Counts what a queue has in memory beside its messages, in the queue's own account."""

from queues.tail import NodeMemory, QueueMemory


class BesideMemory:
    """An account inside a queue's: what it counts goes with it, and takes nothing of its budget.

    A leadership ends without a word to the engine. Whoever made the account of its queue takes all
    of that off the node's, and so this too.

    Attributes:
        used_bytes: of what is counted here.
    """

    __slots__ = ("_of_queue", "used_bytes")

    def __init__(self, of_queue: QueueMemory) -> None:
        """Count nothing yet."""
        self._of_queue = of_queue
        self.used_bytes = 0

    @property
    def node(self) -> NodeMemory:
        """The memory of the node."""
        return self._of_queue.node

    def add(self, more_bytes: int) -> None:
        """Count more, or less; the messages may take as much as before."""
        of_queue = self._of_queue
        self.used_bytes += more_bytes
        of_queue.budget_bytes += more_bytes
        of_queue.short_budget_bytes += more_bytes
        of_queue.add(more_bytes)
