"""How long a dialer waits before it tries again."""

from collections.abc import Callable
from typing import Final

FIRST_MS: Final = 50
LAST_MS: Final = 2_000
_FACTOR: Final = 2


class Backoff:
    """Twice as long after each failure, and somewhat less by chance, so that nodes do not meet."""

    def __init__(self, chance: Callable[[], float]) -> None:
        """Begin with short waits; ``chance`` returns a number from 0 to 1."""
        self._chance = chance
        self._next_ms = FIRST_MS

    def wait_ms(self) -> int:
        """Return how long to wait now, between half of the time and all of it."""
        present = self._next_ms
        self._next_ms = min(present * _FACTOR, LAST_MS)
        return round(present * (0.5 + self._chance() / 2))

    def succeeded(self) -> None:
        """Both nodes knew each other: begin anew."""
        self._next_ms = FIRST_MS
