"""Shares the time of the loop: one request at a time, a slice at a time, messages in between.

    await slices.begin()            wait for the first slice
    for thing in many:
        ...                         well under a millisecond
        if slices.is_spent():
            await slices.pause()    the others have their slice, and the loop its turn

In each round of the loop at most one slice is used, whatever the number of requests.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Final, Protocol, TypeVar

SLICE_NS: Final = 2_000_000
"""How long a request may go on, in ns."""

T = TypeVar("T")


class Wait(Protocol):
    """What steps wait for outside of the loop's turns; ``broker.awaited`` implements it."""

    def wait(self, call: Callable[[], None]) -> None:
        """Call this once when it is over: at once if it is over now."""


class Slices:
    """The slices of one loop.

    Args:
        clock_ns: monotonic, in ns.
        slice_ns: how long one is.
    """

    def __init__(self, clock_ns: Callable[[], int], slice_ns: int = SLICE_NS) -> None:
        self._clock_ns = clock_ns
        self._slice_ns = slice_ns
        self._ends_at_ns = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_scheduled = False

    @property
    def waiting_count(self) -> int:
        """How many wait for a slice."""
        return len(self._waiting)

    def is_spent(self) -> bool:
        """Return whether the present slice is over."""
        return self._clock_ns() >= self._ends_at_ns

    async def begin(self) -> None:
        """Wait for a slice."""
        await self.pause()

    async def pause(self) -> None:
        """Let the loop and the other requests go on, and wait for the next slice."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        if not self._is_scheduled:
            self._is_scheduled = True
            loop.call_soon(self._next, loop)
        try:
            await future
        finally:
            self._ends_at_ns = self._clock_ns() + self._slice_ns

    async def finish(self, steps: Generator[Wait | None, None, T]) -> T:
        """Do the steps of a view, in slices; return their value."""
        while True:
            try:
                wait = next(steps)
            except StopIteration as end:
                value: T = end.value
                return value
            if wait is not None:
                await self._over(wait)
            if self.is_spent():
                await self.pause()

    async def _over(self, wait: Wait) -> None:
        """Use no slice until what the steps wait for is over."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wait.wait(partial(_set, future))
        await future
        await self.pause()

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake the one who has waited longest."""
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                break
        self._is_scheduled = bool(self._waiting)
        if self._is_scheduled:
            loop.call_soon(self._next, loop)


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
