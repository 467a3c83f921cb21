"""Things for an endpoint, collected in slices, each kind once."""

import asyncio

from management.metrics.selection import Selection
from management.metrics.sources import Sources
from tests.support.management_api import Api
from tests.support.stream_peer import StreamPeer, at_offset

MANY = 60


async def collected(sources: Sources) -> None:
    await sources.node.slices.begin()
    for collect in (sources.queues, sources.exchanges, sources.connections, sources.channels):
        assert await collect() is await collect()


def test_each_kind_is_collected_once_and_others_go_on_meanwhile(api: Api) -> None:
    client = api.node.open()
    for number in range(MANY):
        client.declare(f"q{number}")
    slices = api.management.node.slices
    slices._clock_ns = iter(range(0, 10**15, 10**9)).__next__  # Each look at it: a second later.
    steps: list[int] = []

    async def work() -> None:
        task = asyncio.ensure_future(collected(Sources(api.management.node, Selection())))
        while not task.done():
            steps.append(1)
            await asyncio.sleep(0)
        await task

    api._runner.run(work())
    assert len(steps) > MANY, "every thing is a slice of its own"


def test_a_vhost_that_goes_meanwhile_is_no_error(api: Api) -> None:
    api.broker.add_vhost("other")
    sources = Sources(api.management.node, Selection())
    sources._vhosts = lambda: ["gone", "/"]  # type: ignore[method-assign]

    async def work() -> int:
        await sources.node.slices.begin()
        return len(await sources.queues()) + len(await sources.bindings())

    assert api._runner.run(work()) > 0


def test_the_largest_lag_counts_of_both_protocols(api: Api) -> None:
    peer = StreamPeer.open(api.node)
    peer.create("log")
    peer.declare_publisher("log")
    peer.publish(1, (1, b"a"), (2, b"b"))
    peer.subscribe("log", spec=at_offset(0), credit=0)

    async def work() -> list[int]:
        sources = Sources(api.management.node, Selection())
        await sources.node.slices.begin()
        return [item[1] for item in await sources.lags()]

    assert api._runner.run(work()) == [2]
