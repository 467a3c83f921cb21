"""Places of requests: some are worked on, some wait, the rest is refused."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from management.http.errors import HttpError
from management.places import Places


def test_where_nobody_may_wait_the_next_is_refused_as_it_is_said() -> None:
    async def work() -> None:
        places = Places(1, 0, lambda: HttpError(418))
        for _ in range(2):
            async with places.place():
                with pytest.raises(HttpError, match="418"):
                    await AsyncExitStack().enter_async_context(places.place())

    asyncio.run(work())


def test_what_finds_no_place_waits_and_what_may_not_wait_is_refused() -> None:
    async def work() -> list[str]:
        places, seen = Places(1, 1), list[str]()

        async def wait() -> None:
            async with places.place():
                seen.append("in")

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(places.place())
            waiting = asyncio.ensure_future(wait())
            await asyncio.sleep(0)
            with pytest.raises(HttpError, match="503"):
                await stack.enter_async_context(places.place())
            assert (places.are_taken, places.working_count, seen) == (True, 1, [])
        await waiting
        assert (places.are_taken, places.working_count) == (False, 0)
        return seen

    assert asyncio.run(work()) == ["in"]
