"""A mirrored queue with priorities on three real nodes, whose leader is killed in the middle."""

import asyncio
import json
import random
from collections import defaultdict
from pathlib import Path

import aio_pika
import pytest
from pamqp.common import FieldValue

from tests.support.clustered_processes import ClusteredProcesses
from tests.support.etcd_server import require_etcd, running_etcd

COUNT = 400
RUN = 20
PRIORITIES = 5
TAKEN = 30
HELD = 10
KILLED_AT = COUNT // 3
QUEUE = "api/queues/%2F/jobs"
SEED = 12

pytestmark = pytest.mark.timeout(240)

Taken = tuple[str, int, int]
"""A message: whose it is, its number there, its priority."""


async def channel_on(nodes: ClusteredProcesses, name: str) -> aio_pika.abc.AbstractChannel:
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/")
    return await connection.channel(publisher_confirms=True)


def leader_of(nodes: ClusteredProcesses, asked: str) -> str:
    status, body = nodes.get(asked, QUEUE)
    return str(json.loads(body).get("node", "")) if status == 200 else ""


async def publish(
    nodes: ClusteredProcesses, name: str, priorities: list[int], is_far: asyncio.Event
) -> None:
    """Publish over a node in runs; all is confirmed, whoever leads meanwhile."""
    channel = await channel_on(nodes, name)

    async def one(number: int) -> None:
        body = json.dumps([name, number, priorities[number]]).encode()
        message = aio_pika.Message(body, priority=priorities[number], delivery_mode=2)
        await channel.default_exchange.publish(message, "jobs")

    for first in range(0, len(priorities), RUN):
        if first >= KILLED_AT:
            is_far.set()
        await asyncio.gather(*[one(number) for number in range(first, first + RUN)])
    await channel.close()


async def taken(queue: aio_pika.abc.AbstractQueue, *, acked: bool) -> Taken | None:
    """Take the next message; None: nothing is ready."""
    message = await queue.get(fail=False, timeout=60)
    if message is None:
        return None
    if acked:
        await message.ack()
    name, number, priority = json.loads(message.body)
    return name, number, priority


def assert_in_order(came: list[Taken]) -> None:
    """Higher priorities first, and those of one publisher as they were published."""
    priorities = [priority for _, _, priority in came]
    assert priorities == sorted(priorities, reverse=True)
    of_lane: dict[tuple[str, int], list[int]] = defaultdict(list)
    for name, number, priority in came:
        of_lane[name, priority].append(number)
    assert all(numbers == sorted(numbers) for numbers in of_lane.values())


async def check(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    mirrored = {"pattern": "^jobs$", "definition": {"ha-mode": "all"}, "apply-to": "queues"}
    assert nodes.call("n1", "PUT", "api/policies/%2F/mirrored", mirrored)[0] == 201
    channel = await channel_on(nodes, "n1")
    arguments: dict[str, FieldValue] = {"x-max-priority": PRIORITIES - 1}
    await channel.declare_queue("jobs", durable=True, arguments=arguments)
    await nodes.until(lambda: bool(leader_of(nodes, "n2")))
    leader = leader_of(nodes, "n2")
    others = sorted(set(nodes.ports) - {leader})
    draw = random.Random(SEED)
    sent = {name: [draw.randrange(PRIORITIES) for _ in range(COUNT)] for name in others}
    is_far = asyncio.Event()
    publishing = [asyncio.create_task(publish(nodes, name, sent[name], is_far)) for name in others]
    await is_far.wait()

    # Some are acked and some are out when the leader goes: those come back to their lanes.
    holder = await (await channel_on(nodes, others[0])).get_queue("jobs")
    acked = {await taken(holder, acked=True) for _ in range(TAKEN)}
    held = {await taken(holder, acked=False) for _ in range(HELD)}
    assert None not in acked | held
    nodes.kill(leader)
    async with asyncio.timeout(120):
        await asyncio.gather(*publishing)
        await nodes.until(lambda: leader_of(nodes, others[1]) in others)
        await holder.channel.close()

        reader = await (await channel_on(nodes, others[1])).get_queue("jobs")
        came: list[Taken] = []
        while (message := await taken(reader, acked=False)) is not None:
            came.append(message)
    everything = {
        (name, number, priority)
        for name, priorities in sent.items()
        for number, priority in enumerate(priorities)
    }
    assert len(came) == len(set(came)), "nothing is there twice"
    assert set(came) <= everything
    assert everything - set(came) <= acked, "nothing is lost"
    assert held <= set(came)
    assert_in_order(came)


def test_a_leader_is_killed_while_messages_of_all_priorities_come(tmp_path: Path) -> None:
    require_etcd()
    with running_etcd(tmp_path) as etcd:
        nodes = ClusteredProcesses(tmp_path, etcd, 3)
        try:
            asyncio.run(check(nodes))
        finally:
            statuses = nodes.stop()
    assert statuses == [0, 0]


@pytest.mark.parametrize(
    "came",
    [
        [("a", 0, 1), ("a", 1, 2)],
        [("a", 1, 2), ("b", 0, 2), ("a", 0, 2)],
    ],
)
def test_another_order_is_seen(came: list[Taken]) -> None:
    with pytest.raises(AssertionError):
        assert_in_order(came)
