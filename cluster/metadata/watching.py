"""Watches of a store that is in this process: each follows the history at its own pace."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from cluster.metadata.contents import Contents
from cluster.metadata.port import Progress, Told, require_range

REVISIONS_PER_STEP: Final = 256
"""Revisions that a watch looks at before others have the loop."""


class Bell:
    """Wakes everybody who waits for the next change."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wake all who wait."""
        woken, self._waiting = self._waiting, []
        for each in woken:
            if not each.done():
                each.set_result(None)

    async def wait(self, timeout_ms: int | None = None) -> None:
        """Return at the next ring, or when the time is over; None waits for ever."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await asyncio.wait((future,), timeout=None if timeout_ms is None else timeout_ms / 1000)
        finally:
            future.cancel()
            if future in self._waiting:
                self._waiting.remove(future)


async def watch_contents(
    contents: Callable[[], Contents],
    wait: Callable[[], Awaitable[None]],
    span: tuple[bytes, bytes],
    from_revision: int,
) -> AsyncGenerator[Told]:
    """Tell what changes in a range; see the port.

    Args:
        contents: of the store; raises StoreAwayError where the watch cannot go on.
        wait: returns when there may be more.
        span: start and end of the range.
        from_revision: the first to tell.
    """
    require_range(*span)
    yield Progress(contents().revision)
    while True:
        told, behind = contents().changes_since(*span, from_revision, REVISIONS_PER_STEP)
        for each in told:
            yield each
        if behind == from_revision:
            await wait()
        else:
            await asyncio.sleep(0)
        from_revision = behind
