"""What a restart does with the files of compactions.

The checkpoint's row lists the segments that count: the old ones or what a compaction has left of
them. All others are removed. A stream that no checkpoint knows yet has all of its old segments.

Only where the checkpoint is damaged do the files say it themselves. An old segment tells more than
what was made of it, so it counts as long as it is there; the files of a compaction stand for
segments that are gone, those of the latest first.
"""

from collections.abc import Sequence
from typing import NamedTuple

from persistence.by_name import remove
from persistence.files import File
from persistence.streams.chunk import Trailer
from persistence.streams.files import (
    FOOTER_BYTES,
    HEADER_BYTES,
    SEGMENT_SUFFIX,
    compacted_of,
    decode_footer,
    first_offsets,
)
from persistence.streams.row import SegmentRow, StreamSnapshot
from persistence.streams.scan import Scanned, read_from_disk, scan
from persistence.streams.segments import Segment, StreamSegments


class _Candidate(NamedTuple):
    """A file that may count; what a compaction has left stands for more than it has."""

    from_offset: int
    before_offset: int
    end: int
    segment: Segment


class FoundRow(NamedTuple):
    """What the files say, in place of a row.

    Attributes:
        row: with all segments up to the last one of a compaction.
        trailers: of their chunks.
    """

    row: StreamSnapshot
    trailers: Sequence[Trailer]


def has_compacted(names: Sequence[str]) -> bool:
    """Return whether any file is of a compaction."""
    return any(compacted_of(name) for name in names)


def remove_superseded(
    segments: StreamSegments, row: StreamSnapshot, names: Sequence[str]
) -> Sequence[str]:
    """Remove the files that other segments of the row stand for; return the names of the rest."""
    listed = {(each.first_offset, each.generation) for each in row.segments}
    written = [each.first_offset for each in row.segments if not each.generation]
    is_compacted = len(written) < len(row.segments)
    before_offset = written[0] if written else row.next_offset
    left: list[str] = []
    for name in names:
        key = compacted_of(name)
        if key is not None:
            is_listed = key in listed
        else:
            offsets = first_offsets([name.replace(".index", SEGMENT_SUFFIX)])
            is_before = is_compacted and bool(offsets) and offsets[0] < before_offset
            is_listed = not is_before or (offsets[0], 0) in listed
        if is_listed:
            left.append(name)
        else:
            path = f"{segments.directory}/{name}"
            segments.opened.close(path)
            remove(segments.opened.files.remove, path)
    return left


def row_of_files(segments: StreamSegments, queue_id: int, names: Sequence[str]) -> FoundRow:
    """Return the row that the files of a stream make, as far as the last one of a compaction.

    Raises:
        OSError: the disk cannot be read.
        FatalStorageError: a sync failed.
    """
    found = _Finding(segments, names)
    rows: list[SegmentRow] = []
    next_offset = 0
    while (candidate := found.next_from(next_offset)) is not None:
        rows.append(found.row_of(candidate))
        next_offset = max(candidate.before_offset, rows[-1].next_offset, candidate.from_offset + 1)
    while rows and not rows[-1].generation:
        rows.pop()  # These may go on behind what was seen, as any segment without a row.
    next_offset = rows[-1].next_offset if rows else 0
    trailers = [each for at, each in found.trailers if at < next_offset]
    return FoundRow(StreamSnapshot(queue_id, next_offset, rows), trailers)


class _Finding:
    """Finds which file counts from an offset on."""

    def __init__(self, segments: StreamSegments, names: Sequence[str]) -> None:
        self._segments = segments
        self._written = first_offsets(names)
        self._compacted = self._whole_of(names)
        self.trailers: list[tuple[int, Trailer]] = []

    def next_from(self, offset: int) -> _Candidate | None:
        """Return the file that counts next; None if there is none."""
        written = [each for each in self._written if each >= offset][:1]
        compacted = [each for each in self._compacted if each.from_offset >= offset]
        compacted.sort(key=lambda each: (each.from_offset, -each.segment.generation))
        if written and (not compacted or written[0] <= compacted[0].from_offset):
            segment = self._segments.segment_of(written[0])
            return _Candidate(
                written[0], written[0], _file_of(self._segments, segment).size_bytes, segment
            )
        return compacted[0] if compacted else None

    def row_of(self, candidate: _Candidate) -> SegmentRow:
        """Return what a row would say of a file, whose chunks are all looked at."""
        segment = candidate.segment
        for chunk in _chunks_of(self._segments, segment, candidate.end):
            # A damaged place stays one: the index has what is whole.
            segment.size_bytes = chunk.position
            segment.note(chunk.header)
            if chunk.trailer is not None:
                self.trailers.append((chunk.header.first_offset, chunk.trailer))
        segment.index.write()
        return segment.row()

    def _whole_of(self, names: Sequence[str]) -> list[_Candidate]:
        """Return the files of compactions that were written to their end."""
        whole: list[_Candidate] = []
        for name in names:
            key = compacted_of(name)
            if key is None or not name.endswith(SEGMENT_SUFFIX):
                continue
            segment = self._segments.segment_of(*key)
            file = _file_of(self._segments, segment)
            end = file.size_bytes - FOOTER_BYTES
            read_from_disk(file, segment.path)
            footer = decode_footer(file.read_at(max(end, 0), FOOTER_BYTES))
            if footer is None or footer.size_bytes != end:
                continue
            sizes = [each.header.size_bytes for each in _chunks_of(self._segments, segment, end)]
            if sum(sizes) + HEADER_BYTES == end:
                candidate = _Candidate(footer.from_offset, footer.before_offset, end, segment)
                whole.append(candidate)
        return whole


def _file_of(segments: StreamSegments, segment: Segment) -> File:
    return segments.opened.get(segment.path).file


def _chunks_of(segments: StreamSegments, segment: Segment, end: int) -> Sequence[Scanned]:
    file = _file_of(segments, segment)
    read_from_disk(file, segment.path)
    return list(scan(file, HEADER_BYTES, end, segment.first_offset, lambda _: None, checks=True))
