"""Long computations of pure code, done in the loop of a node with room for others in between."""

import asyncio
from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


async def done_in_turns(steps: Generator[None, None, T]) -> T:
    """Do steps, let others have the loop between two of them, and return their value."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        await asyncio.sleep(0)
