"""An extent of a stream: some whole chunks, one behind the other, as one read returns them."""

from typing import NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.streams.chunk import decode_chunk_header


class Extent(NamedTuple):
    """Some whole chunks; ``persistence.streams.chunk.chunks_in`` yields them.

    Attributes:
        octets: of at least one chunk.
        first_offset: of the first chunk: it may begin before the offset that was asked for.
        next_offset: behind the last chunk; the next read begins there.
    """

    octets: bytes | memoryview
    first_offset: int
    next_offset: int


def extent_of(octets: Octets, from_offset: int, below_offset: int) -> Extent | None:
    """Return the whole chunks at the beginning of octets; None if there is none.

    It ends before octets that are no chunk, before a chunk that goes back behind those before it,
    and before one that is cut off.

    Args:
        octets: they begin with a chunk; the last one may be cut off.
        from_offset: the first chunk ends above it.
        below_offset: all chunks begin below it.
    """
    position, first_offset, next_offset = 0, -1, from_offset + 1
    while position < len(octets):
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
        next_offset = header.next_offset
        position = end
    if first_offset < 0:
        return None
    found = octets if position == len(octets) else memoryview(octets)[:position]
    return Extent(
        found if isinstance(found, bytes) else memoryview(found), first_offset, next_offset
    )
