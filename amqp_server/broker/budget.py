"""How long one turn may go on: what bounds everything that a peer can make long.

A count of things bounds nothing, since one thing may cost as much as a client makes it cost: a
message that matches ten thousand bindings, a nack of three hundred thousand. So long work asks
between two of its pieces whether the time is spent, and leaves the rest to later turns:

    a turn begins → ... work, is_spent? work, is_spent? ... → the rest is the next turn's

A piece is what runs between two questions. It should take well under a millisecond: many messages
or things that cost little each, or one that costs much.

No clock is read here. Whoever makes the budget hands one in, and tests count with theirs.
"""

import math
from collections.abc import Callable
from typing import Final, Protocol

TURN_NS: Final = 5_000_000
"""What a turn has, in ns, where nobody says otherwise."""


def _stands_still() -> int:
    return 0


class TurnBudget:
    """The time that the turn under way has left.

    Attributes:
        begin: call it as a turn begins.
        is_spent: whether the rest of the work should wait for the next turn.
    """

    __slots__ = ("_clock_ns", "_ends_at_ns", "_turn_ns")

    def __init__(self, clock_ns: Callable[[], int] = _stands_still, turn_ns: int = TURN_NS) -> None:
        """Have no end until the first turn begins: a start takes what it needs.

        Args:
            clock_ns: monotonic, in ns; one that stands still makes turns without an end.
            turn_ns: how long a turn may go on, in ns.
        """
        self._clock_ns = clock_ns
        self._turn_ns = turn_ns
        self._ends_at_ns: float = math.inf

    def begin(self) -> None:
        """Give the turn that begins all of its time."""
        self._ends_at_ns = self._clock_ns() + self._turn_ns

    def is_spent(self) -> bool:
        """Return whether what can wait should wait for the next turn."""
        return self._clock_ns() >= self._ends_at_ns


class Job(Protocol):
    """Work that is carried on over several turns: see ``Turn.later``."""

    def step(self, now_ms: int) -> bool:
        """Do a piece, and more while the turn's budget lasts; return whether all is done.

        It does something each time it is called, however little time is left. It must not raise.
        """
