"""The log of a mirrored stream as a node reads it that has a mirror of it, and does not lead it.

    the leader says how far the log is committed ─▶ ``advance`` ─▶ records up to there are readable

Only records that are committed are looked into. So no reader has seen what is cut later, and what
was readable stays so: whoever leads next has the same at the same offset. A reader begins and goes
on here as at the leader. What changes the stream is asked of the leader: this log takes nothing.
"""

from collections.abc import Callable
from typing import NoReturn

from cluster.mirrored.committed_reads import CommittedReads
from cluster.replication.epoch_table import epoch_at
from persistence.operations import decode_operations
from persistence.replicas.log import ReplicaLog
from persistence.stream_operations import StreamChunks, StreamKept, StreamSubmitted
from persistence.streams.chunk import chunks_in
from persistence.streams.gathering import Appended
from persistence.streams.retention import Retention
from queues.commits import NOTHING_TO_COMMIT, CommitGroup


class MirrorStreamLog(CommittedReads):
    """Implements ``queues.stream_log.StreamLog`` over the replica of a mirror.

    Args:
        replica: of this node.
        compact: has what is committed be put into the content, so that messages go which the
            leader keeps no more.

    Attributes:
        on_readable: see the port.
        on_lost: called when what this replica has is not what it had: it began anew, or is gone.
        is_lost: that has happened; nothing more becomes readable.
    """

    commit_group: CommitGroup = NOTHING_TO_COMMIT
    appended_lsn: int = 0

    def __init__(self, replica: ReplicaLog, compact: Callable[[], None]) -> None:
        super().__init__(replica)
        self.on_readable: Callable[[], None] = _ignore
        self.on_lost: Callable[[], None] = _ignore
        self.is_lost = False
        self._compact = compact
        self._seen = replica.base
        self._seen_epoch = epoch_at(replica.table, self._seen)

    def advance(self, commit: int) -> None:
        """Show what is committed, as far as it is here.

        Args:
            commit: the index up to which the replica's log is committed.
        """
        if self.is_lost:
            return
        replica, content = self._replica, self._content
        is_cut = replica.end < self._seen
        if is_cut or epoch_at(replica.table, self._seen) != self._seen_epoch:
            # Another history (R18): what stood at an offset may be another message now.
            self.lose()
            return
        below = max(self.readable_offset, content.next_offset)
        self._seen = max(self._seen, replica.base)
        for piece in replica.records_between(self._seen, min(commit, replica.end)):
            for operation in decode_operations(memoryview(piece.octets)):
                match operation:
                    case StreamSubmitted():
                        below = self._show(operation.chunks, below)
                    case StreamChunks():
                        below = self._show(operation, below)
                    case StreamKept() if operation.first_offset > content.first_offset:
                        self._compact()
                    case _:
                        pass
            self._seen = piece.last
        self._seen_epoch = epoch_at(replica.table, self._seen)
        # Not only where somebody reads here: one is held back, or is in the segments for hours.
        self._forget_compacted()
        if below > self.readable_offset:
            self.readable_offset = below
            self.on_readable()

    def _show(self, chunks: StreamChunks, below: int) -> int:
        for position, header in chunks_in(chunks.octets):
            if header.first_offset >= below:
                octets = bytes(chunks.octets[position : position + header.size_bytes])
                self._coming.add(header, octets)
                below = header.next_offset
        return below

    def lose(self) -> None:
        """Show nothing more: the replica is another one, or is gone."""
        if not self.is_lost:
            self.is_lost = True
            self.on_lost()

    @property
    def next_offset(self) -> int:
        """As ``readable_offset``: more is not known here."""
        return self.readable_offset

    @property
    def message_count(self) -> int:
        """How many messages it keeps."""
        return self.readable_offset - self.first_offset

    def tracking(self) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
        """Return stored offsets and publishing ids as they were at the replica's base."""
        content = self._content
        return list(content.stored_offsets), list(content.publishing_ids)

    # -- what only the leader does ----------------------------------------------------------------

    def append(self, appended: Appended, now_ms: int) -> NoReturn:  # noqa: ARG002
        """Refused: the leader appends."""
        raise AssertionError("nothing is appended to a mirror")

    def store_offset(self, reference: bytes, offset: int) -> NoReturn:  # noqa: ARG002
        """Refused: the leader stores offsets."""
        raise AssertionError("no offset is stored at a mirror")

    def stored_offset(self, reference: bytes) -> NoReturn:  # noqa: ARG002
        """Refused: the leader knows the last one."""
        raise AssertionError("the leader has the stored offsets")

    def publishing_id(self, reference: bytes) -> NoReturn:  # noqa: ARG002
        """Refused: the leader knows the last one."""
        raise AssertionError("the leader has the publishing ids")

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Promise nothing."""

    def set_retention(self, retention: Retention) -> None:
        """Keep what the leader keeps."""

    def set_filter_bytes(self, filter_bytes: int) -> None:
        """Draw no filters."""

    def retain(self, now_ms: int) -> int | None:  # noqa: ARG002 - the port's name
        """Return None: the leader decides what goes."""
        return None


def _ignore() -> None:
    pass
