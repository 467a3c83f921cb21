"""The end of a stream that is in memory, because its segment does not have it yet.

The write-ahead log has these chunks too. They leave when the segment has them and they may be read
from there.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Protocol

from persistence.files import Octets
from persistence.streams.chunk import ChunkHeader, WholeChunk
from persistence.streams.extent import EXTENT_CHUNKS_MAX, Extent

TAIL_BYTES_MAX: Final = 1 << 20
"""A tail of this size is written to its segment."""

TAIL_CHUNKS_MAX: Final = 1_024
"""A tail of so many chunks is too: writing it takes some milliseconds."""

TAILS_BYTES_MAX: Final = 64 << 20
"""The tails of all streams together."""


class Tail:
    """Chunks in memory, ascending.

    Attributes:
        chunks: the chunks.
        size_bytes: of all of them.
    """

    __slots__ = ("chunks", "size_bytes")

    def __init__(self) -> None:
        self.chunks: list[WholeChunk] = []
        self.size_bytes = 0

    def add(self, header: ChunkHeader, octets: bytes) -> None:
        """Add the next chunk."""
        self.chunks.append(WholeChunk(header, (octets,)))
        self.size_bytes += len(octets)

    def from_offset(self, offset: int) -> Sequence[WholeChunk]:
        """Return the chunks that begin at this offset or behind it."""
        at = bisect_right(self.chunks, offset - 1, key=_first_offset)
        return self.chunks[at:]

    def forget_below(self, offset: int) -> None:
        """Let go of the chunks that begin below this offset."""
        at = bisect_right(self.chunks, offset - 1, key=_first_offset)
        if at:
            self.size_bytes -= sum([chunk.header.size_bytes for chunk in self.chunks[:at]])
            del self.chunks[:at]

    def first_offset(self) -> int | None:
        """Return where it begins; None where it is empty."""
        return self.chunks[0].header.first_offset if self.chunks else None

    def read(self, from_offset: int, max_bytes: int, below_offset: int) -> Extent | None:
        """Return chunks from the one that holds an offset, or from the next; None if none is.

        It ends before a place where a segment has something that is not here.
        """
        chunks = self.chunks
        at = bisect_right(chunks, from_offset, key=_next_offset)
        taken: list[Octets] = []
        placed: list[tuple[int, ChunkHeader]] = []
        size_bytes = 0
        next_offset = first_offset = -1
        for header, (octets,) in chunks[at:]:
            is_next = not taken or header.first_offset == next_offset
            if header.first_offset >= below_offset or not is_next:
                break
            if (taken and size_bytes + len(octets) > max_bytes) or len(taken) >= EXTENT_CHUNKS_MAX:
                break
            if not taken:
                first_offset = header.first_offset
            taken.append(octets)
            placed.append((size_bytes, header))
            size_bytes += len(octets)
            next_offset = header.next_offset
        if not taken:
            return None
        # Of a single part this is no copy.
        return Extent(b"".join(taken), first_offset, next_offset, placed)


class TailHolder(Protocol):
    """Has a tail, and can write it to its segment."""

    def spill(self) -> bool:
        """Write the tail to its segment; return whether that was possible."""


class Tails:
    """How much memory the tails of all streams take.

    Invariant: over ``bytes_max`` the tails that grew longest ago are written, as far as the disk
    takes them.

    Args:
        bytes_max: of all tails together.
    """

    def __init__(self, bytes_max: int = TAILS_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._sizes_bytes: dict[TailHolder, int] = {}
        self._total_bytes = 0

    @property
    def total_bytes(self) -> int:
        """The size of all tails."""
        return self._total_bytes

    def note(self, holder: TailHolder, size_bytes: int) -> None:
        """Note the size of a tail."""
        self._total_bytes += size_bytes - self._sizes_bytes.pop(holder, 0)
        if size_bytes:
            self._sizes_bytes[holder] = size_bytes

    def relieve(self) -> None:
        """Have tails written until they are within the bound; not within a change of one."""
        if self._total_bytes > self._bytes_max:
            for holder in list(self._sizes_bytes):
                holder.spill()
                if self._total_bytes <= self._bytes_max // 2:
                    return


def _first_offset(chunk: WholeChunk) -> int:
    return chunk.header.first_offset


def _next_offset(chunk: WholeChunk) -> int:
    return chunk.header.next_offset
