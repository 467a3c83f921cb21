"""Messages that are in the write-ahead log and in no segment yet, by position.

They are references to messages that the queue holds in memory anyway. A checkpoint needs them to
store messages that the write-ahead log will forget. Settled and stored messages are released.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Final

from persistence.settled import PositionSet
from persistence.slices import Slice, part, stretches_outside

SWEEP_PIECES_MIN: Final = 64
"""With fewer pieces, no search for settled ones behind an unsettled one is made."""


def _last_position(piece: Slice) -> int:
    return piece.positions[-1]


class Recent:
    """Appended messages in pieces of contiguous positions.

    Invariant: pieces ascend, and no position is in two of them.
    """

    __slots__ = ("_head", "_pieces", "_sweep_at")

    def __init__(self) -> None:
        self._pieces: list[Slice] = []
        self._head = 0  # of the pieces; those before it are gone
        self._sweep_at = SWEEP_PIECES_MIN

    def __bool__(self) -> bool:
        return self._head < len(self._pieces)

    def __iter__(self) -> Iterator[Slice]:
        return islice(self._pieces, self._head, None)

    @property
    def head_last_position(self) -> int:
        """The last position of the first piece; there must be one."""
        return _last_position(self._pieces[self._head])

    @property
    def size_bytes(self) -> int:
        """About how many bytes the pieces hold; costs a look at each piece."""
        return sum([piece.size_bytes for piece in self])

    def add(self, piece: Slice, settled: PositionSet) -> None:
        """Note messages behind all others."""
        self._pieces.append(piece)
        if len(self._pieces) - self._head >= self._sweep_at:
            self._sweep(settled)

    def forget_below(self, floor: int) -> None:
        """Release the pieces that lie completely below ``floor``."""
        pieces, head = self._pieces, self._head
        while head < len(pieces) and _last_position(pieces[head]) < floor:
            head += 1
        if head > len(pieces) // 2:
            del pieces[:head]
            head = 0
        else:
            # The list is cut later. The messages must be released now.
            pieces[self._head : head] = [_GONE] * (head - self._head)
        self._head = head

    def remove(self, stored: range) -> None:
        """Release the messages at these contiguous positions."""
        pieces = self._pieces
        index = start = bisect_left(pieces, stored.start, self._head, key=_last_position)
        left: list[Slice] = []
        while index < len(pieces) and pieces[index].positions[0] < stored.stop:
            piece = pieces[index]
            first, count = piece.positions[0], len(piece.positions)
            if first < stored.start:
                left.append(part(piece, 0, stored.start - first))
            if first + count > stored.stop:
                left.append(part(piece, stored.stop - first, count))
            index += 1
        pieces[start:index] = left

    def unsettled(self, settled: PositionSet, max_bytes: int) -> list[Slice]:
        """Return the first unsettled messages, up to the piece that takes them to ``max_bytes``."""
        found: list[Slice] = []
        found_bytes = 0
        for piece in self:
            found += stretches_outside(piece, settled)
            found_bytes += piece.size_bytes
            if found_bytes >= max_bytes:
                break
        return found

    def between(self, first: int, stop: int, settled: PositionSet, max_bytes: int) -> list[Slice]:
        """Return the unsettled messages from a position up to, not including, another.

        They end with the piece that takes them to ``max_bytes``.
        """
        pieces = self._pieces
        index = bisect_left(pieces, first, self._head, key=_last_position)
        found: list[Slice] = []
        found_bytes = 0
        while index < len(pieces) and pieces[index].positions[0] < stop and found_bytes < max_bytes:
            piece = pieces[index]
            at, count = piece.positions[0], len(piece.positions)
            inside = part(piece, max(first - at, 0), min(stop - at, count))
            found += stretches_outside(inside, settled)
            found_bytes += inside.size_bytes
            index += 1
        return found

    def within(self, first: int, stop: int) -> Iterator[Slice]:
        """Yield the messages from a position up to, not including, another, settled or not."""
        pieces = self._pieces
        index = bisect_left(pieces, first, self._head, key=_last_position)
        while index < len(pieces) and pieces[index].positions[0] < stop:
            piece = pieces[index]
            at, count = piece.positions[0], len(piece.positions)
            yield part(piece, max(first - at, 0), min(stop - at, count))
            index += 1

    def forget_settled(self, settled: PositionSet) -> None:
        """Release every piece whose messages are all settled."""
        self._pieces = [
            piece
            for piece in self
            if settled.count_missing(piece.positions[0], piece.positions[-1] + 1)
        ]
        self._head = 0

    def _sweep(self, settled: PositionSet) -> None:
        """Release messages settled out of order; the cost is spread over the appends."""
        self.forget_settled(settled)
        self._sweep_at = max(SWEEP_PIECES_MIN, 2 * len(self._pieces))


_GONE: Final = Slice((), range(-1, 0))
