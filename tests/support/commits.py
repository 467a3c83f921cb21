"""A ``broker.commits.Commits`` whose disk is as fast as the test says."""

from collections import deque
from collections.abc import Callable


class FakeCommits:
    """LSNs are what callers say; ``commit`` says how far the disk has come."""

    def __init__(self) -> None:
        self.committed_lsn = 0
        self.waiters: deque[tuple[int, Callable[[], None]]] = deque()

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        if lsn <= self.committed_lsn:
            call()
        else:
            self.waiters.append((lsn, call))

    def commit(self, lsn: int) -> None:
        """Everything up to this LSN is on disk."""
        self.committed_lsn = lsn
        while self.waiters and self.waiters[0][0] <= lsn:
            self.waiters.popleft()[1]()
