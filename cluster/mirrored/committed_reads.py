"""What can be read of a mirrored stream on a node that has a replica of it, whoever leads it.

    content, at the replica's base ─▶ segments      committed for good
    records behind the base        ─▶ ``_coming``   in memory; readable where they are committed

Nothing here asks whether a record may be cut: who owns this says up to where it is committed.
"""

from collections.abc import Sequence

from persistence.replicas.log import ReplicaLog
from persistence.replicas.stream_content import StreamContent
from persistence.streams.compaction import Compaction
from persistence.streams.extent import Extent, KeptSegment
from persistence.streams.tail import Tail


class CommittedReads:
    """The half of ``queues.stream_log.StreamLog`` that reads; nothing of it is compacted by key.

    Args:
        replica: of this node.

    Attributes:
        readable_offset: everything below it is committed.
    """

    def __init__(self, replica: ReplicaLog) -> None:
        self._replica = replica
        self._coming = Tail()
        self.readable_offset = replica.stream.needed().next_offset

    @property
    def _content(self) -> StreamContent:
        return self._replica.stream.needed()

    @property
    def first_offset(self) -> int:
        """Of the first message that is kept; ``readable_offset`` where there is none."""
        content = self._content
        kept = content.kept.first_offset()
        if kept is not None:
            return max(kept, content.first_offset)
        # All of it is in memory, or there is none.
        return min(content.next_offset, self.readable_offset)

    def wall_ms(self, now_ms: int) -> int:
        """Return the time of the wall clock at an instant, in ms since 1970."""
        return now_ms + self._replica.state.wall_offset_ms()

    @property
    def size_bytes(self) -> int:
        """The size of all chunks that are kept."""
        self._forget_compacted()
        return self._content.kept.size_bytes + self._coming.size_bytes

    @property
    def segment_count(self) -> int:
        """How many segments there are on this node; what is not compacted counts to none."""
        return self._content.kept.segment_count

    def segments_from(self, from_offset: int, max_count: int) -> Sequence[KeptSegment]:
        """Return some segments, from the one that goes beyond an offset on; see the port."""
        return self._content.kept.segments_from(from_offset, max_count)

    def read(self, from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        """Return chunks from the one that holds an offset, or from the next; None if none is."""
        from_offset = max(from_offset, self.first_offset)
        if from_offset >= self.readable_offset:
            return None
        content = self._content
        compacted = content.next_offset
        if from_offset < compacted:
            stop = min(compacted, self.readable_offset)
            found = content.read(from_offset, max_bytes, stop, checks=checks)
            if found is not None:
                return found
        self._forget_compacted()
        return self._coming.read(from_offset, max_bytes, self.readable_offset)

    def last_chunk_offset(self) -> int | None:
        """Return the first offset of the last readable chunk; None where there is none."""
        self._forget_compacted()
        for header, _ in reversed(self._coming.chunks):
            if header.first_offset < self.readable_offset:
                return header.first_offset
        return self._content.kept.last_chunk_offset(self.readable_offset)

    def offset_at(self, timestamp_ms: int) -> int | None:
        """Return the first offset of the first readable chunk that is not older; None is none."""
        self._forget_compacted()
        offset = self._content.kept.offset_at(timestamp_ms)
        if offset is None:
            coming = [
                header.first_offset
                for header, _ in self._coming.chunks
                if header.timestamp_ms >= timestamp_ms
            ]
            offset = coming[0] if coming else None
        if offset is None or offset >= self.readable_offset:
            return None
        return max(offset, self.first_offset)

    def _forget_compacted(self) -> None:
        self._coming.forget_below(self._content.next_offset)

    # -- what no mirrored stream does -----------------------------------------------------------

    def set_compaction(self, compaction: Compaction | None) -> None:
        """Keep all messages: a mirrored stream is not compacted."""

    def compaction_due_ms(self, now_ms: int) -> int | None:  # noqa: ARG002 - the port's name
        """Return None: there is nothing to do."""
        return None

    def compact(self, now_ms: int) -> bool:  # noqa: ARG002 - the port's name
        """Return True: nothing is left to do."""
        return True

    def drop(self) -> int:
        """Do nothing: the replica goes when a note says that the stream is gone."""
        return 0
