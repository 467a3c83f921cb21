"""Waits until the other nodes of a cluster have a definition, so that all of them can be used.

A client that has declared a queue may tell another one, which is connected to another node. The
nodes tell each other over their links how far their tables are. A node that says nothing is not
waited for any longer than a moment: it looks into the store before it says that something is not
there.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from cluster.metadata.watching import Bell

WAIT_S: Final = 0.1


class Elsewhere:
    """What other nodes have.

    Args:
        is_there: whether all other nodes that live have all definitions up to a revision.
        wait_s: how long to wait for them, in seconds.
    """

    def __init__(self, is_there: Callable[[int], bool], wait_s: float = WAIT_S) -> None:
        self.is_there = is_there
        self._wait_s = wait_s
        self._bell = Bell()

    def ring(self) -> None:
        """Another node has more."""
        self._bell.ring()

    async def wait(self, revision: int) -> None:
        """Return once the others have a revision, or after a moment."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._wait_s):
                while not self.is_there(revision):
                    await self._bell.wait()
