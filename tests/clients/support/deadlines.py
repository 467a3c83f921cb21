"""Waiting on a condition, with an end: no client test sleeps for a fixed time."""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Final, ParamSpec

P = ParamSpec("P")

PATIENCE_S: Final = 60.0
_POLL_INTERVAL_S: Final = 0.02


class DeadlineMissedError(AssertionError):
    """The event that a test waited for did not come in time."""


class Deadline:
    """An instant by which something must have happened."""

    def __init__(self, timeout_s: float = PATIENCE_S) -> None:
        self._expires_at_s = time.monotonic() + timeout_s

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; 0 once it has passed."""
        return max(0.0, self._expires_at_s - time.monotonic())

    def check(self, what: str) -> None:
        """Fail, naming ``what`` was missing, once the deadline has passed.

        Raises:
            DeadlineMissedError: there is no time left.
        """
        if not self.left_s:
            raise DeadlineMissedError(f"waited in vain for {what}")


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> None:
    """Ask ``condition`` again and again until it holds.

    Raises:
        DeadlineMissedError: it did not hold within ``timeout_s`` seconds.
    """
    deadline = Deadline(timeout_s)
    while not condition():
        deadline.check(what)
        time.sleep(_POLL_INTERVAL_S)


def within_patience(work: Awaitable[None]) -> None:
    """Run ``work`` on an asyncio loop of its own, for as long as a test may wait.

    Raises:
        TimeoutError: it took longer than ``PATIENCE_S``.
    """

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await work

    asyncio.run(bounded())


def on_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Make a coroutine function a test that runs within the time that a test may wait."""

    @functools.wraps(test)
    def run(*args: P.args, **options: P.kwargs) -> None:
        within_patience(test(*args, **options))

    return run
