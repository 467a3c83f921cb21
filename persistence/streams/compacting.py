"""One compaction of a stream: keeps the last message of each key in its closed segments.

    | clean             | dirty                | open | tail
    | segment | segment | segment    | segment | segment
                        ^ clean offset    ^ frontier

First it looks at the dirty segments, and notes the newest offset of each key, until there are as
many keys as may be in memory: that place is the frontier. Then it writes all segments up to the
frontier anew, without the messages for whose key there is a newer one. So what is below the
frontier is clean; what is behind it waits for the next compaction. Only segments that get no more
chunks, and of which everything is committed, are looked at.

The new segments are merged as long as they are small, and take the place of the old ones group by
group, the oldest first. So a message goes before a tombstone for it can.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import count
from typing import Final

from persistence.errors import DamagedError
from persistence.streams.chunk import ChunkHeader, check_chunk, chunks_in, decode_trailer
from persistence.streams.compacted_writer import CompactedWriter
from persistence.streams.compaction import PIECE_LENGTH, Compaction, Keyed
from persistence.streams.cutting import ChunkCut, SourceChunk
from persistence.streams.kept import KeptChunks
from persistence.streams.references import References
from persistence.streams.segments import Segment

EXTENT_BYTES: Final = 256 << 10
"""What is read at once, if it is not one chunk."""

PIECE_BYTES: Final = 128 << 10
"""Octets that are looked at in one go."""

DRAWN_LENGTH: Final = 4
"""What a chunk that is drawn anew counts, in messages that are looked at."""


class OvertakenError(Exception):
    """Retention has dropped segments that a compaction was made of."""


class Compacting:
    """One compaction, in pieces.

    Args:
        kept: the chunks of the stream.
        compaction: how it is compacted.
        keys_max: keys that may be in memory; a chunk may bring more.
        readable_offset: everything below it is committed.

    Attributes:
        wall_ms: the time, ms since 1970; set it before each piece.
    """

    def __init__(
        self, kept: KeptChunks, compaction: Compaction, keys_max: int, readable_offset: int
    ) -> None:
        self.wall_ms = 0
        self._kept = kept
        self._compaction = compaction
        self._keys_max = keys_max
        self._closed = kept.segments.closed_below(readable_offset)
        generations = [segment.generation for segment in kept.segments.all]
        self._writer = CompactedWriter(kept.segments, max(generations, default=0) + 1)
        self._newest: dict[bytes | None, int] = {}
        self._clean_offset = kept.segments.clean_offset
        self._publishing_ids = References()
        self._held: set[bytes | None] = set()
        """Keys in sub-batches that stay: older messages of them may be there."""
        self._keeps_tombstones = False
        self._count_left = PIECE_LENGTH
        self._bytes_left = PIECE_BYTES

    def pieces(self) -> Iterator[None]:
        """Do the work, and yield after each piece of it.

        Raises:
            OSError: the disk refuses.
            OvertakenError: it came to nothing.
        """
        try:
            frontier = yield from self._find_newest()
            yield from self._rewrite(frontier)
        finally:
            self._writer.discard()
        self._kept.segments.clean_offset = frontier

    def _is_spent(self, entry_count: int, size_bytes: int) -> bool:
        """Note some work; return whether a piece is done."""
        self._count_left -= entry_count
        self._bytes_left -= size_bytes
        if self._count_left > 0 and self._bytes_left > 0:
            return False
        self._count_left, self._bytes_left = PIECE_LENGTH, PIECE_BYTES
        return True

    # -- the newest offset of each key ------------------------------------------------------------

    def _find_newest(self) -> Generator[None, None, int]:
        """Note the newest offset of each key that is dirty; return the frontier."""
        newest, frontier = self._newest, self._clean_offset
        for segment in self._closed:
            if segment.next_offset <= self._clean_offset:
                continue
            from_offset = max(self._clean_offset, segment.first_offset)
            for header, octets in self._chunks(segment, from_offset):
                source = yield from self._whole(header, octets)
                if source is not None:
                    found: dict[bytes | None, int] = {}
                    offset = header.first_offset
                    data = source.data
                    yield from self._pause_if_large(header)
                    for keyed in self._keyed(data):
                        found.update(zip(keyed.keys, count(offset), strict=False))
                        offset += len(keyed.keys)
                        if self._is_spent(len(keyed.stops), 0):
                            yield
                    if offset == header.next_offset:
                        newest.update(found)
                        newest.pop(None, None)
                if self._is_spent(1, header.size_bytes):
                    yield
                frontier = header.next_offset
                if len(newest) >= self._keys_max:
                    return frontier
            frontier = segment.next_offset
        return frontier

    def _keyed(self, data: bytes) -> Iterator[Keyed]:
        position = 0
        while position < len(data):
            keyed = self._compaction.find_keys(data, position, PIECE_LENGTH)
            position = keyed.stops[-1]
            yield keyed

    def _chunks(
        self, segment: Segment, from_offset: int
    ) -> Iterator[tuple[ChunkHeader, memoryview]]:
        """Yield the chunks of a segment that end behind an offset."""
        while from_offset < segment.next_offset:
            extent = self._kept.read_segments(from_offset, EXTENT_BYTES, segment.next_offset)
            if extent is None:
                return
            octets = memoryview(extent.octets)
            for position, header in chunks_in(octets):
                yield header, octets[position : position + header.size_bytes]
            from_offset = extent.next_offset

    def _whole(
        self, header: ChunkHeader, octets: memoryview
    ) -> Generator[None, None, SourceChunk | None]:
        """Return a chunk whose checksums are right."""
        yield from self._pause_if_large(header)
        try:
            check_chunk(octets)
            source = SourceChunk(header, decode_trailer(octets), octets)
        except DamagedError:
            return None
        yield from self._pause_if_large(header)
        return source

    def _pause_if_large(self, header: ChunkHeader) -> Iterator[None]:
        """End a piece where each thing that is done with a chunk is one: reading, checking, ..."""
        if header.size_bytes > PIECE_BYTES:
            self._is_spent(0, PIECE_BYTES)
            yield

    # -- what stays -------------------------------------------------------------------------------

    def _rewrite(self, frontier: int) -> Iterator[None]:
        """Write the segments anew up to the frontier, and put the new ones in their place."""
        segments, writer = self._kept.segments, self._writer
        old = [segment for segment in self._closed if segment.first_offset < frontier]
        group: list[Segment] = []
        for number, segment in enumerate(old):
            group.append(segment)
            yield from self._copy(segment, frontier)
            following_bytes = [each.content_bytes for each in old[number + 1 : number + 2]]
            content_bytes = writer.content_bytes + sum(following_bytes)
            if not following_bytes or content_bytes > segments.segment_bytes_max:
                new = writer.finish(group[0].first_offset, group[-1].next_offset)
                if not self._kept.replace(group, new):
                    raise OvertakenError
                writer.accepted()
                group = []

    def _copy(self, segment: Segment, frontier: int) -> Iterator[None]:
        for header, octets in self._chunks(segment, segment.first_offset):
            cut: ChunkCut | None = None
            if header.first_offset < frontier:
                source = yield from self._whole(header, octets)
                if source is not None:
                    cut = yield from self._cut(source)
                # What is in a chunk that cannot be read may be older than any tombstone.
                self._keeps_tombstones |= cut is None
            is_as_before = cut is None or (cut.is_whole and cut.is_compacted)
            if cut is None or is_as_before:
                self._writer.add(header, (octets,))
            else:
                for chunk in cut.draw(self.wall_ms, self._publishing_ids):
                    yield from self._pause_if_large(header)
                    self._writer.add(chunk.header, chunk.parts)
                    if self._is_spent(DRAWN_LENGTH, 0):
                        yield
            if self._is_spent(1, header.size_bytes):
                yield

    def _cut(self, source: SourceChunk) -> Generator[None, None, ChunkCut | None]:
        """Return what is left of a chunk; None if its entries are not what its header says."""
        data = source.data
        yield from self._pause_if_large(source.header)
        cut = ChunkCut(source, data)
        for keyed in self._keyed(data):
            cut.add(keyed, self._survivors(source, keyed, cut.offset))
            if self._is_spent(len(keyed.stops), 0):
                yield
        return cut if cut.offset == source.header.next_offset else None

    def _survivors(self, source: SourceChunk, keyed: Keyed, offset: int) -> Sequence[bool]:
        """Return of each entry whether it stays."""
        newest = self._newest
        survives = [newest.get(key, -1) <= at for at, key in enumerate(keyed.keys, offset)]
        if True in keyed.tombstones and self._drops_tombstones_of(source):
            held = self._held
            survives = [
                stays and not (is_tombstone and key is not None and key not in held)
                for stays, is_tombstone, key in zip(
                    survives, keyed.tombstones, keyed.keys, strict=True
                )
            ]
        if len(keyed.stops) == len(keyed.keys):
            return survives
        return self._of_batches(keyed, survives)

    def _of_batches(self, keyed: Keyed, survives: Sequence[bool]) -> Sequence[bool]:
        entries: list[bool] = []
        at = 0
        for record_count in keyed.counts:
            stays = any(survives[at : at + record_count])
            if stays and record_count > 1:
                self._held.update(keyed.keys[at : at + record_count])
            entries.append(stays)
            at += record_count
        self._keeps_tombstones |= len(self._held) > self._keys_max
        return entries

    def _drops_tombstones_of(self, source: SourceChunk) -> bool:
        """Return whether all older messages were gone long enough ago for readers to know."""
        header, trailer = source.header, source.trailer
        return (
            not self._keeps_tombstones
            and header.next_offset <= self._clean_offset
            and trailer.compacted_ms > 0
            and trailer.compacted_ms + self._compaction.tombstone_age_ms <= self.wall_ms
        )
