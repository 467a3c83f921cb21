"""Writes what a compaction leaves, into new segments beside those that it was made of.

Nothing here is synced: the checkpoint that lists the new files syncs them first, and the old ones
stay until it is on disk. So a crash finds the old segments or the new ones.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from persistence.files import Octets
from persistence.streams.chunk import ChunkHeader
from persistence.streams.files import Footer, encode_footer
from persistence.streams.retention import SEGMENT_CHUNKS_MAX
from persistence.streams.segments import Segment, StreamSegments

WRITE_BYTES: Final = 256 << 10
"""What is gathered for one write."""


class CompactedWriter:
    """Writes the segments that take the place of some others.

    Args:
        segments: of the stream.
        generation: of the new segments; no other files of the stream have it.
    """

    def __init__(self, segments: StreamSegments, generation: int) -> None:
        self._segments = segments
        self._generation = generation
        self._written: list[Segment] = []
        self._open: Segment | None = None
        self._unwritten: list[Octets] = []
        self._unwritten_bytes = 0

    @property
    def content_bytes(self) -> int:
        """The size of all chunks since ``finish``."""
        return sum([segment.content_bytes for segment in self._written])

    def add(self, header: ChunkHeader, parts: Sequence[Octets]) -> None:
        """Take the next chunk.

        Raises:
            OSError: the disk refuses.
        """
        segment = self._open
        if segment is None:
            segment = self._begin(header.first_offset)
        segment.note(header)
        self._unwritten += parts
        self._unwritten_bytes += header.size_bytes
        is_full = (
            segment.content_bytes >= self._segments.segment_bytes_max
            or len(segment.index) >= SEGMENT_CHUNKS_MAX
        )
        if is_full or self._unwritten_bytes >= WRITE_BYTES:
            self._write(segment)
        if is_full:
            segment.index.write()
            self._open = None

    def finish(self, from_offset: int, before_offset: int) -> Sequence[Segment]:
        """End the new segments, and return them; ``accepted`` or ``discard`` comes next.

        Args:
            from_offset: the first offset of the segments whose place they take.
            before_offset: behind the last one.

        Raises:
            OSError: the disk refuses.
        """
        if self._open is not None:
            self._write(self._open)
            self._open.index.write()
            self._open = None
        for segment in self._written:
            is_last = segment is self._written[-1]
            end_offset = before_offset if is_last else segment.next_offset
            footer = encode_footer(Footer(from_offset, end_offset, segment.size_bytes))
            self._segments.opened.get(segment.path).file.write_at(segment.size_bytes, footer)
            from_offset = end_offset
        return self._written

    def accepted(self) -> None:
        """Go on with the next segments: those that were finished are part of the stream."""
        self._written = []

    def discard(self) -> None:
        """Remove what was not finished; a start removes what stays."""
        opened = self._segments.opened
        for segment in self._written:
            for path in (segment.path, segment.index.path):
                opened.close(path)
                with suppress(OSError):
                    opened.files.remove(path)
        self._written, self._open, self._unwritten = [], None, []

    def _begin(self, first_offset: int) -> Segment:
        segment = self._segments.segment_of(first_offset, self._generation)
        self._open = segment
        self._written.append(segment)
        for path in (segment.path, segment.index.path):
            # An earlier life may have left such a file.
            self._segments.opened.get(path, create=True).file.truncate(0)
        self._unwritten = [self._segments.header_of(segment)]
        self._unwritten_bytes = len(self._unwritten[0])
        segment.is_dirty = True
        return segment

    def _write(self, segment: Segment) -> None:
        file = self._segments.opened.get(segment.path).file
        file.write_at(segment.size_bytes - self._unwritten_bytes, self._unwritten)
        self._unwritten, self._unwritten_bytes = [], 0
        if segment.index.is_due():
            segment.index.write()
