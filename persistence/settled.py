"""A set of positions of one queue that grows from below: those that are settled, mostly.

    floor                 every position below it is in the set
    page i                positions i * 16384 to (i + 1) * 16384 - 1: one octet each, 1 is a member

A queue that is consumed in order has a floor and no page; one unsettled message holds the floor
back, and each page that fills up behind it shrinks to a reference to one shared page. A range of
any step is one slice assignment per page, so that what runs per position is C.

    encoded | floor u64 | rows u32 | row ...            little-endian
    row     | first page u64 | pages u32 | octets u32 | zlib of one page, where octets is not 0 |

A row without octets is that many full pages in a row; a row with octets is one page.
"""

import struct
import zlib
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from persistence.errors import DamagedError

PAGE_POSITIONS: Final = 16_384
PAGES_MAX: Final = 1 << 20
"""A set that was stored has no more pages than this: 17 billion positions above its floor."""

_FULL: Final = bytes((1,)) * PAGE_POSITIONS
_HEADER: Final = struct.Struct("<QI")
_ROW: Final = struct.Struct("<QII")
_COMPRESSION_LEVEL: Final = 1
_BOTH_OCTETS: Final = b"\x00\x01"


class PositionSet:
    """Positions, of which all below ``floor`` are members.

    Attributes:
        floor: the least position that is not a member.

    Invariant: no page lies wholly below the floor; the position ``floor`` is not a member.
    Invariant: ``_counts[i]`` members are in page i, where that page is a bytearray.
    """

    __slots__ = ("_counts", "_pages", "floor")

    def __init__(self, floor: int = 0) -> None:
        """Make the set of all positions below ``floor``."""
        self.floor = floor
        self._pages: dict[int, bytes | bytearray] = {}
        self._counts: dict[int, int] = {}

    def __contains__(self, position: int) -> bool:
        if position < self.floor:
            return True
        index, offset = divmod(position, PAGE_POSITIONS)
        page = self._pages.get(index)
        return page is not None and page[offset] == 1

    def add(self, positions: range) -> int:
        """Add positions of any step > 0; return how many were not members before."""
        first, stop, step = positions.start, positions.stop, positions.step
        floor = self.floor
        if step == 1 and first <= floor and not self._pages:
            if stop <= floor:
                return 0
            self.floor = stop
            return stop - floor
        if not positions:
            return 0
        assert step > 0, "positions of a queue ascend"
        stop = positions[-1] + 1
        if step == 1 and first <= floor:
            return self._raise_floor_to(stop)
        if first < floor:
            first += -(-(floor - first) // step) * step
        added = self._mark(first, stop, step)
        self._absorb()
        return added

    def count_missing(self, first: int, stop: int) -> int:
        """Return how many positions from ``first`` up to and without ``stop`` are no members."""
        first = max(first, self.floor)
        if first >= stop:
            return 0
        if not self._pages:
            return stop - first
        first_page, last_page = first // PAGE_POSITIONS, (stop - 1) // PAGE_POSITIONS
        if last_page - first_page < len(self._pages):
            indexes = [i for i in range(first_page, last_page + 1) if i in self._pages]
        else:
            indexes = [i for i in self._pages if first_page <= i <= last_page]
        members = 0
        for index in indexes:
            start = index * PAGE_POSITIONS
            members += self._pages[index].count(
                1, max(first - start, 0), min(stop - start, PAGE_POSITIONS)
            )
        return stop - first - members

    def missing(self, first: int, stop: int) -> list[range]:
        """Return the positions from ``first`` up to ``stop`` that are no members, as ranges."""
        first = max(first, self.floor)
        if not self._pages:
            return [range(first, stop)] if first < stop else []
        found: list[range] = []
        while first < stop:
            first = self._next(first, stop, member=False)
            if first >= stop:
                break
            end = self._next(first, stop, member=True)
            found.append(range(first, end))
            first = end
        return found

    def indexes_outside(self, positions: Sequence[int]) -> Sequence[int]:
        """Return the indexes of those positions that are no members; they must ascend."""
        if not self._pages:
            return range(bisect_left(positions, self.floor), len(positions))
        return [index for index, position in enumerate(positions) if position not in self]

    def copy(self) -> "PositionSet":
        """Return a set that does not change with this one."""
        copied = PositionSet(self.floor)
        copied._counts = dict(self._counts)
        copied._pages = {
            index: page if page is _FULL else page[:] for index, page in self._pages.items()
        }
        return copied

    def encode(self) -> bytes:
        """Return the set as octets; see the drawing above."""
        rows: list[bytes] = []
        full_first = full_count = 0
        for index in sorted(self._pages):
            page = self._pages[index]
            if page is _FULL and full_count and index == full_first + full_count:
                full_count += 1
                continue
            if full_count:
                rows.append(_ROW.pack(full_first, full_count, 0))
                full_count = 0
            if page is _FULL:
                full_first, full_count = index, 1
                continue
            packed = zlib.compress(page, _COMPRESSION_LEVEL)
            rows.append(_ROW.pack(index, 1, len(packed)) + packed)
        if full_count:
            rows.append(_ROW.pack(full_first, full_count, 0))
        return _HEADER.pack(self.floor, len(rows)) + b"".join(rows)

    @classmethod
    def decode(cls, encoded: bytes) -> "PositionSet":
        """Return the set that ``encode`` made octets of.

        Raises:
            DamagedError: the octets are none that ``encode`` returns.
        """
        try:
            floor, row_count = _HEADER.unpack_from(encoded)
            decoded = cls(floor)
            at = _HEADER.size
            for _ in range(row_count):
                index, page_count, octets = _ROW.unpack_from(encoded, at)
                at += _ROW.size
                if octets:
                    decoded._decode_page(index, encoded[at : at + octets])
                elif len(decoded._pages) + page_count > PAGES_MAX:
                    raise DamagedError(f"a set of positions has over {PAGES_MAX} pages")
                else:
                    decoded._pages.update(dict.fromkeys(range(index, index + page_count), _FULL))
                at += octets
        except (struct.error, zlib.error) as error:
            raise DamagedError(f"a set of positions cannot be decoded: {error}") from error
        if at != len(encoded):
            raise DamagedError(f"a set of positions has {len(encoded)} octets, {at} are used")
        return decoded

    def check_invariants(self) -> None:
        """Assert what the class promises; costs a walk over every page."""
        assert self.floor not in self, "the floor is as high as it can be"
        for index, page in self._pages.items():
            assert (index + 1) * PAGE_POSITIONS > self.floor, "what lies below the floor is gone"
            if page is not _FULL:
                assert page.count(1) == self._counts[index] < PAGE_POSITIONS, "a full page is none"
        assert len(self._counts) == sum(page is not _FULL for page in self._pages.values())

    def _decode_page(self, index: int, packed: bytes) -> None:
        unpacking = zlib.decompressobj()
        page = bytearray(unpacking.decompress(packed, PAGE_POSITIONS + 1))
        if len(page) != PAGE_POSITIONS or page.translate(None, _BOTH_OCTETS):
            raise DamagedError(f"page {index} of a set of positions is none")
        self._pages[index] = page
        self._counts[index] = page.count(1)

    def _mark(self, first: int, stop: int, step: int) -> int:
        """Add positions from ``first``, not below the floor, page by page."""
        added = 0
        while first < stop:
            index, offset = divmod(first, PAGE_POSITIONS)
            end = min(stop - index * PAGE_POSITIONS, PAGE_POSITIONS)
            count = (end - offset + step - 1) // step
            first += count * step
            page = self._pages.get(index)
            if page is _FULL:
                continue
            if page is None:
                page = self._new_page(index)
            assert isinstance(page, bytearray), "only the shared page is full"
            if count == PAGE_POSITIONS:
                new = count - self._counts[index]
            elif step == 1:
                new = count - page.count(1, offset, end)
            else:
                new = count - page[offset:end:step].count(1)
            if not new:
                continue
            added += new
            self._counts[index] += new
            if self._counts[index] == PAGE_POSITIONS:
                self._pages[index] = _FULL
                del self._counts[index]
            else:
                page[offset:end:step] = _FULL[:count]
        return added

    def _new_page(self, index: int) -> bytearray:
        """Start a page; where the floor lies in it, what is below is a member of it too."""
        page = bytearray(PAGE_POSITIONS)
        below = max(self.floor - index * PAGE_POSITIONS, 0)
        page[:below] = _FULL[:below]
        self._pages[index] = page
        self._counts[index] = below
        return page

    def _raise_floor_to(self, stop: int) -> int:
        """Add everything below ``stop``; return how much that is."""
        added = self.count_missing(self.floor, stop)
        if added:
            self.floor = stop
            for index in [i for i in self._pages if (i + 1) * PAGE_POSITIONS <= stop]:
                del self._pages[index]
                self._counts.pop(index, None)
            index, offset = divmod(stop, PAGE_POSITIONS)
            page = self._pages.get(index)
            if isinstance(page, bytearray):
                page[:offset] = _FULL[:offset]
                self._counts[index] = page.count(1)
            self._absorb()
        return added

    def _absorb(self) -> None:
        """Raise the floor over the members that stand on it."""
        while (page := self._pages.get(self.floor // PAGE_POSITIONS)) is not None:
            index, offset = divmod(self.floor, PAGE_POSITIONS)
            found = page.find(0, offset)
            if found >= 0:
                self.floor = index * PAGE_POSITIONS + found
                return
            self.floor = (index + 1) * PAGE_POSITIONS
            del self._pages[index]
            self._counts.pop(index, None)

    def _next(self, position: int, stop: int, *, member: bool) -> int:
        """Return the first position, up to ``stop``, that is a member; or that is none."""
        while position < stop:
            index, offset = divmod(position, PAGE_POSITIONS)
            page = self._pages.get(index)
            found = (
                page.find(1 if member else 0, offset)
                if page is not None
                else (-1 if member else offset)
            )
            if found >= 0:
                return min(index * PAGE_POSITIONS + found, stop)
            position = (index + 1) * PAGE_POSITIONS
        return stop
