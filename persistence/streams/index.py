"""The index of one segment: where its chunks are, looked up on disk.

Nothing of it is loaded at a start. The places of the last chunks are in memory, packed, until there
are enough for a write. A checkpoint has them in its row, so that they need no sync.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from persistence.errors import DamagedError
from persistence.format import INDEX_PLACE
from persistence.streams.files import HEADER_BYTES, PLACE_BYTES, ChunkPlace, encode_index_header
from persistence.streams.open_files import OpenFiles

UNWRITTEN_PLACES_MAX: Final = 64
"""So many places are kept in memory before they are written."""

_PLACES_PER_READ: Final = 64


class SegmentIndex:
    """The places of a segment's chunks, in order.

    Args:
        opened: the open files of streams.
        path: of the index.
        header: what the file begins with.

    Attributes:
        path: of the index.
        is_dirty: places were written since a checkpoint asked.
        is_new: the file was made since a checkpoint asked.
    """

    __slots__ = ("_header", "_opened", "_unwritten", "_written_count", "is_dirty", "is_new", "path")

    def __init__(self, opened: OpenFiles, path: str, header: bytes) -> None:
        self.path = path
        self.is_dirty = False
        self.is_new = False
        self._opened = opened
        self._header = header
        self._written_count = 0
        self._unwritten = bytearray()

    def __len__(self) -> int:
        return self._written_count + len(self._unwritten) // PLACE_BYTES

    def add(self, place: ChunkPlace) -> None:
        """Add the place of the next chunk."""
        self._unwritten += INDEX_PLACE.pack(*place)

    def is_due(self) -> bool:
        """Return whether there are enough places for a write."""
        return len(self._unwritten) >= UNWRITTEN_PLACES_MAX * PLACE_BYTES

    @property
    def unwritten(self) -> bytes:
        """The places that are only in memory, packed as in the file."""
        return bytes(self._unwritten)

    def write(self) -> bool:
        """Write what is only in memory; nothing is synced.

        Returns:
            Whether there was anything.

        Raises:
            OSError: it stays in memory.
        """
        if not self._unwritten:
            return False
        file = self._opened.get(self.path, create=True).file
        places = bytes(self._unwritten)
        if self._written_count:
            file.write_at(HEADER_BYTES + self._written_count * PLACE_BYTES, places)
        else:
            file.write_at(0, (self._header, places))
            self.is_new = True
        self._written_count += len(places) // PLACE_BYTES
        self._unwritten.clear()
        self.is_dirty = True
        return True

    def adopt(self, count: int, unwritten: bytes = b"") -> None:
        """Take over so many places; the last of them, packed, are not in the file."""
        self._written_count = count - len(unwritten) // PLACE_BYTES
        self._unwritten[:] = unwritten

    def replace(self, places: Sequence[ChunkPlace]) -> None:
        """Take these instead of all; the next write writes them."""
        self._written_count = 0
        self._unwritten = bytearray().join([INDEX_PLACE.pack(*place) for place in places])

    def place(self, number: int) -> ChunkPlace:
        """Return a place, from 0.

        Raises:
            DamagedError: the file is too short.
            OSError: the disk cannot read it.
        """
        at = (number - self._written_count) * PLACE_BYTES
        if at < 0:
            return self._read(number, 1)[0]
        return ChunkPlace._make(INDEX_PLACE.unpack_from(self._unwritten, at))

    def places_from(self, number: int) -> Iterator[ChunkPlace]:
        """Yield the places from a number on.

        Raises:
            DamagedError: the file is too short.
            OSError: the disk cannot read it.
        """
        while number < self._written_count:
            found = self._read(number, min(_PLACES_PER_READ, self._written_count - number))
            yield from found
            number += len(found)
        # A copy: whoever reads may write between two places.
        rest = bytes(self._unwritten[(number - self._written_count) * PLACE_BYTES :])
        yield from [ChunkPlace._make(fields) for fields in INDEX_PLACE.iter_unpack(rest)]

    def first_with(self, holds: Callable[[ChunkPlace], bool]) -> int:
        """Return the number of the first place for which something holds; the count if for none.

        Args:
            holds: false for some places at the beginning, and true for all behind them.

        Raises:
            DamagedError: the file is too short.
            OSError: the disk cannot read it.
        """
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if holds(self.place(middle)):
                high = middle
            else:
                low = middle + 1
        return low

    def _read(self, first: int, count: int) -> list[ChunkPlace]:
        try:
            file = self._opened.get(self.path).file
        except FileNotFoundError as error:
            raise DamagedError(f"{self.path} is missing") from error
        wanted_bytes = count * PLACE_BYTES
        octets = file.read_at(HEADER_BYTES + first * PLACE_BYTES, wanted_bytes)
        if len(octets) < wanted_bytes:
            raise DamagedError(f"{self.path} is too short")
        return [ChunkPlace._make(fields) for fields in INDEX_PLACE.iter_unpack(octets)]


def new_index(opened: OpenFiles, path: str, queue_id: int, first_offset: int) -> SegmentIndex:
    """Return the index of a new segment."""
    return SegmentIndex(opened, path, encode_index_header(queue_id, first_offset))
