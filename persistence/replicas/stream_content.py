"""What the committed records of a mirrored stream say: its chunks in files, numbers, what is kept.

    records ── compaction ──▶ tail, in memory and in the checkpoint's row ──▶ segments

It is the part of a stream that can never be cut again. The write-ahead log has all that came since
the last checkpoint, so a restart cuts segments to the sizes of the row and repeats the rest.

A mirror that is behind gets what it lacks in pieces, each of which is a snapshot at an index of the
log. *Marks* say which offset the stream had come to at an index.

A content that replaces another one is an object of its own, with files of other names. Which one
counts says the number of the change with which it began: that of the checkpoint's row, or of the
last such change that the write-ahead log has. The row of a content:

byte 0              8             16                  24           32      36
     | first offset | next offset | size of a segment | begun with | marks | row's octets | ...
       u64            u64           u64                 u64          u32     u32

40   marks x | index u64, offset u64, octets u64 |
     the row, as ``persistence.streams.row`` draws it
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES
from persistence.replicas.messages import Damage
from persistence.stored_log import UnneededFile
from persistence.stream_operations import (
    StreamChunks,
    StreamKept,
    StreamOffset,
    StreamState,
    encode_stream_chunks,
    encode_stream_state,
)
from persistence.streams.chunk import (
    ChunkHeader,
    chunks_in,
    decode_chunk_header,
    decode_trailer,
)
from persistence.streams.ending import end_newest
from persistence.streams.extent import Extent
from persistence.streams.files import is_of_replica
from persistence.streams.kept import KeptChunks
from persistence.streams.rebuilding import SegmentsRebuilding
from persistence.streams.references import References
from persistence.streams.retention import Retention
from persistence.streams.row import StreamSnapshot, decode_stream_row
from persistence.streams.segments import StreamSegments

NO_QUEUE: Final = 0

PIECE_BYTES: Final = 4 << 20
"""Marks are about so far apart, and so are the pieces that a mirror gets."""

_READ_BYTES: Final = 1 << 20
_HEAD: Final = struct.Struct("<QQQQII")
_MARK: Final = struct.Struct("<QQQ")
_INDEX: Final = itemgetter(0)

for _size_bytes, _struct in ((40, _HEAD), (24, _MARK)):
    assert _struct.size == _size_bytes, "the drawing says so"


class Mark(NamedTuple):
    """At this index the stream ended before ``next_offset``, and had got so many octets."""

    at: int
    next_offset: int
    octets_count: int


class StreamRow(NamedTuple):
    """What a checkpoint says of it.

    Attributes:
        first_offset: messages below it are gone.
        next_offset: behind the last message.
        segment_bytes_max: a segment of this size gets no more chunks.
        begun_with: as ``StreamContent`` has it.
        marks: the earliest first.
        row: segments, references, and all chunks that are in no segment.
    """

    first_offset: int
    next_offset: int
    segment_bytes_max: int
    begun_with: int
    marks: Sequence[Mark]
    row: StreamSnapshot

    def encode(self) -> bytes:
        """Return its octets: a multiple of 8."""
        row = self.row.encode()
        head = _HEAD.pack(*self[:4], len(self.marks), len(row))
        return b"".join((head, *[_MARK.pack(*mark) for mark in self.marks], row))


def decode_stream_content(queue_id: int, octets: Octets) -> StreamRow:
    """Return what a row says.

    Raises:
        DamagedError: it does not have the form of one.
        struct.error: it is too short.
    """
    first_offset, next_offset, segment_bytes, begun_with, count, row_bytes = _HEAD.unpack_from(
        octets
    )
    marks_end = _HEAD.size + count * _MARK.size
    if marks_end + row_bytes != len(octets):
        raise DamagedError(f"the row of a stream has {len(octets)} octets")
    marks = [Mark._make(each) for each in _MARK.iter_unpack(octets[_HEAD.size : marks_end])]
    row = decode_stream_row(queue_id, octets[marks_end:])
    return StreamRow(first_offset, next_offset, segment_bytes, begun_with, marks, row)


class StreamContent:
    """The content of one replica of a mirrored stream.

    Args:
        queue_id: of the replica's log.
        kept: of this stream alone, and empty.
        begun_with: the number of the change of the replica that put this in the place of another
            content; 0: it is the first. The names of its files have it.

    Attributes:
        kept: the chunks. Retention drops whole segments, so some may be below ``first_offset``.
        first_offset: of the first message that counts.
        next_offset: behind the last message.
        publishing_ids, stored_offsets: numbers by reference.
        marks: which offset it had come to at which index.
        damage: is asked before a chunk that cannot be read is left out.
    """

    def __init__(self, queue_id: int, kept: KeptChunks, begun_with: int) -> None:
        self.kept = kept
        self.begun_with = begun_with
        self.first_offset = 0
        self.next_offset = 0
        self.publishing_ids = References()
        self.stored_offsets = References()
        self.marks: list[Mark] = []
        self.damage = Damage()
        self._queue_id = queue_id
        self._octets_count = 0
        self._is_damaged = ""

    @property
    def segment_bytes_max(self) -> int:
        """A segment of this size gets no more chunks."""
        return self.kept.retention.segment_bytes_max

    # -- what records say -----------------------------------------------------------------------

    def take(self, operation: StreamChunks | StreamOffset | StreamKept | StreamState) -> None:
        """Put a record into it.

        Raises:
            DamagedError: it does not fit.
        """
        match operation:
            case StreamChunks():
                self._add(operation.octets)
            case StreamOffset():
                self.stored_offsets.note(operation.reference, operation.offset)
            case StreamKept():
                self._keep(operation)
            case StreamState():
                self._begin(operation)

    def mark(self, index: int) -> None:
        """Note that this is the content at an index of the log."""
        marks, mark = self.marks, Mark(index, self.next_offset, self._octets_count)
        before = marks[-2].octets_count if len(marks) > 1 else 0
        if marks and mark.octets_count - before < PIECE_BYTES:
            marks[-1] = mark
        else:
            marks.append(mark)
        # Those of messages that are gone say nothing.
        while len(marks) > 1 and marks[1].next_offset <= self.first_offset:
            del marks[0]

    def _add(self, octets: Octets) -> None:
        """Take chunks, but for those that are there: a snapshot may begin before the end."""
        for position, header in chunks_in(octets):
            if header.first_offset < self.next_offset:
                if header.next_offset > self.next_offset:
                    raise DamagedError(f"a chunk from {header.first_offset} over an end")
                continue
            if header.first_offset > self.next_offset:
                raise DamagedError(f"a chunk from {header.first_offset} on {self.next_offset}")
            chunk = bytes(octets[position : position + header.size_bytes])
            self.kept.adopt(header, chunk)
            for reference, number in decode_trailer(chunk).publishing_ids.items():
                self.publishing_ids.note_highest(reference, number)
            self.next_offset = header.next_offset
            self._octets_count += header.size_bytes
        self.kept.spill_if_due()

    def _keep(self, kept: StreamKept) -> None:
        if kept.segment_bytes_max:
            retention = Retention(segment_bytes_max=kept.segment_bytes_max)
            self.kept.set_retention(retention)
        self.first_offset = max(self.first_offset, kept.first_offset)
        if kept.ends_segment or self.next_offset <= self.first_offset:
            end_newest(self.kept)
        # Retention may have gone past all that a replica had; no offset comes a second time.
        self.next_offset = max(self.next_offset, self.first_offset)
        self.kept.drop_below(self.first_offset)

    def _begin(self, state: StreamState) -> None:
        """Begin with a snapshot, or go on with one."""
        if state.after is None and self.next_offset:
            raise DamagedError("the beginning of a stream within another one")
        row = decode_stream_row(NO_QUEUE, state.references)
        for references, numbers in (
            (self.publishing_ids, row.publishing_ids),
            (self.stored_offsets, row.stored_offsets),
        ):
            references.clear()
            references.note_all(numbers)
        self._keep(state.kept)

    def read(
        self, from_offset: int, max_bytes: int, below_offset: int, *, checks: bool
    ) -> Extent | None:
        """Return chunks from the one that holds an offset; see ``KeptChunks.read``.

        Args:
            from_offset: one that is kept.
            max_bytes: of all chunks together; one chunk is returned whatever its size.
            below_offset: all chunks begin below it; above ``from_offset``.
            checks: leave out chunks with a wrong checksum.

        Raises:
            OSError: the disk could not be read, or what is damaged is kept.
        """
        found = self.kept.read(from_offset, max_bytes, below_offset, checks=checks)
        if found is None or found.first_offset > from_offset:
            # A mirrored stream has no gap.
            where = f"{self.kept.directory}, offset {from_offset}"
            self.damage.refuse(DamagedError(f"{where}: a chunk cannot be read"))
        return found

    # -- for a mirror that is behind ---------------------------------------------------------------

    def piece(self, behind: int, base: int) -> tuple[int, list[bytes]]:
        """Return what a mirror lacks next: an index of the log, and the content at that index.

        Args:
            behind: the index up to which the mirror has the same log; below 0 it has another one.
            base: the index at which this content is.

        Raises:
            DamagedError: some of it cannot be read any more.
            OSError: the disk could not be read.
        """
        marks = self.marks
        at = bisect_right(marks, behind, key=_INDEX)
        since = marks[at - 1].next_offset if at else 0
        after = None if behind < 0 else behind
        mark = marks[at] if at < len(marks) else None
        index, stop = base, self.next_offset
        if mark is not None and mark.at < base:
            index, stop = mark.at, mark.next_offset
        references = StreamSnapshot(
            NO_QUEUE, 0, (), list(self.publishing_ids), list(self.stored_offsets)
        )
        kept = StreamKept(NO_QUEUE, self.first_offset, self.segment_bytes_max)
        parts = [encode_stream_state(StreamState(kept, after, references.encode()))]
        offset = max(since, self.first_offset)
        while offset < stop:
            extent = self.read(offset, _READ_BYTES, stop, checks=True)
            if extent is None or extent.first_offset > offset:
                raise DamagedError(f"offset {offset} of a stream cannot be read")
            octets = bytes(extent.octets)
            parts += encode_stream_chunks(
                NO_QUEUE, extent.first_offset, len(extent.chunks), [octets]
            )
            offset = extent.next_offset
        return index, parts

    # -- for the store, and a restart -----------------------------------------------------------

    def note(self) -> tuple[StreamRow, list[str], Sequence[str], list[UnneededFile]]:
        """Return its row, files and folders that must be synced before it, and unneeded files."""
        segments = self.kept.segments
        chunks = self.kept.tail.from_offset(segments.next_offset)
        row = StreamSnapshot(
            self._queue_id,
            segments.next_offset,
            [each.row() for each in segments.all],
            list(self.publishing_ids),
            list(self.stored_offsets),
            [part for chunk in chunks for part in chunk.parts],
        )
        dirty, folders = segments.take_dirty()
        content = StreamRow(
            self.first_offset,
            self.next_offset,
            self.segment_bytes_max,
            self.begun_with,
            list(self.marks),
            row,
        )
        return content, dirty, folders, self.kept.take_unneeded()

    def store_some(self) -> bool:
        """Write what is in memory to segments; return whether there was nothing.

        Raises:
            OSError: the disk refuses; it stays in memory.
        """
        has_written = self.kept.write_tail()
        has_written |= self.kept.segments.write_indexes()
        return not has_written

    def restore(self, content: StreamRow) -> None:
        """Begin with a row of a checkpoint; what segments have behind it is cut off."""
        segments, row = self.kept.segments, content.row
        self.kept.set_retention(Retention(segment_bytes_max=content.segment_bytes_max))
        self.first_offset = content.first_offset
        self.marks = list(content.marks)
        self._octets_count = self.marks[-1].octets_count if self.marks else 0
        self.publishing_ids.note_all(row.publishing_ids)
        self.stored_offsets.note_all(row.stored_offsets)
        names = self._names()
        rebuilding = SegmentsRebuilding(segments, row, {})
        rebuilding.adopt_listed(names)
        self._is_damaged = "; ".join(rebuilding.damages)
        _cut_to_rows(segments, names)
        self.next_offset = max(row.next_offset, self.first_offset)
        for octets in row.tail:
            for header, chunk in _chunks_of_tail(octets):
                self.kept.adopt(header, chunk)
                self.next_offset = max(header.next_offset, self.first_offset)
        if self.next_offset != content.next_offset:
            self._is_damaged += f"it ends before {self.next_offset}, not {content.next_offset}"

    def restore_none(self) -> None:
        """Begin with nothing at a restart: no checkpoint has a row of any content."""
        _cut_to_rows(self.kept.segments, self._names())

    def _names(self) -> Sequence[str]:
        files, directory = self.kept.segments.opened.files, self.kept.segments.directory
        return files.names(directory) if files.exists(directory) else ()

    def check_whole(self) -> None:
        """See that nothing of it is missing, now that all is repeated.

        Raises:
            DamagedError: something is.
        """
        if self._is_damaged:
            raise DamagedError(self._is_damaged)


MakeContent = Callable[[int], StreamContent]
"""Returns the empty content of a replica that turns out to be one of a stream; see its last
argument."""


def _cut_to_rows(segments: StreamSegments, names: Sequence[str]) -> None:
    """Cut off, and remove, what no row has: the write-ahead log has it.

    Other contents go too: one that the row's took the place of, or one that a change began which
    the log may not have. Where it does, the content is made again.
    """
    listed: set[str] = set()
    for segment in segments.all:
        listed |= {segment.path, segment.index.path}
        file = segments.opened.get(segment.path).file
        if file.size_bytes > segment.size_bytes:
            file.truncate(segment.size_bytes)
    for name in names:
        path = f"{segments.directory}/{name}"
        if is_of_replica(name) and path not in listed:
            segments.opened.files.remove(path)


def _chunks_of_tail(octets: Octets) -> Iterator[tuple[ChunkHeader, bytes]]:
    """Yield the chunks of a row's tail; behind them are zeros."""
    position = 0
    while len(octets) - position >= ALIGNMENT_BYTES:
        header = decode_chunk_header(octets, position)
        end = position + header.size_bytes
        yield header, bytes(octets[position:end])
        position = end
