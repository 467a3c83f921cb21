"""The numbers of one thing over time, as a step function: a point where something changed.

    times    5 s   10 s        25 s
    ready      3      7   …       0

A thing that does not change costs nothing, and a number that never changed has no column. A busy
queue has six columns and the times: 7 KB with ``POINTS_MAX`` points. Older points are forgotten.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

POINTS_MAX: Final = 121
"""Points that are kept: ten minutes, where something changes at each look."""


class History:
    """The numbers of one thing.

    Attributes:
        last: the numbers as they were at the last look.
        changed_ms: time of the last look at which they had changed.
    """

    __slots__ = ("_before", "_columns", "_times", "changed_ms", "last")

    def __init__(self, width: int, first: Sequence[int] | None = None, found_ms: int = 0) -> None:
        """Begin without a point.

        Args:
            width: how many numbers there are.
            first: the numbers before the first point; None is zeros, as for a new thing.
            found_ms: time that the thing is known to be unchanged since.
        """
        self.last: Sequence[int] = (0,) * width if first is None else first
        self._before: Sequence[int] = self.last
        self.changed_ms = found_ms
        self._times: array[int] | None = None
        self._columns: list[array[int] | None] | None = None

    @property
    def points_count(self) -> int:
        """How many points are kept."""
        return 0 if self._times is None else len(self._times)

    def note(self, now_ms: int, numbers: Sequence[int]) -> bool:
        """Note the numbers at a time; return whether any has changed."""
        if numbers == self.last:
            return False
        if self._times is None or self._columns is None:
            self._times, self._columns = array("q"), [None] * len(numbers)
        times, columns = self._times, self._columns
        for index, number in enumerate(numbers):
            column = columns[index]
            if column is None:
                if number == self.last[index]:
                    continue
                column = columns[index] = array("q", [self.last[index]]) * len(times)
            column.append(number)
        times.append(now_ms)
        self.changed_ms = now_ms
        self.last = numbers
        if len(times) > POINTS_MAX:
            self._forget_first(times, columns)
        return True

    def forget_before(self, then_ms: int) -> None:
        """Forget all points, if the last one is older; what the numbers are now stays."""
        if self._times is not None and self._times[-1] < then_ms:
            self._times = self._columns = None
            self._before = self.last

    def at(self, index: int, then_ms: int) -> int:
        """Return a number as it was at a time."""
        if self._times is None or self._columns is None:
            return self.last[index]
        column = self._columns[index]
        if column is None:
            return self.last[index]
        place = bisect_right(self._times, then_ms)
        return self._before[index] if place == 0 else column[place - 1]

    def growth(self, from_ms: int, to_ms: int) -> Sequence[int] | None:
        """Return by how much each number grew between two times; None where none has changed."""
        times, columns = self._times, self._columns
        if self.changed_ms <= from_ms or times is None or columns is None:
            return None
        begin, end = bisect_right(times, from_ms), bisect_right(times, to_ms)
        if begin >= end:
            return None
        return [
            0
            if column is None
            else column[end - 1] - (column[begin - 1] if begin else self._before[index])
            for index, column in enumerate(columns)
        ]

    def _forget_first(self, times: "array[int]", columns: list["array[int] | None"]) -> None:
        before = list(self._before)
        for index, column in enumerate(columns):
            if column is not None:
                before[index] = column[0]
                del column[0]
            else:
                before[index] = self.last[index]
        self._before = before
        del times[0]
