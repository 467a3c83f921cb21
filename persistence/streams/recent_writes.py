"""What was just written straight to segments, in memory for those who read at the end.

Its octets went past the page cache (``persistence.direct_memory``), so that a reader would have to
wait for the disk. They leave when newer ones need the room, or when their stream falls silent.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import count
from typing import Final

from persistence.direct_memory import ALL_BYTES_MAX
from persistence.streams.chunk import ChunkHeader
from persistence.streams.extent import EXTENT_CHUNKS_MAX, Extent

KEPT_BYTES_MAX: Final = ALL_BYTES_MAX // 4
"""Of all streams together. They lie in up to twice as much memory, and as much again is left for
what is on its way and for slow readers.
"""


class RecentWrite:
    """The chunks of one write, which are contiguous offsets.

    Args:
        octets: of the chunks, one behind the other.
        chunks: their headers.
    """

    __slots__ = ("_headers", "_octets", "_places", "size_bytes")

    def __init__(self, octets: memoryview, chunks: Sequence[ChunkHeader]) -> None:
        self.size_bytes = len(octets)
        self._octets = octets
        self._headers = chunks
        self._places = [0]
        for header in chunks:
            self._places.append(self._places[-1] + header.size_bytes)
        assert self._places[-1] == len(octets), "it has the chunks and nothing else"

    @property
    def first_offset(self) -> int:
        """Of its first message."""
        return self._headers[0].first_offset

    @property
    def next_offset(self) -> int:
        """Behind its last message."""
        return self._headers[-1].next_offset

    def read(self, from_offset: int, max_bytes: int, below_offset: int) -> Extent | None:
        """Return chunks from the one that holds an offset; None if none does.

        Args:
            from_offset: the first that is wanted.
            max_bytes: of all chunks together; one chunk is returned whatever its size.
            below_offset: all chunks begin below it.
        """
        if not self.first_offset <= from_offset < self.next_offset:
            return None
        first = bisect_right(self._headers, from_offset, key=_next_offset)
        begin = self._places[first]
        end = bisect_right(self._places, begin + max_bytes) - 1
        end = min(max(end, first + 1), first + EXTENT_CHUNKS_MAX, len(self._headers))
        headers = self._headers[first:end]
        headers = headers[: bisect_right(headers, below_offset - 1, key=_first_offset)]
        if not headers:
            return None
        octets = self._octets[begin : self._places[first + len(headers)]]
        places = [place - begin for place in self._places[first : first + len(headers)]]
        return Extent(
            octets,
            headers[0].first_offset,
            headers[-1].next_offset,
            list(zip(places, headers, strict=True)),
        )


class RecentWrites:
    """The recent writes of all streams.

    Invariant: they take at most ``bytes_max``; the oldest leave first.

    Args:
        write_bytes_min: from this size on, a write goes past the page cache, and is kept here.
        bytes_max: of all of them together.

    Attributes:
        write_bytes_min: see above.
        size_bytes: of all of them.
    """

    def __init__(self, write_bytes_min: int, bytes_max: int = KEPT_BYTES_MAX) -> None:
        self.write_bytes_min = write_bytes_min
        self.size_bytes = 0
        self._bytes_max = bytes_max
        self._numbers = count()
        self._all: OrderedDict[int, tuple[RecentChunks, RecentWrite]] = OrderedDict()

    def add(self, owner: "RecentChunks", write: RecentWrite) -> int | None:
        """Keep a write; return the number by which it is known, or None if it is too large."""
        if write.size_bytes > self._bytes_max:
            return None
        number = next(self._numbers)
        self._all[number] = (owner, write)
        self.size_bytes += write.size_bytes
        while self.size_bytes > self._bytes_max:
            oldest, (of_oldest, _) = next(iter(self._all.items()))
            of_oldest.leave(oldest)
            self.remove(oldest)
        return number

    def remove(self, number: int) -> None:
        """Forget a write."""
        _, write = self._all.pop(number)
        self.size_bytes -= write.size_bytes


class RecentChunks:
    """The recent writes of one stream, ascending.

    Args:
        node: those of all streams.
    """

    def __init__(self, node: RecentWrites) -> None:
        self._node = node
        self._writes: OrderedDict[int, RecentWrite] = OrderedDict()

    def takes(self, size_bytes: int) -> bool:
        """Return whether a write of this size is to be kept."""
        return size_bytes >= self._node.write_bytes_min

    def add(self, octets: memoryview, chunks: Sequence[ChunkHeader]) -> None:
        """Keep what was just written; it comes behind all that is here."""
        write = RecentWrite(octets, chunks)
        number = self._node.add(self, write)
        if number is not None:
            self._writes[number] = write

    def read(self, from_offset: int, max_bytes: int, below_offset: int) -> Extent | None:
        """Return chunks from the one that holds an offset; None if none does."""
        for write in reversed(self._writes.values()):
            if write.first_offset <= from_offset:
                return write.read(from_offset, max_bytes, below_offset)
        return None

    def leave(self, number: int) -> None:
        """Let go of a write whose room is needed."""
        self._writes.pop(number, None)

    def forget(self) -> None:
        """Let go of all."""
        for number in self._writes:
            self._node.remove(number)
        self._writes.clear()


def _first_offset(header: ChunkHeader) -> int:
    return header.first_offset


def _next_offset(header: ChunkHeader) -> int:
    return header.next_offset
