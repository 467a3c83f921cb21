"""How long to wait for a store that does not answer: all requests of a node wait together."""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Pauses:
    """Growing waits, which begin anew after an answer.

    Args:
        first_ms: the first wait.
        last_ms: the longest one; each is twice as long as the one before.
        chance: returns a number from 0 to 1, so that nodes do not come together.
    """

    def __init__(self, first_ms: int, last_ms: int, chance: Callable[[], float]) -> None:
        self._first_ms = first_ms
        self._last_ms = last_ms
        self._chance = chance
        self._next_ms = first_ms
        self._waiting: asyncio.Task[None] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether the store is waited for."""
        return self._waiting is not None

    def answered(self) -> None:
        """The store has answered: the next wait is short."""
        self._next_ms = self._first_ms

    async def wait(self) -> None:
        """Wait; who comes while another one waits goes on with it."""
        if self._waiting is None:
            pause_ms = self._next_ms * (0.5 + self._chance() / 2)
            self._next_ms = min(self._next_ms * 2, self._last_ms)
            self._waiting = asyncio.create_task(self._pass(pause_ms))
        await asyncio.shield(self._waiting)

    async def _pass(self, pause_ms: float) -> None:
        try:
            await asyncio.sleep(pause_ms / 1000)
        finally:
            self._waiting = None
