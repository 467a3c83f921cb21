"""Delayed messages on three real nodes: their leader is killed while they wait and are moved."""

import asyncio
import json
from pathlib import Path
from time import monotonic

import aio_pika
import pytest

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

COUNT = 300
DELAYS_MS = (2_000, 3_000, 4_000, 8_000)
PATIENCE_S = 60
RUN = 50

pytestmark = pytest.mark.timeout(240)


async def channel_on(nodes: ClusteredProcesses, name: str) -> aio_pika.abc.AbstractChannel:
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/")
    return await connection.channel(publisher_confirms=True)


async def publish(nodes: ClusteredProcesses, name: str, due_s: dict[int, float]) -> None:
    """Publish over a node; ``due_s`` gets when each confirmed message may come at the earliest."""
    channel = await channel_on(nodes, name)
    exchange = await channel.get_exchange("later")
    offset = list(nodes.ports).index(name) * COUNT

    async def one(number: int) -> None:
        delay_ms = DELAYS_MS[number % len(DELAYS_MS)]
        begun_s = monotonic()
        message = aio_pika.Message(b"%d" % number, headers={"x-delay": delay_ms}, delivery_mode=2)
        await exchange.publish(message, "jobs")
        due_s[number] = begun_s + delay_ms / 1_000

    for first in range(offset, offset + COUNT, RUN):
        await asyncio.gather(*[one(number) for number in range(first, first + RUN)])
    await channel.close()


def leader_of_waiting(nodes: ClusteredProcesses, but: str = "") -> str:
    """Return the node that shows what waits: only who leads can; ``but`` does not run."""
    for name in set(nodes.ports) - {but}:
        status, _ = nodes.get(name, "api/exchanges/%2F/later/waiting")
        if status == 200:
            return name
    return ""


async def check(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    channel = await channel_on(nodes, "n1")
    await channel.declare_exchange(
        "later", "x-delayed-message", durable=True, arguments={"x-delayed-type": "direct"}
    )
    queue = await channel.declare_queue("jobs", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind("later", "jobs")
    due_s: dict[int, float] = {}
    await asyncio.gather(*[publish(nodes, name, due_s) for name in nodes.ports])
    assert len(due_s) == 3 * COUNT

    leader = leader_of_waiting(nodes)
    rest = next(name for name in nodes.ports if name != leader)
    for name in (leader, rest):
        status, body = nodes.get(name, "api/exchanges/%2F/later/waiting")
        assert (status, len(json.loads(body)) > 0) == (200, True)
    # Some are due by now, and on their way.
    await asyncio.sleep(max(0, min(due_s.values()) + 0.4 - monotonic()))
    nodes.kill(leader)

    came_s: dict[int, list[float]] = {}
    consumer = await channel_on(nodes, rest)
    async with asyncio.timeout(PATIENCE_S):
        there = await consumer.get_queue("jobs")

        async def note(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            came_s.setdefault(int(message.body), []).append(monotonic())
            await message.ack()

        await there.consume(note)
        await nodes.until(lambda: set(came_s) >= set(due_s))
    early = {each for each, at_s in came_s.items() if min(at_s) < due_s[each] - 0.01}
    assert not early
    assert leader_of_waiting(nodes, leader)


def test_the_next_leader_has_all_that_waits(tmp_path: Path) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(check(nodes))
