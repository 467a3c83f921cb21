"""Queues that a turn had no time for: in lines, one for each turn or job that left some.

    line of turn 1   q1 q2 q3 … q9000        served one of each line in turn:
    line of turn 2   canary                  q1 canary job's q2 q3 …
    line of a job    x1 x2

Who left ten thousand behind keeps nobody waiting who left one.
"""

from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

Q = TypeVar("Q")


class LeftOver(Generic[Q]):
    """Lines of queues, each queue wanted once however often it stands in one.

    Attributes:
        wanted: those that are to be drained; always the same dict, so that to ask for one is cheap.

    Invariant: a queue that is wanted stands in a line, or is about to be added to one.
    """

    __slots__ = ("_lines", "wanted")

    def __init__(self) -> None:
        self.wanted: dict[Q, None] = {}
        self._lines: deque[deque[Q]] = deque()

    def want(self, queues: Iterable[Q]) -> None:
        """Note queues that whoever calls serves himself, or adds what is left of."""
        self.wanted.update(dict.fromkeys(queues))

    def add(self, line: Iterable[Q]) -> None:
        """Put queues behind each other, as the last line; those wanted no more fall out later."""
        line = deque(line)
        self.wanted.update(dict.fromkeys(line))
        self._lines.append(line)

    def drop(self, queue: Q) -> bool:
        """Want a queue no more; return whether it was wanted."""
        if queue not in self.wanted:
            return False
        del self.wanted[queue]
        if not self.wanted:
            self._lines.clear()  # nothing keeps in memory what is deleted
        return True

    def take(self) -> Q | None:
        """Return the first of the line whose turn it is, and want it no more; None without any."""
        lines = self._lines
        while lines:
            line = lines[0]
            while line:
                queue = line.popleft()
                if self.drop(queue):
                    if lines:
                        lines.rotate(-1)
                    return queue
            lines.popleft()
        return None
