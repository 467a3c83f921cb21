"""What a stream's log returns: an extent, whole chunks as one read finds them; how segments are."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.streams.chunk import ChunkHeader, decode_chunk_header

EXTENT_CHUNKS_MAX: Final = 512
"""Chunks of one extent. Each costs some microseconds, however small it is."""


class Extent(NamedTuple):
    """Some whole chunks.

    Attributes:
        octets: of at least one chunk.
        first_offset: of the first chunk: it may begin before the offset that was asked for.
        next_offset: behind the last chunk; the next read begins there.
        chunks: where in ``octets`` each begins, and its header.
    """

    octets: bytes | memoryview
    first_offset: int
    next_offset: int
    chunks: Sequence[tuple[int, ChunkHeader]]


class KeptSegment(NamedTuple):
    """How a segment is.

    Attributes:
        first_offset, next_offset: where it begins, and behind its last message. It may have gaps.
        size_bytes: of its chunks.
        first_timestamp_ms, last_timestamp_ms: of its first and its last chunk, ms since 1970; None
            where it has none.
        is_compacted: a compaction has left it.
    """

    first_offset: int
    next_offset: int
    size_bytes: int
    first_timestamp_ms: int | None
    last_timestamp_ms: int | None
    is_compacted: bool = False


def extent_of(octets: Octets, from_offset: int, below_offset: int) -> Extent | None:
    """Return the whole chunks at the beginning of octets; None if there is none.

    It ends behind ``EXTENT_CHUNKS_MAX`` chunks, before octets that are no chunk, before a chunk
    that goes back behind those before it, and before one that is cut off.

    Args:
        octets: they begin with a chunk; the last one may be cut off.
        from_offset: the first chunk ends above it.
        below_offset: all chunks begin below it.
    """
    position, first_offset, next_offset = 0, -1, from_offset + 1
    chunks: list[tuple[int, ChunkHeader]] = []
    while position < len(octets) and len(chunks) < EXTENT_CHUNKS_MAX:
        try:
            header = decode_chunk_header(octets, position)
        except DamagedError:
            break
        end = position + header.size_bytes
        is_next = header.next_offset >= next_offset and header.first_offset < below_offset
        if not is_next or end > len(octets):
            break
        if first_offset < 0:
            first_offset = header.first_offset
        elif header.first_offset < next_offset:
            break
        chunks.append((position, header))
        next_offset = header.next_offset
        position = end
    if first_offset < 0:
        return None
    found = octets if position == len(octets) else memoryview(octets)[:position]
    whole = found if isinstance(found, bytes) else memoryview(found)
    return Extent(whole, first_offset, next_offset, chunks)
