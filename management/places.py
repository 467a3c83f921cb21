"""Bounds how many requests are worked on at a time: some are, as many wait, the rest is refused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from management.http.errors import UNAVAILABLE, HttpError


def _too_many() -> HttpError:
    return HttpError(UNAVAILABLE, "unavailable", "too many requests at a time")


class Places:
    """The places of requests that are worked on.

    Args:
        count: how many there are.
        waiting_max: requests that may wait for one; 0: none does.
        refusal: makes the error for whom finds neither.
    """

    def __init__(
        self, count: int, waiting_max: int, refusal: Callable[[], HttpError] = _too_many
    ) -> None:
        self._working = asyncio.Semaphore(count)
        self._waiting_max = waiting_max
        self._refusal = refusal
        self._waiting_count = self._working_count = 0

    @property
    def working_count(self) -> int:
        """How many requests have a place."""
        return self._working_count

    @property
    def are_taken(self) -> bool:
        """Whether the next request has to wait."""
        return self._working.locked()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Be one of the requests that are worked on.

        Raises:
            HttpError: 503, as many wait already.
        """
        if self.are_taken and self._waiting_count >= self._waiting_max:
            raise self._refusal()
        self._waiting_count += 1
        try:
            await self._working.acquire()
        finally:
            self._waiting_count -= 1
        self._working_count += 1
        try:
            yield
        finally:
            self._working_count -= 1
            self._working.release()
