"""Reads the segments of a stream: by offset, by time, and on from where a read ended."""

import errno
import logging
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from persistence.errors import DamagedError
from persistence.format import SEGMENT_HEADER
from persistence.streams.chunk import CHUNK_HEADER, check_checksums, decode_chunk_header
from persistence.streams.extent import Extent, extent_of
from persistence.streams.files import ChunkPlace, place_of
from persistence.streams.scan import scan
from persistence.streams.segments import Segment, StreamSegments

log = logging.getLogger(__name__)

Found = TypeVar("Found")

_LOST: Final = frozenset({errno.EIO, errno.ENOENT})
"""The disk has lost it. Any other error may pass."""

PLACES_MAX: Final = 256
"""So many readers of a stream find their next chunk without a look into an index."""


class SegmentReader:
    """Reads the chunks of a stream from its segments.

    Args:
        segments: of the stream.
    """

    def __init__(self, segments: StreamSegments) -> None:
        self._segments = segments
        self._next_places: dict[int, tuple[Segment, int]] = {}
        """Where the chunk behind an extent begins, by its offset."""
        self._reported: set[int] = set()
        self._rebuilt: set[int] = set()

    def read(
        self, from_offset: int, max_bytes: int, below_offset: int, *, checks: bool
    ) -> Extent | None:
        """Return chunks from the one that holds an offset, or from the next; None if none is.

        Args:
            from_offset: the first that is wanted.
            max_bytes: of all chunks together; one chunk is returned whatever its size.
            below_offset: all chunks begin below it.
            checks: leave out chunks with a wrong checksum.

        Raises:
            OSError: the disk could not be read.
        """
        while True:
            extent = self._read(from_offset, max_bytes, below_offset)
            if extent is None or not checks:
                return extent
            whole, damaged_offset = _checked(extent)
            if damaged_offset is not None:
                self._report(damaged_offset, "the checksum of a chunk is wrong")
            if whole is not None:
                return whole
            from_offset = _behind_first(extent)

    def last_chunk_offset(self, below_offset: int) -> int | None:
        """Return the first offset of the last chunk that begins below an offset; None is none."""
        for segment in reversed(self._segments.all):
            if len(segment.index) and segment.first_offset < below_offset:
                number = self._number(segment, below_offset) - 1
                if number >= 0:
                    return self._place(segment, number).first_offset
        return None

    def offset_at(self, timestamp_ms: int) -> int | None:
        """Return the first offset of the first chunk that is not older; None if all are older."""
        for segment in self._segments.all:
            if len(segment.index) and segment.last_timestamp_ms >= timestamp_ms:
                number = self._first(segment, timestamp_ms)
                if number < len(segment.index):
                    return self._place(segment, number).first_offset
        return None

    def forget(self) -> None:
        """Forget the places of readers, because segments have gone, or come in place of others."""
        self._next_places.clear()
        self._rebuilt.clear()

    # -- by offset ------------------------------------------------------------------------------

    def _read(self, from_offset: int, max_bytes: int, below_offset: int) -> Extent | None:
        known = self._next_places.get(from_offset)
        if known is not None:
            segment, position = known
            with suppress(FileNotFoundError):
                found = self._extent_at(segment, position, from_offset, max_bytes, below_offset)
                if found is not None:
                    return found
        segments = self._segments.all
        at = bisect_right(segments, from_offset, key=lambda segment: segment.first_offset)
        for segment in segments[max(at - 1, 0) :]:
            if segment.first_offset >= below_offset:
                return None
            if not len(segment.index) or segment.next_offset <= from_offset:
                continue
            found = self._read_in(segment, from_offset, max_bytes, below_offset)
            if found is not None:
                return found
        return None

    def _read_in(
        self, segment: Segment, from_offset: int, max_bytes: int, below_offset: int
    ) -> Extent | None:
        try:
            found, is_as_indexed = self._read_indexed(segment, from_offset, max_bytes, below_offset)
        except DamagedError as error:
            found, is_as_indexed = None, False
            log.warning("an index is made anew file=%s error=%s", segment.index.path, error)
        if is_as_indexed or segment.first_offset in self._rebuilt:
            return found
        self._rebuild(segment)
        try:
            return self._read_indexed(segment, from_offset, max_bytes, below_offset)[0]
        except DamagedError as error:
            self._report(max(from_offset, segment.first_offset), str(error))
            return None

    def _read_indexed(
        self, segment: Segment, from_offset: int, max_bytes: int, below_offset: int
    ) -> tuple[Extent | None, bool]:
        """Return chunks, and whether all that the index says was found to be so."""
        number = segment.index.first_with(lambda place: place.next_offset > from_offset)
        is_as_indexed = number < len(segment.index)
        for place in segment.index.places_from(number):
            if not _fits(place, segment):
                return None, False
            if place.first_offset >= below_offset:
                break
            size_bytes = max(max_bytes, place.size_bytes)
            try:
                found = self._extent_at(
                    segment, place.position, from_offset, size_bytes, below_offset
                )
            except OSError as error:
                if error.errno not in _LOST:
                    raise
                found = None
            if found is not None and found.first_offset == place.first_offset:
                return found, is_as_indexed
            is_as_indexed = False
            self._report(place.first_offset, "no chunk is where the index says")
        return None, is_as_indexed

    def _extent_at(
        self,
        segment: Segment,
        position: int,
        from_offset: int,
        max_bytes: int,
        below_offset: int,
    ) -> Extent | None:
        end = segment.size_bytes
        file = self._segments.opened.get(segment.path).file
        octets = file.read_at(position, min(max(max_bytes, CHUNK_HEADER.size), end - position))
        found = extent_of(octets, from_offset, below_offset)
        if found is None:
            whole_bytes = _size_of_first(octets)
            if whole_bytes <= len(octets) or position + whole_bytes > end:
                return None
            found = extent_of(file.read_at(position, whole_bytes), from_offset, below_offset)
            if found is None:
                return None
        self._note_place(found.next_offset, segment, position + len(found.octets))
        return found

    def _note_place(self, offset: int, segment: Segment, position: int) -> None:
        places = self._next_places
        places.pop(offset, None)
        if position < segment.size_bytes or segment is self._segments.all[-1]:
            places[offset] = (segment, position)
            if len(places) > PLACES_MAX:
                del places[next(iter(places))]

    def _report(self, first_offset: int, what: str) -> None:
        if first_offset not in self._reported:
            self._reported.add(first_offset)
            log.error(
                "messages of a stream cannot be read folder=%s from_offset=%d: %s",
                self._segments.directory,
                first_offset,
                what,
            )

    # -- the index ------------------------------------------------------------------------------

    def _number(self, segment: Segment, offset: int) -> int:
        """Return the number of the first chunk that begins at an offset or behind it."""
        return self._looked_up(
            segment, lambda: segment.index.first_with(lambda place: place.first_offset >= offset)
        )

    def _first(self, segment: Segment, timestamp_ms: int) -> int:
        """Return the number of the first chunk that is not older than a time."""
        index = segment.index
        return self._looked_up(
            segment, lambda: index.first_with(lambda place: place.timestamp_ms >= timestamp_ms)
        )

    def _place(self, segment: Segment, number: int) -> ChunkPlace:
        index = segment.index
        return self._looked_up(segment, lambda: index.place(min(number, len(index) - 1)))

    def _looked_up(self, segment: Segment, look: Callable[[], Found]) -> Found:
        """Look into an index, which is made anew where it is damaged.

        Raises:
            OSError: the segment cannot be read either.
        """
        with suppress(DamagedError):
            return look()
        self._rebuild(segment)
        try:
            return look()
        except DamagedError as error:
            raise OSError(errno.EIO, str(error)) from error

    def _rebuild(self, segment: Segment) -> None:
        """Make an index anew, from the headers in its segment; once in a life."""
        self._rebuilt.add(segment.first_offset)
        start, end = SEGMENT_HEADER.size, segment.size_bytes
        try:
            file = self._segments.opened.get(segment.path).file
            found = scan(file, start, end, segment.first_offset, lambda _: None, checks=False)
            places = [place_of(each.header, each.position) for each in found]
        except OSError as error:
            if error.errno not in _LOST:
                raise
            log.warning("an index stays as it is file=%s error=%s", segment.index.path, error)
            return
        segment.index.replace(places)
        with suppress(OSError):  # It stays in memory then.
            segment.index.write()


def _checked(extent: Extent) -> tuple[Extent | None, int | None]:
    """Return the chunks before the first damaged one, if any, and the offset of that one."""
    view = memoryview(extent.octets)
    next_offset = extent.first_offset
    for number, (position, header) in enumerate(extent.chunks):
        try:
            check_checksums(view, position, header)
        except DamagedError:
            if not position:
                return None, header.first_offset
            whole = Extent(
                view[:position], extent.first_offset, next_offset, extent.chunks[:number]
            )
            return whole, header.first_offset
        next_offset = header.next_offset
    return extent, None


def _behind_first(extent: Extent) -> int:
    return extent.chunks[0][1].next_offset


def _fits(place: ChunkPlace, segment: Segment) -> bool:
    return (
        segment.first_offset <= place.first_offset < segment.next_offset
        and place.position + place.size_bytes <= segment.size_bytes
    )


def _size_of_first(octets: bytes) -> int:
    try:
        return decode_chunk_header(octets).size_bytes
    except DamagedError:
        return 0
