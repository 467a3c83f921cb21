"""The log of a queue that survives nothing: transient queues, and tests."""

from persistence.record import Run


class MemoryLog:
    """A ``QueueLog`` that keeps nothing: all it is given is committed at once, as LSN 0."""

    __slots__ = ()

    @property
    def committed_lsn(self) -> int:
        """Everything appended is as safe as it will ever be."""
        return 0

    def append(self, first_position: int, run: Run) -> int:  # noqa: ARG002 - the port's names
        """Keep nothing; the queue holds the run itself."""
        return 0

    def settle(self, positions: range) -> int:  # noqa: ARG002 - the port's names
        """Keep nothing."""
        return 0
