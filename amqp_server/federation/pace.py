"""When links may connect: one after the other, so that a thousand at once do not hold the loop."""

import asyncio
from typing import Final

SPACE_S: Final = 0.005
"""Between two links that begin to connect: a handshake costs the loop less than that."""


class Pace:
    """Gives out instants, each some time after the one before."""

    def __init__(self) -> None:
        self._next_s = 0.0

    async def slot(self) -> None:
        """Wait until it is this one's turn; nobody can hold the others up."""
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + SPACE_S
        await asyncio.sleep(at_s - now_s)
