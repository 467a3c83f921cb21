"""Coroutines of tests, each on a loop of its own."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
import uvloop

from tests.support.loops import Run


@pytest.fixture
def run() -> Run:
    """Run a coroutine to its end, within some seconds."""

    async def within_time(work: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(20):
            await work

    def run_it(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(within_time(work))

    return run_it
