"""The log of one stream: gathers appends, draws chunks, and says what of them can be read.

    append ─ append ─ ... ─ the group is sealed ─┬─ small: an operation of the write-ahead log, and
                                                 │         the tail, until the segment is written
                                                 └─ large: straight to the segment
    the group is committed: ``readable_offset`` grows

Readers get chunks of the tail from memory, and all others from segments. A small append is written
twice, to share one sync with all queues; a large one once.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from persistence.gathering import Gathered
from persistence.group_commit import AT_ONCE
from persistence.log_form import LogForm
from persistence.log_state import EVERYTHING_BYTES
from persistence.operations import encode_drop
from persistence.stored_log import Noted
from persistence.stream_operations import encode_stream_chunks, encode_stream_offset
from persistence.streams.chunk import CHUNK_BYTES_MAX
from persistence.streams.chunk_filter import FILTER_BYTES_DEFAULT
from persistence.streams.committing import Committing
from persistence.streams.compaction import Compaction
from persistence.streams.compactor import CompactionRoom, Compactor
from persistence.streams.direct_write import DirectWrite
from persistence.streams.extent import Extent, KeptSegment
from persistence.streams.gathering import Appended, Gathering
from persistence.streams.kept import KeptChunks
from persistence.streams.references import References
from persistence.streams.retention import Retention
from persistence.streams.row import StreamSnapshot
from persistence.streams.tail import TAIL_BYTES_MAX

DIRECT_BYTES_MIN: Final = 256 << 10
"""From this size on, what a group gathered is written straight to the segment."""

PAST_CACHE_BYTES_MIN: Final = 512 << 10
"""From this size on, a direct write goes past the page cache: its two ends need a write each."""

ROW_BYTES_MAX: Final = 16 << 10
"""What a checkpoint takes of a tail costs less than to sync a segment."""

ROW_CHUNKS_MAX: Final = 64
"""A tail of more chunks is written at a checkpoint: a restart looks at each of them."""

_SEGMENT_PARTS: Final = 4
"""A direct write makes a segment longer than it may be by at most this part of it."""

_SCAN_SHARE: Final = 4
"""To look at so many bytes in a restart counts as much as one byte that a checkpoint frees."""


class StreamLimits(NamedTuple):
    """Sizes that decide where and when something is written; tests make them tiny.

    Attributes:
        direct_bytes_min: from this size on, a gathering goes straight to the segment.
        past_cache_bytes_min: from this size on, that write goes past the page cache.
        tail_bytes_max: a tail of this size is written to the segment.
        chunk_bytes_max: a chunk gets no further append that would take its data over this.
        row_bytes_max: a tail of this size may stay in memory at a checkpoint, whose row has it.
    """

    direct_bytes_min: int = DIRECT_BYTES_MIN
    past_cache_bytes_min: int = PAST_CACHE_BYTES_MIN
    tail_bytes_max: int = TAIL_BYTES_MAX
    chunk_bytes_max: int = CHUNK_BYTES_MAX
    row_bytes_max: int = ROW_BYTES_MAX


class _Sealed(NamedTuple):
    """A gathering that is on its way to the disk."""

    next_offset: int
    is_fsynced: bool
    direct: DirectWrite | None


class StreamLog:
    """Implements ``queues.stream_log.StreamLog`` and ``persistence.stored_log.StoredLog``.

    Attributes:
        queue_id: never given to another queue.
        kept: its chunks, those that are not committed yet too.
        next_offset: that the next message gets.
        readable_offset: everything below it is committed.
        appended_lsn: of the last append; 0 if there was none.
        is_dropped: the stream is gone.
        publishing_ids, stored_offsets: by reference.
    """

    def __init__(
        self,
        queue_id: int,
        kept: KeptChunks,
        wall_offset_ms: Callable[[], int],
        limits: StreamLimits,
        commit: Committing,
        room: CompactionRoom | None = None,
    ) -> None:
        """Begin with an empty stream.

        Args:
            queue_id: of the stream.
            kept: of this stream alone, and empty.
            wall_offset_ms: returns the number that turns an instant into ms since 1970.
            limits: where and when something is written.
            commit: takes what is appended.
            room: of the node, for compactions; None is one of its own.
        """
        self.queue_id = queue_id
        self.commit_group = commit
        self.kept = kept
        self.next_offset = 0
        self.readable_offset = 0
        self.appended_lsn = AT_ONCE
        self.is_dropped = False
        self.is_fsynced = True
        self.on_readable: Callable[[], None] = _ignore
        self.publishing_ids = References()
        self.stored_offsets = References()
        self._wall_offset_ms = wall_offset_ms
        self._limits = limits
        self._filter_bytes = FILTER_BYTES_DEFAULT
        self._gathering: Gathering | None = None
        self._is_fsync_asked = False
        self._sealed: deque[_Sealed] = deque()
        self._fsynced_offset = 0
        self._unscanned_bytes = 0
        self._noted_offset = -1
        self._compactor = Compactor(kept, room or CompactionRoom())

    # -- in -------------------------------------------------------------------------------------

    def append(self, appended: Appended, now_ms: int) -> int:
        """Append messages, which get ``next_offset`` and those behind it; return the LSN."""
        if self.kept.has_grown:
            self.retain(now_ms)
        gathering = self._gathering
        if gathering is None:
            timestamp_ms = self.wall_ms(now_ms)
            chunk_bytes_max = min(
                self._limits.chunk_bytes_max, self.kept.retention.segment_bytes_max
            )
            gathering = Gathering(self.next_offset, timestamp_ms, chunk_bytes_max)
            self._gathering = gathering
        size_bytes = gathering.add(appended)
        self.next_offset = gathering.next_offset
        if appended.publisher:
            self.publishing_ids.note_highest(appended.publisher, appended.publishing_id)
        self._is_fsync_asked |= self.is_fsynced
        lsn = self.commit_group.gather(self, size_bytes, fsync=self.is_fsynced)
        if lsn != self.appended_lsn:
            self.appended_lsn = lsn
            self.commit_group.wait(lsn, self._committed)
        return lsn

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Set the class of later appends; earlier ones keep theirs."""
        self.is_fsynced = is_fsynced

    def seal(self) -> Gathered:
        """Draw the chunks of what was gathered; see ``persistence.gathering.Source``."""
        gathering, self._gathering = self._gathering, None
        is_fsynced, self._is_fsync_asked = self._is_fsync_asked, False
        assert gathering is not None, "a source is asked once for what it has noted"
        direct: DirectWrite | None = None
        result = Gathered()
        if not self.is_dropped:
            chunks = gathering.draw(self._filter_bytes, self._fsynced_offset)
            if self._is_large(gathering.size_bytes):
                direct = self.kept.plan(chunks)
            if direct is not None:
                self._unscanned_bytes += gathering.size_bytes
                result = Gathered(write=direct.write)
            else:
                first_offset = chunks[0].header.first_offset
                parts = self.kept.add(chunks)
                result = Gathered(
                    encode_stream_chunks(self.queue_id, first_offset, len(chunks), parts)
                )
        self._sealed.append(_Sealed(gathering.next_offset, is_fsynced, direct))
        return result

    def _is_large(self, size_bytes: int) -> bool:
        """Return whether something is written straight to its segment, which it may overfill."""
        segment_bytes_max = self.kept.retention.segment_bytes_max
        return self._limits.direct_bytes_min <= size_bytes <= segment_bytes_max // _SEGMENT_PARTS

    def _committed(self) -> None:
        next_offset, is_fsynced, direct = self._sealed.popleft()
        if direct is not None:
            self.kept.carried_out(direct, next_offset, is_fsynced=is_fsynced)
        if self.is_dropped:
            return
        self.readable_offset = next_offset
        if is_fsynced:
            self._fsynced_offset = next_offset
        self.kept.spill_if_due()
        self.on_readable()

    # -- out ------------------------------------------------------------------------------------

    @property
    def first_offset(self) -> int:
        """Of the first message that is kept; ``next_offset`` where there is none."""
        first_offset = self.kept.first_offset()
        return self.readable_offset if first_offset is None else first_offset

    def wall_ms(self, now_ms: int) -> int:
        """Return the time of the wall clock at an instant, in ms since 1970."""
        return now_ms + self._wall_offset_ms()

    @property
    def message_count(self) -> int:
        """How many messages it keeps; those of a damaged place count too."""
        return self.next_offset - self.first_offset - self.kept.segments.removed_count

    @property
    def size_bytes(self) -> int:
        """The size of all chunks that are kept."""
        return self.kept.size_bytes

    @property
    def segment_count(self) -> int:
        """How many segments it has."""
        return self.kept.segment_count

    def segments_from(self, from_offset: int, max_count: int) -> Sequence[KeptSegment]:
        """Return some segments, from the one that goes beyond an offset on; see the port."""
        return self.kept.segments_from(from_offset, max_count)

    def read(self, from_offset: int, max_bytes: int, *, checks: bool = False) -> Extent | None:
        """Return chunks from the one that holds an offset, or from the next; None if none is."""
        from_offset = max(from_offset, self.first_offset)
        if from_offset >= self.readable_offset or self.is_dropped:
            return None
        return self.kept.read(from_offset, max_bytes, self.readable_offset, checks=checks)

    def last_chunk_offset(self) -> int | None:
        """Return the first offset of the last readable chunk; None where there is none."""
        return self.kept.last_chunk_offset(self.readable_offset)

    def offset_at(self, timestamp_ms: int) -> int | None:
        """Return the first offset of the first readable chunk that is not older; None is none."""
        offset = self.kept.offset_at(timestamp_ms)
        return offset if offset is not None and offset < self.readable_offset else None

    # -- numbers by reference ---------------------------------------------------------------------

    def publishing_id(self, reference: bytes) -> int | None:
        """Return the highest publishing id that was appended for a publisher; None is none."""
        return self.publishing_ids.get(reference)

    def store_offset(self, reference: bytes, offset: int) -> None:
        """Store how far a consumer has come; nobody waits for it."""
        if not self.is_dropped:
            self.stored_offsets.note(reference, offset)
            operation = encode_stream_offset(self.queue_id, reference, offset)
            self.commit_group.append_operation(operation, fsync=False)

    def stored_offset(self, reference: bytes) -> int | None:
        """Return the offset that was stored last for a consumer; None is none."""
        return self.stored_offsets.get(reference)

    def tracking(self) -> tuple[list[tuple[bytes, int]], list[tuple[bytes, int]]]:
        """Return all stored offsets, and all highest publishing ids, by reference."""
        return list(self.stored_offsets), list(self.publishing_ids)

    # -- what is kept -----------------------------------------------------------------------------

    def set_retention(self, retention: Retention) -> None:
        """Set what is kept; ``retain`` has to be called next."""
        self.kept.set_retention(retention)

    def set_filter_bytes(self, filter_bytes: int) -> None:
        """Set the size of filters from now on."""
        self._filter_bytes = filter_bytes

    def retain(self, now_ms: int) -> int | None:
        """Drop the segments that are due, and end one that is old enough."""
        if self.is_dropped:
            return None
        is_idle = self._gathering is None and not self._sealed
        offset_ms = self._wall_offset_ms()
        next_offset = self.next_offset if is_idle else None
        due_ms = self.kept.retain(now_ms + offset_ms, self.readable_offset, next_offset)
        return None if due_ms is None else due_ms - offset_ms

    def set_compaction(self, compaction: Compaction | None) -> None:
        """Set how it is compacted; None is not at all."""
        self._compactor.set(compaction)

    def compaction_due_ms(self, now_ms: int) -> int | None:
        """Return when to call ``compact`` (instant); None if there is nothing to do."""
        offset_ms = self._wall_offset_ms()
        due_ms = self._compactor.due_ms(self.readable_offset, now_ms + offset_ms)
        return None if due_ms is None or self.is_dropped else due_ms - offset_ms

    def compact(self, now_ms: int) -> bool:
        """Do a piece of a compaction; return whether nothing is left to do for now."""
        if self.is_dropped:
            return True
        return self._compactor.step(self.readable_offset, self.wall_ms(now_ms))

    def drop(self) -> int:
        """Forget everything, because the stream is gone. Its definition must be deleted before."""
        self.is_dropped = True
        self._compactor.stop()
        self.kept.drop()
        return self.commit_group.append_operation([encode_drop(self.queue_id)], fsync=False)

    # -- for the store: see ``persistence.stored_log.StoredLog`` ----------------------------------

    @property
    def form(self) -> LogForm:
        """That of a stream."""
        return LogForm.STREAM

    @property
    def directory(self) -> str:
        """The folder of its segments."""
        return self.kept.directory

    @property
    def due_bytes(self) -> int:
        """How much a checkpoint would free of the disk, or spare a restart."""
        return self.kept.unneeded_bytes + self._unscanned_bytes // _SCAN_SHARE

    def start(self, commit: Committing) -> None:
        """Append to this from now on."""
        self.commit_group = commit

    def note_delivered(self, delivered_below: int) -> None:
        """Ignore it: a stream has no messages that are delivered again."""

    def go_on_at(self, next_offset: int) -> None:
        """Go on behind what a restart has found; all of that is on disk, and can be read."""
        self.next_offset = self.readable_offset = self._fsynced_offset = next_offset

    def store_some(self, max_bytes: int) -> bool:
        """Write the tail to its segment; return False if that took time, and more may be written.

        A small tail stays where it is, for the row has it. That of a stream which got nothing since
        the last checkpoint is written, so that a silent stream has nothing in memory.

        Where a direct write is under way, the tail behind it stays in memory. Its group and that of
        the direct write are not committed yet, so they are in no file that the checkpoint frees.
        """
        is_silent = self.next_offset == self._noted_offset
        if is_silent:
            self.kept.forget_recent()
        has_written = (is_silent or not self._is_tail_small()) and self.kept.write_tail()
        has_written |= self.kept.segments.write_indexes()
        return not has_written or max_bytes >= EVERYTHING_BYTES

    def _is_tail_small(self) -> bool:
        tail = self.kept.tail
        return tail.size_bytes <= self._limits.row_bytes_max and len(tail.chunks) <= ROW_CHUNKS_MAX

    def note(self) -> Noted:
        """Return the state at this moment: what is in segments, and a small tail."""
        self._unscanned_bytes = 0
        self._noted_offset = self.next_offset
        segments = self.kept.segments
        chunks = self.kept.tail.from_offset(segments.next_offset)
        row = StreamSnapshot(
            self.queue_id,
            segments.next_offset,
            [each.row() for each in segments.all],
            list(self.publishing_ids),
            list(self.stored_offsets),
            [part for chunk in chunks for part in chunk.parts] if self._is_tail_small() else (),
            segments.clean_offset,
            segments.key_tag,
        )
        dirty, folders = segments.take_dirty()
        return Noted(row, dirty, folders, self.kept.take_unneeded())


def _ignore() -> None:
    pass
