"""Four real nodes: one dies for ever and is taken out, and nothing depends on it afterwards."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.clustered_processes import ClusteredProcesses, running_nodes
from tests.support.held_queues import (
    MESSAGES_COUNT,
    NAMES,
    QUEUES,
    are_whole,
    held,
    published,
    queues_at,
)

pytestmark = pytest.mark.timeout(300)


def members_at(nodes: ClusteredProcesses, name: str) -> dict[str, str]:
    status, body = nodes.get(name, "api/cluster")
    assert status == 200, body
    return {each["name"]: each["state"] for each in json.loads(body)["nodes"]}


def test_a_dead_node_is_replaced_and_another_may_die(tmp_path: Path) -> None:
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

    with running_nodes(tmp_path, len(NAMES)) as nodes:
        asyncio.run(run())
