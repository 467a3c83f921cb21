"""Both loops that the broker runs on."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from tests.support.loops import Run


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Run a coroutine to its end, on a loop of its own, within a few seconds."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    async def within_time(work: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(5):
            await work

    with asyncio.Runner(loop_factory=factory) as runner:
        yield lambda work: runner.run(within_time(work))
