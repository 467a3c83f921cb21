"""Links connect one after the other."""

import asyncio

from amqp_server.federation.pace import SPACE_S, Pace
from tests.support.loops import Run


def test_each_waits_for_its_own_instant(run: Run) -> None:
    async def scene() -> None:
        loop, pace = asyncio.get_running_loop(), Pace()
        began_s = loop.time()
        order: list[int] = []

        async def connect(number: int) -> None:
            await pace.slot()
            order.append(number)

        await asyncio.gather(*(connect(number) for number in range(20)))
        assert order == list(range(20))
        assert loop.time() - began_s >= 19 * SPACE_S * 0.9

    run(scene())
