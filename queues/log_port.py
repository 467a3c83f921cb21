"""The port of a queue to its log, and the form of what a restart finds.

Implemented by shape: ``persistence.log`` writes to the disk, ``queues.memory_log`` keeps nothing
(ADR 2).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from persistence.record import Run
from queues.commits import CommitGroup, CommitPoint


class QueueSlice(Protocol):
    """Some messages of a queue, in order, with their positions; at least one."""

    @property
    def records(self) -> Run:
        """The messages."""

    @property
    def positions(self) -> Sequence[int]:
        """Positions of the messages, ascending; a range of step 1 where they are contiguous."""

    @property
    def expires_at_ms(self) -> int | Sequence[int]:
        """When they expire (instant; 0 is never), one for all or one each."""


class QueueReadBack(Protocol):
    """The result of reading messages back."""

    @property
    def messages(self) -> QueueSlice | None:
        """The next stored messages; None when there are no more."""

    @property
    def lost_count(self) -> int:
        """Messages before them that cannot be read any more because the disk is damaged."""


class QueueLog(Protocol):
    """Where a queue's records and settlements are kept; ``MemoryLog`` keeps nothing.

    The LSN orders when messages become safe. A message that was appended with an LSN is as safe as
    its durability class promises when ``committed_lsn`` of the ``commit_group`` has reached the
    LSN.
    """

    @property
    def commit_group(self) -> CommitGroup:
        """The group of LSNs that are returned from now on; earlier LSNs stay in their group."""

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is safe."""

    @property
    def read_back_count(self) -> int:
        """How many chunks were read back so far; each may take a millisecond."""

    def append(self, first_position: int, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        """Append a run whose first message has this position; return its LSN.

        Args:
            first_position: above every position appended before.
            run: at least one message; it must not change any more.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        """

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Set the promise for appends from now on; earlier appends keep theirs.

        Args:
            is_fsynced: ``committed_lsn`` reaches an append when it is on disk; if False, when it is
                in the page cache.
        """

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        """Record that these positions are settled for ever; return the LSN.

        Args:
            positions: with any step > 0, because consumers in turn are dealt every n-th message.
                Some may have been settled before a restart.
            is_promised: whether ``committed_lsn`` reaches the settlement only when it is as safe
                as an append. Otherwise, as with an ack, the page cache is enough.
        """

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record how often these positions were requeued by now; return the LSN."""

    def spill(
        self, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
    ) -> bool:
        """Store messages whose memory the queue is about to give up.

        Args:
            lane: their priority, up to the queue's; 0 in a plain queue.
            slices: ready messages of the lane, ascending.
            among_unacked: whether unacked ones, or ready ones, may lie between them.

        Returns:
            False when the disk refuses; the queue must keep the messages.
        """

    def read_back(self, lane: int, from_position: int, stop_position: int) -> QueueReadBack:
        """Return the next stored messages of a lane that are not settled.

        Args:
            lane: as in ``spill``.
            from_position: the first to read.
            stop_position: the first not to read. Messages that the queue still has in memory may be
                stored too, and must not be read back.

        Raises:
            OSError: the disk could not be read; no message is lost by that.
        """

    def drop(self) -> int:
        """Forget everything, because the queue and its definition are gone; return the LSN."""


class CommittedLog(QueueLog, Protocol):
    """The log of a mirrored queue: what was appended may be lost until it is committed (R16).

    Attributes:
        on_committed: set by the queue; called when more is committed, or may be delivered again. It
            asks for a drain and does nothing else.
    """

    on_committed: Callable[[], None]

    @property
    def committed_below(self) -> int:
        """Every message before this position is committed; it never falls."""

    @property
    def last_point(self) -> CommitPoint:
        """When all that was appended so far is safe; also where an earlier group of it failed."""

    @property
    def may_deliver(self) -> bool:
        """Whether what is committed may be delivered now; if not, ``on_committed`` says when."""

    def lags(self, now_ms: int) -> bool:
        """Return whether something waits too long for its commit; ``on_committed`` says when not.

        A settlement that is not committed goes with the leader. So what consumers get meanwhile
        comes again, however often they ack it.
        """


class KeepingLog(CommittedLog, Protocol):
    """The log of a mirrored queue that tells duplicates: it can keep publishes waiting.

    Attributes:
        keys_are_known: set by the queue. False: it has not read the keys of all messages yet, so
            publishes wait. True: it tells duplicates. None: it takes what comes, as most queues do.
        on_admitted: to be called by the queue when publishes need not wait any more.
    """

    keys_are_known: bool | None
    on_admitted: Callable[[], None]

    @property
    def has_ended(self) -> bool:
        """Whether this node does not lead the queue any more."""


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
        """The others, by position; no stored message lies inside a slice."""


class RecoveredMessages(Protocol):
    """The messages that a restart finds in a queue; all are ready."""

    @property
    def next_position(self) -> int:
        """Position of the next message."""

    @property
    def lanes(self) -> Sequence[RecoveredLane]:
        """The lanes that are not empty, by priority."""

    @property
    def redeliver_below(self) -> int:
        """Messages before this position may have been delivered before."""

    @property
    def requeued(self) -> Mapping[int, int]:
        """How often messages were requeued, by position; 0 for positions that are missing."""
