"""Each node of a real cluster tells the truth about it, also once a leader was killed."""

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

PATIENCE_S = 60
NAMES = ("n1", "n2", "n3")
QUEUE = "api/queues/%2F/jobs"

pytestmark = pytest.mark.timeout(240)


def of(nodes: ClusteredProcesses, name: str, path: str) -> Any:  # noqa: ANN401 -- it is JSON
    status, body = nodes.get(name, path)
    assert status == 200, (name, path, body)
    return json.loads(body)


async def declared(nodes: ClusteredProcesses) -> None:
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports['n1']}/")
    channel = await connection.channel()
    await channel.declare_queue("jobs", durable=True)
    await channel.declare_queue("votes", durable=True, arguments={"x-queue-type": "quorum"})
    for number in range(20):
        message = aio_pika.Message(b"%d" % number, delivery_mode=2)
        await channel.default_exchange.publish(message, "jobs")
    await connection.close()


def require_whole(nodes: ClusteredProcesses, asked: str) -> None:
    """All three run, n1 leads both queues: each node says so."""
    members = {each["name"]: each for each in of(nodes, asked, "api/nodes")}
    assert set(members) == set(NAMES)
    assert all(each["running"] for each in members.values())
    jobs = of(nodes, asked, QUEUE)
    assert (jobs["node"], jobs["type"], jobs["min_isr"]) == ("n1", "classic", 2)
    assert set(jobs["in_sync"]) == set(NAMES)
    assert set(jobs["synchronised_slave_nodes"]) == {"n2", "n3"}
    assert all(each["online"] for each in jobs["replicas"])
    lags = {each["node"]: each["lag"] for each in jobs["replicas"]}
    assert lags == dict.fromkeys(NAMES, 0), "the leader's node is asked"
    votes = of(nodes, asked, "api/queues/%2F/votes")
    assert (votes["leader"], votes["node"], votes["type"]) == ("n1", "n1", "quorum")
    assert set(votes["members"]) == set(votes["online"]) == set(NAMES)
    assert of(nodes, asked, "api/overview")["node"] == asked
    whole = of(nodes, asked, "api/cluster")
    assert whole["queues"]["mirrored"] == 2
    assert {**whole["queues"], "mirrored": 0} == dict.fromkeys(whole["queues"], 0)
    assert 0 < whole["lease_left_ms"] <= 2_000
    assert whole["frozen"] is None
    peers = {each["name"]: each["connected"] for each in whole["nodes"]}
    assert peers == {**dict.fromkeys(NAMES, True), asked: None}
    of(nodes, asked, "api/health/checks/node-is-quorum-critical")


def require_without_n1(nodes: ClusteredProcesses, asked: str) -> None:
    """n1 is gone, another one leads both queues, and one more would stop them."""
    members = {each["name"]: each["running"] for each in of(nodes, asked, "api/nodes")}
    assert members == {"n1": False, "n2": True, "n3": True}
    votes = of(nodes, asked, "api/queues/%2F/votes")
    assert votes["leader"] in {"n2", "n3"}
    assert votes["node"] == votes["leader"]
    assert set(votes["online"]) == {"n2", "n3"}
    assert set(votes["in_sync"]) == {"n2", "n3"}
    assert votes["epoch"] >= 2
    jobs = of(nodes, asked, QUEUE)
    assert jobs["node"] in {"n2", "n3"}
    assert {each["node"]: each["online"] for each in jobs["replicas"]}["n1"] is False
    queues = of(nodes, asked, "api/cluster")["queues"]
    assert (queues["at_min_isr"], queues["offline"], queues["held"]) == (2, 0, 0)
    status, body = nodes.get(asked, "api/health/checks/node-is-quorum-critical")
    assert status == 503, body
    text = nodes.get(asked, "metrics")[1].decode()
    assert "haremq_queues_under_replicated 2" in text
    assert "rabbitmq_unreachable_cluster_peers_count 1" in text


def shown(nodes: ClusteredProcesses, asked: str) -> str:
    """Return what ``haremq cluster status`` prints."""
    url = f"http://127.0.0.1:{nodes.http_ports[asked]}"
    command = [sys.executable, "-m", "amqp_server", "cluster", "status", "--uri", url]
    done = subprocess.run(
        [*command, "--user", "guest"],
        env={**os.environ, "HAREMQ_PASSWORD": "guest"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_node_tells_the_truth(tmp_path: Path) -> None:
    async def run() -> None:
        await nodes.start_all()
        await declared(nodes)

        def are_all_in_sync() -> bool:
            found = [of(nodes, name, QUEUE).get("in_sync", ()) for name in NAMES]
            return all(set(each) == set(NAMES) for each in found)

        await nodes.until(are_all_in_sync)
        for name in NAMES:
            require_whole(nodes, name)
        nodes.kill("n1")

        def is_elected() -> bool:
            found = [
                of(nodes, name, f"api/queues/%2F/{each}")
                for each in ("jobs", "votes")
                for name in ("n2", "n3")
            ]
            return all(set(each["in_sync"]) == {"n2", "n3"} for each in found)

        await nodes.until(is_elected)
        for name in ("n2", "n3"):
            require_without_n1(nodes, name)
        text = " ".join(shown(nodes, "n2").split())
        assert "node n1 is gone" in text
        assert "node n3 runs" in text

    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(run())
