"""What waits for the node's disk: one call of the group commit for all that an fsync has covered.

Each frame of a leader makes a mirror write and wait, and many come while one fsync is under way.
The core needs only the number of the last write that the disk has.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol


class NodeCommit(Protocol):
    """What is needed of ``persistence.group_commit.GroupCommit``."""

    @property
    def committed_lsn(self) -> int:
        """Everything up to this LSN is on the disk."""

    @property
    def writing_bytes(self) -> int:
        """How much the disk is taking now; 0: nothing, or it is full."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once everything up to this LSN is on the disk."""


class Fsyncs:
    """The writes of one core that wait for the disk, and who else waits for it.

    Args:
        commit: the node's group commit.
        fsynced: told the number of the last write that the disk has.
    """

    def __init__(self, commit: NodeCommit, fsynced: Callable[[int], None]) -> None:
        self._commit = commit
        self._fsynced = fsynced
        self._writes: deque[tuple[int, int]] = deque()
        self._calls: deque[tuple[int, Callable[[], None]]] = deque()
        self._is_waiting = False

    def wrote(self, lsn: int, number: int) -> None:
        """Writes up to a number are in the write-ahead log, below or at this LSN."""
        self._writes.append((lsn, number))
        if not self._is_waiting:
            self._wait()

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once everything up to this LSN is on the disk; LSNs of calls never fall."""
        self._calls.append((lsn, call))
        if not self._is_waiting:
            self._wait()

    def _wait(self) -> None:
        """Wait for the lowest LSN; what comes with it need not wait."""
        lines = (self._writes, self._calls)
        self._is_waiting = True
        self._commit.wait(min([line[0][0] for line in lines if line]), self._come)

    def _come(self) -> None:
        committed_lsn, writes, calls = self._commit.committed_lsn, self._writes, self._calls
        number = 0
        while writes and writes[0][0] <= committed_lsn:
            number = writes.popleft()[1]
        if number:
            self._fsynced(number)
        while calls and calls[0][0] <= committed_lsn:
            calls.popleft()[1]()
        self._is_waiting = False
        if writes or calls:
            self._wait()
