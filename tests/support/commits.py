"""A ``queues.commits.CommitGroup`` whose disk is as fast as the test says."""

from collections import deque
from collections.abc import Callable, Sequence

from amqp_server.broker.backing import Backing
from amqp_server.broker.definitions.journal import StoredJournal
from amqp_server.broker.queue import QueueIdentity
from persistence.record import PERSISTENT, Run
from queues.memory_log import MemoryLog


class FakeCommits:
    """LSNs are what callers say; ``commit`` says how far the disk has come.

    Attributes:
        has_failed: nothing is committed any more, and who waits is told so.
    """

    is_one_log = True

    def __init__(self) -> None:
        self.committed_lsn = 0
        self.has_failed = False
        self.waiters: deque[tuple[int, Callable[[], None]]] = deque()

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        if lsn <= self.committed_lsn or self.has_failed:
            call()
        else:
            self.waiters.append((lsn, call))

    def commit(self, lsn: int) -> None:
        """Everything up to this LSN is on disk."""
        self.committed_lsn = lsn
        while self.waiters and self.waiters[0][0] <= lsn:
            self.waiters.popleft()[1]()

    def fail(self) -> None:
        """Commit nothing any more."""
        self.has_failed = True
        while self.waiters:
            self.waiters.popleft()[1]()


class FakeLog(MemoryLog):
    """The log of a durable queue: persistent messages get an LSN."""

    __slots__ = ("_disk", "commit_group")

    def __init__(self, disk: "FakeDisk") -> None:
        self._disk = disk
        self.commit_group = disk

    def append(
        self,
        first_position: int,
        run: Run,
        expires_at_ms: int | Sequence[int] = 0,
    ) -> int:
        return self._disk.next_lsn() if run[0].flags & PERSISTENT else 0

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        return self._disk.next_lsn() if is_promised else 0


class FakeDisk(FakeCommits):
    """Commits, a journal's changes and queues' logs with one counter of LSNs."""

    def __init__(self) -> None:
        super().__init__()
        self.last_lsn = 0

    def next_lsn(self) -> int:
        self.last_lsn += 1
        return self.last_lsn

    def append_definition(self, change: bytes) -> int:
        assert change
        return self.next_lsn()

    def make_log(self, queue: QueueIdentity) -> MemoryLog:
        return FakeLog(self) if queue.queue_id else MemoryLog()

    def backing(self) -> Backing:
        """Return what a broker on this disk is handed; with a journal of its own."""
        return Backing(journal=StoredJournal(self), make_log=self.make_log)

    def commit_all(self) -> None:
        """The disk has caught up."""
        self.commit(self.last_lsn)
