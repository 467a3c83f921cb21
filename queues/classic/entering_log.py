"""The log of a mirrored queue, as the ready messages see it: what becomes ready is in it already.

A message is appended when it is published, and becomes ready once that is committed. So an append
of the ready messages writes nothing. All else goes to the log.
"""

from collections.abc import Sequence

from persistence.record import Run
from queues.commits import CommitGroup
from queues.log_port import CommittedLog, QueueReadBack, QueueSlice


class EnteringLog:
    """Implements ``queues.log_port.QueueLog``.

    Attributes:
        next_position: of the next message that becomes ready.
    """

    __slots__ = ("_log", "next_position")

    def __init__(self, log: CommittedLog) -> None:
        """Stand before a log."""
        self._log = log
        self.next_position = 0

    @property
    def commit_group(self) -> CommitGroup:
        """That of the log."""
        return self._log.commit_group

    @property
    def committed_lsn(self) -> int:
        """That of the log."""
        return self._log.committed_lsn

    @property
    def read_back_count(self) -> int:
        """That of the log."""
        return self._log.read_back_count

    def append(
        self,
        first_position: int,
        run: Run,
        expires_at_ms: int | Sequence[int] = 0,  # noqa: ARG002 - the port's name
    ) -> int:
        """Write nothing: the messages have these positions in the log, and are committed."""
        assert first_position == self.next_position, "what becomes ready does so in its order"
        self.next_position = first_position + len(run)
        assert self.next_position <= self._log.committed_below, "only what is committed is ready"
        return 0

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Hand the promise on."""
        self._log.set_fsynced(is_fsynced=is_fsynced)

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        """Hand a settlement on."""
        return self._log.settle(positions, is_promised=is_promised)

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Hand on that messages came back."""
        return self._log.requeued(positions, delivery_count)

    def spill(
        self, lane: int, slices: Sequence[QueueSlice], *, among_unacked: bool = False
    ) -> bool:
        """Hand messages on, whose memory is given up."""
        return self._log.spill(lane, slices, among_unacked=among_unacked)

    def read_back(self, lane: int, from_position: int, stop_position: int) -> QueueReadBack:
        """Read messages back.

        Raises:
            OSError: the disk could not be read.
        """
        return self._log.read_back(lane, from_position, stop_position)

    def drop(self) -> int:
        """Drop the log."""
        return self._log.drop()
