"""What one node says to another in order, over questions and answers that may be lost or repeated.

    said      a b c d e          numbers from 1 on
    heard     a b                the other side has said so: these are forgotten
    next      c d e              all of it, or the first of it, until it is heard

Each message has what is not known to be heard, and the number of its first. So a message that is
lost, comes twice, or after a later one, changes nothing.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Saying(Generic[T]):
    """What was said and is not known to be heard.

    Attributes:
        first: the number of the first of it.
    """

    __slots__ = ("_unheard", "first")

    def __init__(self) -> None:
        self.first = 1
        self._unheard: deque[T] = deque()

    def __len__(self) -> int:
        """Return how much is not known to be heard."""
        return len(self._unheard)

    def add(self, item: T) -> None:
        """Say something more."""
        self._unheard.append(item)

    def next(self, max_count: int) -> list[T]:
        """Return the first of what is not known to be heard."""
        return list(islice(self._unheard, max_count))

    def heard(self, number: int) -> None:
        """Forget what the other side has heard, up to a number; one that was never said is all."""
        while self._unheard and self.first <= number:
            self._unheard.popleft()
            self.first += 1


class GapError(Exception):
    """What was said before is missing."""


def unheard(heard: int, first: int, items: Sequence[T]) -> Sequence[T]:
    """Return what is new in a message.

    Args:
        heard: the number up to which all was heard.
        first: the number of the first item.
        items: of the message.

    Raises:
        GapError: something before it was not heard.
    """
    if items and first > heard + 1:
        raise GapError(f"expected number {heard + 1}, got {first}")
    return items[max(0, heard + 1 - first) :]
