import asyncio

import pytest

from cluster.metadata.contents import Contents
from cluster.metadata.port import Changes, Progress, Put, Told, Transaction
from cluster.metadata.watching import REVISIONS_PER_STEP, Bell, watch_contents


def test_a_bell_wakes_all_who_wait_and_nobody_else() -> None:
    async def run() -> None:
        bell = Bell()
        bell.ring()
        waiting = [asyncio.ensure_future(bell.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        bell.ring()
        assert await asyncio.gather(*waiting[1:]) == [None, None]
        await bell.wait(timeout_ms=1)

    asyncio.run(run())


def test_a_long_history_is_told_in_steps() -> None:
    async def run() -> None:
        contents = Contents()
        for _ in range(3 * REVISIONS_PER_STEP):
            contents.apply(contents.evaluate(Transaction(then=(Put(b"a", b""),))).changes)
        told = watch_contents(lambda: contents, Bell().wait, (b"a", b"b"), 2)
        assert await anext(told) == Progress(contents.revision)
        others = 0

        async def count() -> None:
            nonlocal others
            while True:
                others += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count())
        found: list[Told] = [await anext(told) for _ in range(3 * REVISIONS_PER_STEP)]
        counting.cancel()
        assert [each.revision for each in found] == list(range(2, contents.revision + 1))
        assert all(isinstance(each, Changes) for each in found)
        assert others >= 2

    asyncio.run(run())


def test_a_range_that_ends_before_it_begins_is_refused() -> None:
    async def run() -> None:
        with pytest.raises(ValueError, match="range"):
            await anext(watch_contents(Contents, Bell().wait, (b"b", b"a"), 1))

    asyncio.run(run())
