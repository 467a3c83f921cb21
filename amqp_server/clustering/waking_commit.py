"""The group commit of a node, as the broker waits for it: what waits asks for a turn."""

from collections.abc import Callable

from cluster.mirrored.fsyncs import NodeCommit


class WakingCommit:
    """The node's group commit, which asks for a turn behind what the core writes."""

    def __init__(self, commit: NodeCommit, wake: Callable[[], None]) -> None:
        self._commit = commit
        self._wake = wake

    @property
    def committed_lsn(self) -> int:
        """Everything up to this LSN is on the disk."""
        return self._commit.committed_lsn

    @property
    def writing_bytes(self) -> int:
        """How much the disk is taking now; 0: nothing, or it is full."""
        return self._commit.writing_bytes

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once everything up to this LSN is on the disk."""
        self._commit.wait(lsn, call)
        self._wake()
