"""Holds a job back so that it moves so many messages a second, and no more.

A piece that has moved says when the next one may begin. The time that a job has waited for other
reasons is not made up for.
"""

from collections.abc import Callable
from typing import Final

from amqp_server.broker.turn import Turn

RATE_MAX: Final = 1_000_000
"""Messages a second."""

PIECES_PER_S: Final = 10
"""A piece has as many messages as are due in a tenth of a second, so that they flow evenly."""


class Pace:
    """The pace of one job; the turn knows it as something with a deadline.

    Args:
        rate: messages a second; None is without a limit.
        turn: the broker's.
        go_on: called once a piece may begin that was too early.
    """

    has_lone_readers: Final = False

    def __init__(self, rate: int | None, turn: Turn, go_on: Callable[[], None]) -> None:
        self._rate = rate
        self._turn = turn
        self._go_on = go_on
        self._due_ms = 0.0
        self._rings_at_ms: int | None = None

    def piece_max(self, usual: int) -> int:
        """Return how many messages a piece may have, at most as many as usual."""
        return usual if self._rate is None else min(usual, max(1, self._rate // PIECES_PER_S))

    def moved(self, count: int, now_ms: int) -> None:
        """Note a piece of so many messages."""
        if self._rate is not None:
            self._due_ms = max(self._due_ms, now_ms) + 1000 * count / self._rate

    def is_early(self, now_ms: int) -> bool:
        """Return whether the next piece must wait; ``go_on`` is called when it need not."""
        if now_ms >= self._due_ms:
            return False
        self._rings_at_ms = int(self._due_ms) + 1
        self._turn.mark_dirty(self)
        return True

    # -- what the turn asks --

    def next_deadline_ms(self) -> int | None:
        """Return when the next piece may begin; None while nothing waits."""
        return self._rings_at_ms

    def expire(self, now_ms: int) -> None:
        """Go on, if it is time."""
        if self._rings_at_ms is not None and now_ms >= self._rings_at_ms:
            self._rings_at_ms = None
            self._go_on()

    def drain(self, now_ms: int, max_messages: int) -> bool:  # noqa: ARG002 -- the port's names
        """Do nothing: there is nobody to deliver to."""
        return False
