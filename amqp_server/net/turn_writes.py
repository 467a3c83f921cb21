"""The writes of a turn: who has output gets one, and many writes are cut by time.

What tells a thousand connections something takes one turn of 5 ms, and the writes, which are calls
of the system, 20 ms more. What is over the time waits for later turns, in order. The first of what
is new goes before it, because somebody's answer may be among it; then they take turns.
"""

from collections import deque
from typing import Final, Protocol

from amqp_server.broker.budget import TurnBudget

WRITTEN_AT_ONCE_MAX: Final = 32
"""So many outputs are flushed without asking for the time."""


class Output(Protocol):
    """A connection's shell that has output, or whose reading begins or stops."""

    def flush(self, now_ms: int) -> None:
        """Write all of its output at once; never raises."""


class TurnWrites:
    """The outputs of one loop that are to be flushed.

    Attributes:
        marked: since the last turn, in order.
        left_over: of earlier turns, in order.

    Args:
        budget: for the writes of a turn, behind the time for its work; None is without an end.
    """

    __slots__ = ("_budget", "left_over", "marked")

    def __init__(self, budget: TurnBudget | None = None) -> None:
        self.marked: list[Output] = []
        self.left_over: deque[Output] = deque()
        self._budget = TurnBudget() if budget is None else budget

    @property
    def is_waiting(self) -> bool:
        """Whether a later turn has something to flush."""
        return bool(self.marked or self.left_over)

    def flush(self, now_ms: int, *, carries_on: bool) -> None:
        """Flush what is marked, and what is left over.

        Args:
            now_ms: the time.
            carries_on: flush what is left over too; no answer waits for it.
        """
        marked, self.marked = self.marked, []
        if len(marked) <= WRITTEN_AT_ONCE_MAX and not self.left_over:
            for output in marked:
                output.flush(now_ms)
            return
        self._write_many(deque(marked), now_ms, carries_on=carries_on)

    def _write_many(self, fresh: deque[Output], now_ms: int, *, carries_on: bool) -> None:
        left_over, is_spent = self.left_over, self._budget.is_spent
        self._budget.begin()
        for _ in range(min(len(fresh), WRITTEN_AT_ONCE_MAX)):
            fresh.popleft().flush(now_ms)
        while fresh or (carries_on and left_over):
            # One of each in turn: those who always have output again keep nobody waiting.
            if carries_on and left_over:
                left_over.popleft().flush(now_ms)
            if fresh:
                fresh.popleft().flush(now_ms)
            if is_spent():
                break
        left_over += fresh
