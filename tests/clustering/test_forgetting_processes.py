"""Four real nodes: one dies for ever and is taken out, and nothing depends on it afterwards."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.cluster.conftest import require_etcd
from tests.support.clustered_processes import ClusteredProcesses
from tests.support.etcd_server import running_etcd

NAMES = ("n1", "n2", "n3", "n4")
QUEUES = tuple(f"jobs{number}" for number in range(8))
MESSAGES_COUNT = 40
PATIENCE_S = 60

pytestmark = pytest.mark.timeout(300)


def uri(nodes: ClusteredProcesses, name: str) -> str:
    return f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/"


def queues_at(nodes: ClusteredProcesses, name: str) -> dict[str, dict[str, Any]]:
    found = {}
    for queue in QUEUES:
        status, body = nodes.get(name, f"api/queues/%2F/{queue}")
        found[queue] = json.loads(body) if status == 200 else {}
    return found


def members_at(nodes: ClusteredProcesses, name: str) -> dict[str, str]:
    status, body = nodes.get(name, "api/cluster")
    assert status == 200, body
    return {each["name"]: each["state"] for each in json.loads(body)["nodes"]}


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


def test_a_dead_node_is_replaced_and_another_may_die(tmp_path: Path) -> None:
    require_etcd()

    async def run() -> None:
        await nodes.start_all()
        await published(nodes)
        await nodes.until(lambda: are_whole(nodes, "n2", ""))
        assert any("n1" in row["in_sync"] for row in queues_at(nodes, "n2").values())
        status, body = nodes.call("n2", "DELETE", "api/nodes/n1")
        assert status == 400, body
        nodes.kill("n1")
        await nodes.until(lambda: nodes.call("n2", "DELETE", "api/nodes/n1")[0] in {204, 404})
        await nodes.until(lambda: "n1" not in members_at(nodes, "n3"))
        await nodes.until(lambda: are_whole(nodes, "n3", "n1"))
        # Its old data come back, and take no part.
        nodes.start("n1")
        assert await nodes.ended("n1") != 0
        assert "If it was taken out of the cluster, give it an empty data directory" in nodes.log(
            "n1"
        )
        nodes.kill("n2")
        for queue in QUEUES:
            assert await held(nodes, "n3", queue) == list(range(MESSAGES_COUNT))
        # With an empty directory it is a new node, and comes in place of the second one.
        nodes.empty("n1")
        nodes.start("n1")
        await nodes.until_ready("n1")
        await nodes.until(lambda: nodes.call("n1", "DELETE", "api/nodes/n2")[0] in {204, 404})
        await nodes.until(lambda: set(members_at(nodes, "n4")) == {"n1", "n3", "n4"})
        await nodes.until(lambda: are_whole(nodes, "n1", "n2"))
        for queue in QUEUES:
            assert await held(nodes, "n1", queue) == list(range(MESSAGES_COUNT))

    with running_etcd(tmp_path) as etcd:
        nodes = ClusteredProcesses(tmp_path, etcd, len(NAMES))
        try:
            asyncio.run(run())
        finally:
            nodes.stop()
