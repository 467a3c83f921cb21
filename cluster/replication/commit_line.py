"""Runs that wait for the same disks, in the order of the leader's log (one LSN per link)."""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

Waiter = TypeVar("Waiter")


@dataclass(frozen=True, slots=True)
class LineKey:
    """Whom a line waits for, beside the own disk, and the lease it needs; None needs none."""

    mirrors: frozenset[str]
    incarnation: int | None


class CommitLine(Generic[Waiter]):
    """Runs of many queues as (LSN, waiter, index, turn), the lowest LSN first.

    ``turn`` is that of the waiter when it was appended: a waiter that has left the line since
    has another, and what it left behind counts no more. ``head_lsn`` and ``head_since_ms`` are the
    timers': which run waits longest, and since when it was seen to.
    """

    __slots__ = ("head_lsn", "head_since_ms", "key", "members", "runs")

    def __init__(self, key: LineKey) -> None:
        """Begin empty."""
        self.key = key
        self.runs: deque[tuple[int, Waiter, int, int]] = deque()
        self.members = 0
        self.head_lsn = 0
        self.head_since_ms = 0

    def append(self, lsn: int, waiter: Waiter, index: int, turn: int) -> None:
        """A run was appended to the log; its LSN is above all before."""
        self.runs.append((lsn, waiter, index, turn))

    def take_safe(self, lsn: int) -> list[tuple[int, Waiter, int, int]]:
        """Take out what is safe up to an LSN."""
        runs, safe = self.runs, []
        while runs and runs[0][0] <= lsn:
            safe.append(runs.popleft())
        return safe
