import asyncio

from amqp_server.clustering.elsewhere import Elsewhere

FOR_EVER_S = 60.0


def test_it_waits_until_the_others_have_a_revision() -> None:
    async def work() -> None:
        has = [3]
        elsewhere = Elsewhere(lambda revision: revision <= has[-1], FOR_EVER_S)
        await elsewhere.wait(3)
        waiting = asyncio.ensure_future(elsewhere.wait(5))
        for revision in (4, 5):
            await asyncio.sleep(0)
            assert not waiting.done()
            has.append(revision)
            elsewhere.ring()
        await waiting

    asyncio.run(work())


def test_it_waits_for_nobody_longer_than_a_moment() -> None:
    asyncio.run(Elsewhere(lambda _revision: False, 0.001).wait(1))
