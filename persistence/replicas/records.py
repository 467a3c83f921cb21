"""The records of a replica that are not in its messages yet, as they came: octets in pieces.

A piece is what one write brought, maybe cut. Records are told apart only where a cut or a read
lies inside a piece, because a mirror must not pay for each record.
"""

from bisect import bisect_right
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from persistence.files import Octets
from persistence.replica_operations import sizes_of_records


class Piece(NamedTuple):
    """Records behind index ``after``."""

    after: int
    record_count: int
    octets: Octets

    @property
    def last(self) -> int:
        """The index of its last record."""
        return self.after + self.record_count


_AFTER = itemgetter(0)


class Records:
    """Records (base, end], in order and without a gap."""

    __slots__ = ("_pieces", "base", "end", "size_bytes")

    def __init__(self, base: int = 0) -> None:
        """Begin with none."""
        self.base = self.end = base
        self.size_bytes = 0
        self._pieces: list[Piece] = []

    def __iter__(self) -> Iterator[Piece]:
        """Yield the pieces."""
        return iter(self._pieces)

    def append(self, after: int, count: int, octets: Octets) -> None:
        """Cut behind an index, then append."""
        assert self.base <= after <= self.end, "what is in the messages is never cut"
        self._cut(after)
        if count:
            self._pieces.append(Piece(after, count, octets))
            self.size_bytes += len(octets)
            self.end = after + count

    def take(self, last: int) -> list[Piece]:
        """Take out the records up to an index."""
        taken = self.between(self.base, last)
        kept = self.between(last, self.end)
        self._pieces = kept
        self.size_bytes = sum([len(piece.octets) for piece in kept])
        self.base = last
        return taken

    def read(self, after: int, count: int, bytes_max: int) -> tuple[int, bytes]:
        """Return how many records behind an index were read, and their octets.

        At least one is read, where there is one, however long it is.
        """
        found: list[Octets] = []
        found_count = found_bytes = 0
        for piece in self.between(after, min(after + count, self.end)):
            if found_bytes + len(piece.octets) <= bytes_max:
                found.append(piece.octets)
                found_count += piece.record_count
                found_bytes += len(piece.octets)
                continue
            fit_count = fit_bytes = 0
            for size_bytes in sizes_of_records(piece.octets, piece.record_count):
                if found_count + fit_count and found_bytes + fit_bytes + size_bytes > bytes_max:
                    break
                fit_count += 1
                fit_bytes += size_bytes
            found.append(memoryview(piece.octets)[:fit_bytes])
            found_count += fit_count
            break
        return found_count, b"".join(found)

    def between(self, after: int, last: int) -> list[Piece]:
        """Return the records behind an index up to another one."""
        at = max(bisect_right(self._pieces, after, key=_AFTER) - 1, 0)
        found: list[Piece] = []
        for piece in self._pieces[at:]:
            if piece.after >= last:
                break
            if piece.last > after:
                found.append(_inside(piece, after, last))
        return found

    def _cut(self, after: int) -> None:
        if after == self.end:
            return
        self._pieces = self.between(self.base, after)
        self.size_bytes = sum([len(piece.octets) for piece in self._pieces])
        self.end = after


def _inside(piece: Piece, after: int, last: int) -> Piece:
    """Return the part of a piece that lies behind an index, up to another one."""
    if piece.after >= after and piece.last <= last:
        return piece
    sizes = sizes_of_records(piece.octets, piece.record_count)
    first, stop = max(after - piece.after, 0), min(last - piece.after, piece.record_count)
    start_bytes, stop_bytes = sum(sizes[:first]), sum(sizes[:stop])
    octets = memoryview(piece.octets)[start_bytes:stop_bytes]
    return Piece(piece.after + first, stop - first, octets)
