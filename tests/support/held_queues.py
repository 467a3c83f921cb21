"""Queues of a cluster of real processes: they have messages, which nobody takes, and replicas."""

import asyncio
import json
from typing import Any

import aio_pika

from tests.support.clustered_processes import ClusteredProcesses

NAMES = ("n1", "n2", "n3", "n4")
QUEUES = tuple(f"jobs{number}" for number in range(8))
MESSAGES_COUNT = 40
PATIENCE_S = 100


def uri(nodes: ClusteredProcesses, name: str) -> str:
    """Return the URI of a node for clients."""
    return f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/"


def queues_at(nodes: ClusteredProcesses, name: str) -> dict[str, dict[str, Any]]:
    """Return the queues as a node shows them."""
    found = {}
    for queue in QUEUES:
        status, body = nodes.get(name, f"api/queues/%2F/{queue}")
        found[queue] = json.loads(body) if status == 200 else {}
    return found


async def published(nodes: ClusteredProcesses) -> None:
    """Declare each queue on another node, and have its messages confirmed."""
    for number, queue in enumerate(QUEUES):
        connection = await aio_pika.connect(uri(nodes, NAMES[number % len(NAMES)]))
        channel = await connection.channel()
        kind: Any = {"x-queue-type": "quorum"} if number % 2 else None
        await channel.declare_queue(queue, durable=True, arguments=kind)
        for each in range(MESSAGES_COUNT):
            message = aio_pika.Message(b"%d" % each, delivery_mode=2)
            await channel.default_exchange.publish(message, queue)
        await connection.close()


async def held(nodes: ClusteredProcesses, name: str, queue: str) -> list[int]:
    """Return all messages of a queue, by one consumer, which acks none of them."""
    connection = await aio_pika.connect(uri(nodes, name))
    found: list[int] = []
    async with connection, asyncio.timeout(PATIENCE_S):
        channel = await connection.channel()
        consumed = await channel.get_queue(queue)
        async with consumed.iterator() as messages:
            async for message in messages:
                found.append(int(message.body))
                if len(found) == MESSAGES_COUNT:
                    break
    return found


def are_whole(nodes: ClusteredProcesses, asked: str, without: str) -> bool:
    """Return whether every queue has three members, and none there."""
    rows = queues_at(nodes, asked).values()
    return all(
        len(row.get("in_sync", ())) == 3
        and len(row["replicas"]) == 3
        and without not in row["in_sync"]
        for row in rows
    )
