"""The log of a stream that does not survive a restart: nodes without a data directory, and tests.

It keeps the same chunks as ``persistence.streams.log``, in memory. Each append is a chunk of its
own, and committed at once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import NamedTuple

from persistence.streams.chunk import ChunkHeader, decode_chunk_header
from persistence.streams.chunk_filter import FILTER_BYTES_DEFAULT
from persistence.streams.compaction import Compaction
from persistence.streams.extent import EXTENT_CHUNKS_MAX, Extent, KeptSegment
from persistence.streams.gathering import Appended, Gathering
from persistence.streams.references import References
from persistence.streams.retention import SEGMENT_CHUNKS_MAX, Retention, due_count
from queues.commits import NOTHING_TO_COMMIT, CommitGroup


class _Chunk(NamedTuple):
    first_offset: int
    next_offset: int
    timestamp_ms: int
    octets: bytes


class _Segment:
    __slots__ = ("chunks", "size_bytes")

    def __init__(self) -> None:
        self.chunks: list[_Chunk] = []
        self.size_bytes = 0


class MemoryStreamLog:
    """A ``queues.stream_log.StreamLog`` in memory; every append is committed at once, as LSN 0.

    Args:
        wall_offset_ms: returns the number that turns an instant into ms since 1970, by addition.
    """

    def __init__(self, wall_offset_ms: Callable[[], int] = lambda: 0) -> None:
        self.on_readable: Callable[[], None] = _ignore
        self.commit_group: CommitGroup = NOTHING_TO_COMMIT
        self.appended_lsn = 0
        self.first_offset = 0
        self.next_offset = 0
        self._wall_offset_ms = wall_offset_ms
        self._retention = Retention()
        self._filter_bytes = FILTER_BYTES_DEFAULT
        self._segments: list[_Segment] = []
        self._seen_count = 0
        self._publishing_ids = References()
        self._stored_offsets = References()

    @property
    def readable_offset(self) -> int:
        """All of it can be read."""
        return self.next_offset

    def wall_ms(self, now_ms: int) -> int:
        """Return the time of the wall clock at an instant."""
        return now_ms + self._wall_offset_ms()

    @property
    def message_count(self) -> int:
        """How many offsets it keeps."""
        return self.next_offset - self.first_offset

    @property
    def size_bytes(self) -> int:
        """The size of all chunks."""
        return sum([segment.size_bytes for segment in self._segments])

    @property
    def segment_count(self) -> int:
        """How many segments it has."""
        return len(self._segments)

    def segments_from(self, from_offset: int, max_count: int) -> Sequence[KeptSegment]:
        """Return some segments, from the one that goes beyond an offset on, or the last one."""
        beyond = [each for each in self._segments[:-1] if each.chunks[-1].next_offset > from_offset]
        found = [*beyond, *self._segments[-1:]][:max_count]
        return [self._kept(each) for each in found]

    def _kept(self, segment: _Segment) -> KeptSegment:
        chunks, size_bytes = segment.chunks, segment.size_bytes
        if not chunks:
            return KeptSegment(self.next_offset, self.next_offset, 0, None, None)
        first, last = chunks[0], chunks[-1]
        times_ms = first.timestamp_ms, last.timestamp_ms
        return KeptSegment(first.first_offset, last.next_offset, size_bytes, *times_ms)

    def append(self, appended: Appended, now_ms: int) -> int:
        """Append messages; they are readable at once, and there is nothing to wait for."""
        if len(self._segments) != self._seen_count:
            self.retain(now_ms)
        gathering = Gathering(self.next_offset, now_ms + self._wall_offset_ms())
        gathering.add(appended)
        for header, parts in gathering.draw(self._filter_bytes, self.next_offset):
            self._add(header, b"".join(parts))
        self.next_offset = gathering.next_offset
        if appended.publisher:
            self._publishing_ids.note_highest(appended.publisher, appended.publishing_id)
        self.on_readable()
        return 0

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Promise nothing, as before."""

    def read(self, from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:  # noqa: ARG002 - memory is not checked
        """Return chunks from the one that holds an offset, or from the next."""
        octets: list[bytes] = []
        chunks: list[tuple[int, ChunkHeader]] = []
        size_bytes = 0
        first_offset = next_offset = from_offset
        for chunk in self._chunks_from(from_offset):
            is_over = octets and size_bytes + len(chunk.octets) > max_bytes
            if is_over or len(chunks) >= EXTENT_CHUNKS_MAX:
                break
            if not octets:
                first_offset = chunk.first_offset
            chunks.append((size_bytes, decode_chunk_header(chunk.octets)))
            octets.append(chunk.octets)
            size_bytes += len(chunk.octets)
            next_offset = chunk.next_offset
        if not octets:
            return None
        found = octets[0] if len(octets) == 1 else b"".join(octets)
        return Extent(found, first_offset, next_offset, chunks)

    def last_chunk_offset(self) -> int | None:
        """Return the first offset of the last chunk; None where there is none."""
        chunks = [segment.chunks[-1] for segment in self._segments[-2:] if segment.chunks]
        return chunks[-1].first_offset if chunks else None

    def offset_at(self, timestamp_ms: int) -> int | None:
        """Return the first offset of the first chunk that is not older; None if all are older."""
        for segment in self._segments:
            if segment.chunks and segment.chunks[-1].timestamp_ms >= timestamp_ms:
                at = bisect_left(segment.chunks, timestamp_ms, key=attrgetter("timestamp_ms"))
                return segment.chunks[at].first_offset
        return None

    def publishing_id(self, reference: bytes) -> int | None:
        """Return the highest publishing id of a publisher; None is none."""
        return self._publishing_ids.get(reference)

    def store_offset(self, reference: bytes, offset: int) -> None:
        """Store how far a consumer has come."""
        self._stored_offsets.note(reference, offset)

    def stored_offset(self, reference: bytes) -> int | None:
        """Return the offset that was stored last for a consumer; None is none."""
        return self._stored_offsets.get(reference)

    def tracking(self) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
        """Return all stored offsets, and all highest publishing ids, by reference."""
        return list(self._stored_offsets), list(self._publishing_ids)

    def set_retention(self, retention: Retention) -> None:
        """Set what is kept."""
        self._retention = retention

    def set_filter_bytes(self, filter_bytes: int) -> None:
        """Set the size of filters from now on."""
        self._filter_bytes = filter_bytes

    def retain(self, now_ms: int) -> int | None:
        """Drop the segments that are due, and end one that is old enough."""
        retention, segments = self._retention, self._segments
        offset_ms = self._wall_offset_ms()
        wall_ms = now_ms + offset_ms
        if segments and segments[-1].chunks and retention.segment_age_ms is not None:
            first_ms = segments[-1].chunks[0].timestamp_ms
            if first_ms + retention.segment_age_ms <= wall_ms:
                segments.append(_Segment())
        sizes = [segment.size_bytes for segment in segments]
        count = due_count(
            retention, wall_ms, sizes, lambda index: segments[index].chunks[-1].timestamp_ms
        )
        del segments[:count]
        self._seen_count = len(segments)
        if segments:
            kept = segments[0].chunks
            self.first_offset = kept[0].first_offset if kept else self.next_offset
        due_ms = self._due_ms()
        return None if due_ms is None else due_ms - offset_ms

    def set_compaction(self, compaction: Compaction | None) -> None:
        """Keep all messages: what no restart survives is not compacted."""

    def compaction_due_ms(self, now_ms: int) -> int | None:  # noqa: ARG002 - the port's name
        """Return None: there is nothing to do."""
        return None

    def compact(self, now_ms: int) -> bool:  # noqa: ARG002 - the port's name
        """Return True: nothing is left to do."""
        return True

    def drop(self) -> int:
        """Forget everything."""
        self._segments.clear()
        self.first_offset = self.next_offset
        return 0

    def _add(self, header: ChunkHeader, octets: bytes) -> None:
        segments = self._segments
        if (
            not segments
            or segments[-1].size_bytes >= self._retention.segment_bytes_max
            or len(segments[-1].chunks) >= SEGMENT_CHUNKS_MAX
        ):
            segments.append(_Segment())
        last = segments[-1]
        last.chunks.append(
            _Chunk(header.first_offset, header.next_offset, header.timestamp_ms, octets)
        )
        last.size_bytes += len(octets)

    def _chunks_from(self, from_offset: int) -> Iterator[_Chunk]:
        for segment in self._segments:
            chunks = segment.chunks
            if chunks and chunks[-1].next_offset > from_offset:
                at = bisect_right(chunks, from_offset, key=attrgetter("next_offset"))
                yield from chunks[at:]

    def _due_ms(self) -> int | None:
        """Return when anything is due by age, on the wall clock."""
        retention, segments = self._retention, self._segments
        due: list[int] = []
        if len(segments) > 1 and retention.max_age_ms is not None:
            due.append(segments[0].chunks[-1].timestamp_ms + retention.max_age_ms + 1)
        if segments and segments[-1].chunks and retention.segment_age_ms is not None:
            due.append(segments[-1].chunks[0].timestamp_ms + retention.segment_age_ms)
        return min(due, default=None)


def _ignore() -> None:
    pass
