"""Where a queue keeps its messages, and what a restart finds of it.

Implemented by shape: ``persistence.log`` on the disk, ``queues.memory_log`` nowhere (ADR 2).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from persistence.record import Run
from queues.commits import CommitGroup


class QueueSlice(Protocol):
    """Some messages of a queue, in order, with their places; at least one."""

    @property
    def records(self) -> Run:
        """The messages."""

    @property
    def positions(self) -> Sequence[int]:
        """Theirs, ascending: a range of step 1 where they are contiguous."""

    @property
    def expires_at_ms(self) -> int | Sequence[int]:
        """When they expire (instant; 0 is never), one for all or one each."""


class QueueReadBack(Protocol):
    """What was read back."""

    @property
    def messages(self) -> QueueSlice | None:
        """The next stored messages; None when there are no more."""

    @property
    def lost_count(self) -> int:
        """Messages before them that cannot be read any more: the media are damaged."""


class QueueLog(Protocol):
    """Where a queue's records and settlements are kept; ``MemoryLog`` keeps nothing.

    An LSN is the one number that orders safety: what was appended with an LSN is as safe as its
    durability class promises once ``committed_lsn`` of the ``commit_group`` has reached it.
    """

    @property
    def commit_group(self) -> CommitGroup:
        """Whose LSNs are returned from now on; those before stay in theirs."""

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is safe."""

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        """Append a run whose first message has this position; return its LSN.

        Args:
            first_position: above every position appended before.
            run: at least one message; it must not change any more.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        """

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Say what is promised of appends from now on; those before keep what they had.

        Args:
            is_fsynced: ``committed_lsn`` reaches them once they are on disk; else once they are
                in the page cache.
        """

    def settle(self, positions: range) -> int:
        """Record that these positions are done with, for ever; return the LSN.

        The range may have any step > 0: consumers in turn are dealt every n-th message. Some of
        them may have been settled before a restart, which is no news.
        """

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record that these positions came back, by now so often; return the LSN."""

    def spill(self, lane: int, slices: Sequence[QueueSlice]) -> bool:
        """Store messages whose memory the queue is about to give up.

        Args:
            lane: their priority, up to the queue's; 0 in a plain queue.
            slices: consecutive ready messages of it, none unacked between them, ascending.

        Returns:
            False when the disk refuses: the queue must keep them.
        """

    def read_back(self, lane: int, from_position: int, stop_position: int) -> QueueReadBack:
        """Return the next stored messages of a lane that are not settled.

        Args:
            lane: as in ``spill``.
            from_position: the first one that is asked for.
            stop_position: the first one that is not: what the queue still has in memory may be
                stored too, and is not to be read back.

        Raises:
            OSError: the disk could not be asked; nothing is lost by that.
        """

    def drop(self) -> int:
        """Forget everything: the queue is gone, and its definition with it; return the LSN."""


class RecoveredLane(Protocol):
    """The messages of one priority, as a restart finds them."""

    @property
    def lane(self) -> int:
        """The priority, up to the queue's; 0 in a plain queue."""

    @property
    def stored_count(self) -> int:
        """Ready messages that the log has: ``read_back`` returns them."""

    @property
    def stored_body_bytes(self) -> int:
        """Sum of their bodies, in bytes."""

    @property
    def unstored(self) -> Sequence[QueueSlice]:
        """The others, in order of their positions; none that is stored lies inside of one."""


class RecoveredMessages(Protocol):
    """What a restart finds of a queue; all of it is ready."""

    @property
    def next_position(self) -> int:
        """Where the next message goes."""

    @property
    def lanes(self) -> Sequence[RecoveredLane]:
        """By priority, those that are not empty."""

    @property
    def redeliver_below(self) -> int:
        """Messages before this position may have been delivered before."""

    @property
    def requeued(self) -> Mapping[int, int]:
        """How often messages had come back, by position; 0 of those that are not here."""
