"""When each message of a log is due, by position: eight octets each, however many wait.

    stretch 0          stretch 1          …   1,024 positions each
    950 0 0 1200 …     3000 3000 0 …          0: nothing waits there, or it was taken
    └ the first is due at 950

A heap has the first time of each stretch. So what is due is found by a look at the stretches in
which something is, and nothing is ever sorted that is not due.
"""

from array import array
from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush, nsmallest
from typing import Final

STRETCH: Final = 1_024
"""Positions of a stretch."""

LOOKED_AT_MAX: Final = 24
"""Stretches that one call looks at: each takes some 80 us."""

OTHERS_MAX: Final = 64
"""Pairs in the heap besides two of each stretch; they may be of a time that is far away."""

_NOBODY: Final = array("q", [0]) * STRETCH


class _Stretch:
    """The times of neighbouring positions.

    Attributes:
        due_ms: of each position; 0 is none.
        count: how many have one.
        first_ms: none of them is due before.
    """

    __slots__ = ("count", "due_ms", "first_ms")

    def __init__(self, first_ms: int) -> None:
        self.due_ms = array("q", _NOBODY)
        self.count = 0
        self.first_ms = first_ms


class DueTimes:
    """The times of the messages of one log that were not taken yet.

    Invariant: the heap has the first time of each stretch; other pairs in it do no harm.
    """

    __slots__ = ("_heap", "_stretches")

    def __init__(self) -> None:
        """Begin with none."""
        self._stretches: dict[int, _Stretch] = {}
        self._heap: list[tuple[int, int]] = []

    def add(self, first_position: int, due_ms: Sequence[int]) -> None:
        """Note when messages in a row are due (instants > 0); none of them is noted yet."""
        at = 0
        while at < len(due_ms):
            number, inside = divmod(first_position + at, STRETCH)
            part = due_ms[at : at + STRETCH - inside]
            stretch = self._stretch(number, min(part))
            stretch.due_ms[inside : inside + len(part)] = array("q", part)
            stretch.count += len(part)
            at += len(part)

    def note(self, position: int, due_ms: int) -> None:
        """Note when one message is due; it may be noted already."""
        number, inside = divmod(position, STRETCH)
        stretch = self._stretch(number, due_ms)
        stretch.count += not stretch.due_ms[inside]
        stretch.due_ms[inside] = due_ms

    def forget(self, position: int) -> bool:
        """Forget a message; return False if it is not noted."""
        number, inside = divmod(position, STRETCH)
        stretch = self._stretches.get(number)
        if stretch is None or not stretch.due_ms[inside]:
            return False
        stretch.due_ms[inside] = 0
        stretch.count -= 1
        if not stretch.count:
            del self._stretches[number]
        return True

    def first_ms(self) -> int | None:
        """Return a time before which nothing is due (instant); None where nothing waits."""
        heap = self._heap
        while heap:
            at_ms, number = heap[0]
            stretch = self._stretches.get(number)
            if stretch is not None and stretch.first_ms == at_ms:
                return at_ms
            heappop(heap)
        return None

    def take(self, until_ms: int, max_count: int) -> list[tuple[int, int]]:
        """Take messages that are due up to an instant.

        Args:
            until_ms: the instant.
            max_count: no further stretch is looked at where there are so many.

        Returns:
            When they are due, and their positions; in no order. There may be more.
        """
        found: list[tuple[int, int]] = []
        for _ in range(LOOKED_AT_MAX):
            if len(found) >= max_count:
                break
            first_ms = self.first_ms()
            if first_ms is None or first_ms > until_ms:
                break
            number = heappop(self._heap)[1]
            found += self._take_of(number, self._stretches[number], until_ms)
        return found

    def of_stretch(self, number: int) -> list[tuple[int, int]]:
        """Return positions of a stretch, ascending, and when they are due."""
        stretch = self._stretches.get(number)
        base = number * STRETCH
        due_ms = () if stretch is None else stretch.due_ms
        return [(base + at, each) for at, each in enumerate(due_ms) if each]

    def first(self, count: int) -> list[tuple[int, int]]:
        """Return when some messages are due, and their positions, in order: about the first."""
        held = self._stretches
        found: list[tuple[int, int]] = []
        for number in nsmallest(count, held, key=lambda each: held[each].first_ms):
            found += [(due, at) for at, due in self.of_stretch(number)]
            if len(found) >= LOOKED_AT_MAX * STRETCH:
                break
        return nsmallest(count, found)

    def stretches(self) -> Iterator[int]:
        """Return the numbers of the stretches in which something waits."""
        return iter(tuple(self._stretches))

    def clear(self) -> None:
        """Forget all."""
        self._stretches.clear()
        self._heap.clear()

    def _stretch(self, number: int, first_ms: int) -> _Stretch:
        stretch = self._stretches.get(number)
        if stretch is None:
            stretch = self._stretches[number] = _Stretch(first_ms)
        elif first_ms >= stretch.first_ms:
            return stretch
        stretch.first_ms = first_ms
        self._order(first_ms, number)
        return stretch

    def _order(self, first_ms: int, number: int) -> None:
        heappush(self._heap, (first_ms, number))
        if len(self._heap) > 2 * len(self._stretches) + OTHERS_MAX:
            self._heap = [(each.first_ms, at) for at, each in self._stretches.items()]
            heapify(self._heap)

    def _take_of(self, number: int, stretch: _Stretch, until_ms: int) -> list[tuple[int, int]]:
        due_ms, base = stretch.due_ms, number * STRETCH
        found = [(each, base + at) for at, each in enumerate(due_ms) if 0 < each <= until_ms]
        for _, position in found:
            due_ms[position - base] = 0
        stretch.count -= len(found)
        if not stretch.count:
            del self._stretches[number]
        else:
            stretch.first_ms = min([each for each in due_ms if each])
            self._order(stretch.first_ms, number)
        return found
