"""How much memory the ready messages of a node, and of each queue, may take."""

from typing import Final, NamedTuple

from queues.tail import UNLIMITED_BYTES, NodeMemory, QueueMemory

SHORT_PART_OF_BUDGET: Final = 4
"""While the node is short of memory, a queue has its budget divided by this."""


class MemoryRules(NamedTuple):
    """The memory that queues may take.

    Attributes:
        node: counts the memory of all queues.
        queue_bytes: budget of a queue. A queue without a log on disk may exceed it as long as the
            node is not short of memory.
    """

    node: NodeMemory
    queue_bytes: int

    def of_queue(self, *, spills_early: bool) -> QueueMemory:
        """Return the account of a new queue.

        Args:
            spills_early: hold the queue to its budget even while there is memory for more, because
                it writes to the disk anyway.
        """
        short_bytes = max(self.queue_bytes // SHORT_PART_OF_BUDGET, 1)
        if spills_early:
            return QueueMemory(self.node, self.queue_bytes, short_bytes)
        return QueueMemory(self.node, short_budget_bytes=short_bytes)


WITHOUT_LIMIT: Final = MemoryRules(NodeMemory(), UNLIMITED_BYTES)
"""No queue ever spills."""
