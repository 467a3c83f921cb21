"""RabbitMQ's own commands on replicas and leaders, on four real nodes."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

QUEUES = tuple(f"jobs{number}" for number in range(6))
PATIENCE_S = 60

pytestmark = pytest.mark.timeout(240)


def queues_at(nodes: ClusteredProcesses, name: str) -> list[dict[str, Any]]:
    found = []
    for queue in QUEUES:
        status, body = nodes.get(name, f"api/queues/%2F/{queue}")
        found.append(json.loads(body) if status == 200 else {})
    return found


def are_on(nodes: ClusteredProcesses, asked: str, names: set[str]) -> bool:
    """Return whether every queue has a replica on each of these, all in sync, and no other one."""
    return all(
        set(row.get("in_sync", ())) == names == {each["node"] for each in row["replicas"]}
        for row in queues_at(nodes, asked)
    )


async def told(nodes: ClusteredProcesses, asked: str, *words: str) -> str:
    """Run a command of rabbitmq-queues against a node; return what it prints."""
    url = f"http://127.0.0.1:{nodes.http_ports[asked]}"
    env = {**os.environ, "HAREMQ_PASSWORD": "guest", "HAREMQ_USER": "guest", "HAREMQ_URI": url}
    command = [sys.executable, "-m", "amqp_server", "as", "rabbitmq-queues", *words]
    done = await asyncio.to_thread(
        subprocess.run,
        command,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_replicas_grow_shrink_and_leaders_are_spread(tmp_path: Path) -> None:
    async def run() -> None:
        await nodes.start_all()
        uri = f"amqp://guest:guest@127.0.0.1:{nodes.ports['n1']}/"
        connection = await aio_pika.connect(uri)
        channel = await connection.channel()
        kind: Any = {"x-queue-type": "quorum"}
        for queue in QUEUES:
            await channel.declare_queue(queue, durable=True, arguments=kind)
            message = aio_pika.Message(b"kept", delivery_mode=2)
            await channel.default_exchange.publish(message, queue)
        await connection.close()
        await told(nodes, "n2", "grow", "n4", "all")
        for name in ("n1", "n2", "n3"):
            await told(nodes, "n3", "grow", name, "all")
        await nodes.until(lambda: are_on(nodes, "n3", {"n1", "n2", "n3", "n4"}))
        # n1 leads all of them.
        assert {row["leader"] for row in queues_at(nodes, "n3")} == {"n1"}
        shown = await told(nodes, "n4", "shrink", "n1")
        assert "error" not in shown
        await nodes.until(lambda: are_on(nodes, "n3", {"n2", "n3", "n4"}))
        await told(nodes, "n4", "rebalance", "all")

        def led_counts() -> list[int]:
            leaders = [row.get("leader") for row in queues_at(nodes, "n3")]
            return sorted(leaders.count(each) for each in ("n2", "n3", "n4"))

        await nodes.until(lambda: led_counts() == [2, 2, 2])
        await told(nodes, "n2", "delete_member", "jobs0", "n4")
        await told(nodes, "n2", "add_member", "jobs0", "n1")
        await nodes.until(
            lambda: set(queues_at(nodes, "n3")[0].get("in_sync", ())) == {"n1", "n2", "n3"}
        )

    with running_nodes(tmp_path, 4) as nodes:
        asyncio.run(run())
