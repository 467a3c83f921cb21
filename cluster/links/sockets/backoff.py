"""How long a dialer waits before it tries again."""

from collections.abc import Callable
from typing import Final

FIRST_MS: Final = 50
LAST_MS: Final = 2_000
_FACTOR: Final = 2


MISFITS_MAX: Final = 3
"""Links in a row that one side did not understand, before a dialer waits for ``MISFIT_MS``."""

MISFIT_MS: Final = 30_000
"""Nodes that do not understand each other need another release of one of them; that one is a new
process, and is dialled anew."""


class Backoff:
    """Twice as long after each failure, and somewhat less by chance, so that nodes do not meet."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """Begin with short waits; ``chance`` returns a number from 0 to 1."""
        self._chance = chance
        self._next_ms = FIRST_MS
        self._misfits_count = 0

    @property
    def is_slow(self) -> bool:
        """Whether the nodes do not understand each other."""
        return self._misfits_count >= MISFITS_MAX

    def wait_ms(self) -> int:
        """Return how long to wait now, between half of the time and all of it."""
        present = self._next_ms
        self._next_ms = min(present * _FACTOR, LAST_MS)
        return round((MISFIT_MS if self.is_slow else present) * (0.5 + self._chance() / 2))

    def succeeded(self) -> None:
        """Both nodes knew each other: begin anew."""
        self._next_ms = FIRST_MS
        self._misfits_count = 0

    def misfitted(self, *, was_lasting: bool) -> None:
        """One side did not understand the other; ``was_lasting``: it had for a while."""
        self._misfits_count = 1 if was_lasting else self._misfits_count + 1
