"""The log of a queue that does not survive a restart: transient queues, and tests."""

from collections.abc import Sequence

from persistence.record import Run
from queues.commits import NOTHING_TO_COMMIT, CommitGroup
from queues.log_port import QueueSlice


class NothingStored:
    """A ``QueueReadBack`` without messages."""

    __slots__ = ()
    messages = None
    lost_count = 0


NOTHING_STORED = NothingStored()


class MemoryLog:
    """A ``QueueLog`` that keeps nothing; every append is committed at once, as LSN 0."""

    __slots__ = ()
    commit_group: CommitGroup = NOTHING_TO_COMMIT
    read_back_count = 0

    @property
    def committed_lsn(self) -> int:
        """All appends are as safe as they will ever be."""
        return 0

    def append(
        self,
        first_position: int,  # noqa: ARG002 - the port's names
        run: Run,  # noqa: ARG002
        expires_at_ms: int | Sequence[int] = 0,  # noqa: ARG002
    ) -> int:
        """Keep nothing; the queue holds the run itself."""
        return 0

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Promise nothing, as before."""

    def settle(
        self,
        positions: range,  # noqa: ARG002
        *,
        is_promised: bool = False,  # noqa: ARG002
    ) -> int:
        """Keep nothing."""
        return 0

    def requeued(self, positions: range, delivery_count: int) -> int:  # noqa: ARG002
        """Keep nothing; the queue counts itself."""
        return 0

    def spill(
        self,
        lane: int,  # noqa: ARG002
        slices: Sequence[QueueSlice],  # noqa: ARG002
        *,
        among_unacked: bool = False,  # noqa: ARG002
    ) -> bool:
        """Refuse: there is no disk."""
        return False

    def read_back(
        self,
        lane: int,  # noqa: ARG002
        from_position: int,  # noqa: ARG002
        stop_position: int,  # noqa: ARG002
    ) -> NothingStored:
        """Return that nothing is stored."""
        return NOTHING_STORED

    def drop(self) -> int:
        """Forget nothing, as nothing was kept."""
        return 0
