import asyncio
from unittest import mock

from cluster.node.pauses import Pauses


def test_waits_grow_until_the_store_has_answered() -> None:
    async def scenario() -> None:
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        pauses = Pauses(50, 150, lambda: 1.0)
        with mock.patch("cluster.node.pauses.asyncio.sleep", sleep):
            for _ in range(4):
                await pauses.wait()
            pauses.answered()
            await pauses.wait()
        assert slept == [0.05, 0.1, 0.15, 0.15, 0.05]
        assert not pauses.is_waiting

    asyncio.run(scenario())


def test_all_wait_together_also_where_one_gives_up() -> None:
    async def scenario() -> None:
        pauses = Pauses(5, 5, lambda: 1.0)
        waits = [asyncio.create_task(pauses.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert pauses.is_waiting
        waits[0].cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        assert [each.cancelled() for each in waits] == [True, False, False]

    asyncio.run(scenario())
