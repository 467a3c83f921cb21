"""Index and LSN of the records that a leader appended in its epoch and that are not committed."""

from bisect import bisect_right
from operator import itemgetter

_LSN = itemgetter(1)


class Runs:
    """Runs as (last index, last LSN), both growing; within a run both count together.

    Index and LSN of what was forgotten last stay known: that is the commit index.
    """

    __slots__ = ("_first", "_floor", "_runs")

    def __init__(self, floor_index: int) -> None:
        """Begin behind an index whose records have no LSN of this leadership."""
        self._floor = (floor_index, 0)
        self._runs: list[tuple[int, int]] = []
        self._first = 0

    def append(self, last_index: int, last_lsn: int) -> None:
        """A run was appended; it begins behind the one before."""
        self._runs.append((last_index, last_lsn))

    def index_at(self, lsn: int, above: int = 0) -> int:
        """Return the last index with an LSN above ``above`` and up to ``lsn``; 0 without one.

        Disks and mirrors answer for whole runs, so an LSN never lies inside of one.
        """
        at = bisect_right(self._runs, lsn, lo=self._first, key=_LSN)
        index, last = self._runs[at - 1] if at > self._first else self._floor
        return index if above < last <= lsn else 0

    def forget(self, index: int) -> None:
        """All up to this index is committed."""
        while self._first < len(self._runs) and self._runs[self._first][0] <= index:
            self._floor = self._runs[self._first]
            self._first += 1
        if self._floor[0] < index:
            last_index, last_lsn = self._runs[self._first]
            self._floor = (index, last_lsn - (last_index - index))
        if self._first > 64 and self._first * 2 > len(self._runs):  # noqa: PLR2004 -- amortised
            del self._runs[: self._first]
            self._first = 0
