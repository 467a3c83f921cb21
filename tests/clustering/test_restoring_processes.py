"""Four real nodes: one is away for too long, others get its replicas, and it may come back."""

import asyncio
from pathlib import Path

import pytest

from tests.support.clustered_processes import running_nodes
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


def test_a_node_that_was_killed_for_good_is_replaced_by_itself(tmp_path: Path) -> None:
    async def run() -> None:
        await nodes.start_all()
        await published(nodes)
        await nodes.until(lambda: are_whole(nodes, "n2", ""))
        assert any("n1" in row["in_sync"] for row in queues_at(nodes, "n2").values())
        nodes.kill("n1")
        # Nobody says a word: its replicas are made on the three others.
        await nodes.until(lambda: are_whole(nodes, "n3", "n1"))
        # So another one may go, and nothing is lost.
        nodes.kill("n2")
        for queue in QUEUES:
            assert await held(nodes, "n3", queue) == list(range(MESSAGES_COUNT))
        # The first one belongs to the cluster yet: it takes the place of the second, with old data.
        nodes.start("n1")
        await nodes.until_ready("n1")
        await nodes.until(lambda: are_whole(nodes, "n1", "n2"))
        for queue in QUEUES:
            assert await held(nodes, "n1", queue) == list(range(MESSAGES_COUNT))

    with running_nodes(tmp_path, len(NAMES), {"replace_after_s": 2}) as nodes:
        asyncio.run(run())
