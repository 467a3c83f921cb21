"""The queues that have a segment file open for writing; their number is bounded.

A queue that spills keeps the file that it began, so ten thousand long queues would hold ten
thousand descriptors. The queue that wrote longest ago closes its file, and opens the same file
again when it writes next.
"""

from typing import Final, Protocol

OPEN_SEGMENTS_MAX: Final = 256
"""Default of the files open at a time."""


class Holder(Protocol):
    """Has a file open to write to."""

    def let_go(self) -> None:
        """Close it, and open it again before the next write."""


class OpenSegments:
    """The segment files of all queues that are open for writing.

    Invariant: there are at most ``count_max``.

    Args:
        count_max: at least 1.
    """

    def __init__(self, count_max: int = OPEN_SEGMENTS_MAX) -> None:
        self._count_max = count_max
        self._holders: dict[Holder, None] = {}

    def __len__(self) -> int:
        return len(self._holders)

    def make_room(self, holder: Holder) -> None:
        """Make room for one more descriptor, unless this queue has its own."""
        if holder not in self._holders and len(self._holders) >= self._count_max:
            oldest = next(iter(self._holders))
            del self._holders[oldest]
            oldest.let_go()

    def note_used(self, holder: Holder) -> None:
        """Note that this queue wrote last; it has a file open."""
        self._holders.pop(holder, None)
        self._holders[holder] = None

    def forget(self, holder: Holder) -> None:
        """Note that this queue has no file open any more."""
        self._holders.pop(holder, None)
