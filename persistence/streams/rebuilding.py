"""Rebuilds the segments of a stream at a start: what the checkpoint lists, and what is behind it.

What the row says is in the segments is not looked at. What the segments hold behind that is
scanned, chunk by chunk, with both checksums:

    | chunks of the row | chunk | chunk | not whole | chunk | ...
                        0       5       9           12

What is not whole was one of three things:

    in the write-ahead log    small, and written without a sync: it is written again, there
    nowhere else              torn: nobody was told of it, and the stream ends before it
    nowhere else, and what    damaged: the octets are kept in a file of their own, and the gap in
    is later proves that it   the offsets stays
    had been committed

A small chunk stays in the write-ahead log until a checkpoint has synced its segment, and a direct
write is synced before it is committed. So nothing else can be missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from persistence.by_name import fsync_directory, remove
from persistence.files import File
from persistence.streams.chunk import CHUNK_HEADER, ChunkHeader, Trailer
from persistence.streams.files import (
    DAMAGED_SUFFIX,
    HEADER_BYTES,
    first_offsets,
    index_name,
)
from persistence.streams.row import StreamSnapshot
from persistence.streams.scan import Scanned, fsync_believed, read_from_disk, scan
from persistence.streams.segments import Segment, StreamSegments


class LoggedChunk(NamedTuple):
    """A chunk that the write-ahead log has."""

    header: ChunkHeader
    octets: bytes


@dataclass(slots=True)
class _Part:
    """What a segment holds behind the row."""

    segment: Segment
    end: int
    found: Sequence[Scanned]
    is_changed: bool = False


class SegmentsRebuilding:
    """Takes over the segments of one stream.

    Args:
        segments: none yet.
        row: of the checkpoint.
        logged: the chunks of the write-ahead log that are not in the row, by first offset.

    Attributes:
        next_offset: behind the last chunk that was taken over.
        trailers: of chunks that were scanned: the row does not know their publishing ids.
        damages: what is lost; one sentence each.
        lost_count: so many offsets are lost.
    """

    def __init__(
        self,
        segments: StreamSegments,
        row: StreamSnapshot,
        logged: Mapping[int, LoggedChunk],
    ) -> None:
        self._segments = segments
        self._row = row
        self._logged = logged
        self.next_offset = row.next_offset
        self.trailers: list[Trailer] = []
        self.damages: list[str] = []
        self.lost_count = 0
        self._proven_offset = max(logged, default=0)
        """Everything below it had been committed."""

    def adopt_listed(self, names: Sequence[str]) -> None:
        """Take over the segments of the row, unread; note those that are not what it says.

        Args:
            names: in the stream's folder.
        """
        there = set(names)
        for row in self._row.segments:
            segment = self._segments.segment_of(row.first_offset, row.generation)
            if segment.path.rpartition("/")[2] not in there:
                self.lose(row.first_offset, row.next_offset, f"{segment.path} is missing")
                continue
            segment.adopt(row)
            size_bytes = self._file_of(segment).size_bytes
            if size_bytes < row.size_bytes:
                segment.is_closed = True
                self.damages.append(
                    f"{segment.path} has {size_bytes} octets and not {row.size_bytes}: the messages"
                    " behind its end are lost"
                )
            self._segments.all.append(segment)

    def adopt_scanned(self, names: Sequence[str]) -> None:
        """Take over what segments hold behind the row, and remove what does not count.

        Args:
            names: in the stream's folder.

        Raises:
            OSError: the disk cannot be read or written.
            FatalStorageError: a sync failed.
        """
        parts, new = self._scanned(names)
        count = 0
        for number, part in enumerate(parts):
            following = parts[number + 1].segment.first_offset if number + 1 < len(parts) else None
            is_going_on = self._merge(part, following)
            self._end(part)
            count = number + 1
            if not is_going_on:
                break
        kept = {part.segment.first_offset for part in parts[:count]}
        listed = [row.first_offset for row in self._row.segments]
        for first_offset in new:
            # Retention had given up those before the row, and a power cut took that back.
            is_among_listed = listed and listed[0] <= first_offset <= listed[-1]
            if first_offset not in kept and not is_among_listed:
                self._remove(first_offset)
        if any(part.segment.first_offset not in listed for part in parts[:count]):
            for folder in self._segments.folders():
                fsync_directory(self._segments.opened.files, folder)

    def lose(self, first_offset: int, stop_offset: int, why: str) -> None:
        """Note that some offsets are lost, if any."""
        if first_offset < stop_offset:
            self.lost_count += stop_offset - first_offset
            self.damages.append(
                f"offsets {first_offset} to {stop_offset - 1} of {self._segments.directory} are"
                f" lost: {why}"
            )

    # -- what there is --------------------------------------------------------------------------

    def _scanned(self, names: Sequence[str]) -> tuple[list[_Part], list[int]]:
        """Return what is behind the row, and the first offsets of segments that are not in it."""
        listed = [row.first_offset for row in self._row.segments]
        parts: list[_Part] = []
        expected = self.next_offset
        last = self._segments.all[-1] if self._segments.all else None
        if last is not None and not last.is_closed:
            part = self._scan(last, last.size_bytes, expected)
            parts.append(part)
            expected = part.found[-1].header.next_offset if part.found else expected
        new = [offset for offset in first_offsets(names) if offset not in listed]
        for first_offset in new:
            if listed and first_offset < listed[-1]:
                continue
            segment = self._segments.segment_of(first_offset)
            part = self._scan(segment, HEADER_BYTES, max(expected, first_offset))
            has_header = self._file_of(segment).read_at(
                0, HEADER_BYTES
            ) == self._segments.header_of(segment)
            if part.found or has_header:
                parts.append(part)
                expected = part.found[-1].header.next_offset if part.found else expected
        # An empty segment counts only at the end, where the next chunk goes.
        parts = [part for part in parts if part.found or part in (parts[0], parts[-1])]
        if parts and not self._segments.all:
            begin = min([parts[0].segment.first_offset, *self._logged])
            self.next_offset = max(self.next_offset, begin)
            if begin < parts[0].segment.first_offset:
                parts.insert(0, self._new_part(begin))
        return parts, new

    def _new_part(self, first_offset: int) -> _Part:
        """Begin a segment whose chunks are in the write-ahead log: a power cut took the file."""
        segment = self._segments.segment_of(first_offset)
        file = self._segments.opened.get(segment.path, create=True).file
        file.truncate(0)
        file.write_at(0, self._segments.header_of(segment))
        return _Part(segment, HEADER_BYTES, (), is_changed=True)

    def _scan(self, segment: Segment, start: int, expected: int) -> _Part:
        file = self._file_of(segment)
        end = file.size_bytes
        found: list[Scanned] = []
        if end > start:
            read_from_disk(file, segment.path)
            found = list(scan(file, start, end, expected, self._logged_header, checks=True))
        proven = [each.trailer.committed_offset for each in found if each.trailer is not None]
        self._proven_offset = max([self._proven_offset, *proven])
        return _Part(segment, end, found)

    def _logged_header(self, first_offset: int) -> ChunkHeader | None:
        logged = self._logged.get(first_offset)
        return None if logged is None else logged.header

    def _file_of(self, segment: Segment) -> File:
        return self._segments.opened.get(segment.path).file

    # -- what counts ----------------------------------------------------------------------------

    def _merge(self, part: _Part, following: int | None) -> bool:
        """Take over the chunks of a part; return whether those of the following part count too.

        Args:
            part: what a segment holds behind the row.
            following: first offset of the segment behind it; None for the last one.
        """
        segment = part.segment
        if segment not in self._segments.all:
            if not part.found and segment.first_offset != self.next_offset:
                return False
            self._segments.all.append(segment)
        for chunk in part.found:
            self._fill(part, chunk.header.first_offset, chunk.position)
            if not self._reaches(part, chunk.header.first_offset, chunk.position):
                return False
            segment.note(chunk.header)
            self.next_offset = chunk.header.next_offset
            if chunk.trailer is not None and chunk.trailer.publishing_ids:
                self.trailers.append(chunk.trailer)
        if following is None:
            return True
        self._fill(part, following, None)
        return self._reaches(part, following, None)

    def _fill(self, part: _Part, stop_offset: int, stop: int | None) -> None:
        """Write chunks of the write-ahead log where a segment should have them.

        Args:
            part: of the segment.
            stop_offset: of the chunk behind them.
            stop: where that chunk begins; None if it is in another segment.
        """
        segment = part.segment
        while self.next_offset < stop_offset:
            logged = self._logged.get(self.next_offset)
            if logged is None:
                return
            end = segment.size_bytes + len(logged.octets)
            if stop is not None and end > stop:
                return
            self._file_of(segment).write_at(segment.size_bytes, logged.octets)
            part.is_changed = True
            segment.note(logged.header)
            self.next_offset = logged.header.next_offset

    def _reaches(self, part: _Part, first_offset: int, position: int | None) -> bool:
        """Return whether the stream goes on with a chunk, if need be behind a gap."""
        segment = part.segment
        is_at_place = position is None or position == segment.size_bytes
        if is_at_place and first_offset == self.next_offset:
            return True
        if self._proven_offset <= self.next_offset:
            return False
        stop = part.end if position is None else position
        self._keep_aside(part, stop)
        self.lose(self.next_offset, first_offset, f"{segment.path} is damaged")
        segment.size_bytes = (
            max(segment.size_bytes, stop) if position is not None else (segment.size_bytes)
        )
        return True

    def _keep_aside(self, part: _Part, stop: int) -> None:
        """Copy damaged octets to a file of their own; in the segment no chunk begins there."""
        start = part.segment.size_bytes
        octets = self._file_of(part.segment).read_at(start, stop - start)
        if not octets:
            return
        files = self._segments.opened.files
        copy = files.open(f"{part.segment.path}.{start}{DAMAGED_SUFFIX}", create=True)
        try:
            copy.write_at(0, octets)
            fsync_believed(copy, part.segment.path)
        finally:
            copy.close()
        fsync_directory(files, self._segments.directory)
        self._file_of(part.segment).write_at(start, bytes(min(len(octets), CHUNK_HEADER.size)))
        part.is_changed = True

    def _end(self, part: _Part) -> None:
        """Cut off what does not count, and bring what was changed to the disk."""
        segment = part.segment
        if segment not in self._segments.all:
            return
        file = self._file_of(segment)
        if file.size_bytes > segment.size_bytes:
            file.truncate(segment.size_bytes)
            part.is_changed = True
        if segment.first_offset not in {row.first_offset for row in self._row.segments}:
            file.write_at(0, self._segments.header_of(segment))
            part.is_changed = True
        if part.is_changed:
            fsync_believed(file, segment.path)
        segment.is_dirty |= part.is_changed or bool(part.found)
        segment.has_name = True

    def _remove(self, first_offset: int) -> None:
        opened, folder = self._segments.opened, self._segments.directory
        segment = self._segments.segment_of(first_offset)
        opened.close(segment.path)
        remove(opened.files.remove, segment.path)
        remove(opened.files.remove, f"{folder}/{index_name(first_offset)}")
