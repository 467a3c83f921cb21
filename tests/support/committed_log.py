"""The log of a mirrored queue for tests: what is committed is what the test says."""

from collections import deque
from collections.abc import Callable, Sequence

from persistence.record import Run
from queues.classic.lifetime import wake_nobody
from queues.commits import SAFE_NOW, CommitPoint, point_at
from tests.support.queue_log import FakeLog


class FakeCommittedLog(FakeLog):
    """A ``queues.log_port.KeepingLog``."""

    has_ended = has_repeated = False

    def __init__(self, max_priority: int | None = None) -> None:
        super().__init__(max_priority)
        self.on_committed: Callable[[], None] = wake_nobody
        self.on_admitted: Callable[[], None] = wake_nobody
        self.keys_are_known: bool | None = None
        self.committed_below = 0
        self.delivers = True
        self.is_late = False
        self.uncommitted: deque[int] = deque()

    @property
    def may_deliver(self) -> bool:
        return self.delivers

    @property
    def last_point(self) -> CommitPoint:
        return point_at(self.commit_group, self.lsn) if self.uncommitted else SAFE_NOW

    def lags(self, now_ms: int) -> bool:
        del now_ms
        return self.is_late

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        self.uncommitted.append(first_position + len(run))
        return super().append(first_position, run, expires_at_ms)

    def commit(self, run_count: int = 1_000_000) -> None:
        """So many runs more are committed."""
        for _ in range(min(run_count, len(self.uncommitted))):
            self.committed_below = self.uncommitted.popleft()
        self.on_committed()

    def let_deliver(self, *, is_on: bool) -> None:
        """The lease is over, or there again."""
        self.delivers = is_on
        if is_on:
            self.on_committed()
