"""Numbers by reference: the publishing ids of publishers, the stored offsets of consumers.

A stream keeps a bounded number of them, as RabbitMQ does.
"""

from collections.abc import Iterable, Iterator
from typing import Final

REFERENCES_MAX: Final = 255
"""Most references of one kind that a stream keeps."""


class References:
    """Numbers by reference; the reference that was noted longest ago goes first.

    Args:
        count_max: most references that it keeps.
    """

    __slots__ = ("_count_max", "_numbers")

    def __init__(self, count_max: int = REFERENCES_MAX) -> None:
        self._count_max = count_max
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Yield reference and number; the one that was noted longest ago comes first."""
        return iter(self._numbers.items())

    def get(self, reference: bytes) -> int | None:
        """Return the number of a reference; None is none."""
        return self._numbers.get(reference)

    def note(self, reference: bytes, number: int) -> None:
        """Note a number, in place of an earlier one."""
        self._numbers.pop(reference, None)
        self._numbers[reference] = number
        if len(self._numbers) > self._count_max:
            del self._numbers[next(iter(self._numbers))]

    def note_highest(self, reference: bytes, number: int) -> None:
        """Note a number, unless a higher one is there."""
        self.note(reference, max(number, self._numbers.get(reference, number)))

    def clear(self) -> None:
        """Forget all of them."""
        self._numbers.clear()

    def note_all(self, numbers: Iterable[tuple[bytes, int]]) -> None:
        """Note numbers, in this order."""
        for reference, number in numbers:
            self.note(reference, number)
