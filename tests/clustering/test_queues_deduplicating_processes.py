"""A queue that deduplicates on three real nodes: its leader is killed while keys come twice."""

import asyncio
import json
from pathlib import Path

import aio_pika
import pytest
from pamqp.common import FieldTable

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

COUNT = 1_500
BEFORE_KILL = 300
PATIENCE_S = 90
WINDOW = 40

pytestmark = pytest.mark.timeout(240)


async def channel_on(nodes: ClusteredProcesses, name: str) -> aio_pika.abc.AbstractChannel:
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/")
    return await connection.channel(publisher_confirms=True)


def leader(nodes: ClusteredProcesses, asked: str) -> str:
    status, body = nodes.get(asked, "api/queues/%2F/jobs")
    return str(json.loads(body).get("leader", "")) if status == 200 else ""


async def publish(nodes: ClusteredProcesses, name: str, confirmed: set[int]) -> None:
    """Publish each key over a node; what is refused while nobody leads is published again."""
    channel = await channel_on(nodes, name)
    room = asyncio.Semaphore(WINDOW)

    async def one(number: int) -> None:
        message = aio_pika.Message(
            b"%d" % number, headers={"x-deduplication-header": number}, delivery_mode=2
        )
        async with room:
            while True:
                try:
                    await channel.default_exchange.publish(message, "jobs")
                except aio_pika.exceptions.DeliveryError:
                    await asyncio.sleep(0.05)
                else:
                    confirmed.add(number)
                    return

    await asyncio.gather(*[one(number) for number in range(COUNT)])
    await channel.close()


async def taken(nodes: ClusteredProcesses, name: str) -> list[int]:
    """Return all that is in the queue, in its order."""
    channel = await channel_on(nodes, name)
    queue = await channel.get_queue("jobs")
    found: list[int] = []
    while (message := await queue.get(no_ack=True, fail=False)) is not None:
        found.append(int(message.body))
    return found


async def check(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    channel = await channel_on(nodes, "n1")
    arguments: FieldTable = {"x-queue-type": "quorum", "x-message-deduplication": True}
    await channel.declare_queue("jobs", durable=True, arguments=arguments)
    await nodes.until(lambda: leader(nodes, "n1") != "")
    first = leader(nodes, "n1")
    rest = [name for name in nodes.ports if name != first]
    confirmed: list[set[int]] = [set(), set()]
    async with asyncio.timeout(PATIENCE_S):
        publishing = [
            asyncio.create_task(publish(nodes, name, each))
            for name, each in zip(rest, confirmed, strict=True)
        ]
        await nodes.until(lambda: len(confirmed[0] & confirmed[1]) >= BEFORE_KILL)
        nodes.kill(first)
        await asyncio.gather(*publishing)
    assert all(each == set(range(COUNT)) for each in confirmed), "both were told of each key"
    assert leader(nodes, rest[0]) != first
    found = await taken(nodes, rest[0])
    assert sorted(found) == list(range(COUNT)), "each key is there, and once"


def test_each_key_is_there_once_whoever_leads(tmp_path: Path) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(check(nodes))
