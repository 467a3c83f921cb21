"""What is on its way to each queue, and what was set aside as its queue does not take it now.

One queue that nobody leads would hold up all others behind the same exchange, once as much is on
its way to it as may be. So a queue has no more on its way than the room that is left. What is over
is set aside: no record of it is kept, only where it waits. When its queue takes messages again, it
is brought back, some at a time, and goes to that queue alone.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

BACK_MAX: Final = 4_096
"""Messages of a queue that are brought back at a time."""

APART_MS: Final = 100
"""Between two times."""

KEPT_MAX: Final = 1_024
"""Messages that are tried again, for each queue; the others of it are set aside."""

ASIDE_MAX: Final = 1 << 19
"""Messages that are set aside; where each waits takes some 140 octets. Beyond them a queue that
takes nothing holds up the others, as what is on its way to it has no other place."""

_NOBODY: Final[frozenset[str]] = frozenset()


class SetAside:
    """The messages behind one exchange that are on their way, by queue.

    Args:
        open_max: messages that may be on their way at a time.
        open_bytes_max: and the sum of their bodies.
    """

    def __init__(self, open_max: int, open_bytes_max: int) -> None:
        self._open_max = open_max
        self._open_bytes_max = open_bytes_max
        self._counts: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._positions: dict[str, deque[int]] = {}
        self._left: dict[int, frozenset[str]] = {}
        self._same: dict[frozenset[str], frozenset[str]] = {}
        self._due_ms = 0

    @property
    def _is_full(self) -> bool:
        return len(self._left) >= ASIDE_MAX

    def _shared(self, names: frozenset[str]) -> frozenset[str]:
        """Return the one set of these names: a set for each message takes 200 octets more."""
        return self._same.setdefault(names, names)

    def clear(self) -> None:
        """Forget everything: another leadership begins."""
        self.__init__(self._open_max, self._open_bytes_max)  # type: ignore[misc]

    def note(self, name: str, count: int, size_bytes: int) -> None:
        """So much more is on its way to a queue; less than 0: it is not any more."""
        for counted, more in ((self._counts, count), (self._bytes, size_bytes)):
            counted[name] += more
            if not counted[name]:
                del counted[name]

    def has_room(self, name: str, open_count: int, open_bytes: int, *, is_back: bool) -> bool:
        """Return whether messages may go to a queue now.

        Args:
            name: of the queue.
            open_count: messages on their way to all queues, these among them.
            open_bytes: their bodies.
            is_back: they were set aside, and are brought back; others come behind those.
        """
        if self._is_full:
            return True  # They are kept, and tried again.
        if not is_back and name in self._positions:
            return False
        if name not in self._counts:
            return True
        left_count = self._open_max - open_count
        left_bytes = self._open_bytes_max - open_bytes
        return self._counts[name] <= left_count and self._bytes[name] <= left_bytes

    def keeps(self, name: str, count: int) -> bool:
        """Return whether messages that a queue did not take are kept to be tried again."""
        if self._kept[name] and self._kept[name] + count > KEPT_MAX and not self._is_full:
            return False
        self._kept[name] += count
        return True

    def tries(self, name: str, count: int) -> None:
        """Messages that were kept are tried now."""
        self._kept[name] -= count
        if self._kept[name] <= 0:
            del self._kept[name]

    def put(self, name: str, positions: Sequence[int]) -> None:
        """Set messages aside that one queue lacks, by where they wait."""
        self._positions.setdefault(name, deque()).extend(positions)
        left = self._left
        for position in positions:
            left[position] = self._shared(left.get(position, _NOBODY) | {name})

    def names_left(self, position: int, names: Collection[str]) -> Collection[str]:
        """Return which of these lack a message; all of them where it was never set aside."""
        left = self._left.get(position)
        return names if left is None else [name for name in names if name in left]

    def was_aside(self, position: int) -> bool:
        """Return whether a message was set aside before."""
        return position in self._left

    def came(self, name: str, positions: Iterable[int]) -> None:
        """A queue has these, or does not want them: it lacks them no more."""
        if self._left:
            for position in positions:
                left = self._left.get(position, _NOBODY)
                if name in left:
                    self._left[position] = self._shared(left - {name})

    def forget(self, positions: Iterable[int]) -> None:
        """All queues have these."""
        if self._left:
            for position in positions:
                self._left.pop(position, None)
            if not self._left:
                self._same.clear()

    def next_deadline_ms(self) -> int | None:
        """Return when to look for what may be brought back; None where nothing is set aside."""
        return self._due_ms if self._positions else None

    def back(self, open_count: int, now_ms: int) -> Iterator[list[int]]:
        """Yield messages that are brought back now, of each queue that takes some again.

        One that several queues lacked may have been brought back for another of them already.
        """
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + APART_MS
        few = max((self._open_max - open_count) // 4, 1)
        for name, positions in list(self._positions.items()):
            if self._kept[name] or self._counts[name] >= few:
                continue
            yield [positions.popleft() for _ in range(min(len(positions), BACK_MAX))]
            if not positions:
                del self._positions[name]
