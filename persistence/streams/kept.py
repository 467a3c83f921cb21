"""The chunks that a stream keeps: older ones in segments, the last ones in its tail.

    | segment | segment | segment            | tail, in memory and in the write-ahead log |
                          <- written behind the last chunk as the tail is full

It reads them by offset and time, and says which of the oldest segments are due to go.
"""

import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final

from persistence.errors import is_shortage
from persistence.stored_log import UnneededFile
from persistence.streams.chunk import ChunkHeader, WholeChunk
from persistence.streams.direct_write import DirectWrite
from persistence.streams.extent import Extent, KeptSegment
from persistence.streams.reading import SegmentReader
from persistence.streams.recent_writes import RecentChunks, RecentWrites
from persistence.streams.retention import Retention, due_count
from persistence.streams.segments import Segment, StreamSegments
from persistence.streams.tail import TAIL_CHUNKS_MAX, Tail, Tails

log = logging.getLogger(__name__)

RETRY_MS: Final = 1_000
"""How long after a refusal of the disk a segment is tried again."""


class KeptChunks:
    """The chunks of one stream.

    Attributes:
        segments: where chunks are; those of the tail are not there yet.
        tail: chunks that are in memory.
        retention: what is kept.
        has_grown: a segment was begun since the retention was looked at.
        on_disk_full: called when the tail found no room in a segment.

    Invariant: every chunk below ``segments.next_offset`` has a place in a segment, and every chunk
        behind it is in the tail.
    Invariant: while a direct write is under way, nothing else is written to a segment.
    """

    def __init__(
        self,
        segments: StreamSegments,
        tails: Tails,
        tail_bytes_max: int,
        recent_writes: RecentWrites,
    ) -> None:
        """Begin with no chunk.

        Args:
            segments: of this stream alone.
            tails: of the node.
            tail_bytes_max: a tail of this size is written to the segment.
            recent_writes: of the node.
        """
        self.segments = segments
        self.tail = Tail()
        self.retention = Retention()
        self.on_disk_full: Callable[[], None] = _ignore
        self._tails = tails
        self._tail_bytes_max = tail_bytes_max
        self._reader = SegmentReader(segments)
        self._recent = RecentChunks(recent_writes)
        self._direct_count = 0
        self._spill_at_bytes = 0
        self._unneeded: list[UnneededFile] = []
        self._seen_count = 0
        self.set_retention(self.retention)

    # -- in -------------------------------------------------------------------------------------

    def add(self, chunks: Sequence[WholeChunk]) -> list[bytes]:
        """Put chunks into the tail; return the octets of each, for the write-ahead log."""
        parts: list[bytes] = []
        for header, drawn in chunks:
            octets = b"".join(drawn)
            self.tail.add(header, octets)
            parts.append(octets)
        self._tails.note(self, self.tail.size_bytes)
        return parts

    def adopt(self, header: ChunkHeader, octets: bytes) -> None:
        """Put a chunk of an earlier life into the tail; the write-ahead log has it."""
        self.tail.add(header, octets)
        self._tails.note(self, self.tail.size_bytes)

    def plan(self, chunks: Sequence[WholeChunk]) -> DirectWrite | None:
        """Return the direct write of chunks, and of the tail before them; None if refused.

        The tail stays in memory until ``carried_out``, because readers may want it meanwhile.
        """
        chunks = [*self.tail.from_offset(self.segments.next_offset), *chunks]
        headers = [chunk.header for chunk in chunks]
        size_bytes = sum([header.size_bytes for header in headers])
        try:
            planned = DirectWrite(*self.segments.plan(chunks), headers)
        except OSError as error:
            # They go to the write-ahead log, whose files are there already.
            log.warning("no segment can be begun folder=%s error=%s", self.directory, error)
            return None
        if self._recent.takes(size_bytes):
            planned.gather(size_bytes)
        self._direct_count += 1
        return planned

    def carried_out(self, direct: DirectWrite, next_offset: int, *, is_fsynced: bool) -> None:
        """Note that a direct write is in the file, up to an offset."""
        direct.carried_out(is_fsynced=is_fsynced)
        self._direct_count -= 1
        if direct.gathered is not None:
            self._recent.add(direct.gathered, direct.chunks)
        self.tail.forget_below(next_offset)
        self._tails.note(self, self.tail.size_bytes)

    @property
    def directory(self) -> str:
        """The folder of its segments."""
        return self.segments.directory

    # -- the tail -------------------------------------------------------------------------------

    def spill_if_due(self) -> None:
        """Write the tail if it is large, or makes a segment full; and others if all are large."""
        tail_bytes = self.tail.size_bytes
        due_bytes = min(self._tail_bytes_max, self.segments.room_bytes())
        is_due = tail_bytes >= due_bytes or len(self.tail.chunks) >= TAIL_CHUNKS_MAX
        if is_due and tail_bytes >= max(self._spill_at_bytes, 1):
            self.spill()
        self._tails.relieve()

    def spill(self) -> bool:
        """Write the tail to its segment; return False when the disk refuses.

        What cannot be written stays in memory, and nothing is written while a direct write is under
        way. Nothing is synced.
        """
        try:
            self.write_tail()
        except OSError as error:
            self._spill_at_bytes = self.tail.size_bytes + self._tail_bytes_max
            log.warning("a tail stays in memory folder=%s error=%s", self.directory, error)
            if is_shortage(error):
                self.on_disk_full()
            return False
        return True

    def write_tail(self) -> bool:
        """Write the tail to its segment, unless a direct write is under way.

        Returns:
            Whether anything was written.

        Raises:
            OSError: a part of it may be written, and the rest stays in memory.
        """
        if self._direct_count or not self.tail.chunks:
            return False
        try:
            self.segments.append(self.tail.from_offset(self.segments.next_offset))
        finally:
            self.tail.forget_below(self.segments.next_offset)
            self._tails.note(self, self.tail.size_bytes)
        self._spill_at_bytes = 0
        return True

    # -- out ------------------------------------------------------------------------------------

    def first_offset(self) -> int | None:
        """Return the first offset that is kept; None where there is nothing, and never was."""
        for segment in self.segments.all[:1]:
            return segment.first_offset
        return self.tail.first_offset()

    @property
    def size_bytes(self) -> int:
        """The size of all chunks."""
        return self.segments.content_bytes + self._unwritten_bytes()

    @property
    def segment_count(self) -> int:
        """How many segments there are; the tail counts as one where it will begin one."""
        return len(self.segments.all) + self._begins_segment()

    def segments_from(self, from_offset: int, max_count: int) -> Sequence[KeptSegment]:
        """Return some segments, from the one that goes beyond an offset on, or the last one.

        What the tail has counts to the segment that it will be written to. No file is looked at.
        """
        every, begins = self.segments.all, self._begins_segment()
        at = bisect_right(every, from_offset, key=attrgetter("next_offset"))
        at = max(min(at, len(every) + begins - 1), 0)
        found = [segment.kept() for segment in every[at : at + max_count]]
        unwritten = self.tail.from_offset(self.segments.next_offset)
        if not unwritten or at + max_count < len(every) + begins:
            return found
        first, last, size_bytes = unwritten[0].header, unwritten[-1].header, self._unwritten_bytes()
        if begins:
            begun = KeptSegment(first.first_offset, first.first_offset, 0, None, None)
        else:
            begun = found.pop()
        first_ms = begun.first_timestamp_ms
        found.append(
            begun._replace(
                next_offset=last.next_offset,
                size_bytes=begun.size_bytes + size_bytes,
                first_timestamp_ms=first.timestamp_ms if first_ms is None else first_ms,
                last_timestamp_ms=last.timestamp_ms,
            )
        )
        return found

    def _begins_segment(self) -> bool:
        """Return whether the tail will be the beginning of a segment."""
        segments, chunks = self.segments, self.tail.chunks
        if not chunks or chunks[-1].header.first_offset < segments.next_offset:
            return False
        return not segments.all or segments.all[-1].is_full(segments.segment_bytes_max)

    def _unwritten_bytes(self) -> int:
        if not self._direct_count:
            return self.tail.size_bytes
        unwritten = self.tail.from_offset(self.segments.next_offset)
        return sum([chunk.header.size_bytes for chunk in unwritten])

    def read(
        self, from_offset: int, max_bytes: int, below_offset: int, *, checks: bool
    ) -> Extent | None:
        """Return chunks from the one that holds an offset, or from the next; None if none is."""
        tail_offset = self.tail.first_offset()
        if tail_offset is None or from_offset < tail_offset:
            end = below_offset if tail_offset is None else min(below_offset, tail_offset)
            found = self._recent.read(from_offset, max_bytes, end)
            if found is None:
                found = self._reader.read(from_offset, max_bytes, end, checks=checks)
            if found is not None:
                return found
        return self.tail.read(from_offset, max_bytes, below_offset)

    def forget_recent(self) -> None:
        """Let go of what is in memory and in segments too, because the stream is silent."""
        self._recent.forget()

    def read_segments(self, from_offset: int, max_bytes: int, below_offset: int) -> Extent | None:
        """Return chunks as ``read``, from segments alone, and unchecked."""
        return self._reader.read(from_offset, max_bytes, below_offset, checks=False)

    def last_chunk_offset(self, below_offset: int) -> int | None:
        """Return the first offset of the last chunk that begins below an offset; None is none."""
        for header, _ in reversed(self.tail.chunks):
            if header.first_offset < below_offset:
                return header.first_offset
        return self._reader.last_chunk_offset(below_offset)

    def offset_at(self, timestamp_ms: int) -> int | None:
        """Return the first offset of the first chunk that is not older; None if all are older."""
        offset = self._reader.offset_at(timestamp_ms)
        if offset is not None:
            return offset
        offsets = [
            header.first_offset
            for header, _ in self.tail.chunks
            if header.timestamp_ms >= timestamp_ms
        ]
        return offsets[0] if offsets else None

    # -- what goes ------------------------------------------------------------------------------

    @property
    def has_grown(self) -> bool:
        """Whether a segment was begun since ``retain`` was called."""
        return len(self.segments.all) != self._seen_count

    def set_retention(self, retention: Retention) -> None:
        """Set what is kept."""
        self.retention = retention
        self.segments.segment_bytes_max = retention.segment_bytes_max

    def retain(self, wall_ms: int, readable_offset: int, next_offset: int | None) -> int | None:
        """Drop the segments that are due, and end the newest if it is old enough.

        Args:
            wall_ms: now, ms since 1970.
            readable_offset: segments that end above it stay for now.
            next_offset: that a segment begun now would be named after; None while appends are on
                their way to the disk.

        Returns:
            When anything is due by age, ms since 1970; None is never.
        """
        was_refused = self._is_too_old(wall_ms) and not self._begin_segment(next_offset)
        if self.segments.all and self._begins_segment():
            self.spill()  # So that the newest segment, which stays, is the one that it begins.
        segments = self.segments.all
        sizes = [segment.content_bytes for segment in segments]
        if sizes:
            sizes[-1] += self._unwritten_bytes()
        count = due_count(
            self.retention, wall_ms, sizes, lambda index: segments[index].last_timestamp_ms
        )
        committed = [each for each in segments[:count] if each.next_offset <= readable_offset]
        if committed:
            self._unneeded += self.segments.take_oldest(len(committed))
            self._reader.forget()
        self._seen_count = len(self.segments.all) if len(committed) == count else -1
        return wall_ms + RETRY_MS if was_refused else self._due_ms()

    def replace(self, old: Sequence[Segment], new: Sequence[Segment]) -> bool:
        """Take what a compaction has left in place of segments; return False if these are gone."""
        files = self.segments.replace(old, new)
        if files is None:
            return False
        self._unneeded += files
        self._reader.forget()
        self._recent.forget()
        return True

    def _first_of_last_ms(self) -> int | None:
        """Return the timestamp of the first chunk of the newest segment; None if it has none."""
        segments = self.segments.all
        if segments and len(segments[-1].index) and not self._begins_segment():
            return segments[-1].first_timestamp_ms
        unwritten = self.tail.from_offset(self.segments.next_offset)
        return unwritten[0].header.timestamp_ms if unwritten else None

    def _is_too_old(self, wall_ms: int) -> bool:
        age_ms = self.retention.segment_age_ms
        first_ms = None if age_ms is None else self._first_of_last_ms()
        return age_ms is not None and first_ms is not None and first_ms + age_ms <= wall_ms

    def _begin_segment(self, next_offset: int | None) -> bool:
        """End the newest segment; return whether that was possible."""
        if next_offset is None or self._direct_count or not self.spill():
            return False
        try:
            self.segments.begin(next_offset)
        except OSError as error:
            log.warning("no segment can be begun folder=%s error=%s", self.directory, error)
            return False
        return True

    def _due_ms(self) -> int | None:
        retention, segments = self.retention, self.segments.all
        due: list[int] = []
        if len(segments) > 1 and retention.max_age_ms is not None:
            due.append(segments[0].last_timestamp_ms + retention.max_age_ms + 1)
        if retention.segment_age_ms is not None:
            first_ms = self._first_of_last_ms()
            if first_ms is not None:
                due.append(first_ms + retention.segment_age_ms)
        return min(due, default=None)

    @property
    def unneeded_bytes(self) -> int:
        """Sizes of the files that a checkpoint would set free."""
        return sum([file.size_bytes for file in self._unneeded])

    def take_unneeded(self) -> list[UnneededFile]:
        """Return the unneeded files, which a checkpoint removes from now on."""
        taken, self._unneeded = self._unneeded, []
        return taken

    def drop_below(self, offset: int) -> None:
        """Drop the segments that end by an offset, but not the newest."""
        if self.segments.all and self.segments.next_offset <= offset and self._begins_segment():
            self.spill()
        due = self.segments.closed_below(offset)
        if due:
            self._unneeded += self.segments.take_oldest(len(due))
            self._reader.forget()

    def give_up(self) -> list[UnneededFile]:
        """Forget every chunk; return the files, which a checkpoint removes: until then they count.

        Nothing else may get one of their names.
        """
        files = [*self.take_unneeded(), *self.segments.take_oldest(len(self.segments.all))]
        self.tail = Tail()
        self._tails.note(self, 0)
        self._reader.forget()
        self._recent.forget()
        return files

    def drop(self) -> None:
        """Forget every chunk, because the stream is gone."""
        self.tail = Tail()
        self._tails.note(self, 0)
        self._recent.forget()
        self.segments.close()


def _ignore() -> None:
    pass
