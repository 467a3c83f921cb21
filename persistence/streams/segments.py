"""The segments of one stream: where chunks are written, and which of the oldest may go.

A segment gets chunks until it is full, also after a restart. Writes go behind each other; one that
another thread carries out has its place from the moment it is planned.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise, takewhile
from typing import Final

from persistence.by_name import fsync_directory, fsync_file
from persistence.files import Octets
from persistence.gathering import FileWrite
from persistence.stored_log import UnneededFile
from persistence.streams.chunk import ChunkHeader, WholeChunk
from persistence.streams.extent import KeptSegment
from persistence.streams.files import (
    HEADER_BYTES,
    PLACE_BYTES,
    encode_segment_header,
    index_name,
    place_of,
    segment_name,
)
from persistence.streams.index import SegmentIndex, new_index
from persistence.streams.open_files import OpenFile, OpenFiles
from persistence.streams.retention import SEGMENT_CHUNKS_MAX
from persistence.streams.row import SegmentRow

NEVER_MS: Final = -1
"""The timestamp of a segment without a chunk."""


class Segment:
    """One segment of a stream.

    Attributes:
        first_offset: that it is named after; its first chunk begins there, or behind a gap.
        path: of the file.
        size_bytes: of the file: where the next chunk goes.
        index: of its chunks.
        next_offset: behind its last chunk.
        first_timestamp_ms, last_timestamp_ms: of its first and its last chunk; ``NEVER_MS`` without
            one.
        is_dirty: something was written that no checkpoint has synced.
        is_new: its name is in no folder that a checkpoint has synced.
        has_name: its name is known to be on disk.
        is_closed: it gets no more chunks, however small it is.
        generation: above 0 for what a compaction has left of others; it is closed.
        record_count: how many messages are in a compacted one; otherwise those of this life.
    """

    __slots__ = (
        "first_offset",
        "first_timestamp_ms",
        "generation",
        "has_name",
        "index",
        "is_closed",
        "is_dirty",
        "is_new",
        "last_timestamp_ms",
        "next_offset",
        "path",
        "record_count",
        "size_bytes",
    )

    def __init__(
        self, first_offset: int, path: str, index: SegmentIndex, generation: int = 0
    ) -> None:
        self.first_offset = first_offset
        self.generation = generation
        self.record_count = 0
        self.path = path
        self.size_bytes = HEADER_BYTES
        self.index = index
        self.next_offset = first_offset
        self.first_timestamp_ms = NEVER_MS
        self.last_timestamp_ms = NEVER_MS
        self.is_dirty = False
        self.is_new = True
        self.has_name = False
        self.is_closed = generation > 0

    @property
    def content_bytes(self) -> int:
        """The size of its chunks."""
        return self.size_bytes - HEADER_BYTES

    def row(self) -> SegmentRow:
        """Return what a checkpoint says of it."""
        return SegmentRow(
            self.first_offset,
            self.next_offset,
            self.size_bytes,
            self.first_timestamp_ms,
            self.last_timestamp_ms,
            len(self.index),
            self.index.unwritten,
            self.generation,
            self.record_count if self.generation else 0,
        )

    def kept(self) -> KeptSegment:
        """Return how it is, without what the tail has for it."""
        is_empty = self.last_timestamp_ms == NEVER_MS
        return KeptSegment(
            self.first_offset,
            self.next_offset,
            self.content_bytes,
            None if is_empty else self.first_timestamp_ms,
            None if is_empty else self.last_timestamp_ms,
            self.generation > 0,
        )

    def adopt(self, row: SegmentRow) -> None:
        """Take over what a checkpoint says of it."""
        self.next_offset = row.next_offset
        self.size_bytes = row.size_bytes
        self.first_timestamp_ms = row.first_timestamp_ms
        self.last_timestamp_ms = row.last_timestamp_ms
        self.index.adopt(row.chunk_count, row.unwritten)
        self.is_new = False
        self.record_count = row.record_count
        self.has_name = True

    def note(self, header: ChunkHeader) -> None:
        """Note a chunk at its end."""
        if self.last_timestamp_ms == NEVER_MS:
            self.first_timestamp_ms = header.timestamp_ms
        self.index.add(place_of(header, self.size_bytes))
        self.size_bytes += header.size_bytes
        self.next_offset = header.next_offset
        self.last_timestamp_ms = header.timestamp_ms
        self.record_count += header.record_count

    def is_full(self, segment_bytes_max: int) -> bool:
        """Return whether it gets no more chunks."""
        return (
            self.is_closed
            or self.content_bytes >= segment_bytes_max
            or len(self.index) >= SEGMENT_CHUNKS_MAX
        )


class StreamSegments:
    """All segments of a stream, the oldest first.

    Args:
        opened: the open files of all streams.
        parent: folder where each queue has its own.
        queue_id: of the stream.
        prefix: what the names of its files begin with.

    Attributes:
        directory: of the files.
        all: the segments.
        segment_bytes_max: a segment of this size gets no more chunks.
        clean_offset: below it every key has one message; compactions raise it.
        key_tag: of the key that this is true of.

    Invariant: compacted segments come before all others, and the last segment is none.
    """

    def __init__(self, opened: OpenFiles, parent: str, queue_id: int, prefix: str = "") -> None:
        self.directory = f"{parent}/{queue_id:016x}"
        self.all: list[Segment] = []
        self.opened = opened
        self.segment_bytes_max = 0
        self.clean_offset = 0
        self.key_tag = 0
        self._parent = parent
        self._queue_id = queue_id
        self._prefix = prefix

    @property
    def next_offset(self) -> int:
        """Behind the last chunk that has a place; 0 where there is none."""
        return self.all[-1].next_offset if self.all else 0

    @property
    def content_bytes(self) -> int:
        """The size of all chunks."""
        return sum([segment.content_bytes for segment in self.all])

    @property
    def removed_count(self) -> int:
        """How many messages compactions have removed, between the first offset and the end."""
        count = 0
        for segment, following in pairwise(self.all):
            if not segment.generation:
                break
            count += following.first_offset - segment.first_offset - segment.record_count
        return count

    def segment_of(self, first_offset: int, generation: int = 0) -> Segment:
        """Return a segment as it is before its first chunk; it is not one of ``all`` yet."""
        start = f"{self.directory}/{self._prefix}"
        path = f"{start}{segment_name(first_offset, generation)}"
        index_path = f"{start}{index_name(first_offset, generation)}"
        index = new_index(self.opened, index_path, self._queue_id, first_offset)
        return Segment(first_offset, path, index, generation)

    def header_of(self, segment: Segment) -> bytes:
        """Return what the file of a segment begins with."""
        return encode_segment_header(self._queue_id, segment.first_offset)

    # -- writing --------------------------------------------------------------------------------

    def room_bytes(self) -> int:
        """Return how many bytes of chunks make the last segment full."""
        if not self.all or self.all[-1].is_full(self.segment_bytes_max):
            return self.segment_bytes_max
        return self.segment_bytes_max - self.all[-1].content_bytes

    def append(self, chunks: Sequence[WholeChunk]) -> None:
        """Write chunks behind the last one, into as many segments as they need; nothing is synced.

        Raises:
            OSError: the rest of them was not written: those from ``next_offset`` on.
        """
        at = 0
        while at < len(chunks):
            segment, opened = self._for_next(chunks[at].header.first_offset)
            end = at + 1
            added_bytes = chunks[at].header.size_bytes
            while end < len(chunks) and not self._ends_at(segment, added_bytes, end - at):
                added_bytes += chunks[end].header.size_bytes
                end += 1
            position, parts = self._planned(segment, chunks[at:end])
            opened.file.write_at(position, parts)
            self._note(segment, chunks[at:end])
            at = end

    def plan(self, chunks: Sequence[WholeChunk]) -> tuple[FileWrite, Segment, OpenFile]:
        """Return the write of chunks into one segment; they have their place from now on.

        The file is held until the caller releases it.

        Raises:
            OSError: a segment cannot be begun; nothing has changed.
        """
        segment, opened = self._for_next(chunks[0].header.first_offset)
        position, parts = self._planned(segment, chunks)
        self._note(segment, chunks)
        opened.hold()
        folders = () if segment.has_name else (self.directory, self._parent)
        fsync = partial(_fsync, self.opened, segment.path, folders)
        named = opened.file if segment.has_name else None
        write = FileWrite(segment.path, opened.file, position, parts, fsync, named)
        return write, segment, opened

    def begin(self, first_offset: int) -> None:
        """Begin the next segment before it has a chunk.

        Raises:
            OSError: nothing has changed.
        """
        segment, opened = self._open_new(first_offset)
        opened.file.write_at(0, self.header_of(segment))
        segment.is_dirty = True
        self.all.append(segment)

    def _ends_at(self, segment: Segment, added_bytes: int, added_count: int) -> bool:
        return (
            segment.content_bytes + added_bytes >= self.segment_bytes_max
            or len(segment.index) + added_count >= SEGMENT_CHUNKS_MAX
        )

    def _planned(
        self, segment: Segment, chunks: Sequence[WholeChunk]
    ) -> tuple[int, Sequence[Octets]]:
        """Return where chunks go, and what is written there; the header goes with the first one."""
        parts = [part for chunk in chunks for part in chunk.parts]
        if segment.size_bytes > HEADER_BYTES:
            return segment.size_bytes, parts
        return 0, [self.header_of(segment), *parts]

    def _note(self, segment: Segment, chunks: Sequence[WholeChunk]) -> None:
        for chunk in chunks:
            segment.note(chunk.header)
        segment.is_dirty = True
        if not self.all or self.all[-1] is not segment:
            self.all.append(segment)

    def _for_next(self, first_offset: int) -> tuple[Segment, OpenFile]:
        """Return the segment that the next chunk goes to, and its file."""
        if not self.all or self.all[-1].is_full(self.segment_bytes_max):
            return self._open_new(first_offset)
        last = self.all[-1]
        if last.index.is_due():
            last.index.write()
        return last, self.opened.get(last.path, create=True)

    def _open_new(self, first_offset: int) -> tuple[Segment, OpenFile]:
        if self.all:
            self.all[-1].index.write()
        else:
            self.opened.files.make_directory(self.directory)
        segment = self.segment_of(first_offset)
        return segment, self.opened.get(segment.path, create=True)

    # -- what goes ------------------------------------------------------------------------------

    def take_oldest(self, count: int) -> list[UnneededFile]:
        """Give up the oldest segments; return their files, which a checkpoint removes."""
        taken, self.all = self.all[:count], self.all[count:]
        return self._given_up(taken)

    def closed_below(self, offset: int) -> Sequence[Segment]:
        """Return the oldest segments that get no more chunks, as far as they end by an offset."""
        return list(takewhile(lambda each: each.next_offset <= offset, self.all[:-1]))

    def replace(
        self, old: Sequence[Segment], new: Sequence[Segment]
    ) -> Sequence[UnneededFile] | None:
        """Take what a compaction has left in place of the segments that it was made of.

        Returns:
            The files of these, which a checkpoint removes; None if some are there no more, and
            nothing has changed.
        """
        at = self.all.index(old[0]) if old[0] in self.all else 0
        if list(self.all[at : at + len(old)]) != list(old):
            return None
        self.all = [*self.all[:at], *new, *self.all[at + len(old) :]]
        return self._given_up(old)

    def _given_up(self, taken: Sequence[Segment]) -> list[UnneededFile]:
        files: list[UnneededFile] = []
        for segment in taken:
            self.opened.close(segment.path)
            self.opened.close(segment.index.path)
            files.append(UnneededFile(segment.path, segment.size_bytes))
            index_bytes = HEADER_BYTES + len(segment.index) * PLACE_BYTES
            files.append(UnneededFile(segment.index.path, index_bytes))
        return files

    def close(self) -> None:
        """Close every file, because the stream is gone."""
        for segment in self.all:
            self.opened.close(segment.path)
            self.opened.close(segment.index.path)

    # -- for a checkpoint -----------------------------------------------------------------------

    def write_indexes(self) -> bool:
        """Write what indexes have in memory, if that is much; nothing is synced.

        Few places of the last segment stay in memory, because a row has room for them.

        Returns:
            Whether there was anything.

        Raises:
            OSError: some of it stays in memory.
        """
        done = [segment.index.write() for segment in self.all[:-1]]
        done += [segment.index.write() for segment in self.all[-1:] if segment.index.is_due()]
        return any(done)

    def take_dirty(self) -> tuple[list[str], Sequence[str]]:
        """Return what was written since the last call: files, and folders that have new names."""
        dirty: list[str] = []
        has_new_names = False
        for segment in self.all:
            index = segment.index
            if segment.is_dirty:
                dirty.append(segment.path)
            if index.is_dirty:
                dirty.append(index.path)
            has_new_names |= segment.is_new or index.is_new
            segment.is_dirty = segment.is_new = index.is_dirty = index.is_new = False
        return dirty, self.folders() if has_new_names else ()

    def folders(self) -> Sequence[str]:
        """Return the folders that have the names of its files."""
        return (self.directory, self._parent)


def _fsync(opened: OpenFiles, path: str, folders: Sequence[str]) -> None:
    """Return when a segment is on disk; called on the thread that writes."""
    fsync_file(opened.files, path)
    for folder in folders:
        fsync_directory(opened.files, folder)
