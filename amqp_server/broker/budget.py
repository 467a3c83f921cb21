"""The time that one turn may take. It bounds all work that a peer can make long.

A count of things would bound nothing, because a client decides what one thing costs. Examples are a
message that matches ten thousand bindings, and a nack of three hundred thousand messages. So long
work asks between two of its pieces whether the time is spent, and leaves the other pieces to later
turns:

    a turn begins → ... work, is_spent? work, is_spent? ... → the rest is the next turn's

A piece is the work between two questions. It should take well under a millisecond. It may be many
cheap messages or one expensive message.

This module reads no clock. The maker of the budget hands one in. Tests hand in one that counts.
"""

import math
from collections.abc import Callable
from typing import Final, Protocol

TURN_NS: Final = 5_000_000
"""The default time of a turn, in ns."""


def _stands_still() -> int:
    return 0


class TurnBudget:
    """The time that the present turn has left.

    Attributes:
        begin: call it as a turn begins.
        is_spent: whether the remaining work should wait for the next turn.
    """

    __slots__ = ("_clock_ns", "_ends_at_ns", "_turn_ns")

    def __init__(self, clock_ns: Callable[[], int] = _stands_still, turn_ns: int = TURN_NS) -> None:
        """Begin without a limit, because a start takes the time that it needs.

        Args:
            clock_ns: monotonic, in ns; with one that stands still, turns have no end.
            turn_ns: how long a turn may go on, in ns.
        """
        self._clock_ns = clock_ns
        self._turn_ns = turn_ns
        self._ends_at_ns: float = math.inf

    def begin(self) -> None:
        """Begin a turn with all of its time."""
        self._ends_at_ns = self._clock_ns() + self._turn_ns

    def is_spent(self) -> bool:
        """Return whether work that can wait should wait for the next turn."""
        return self._clock_ns() >= self._ends_at_ns


class Job(Protocol):
    """Work that is carried on over several turns: see ``Turn.later``."""

    def step(self, now_ms: int) -> bool:
        """Do a piece, and more while the turn's budget lasts; return whether the job is done.

        A job that waits for something returns True, too, and is queued again by that. Each call
        makes progress, even when no time is left. It must not raise.
        """
