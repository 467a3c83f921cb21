"""The messages of opened slots: few enough to be in memory, in the order in which they are due."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Final, NamedTuple

from persistence.record import Record

FEW_COUNT_MAX: Final = 2_048
"""Messages of opened slots that are in memory. A slot with more is divided instead."""

FEW_BYTES_MAX: Final = 1 << 20
"""And the sum of their bodies, in bytes."""


class Waiting(NamedTuple):
    """A message that waits.

    Attributes:
        due_ms: when it is due (instant).
        position: names it until it is due, or finds another slot.
        record: the message.
    """

    due_ms: int
    position: int
    record: Record


class Few:
    """Messages in order; they stay stored until they are settled."""

    __slots__ = ("_body_bytes", "_heap")

    def __init__(self) -> None:
        """Begin with none."""
        self._heap: list[Waiting] = []
        self._body_bytes = 0

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Waiting]:
        return iter(sorted(self._heap))

    @property
    def due_ms(self) -> int | None:
        """When the first is due (instant); None where there is none."""
        return self._heap[0].due_ms if self._heap else None

    def has_room(self, count: int, body_bytes: int) -> bool:
        """Whether so many more may be in memory."""
        is_few = count <= FEW_COUNT_MAX - len(self._heap)
        return is_few and body_bytes <= FEW_BYTES_MAX - self._body_bytes

    def add(self, message: Waiting) -> None:
        """Put a message where its time is."""
        heappush(self._heap, message)
        self._body_bytes += len(message.record.body)

    def take(self, stop_ms: int, max_count: int) -> list[Waiting]:
        """Take the first messages that are due before an instant."""
        heap = self._heap
        taken: list[Waiting] = []
        while heap and heap[0].due_ms < stop_ms and len(taken) < max_count:
            message = heappop(heap)
            self._body_bytes -= len(message.record.body)
            taken.append(message)
        return taken

    def drop(self, position: int) -> bool:
        """Forget a message; return False if it is not here."""
        kept = [each for each in self._heap if each.position != position]
        if len(kept) == len(self._heap):
            return False
        heapify(kept)
        self._heap = kept
        self._body_bytes = sum([len(each.record.body) for each in kept])
        return True

    def clear(self) -> None:
        """Forget all."""
        self._heap = []
        self._body_bytes = 0
