"""Nodes as processes: killed and stopped where they stand, under a publisher."""

import asyncio
from pathlib import Path

from tests.support.cluster_processes import ProcessCluster
from tests.support.etcd_server import EtcdServer

FAILOVER_S_MAX = 8.0


def test_nothing_is_lost_when_leaders_are_killed_and_stand_still(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        cluster = ProcessCluster(tmp_path, etcd)
        try:
            await cluster.start()
            await cluster.publish(50)
            killed = await cluster.leader()
            await killed.kill()
            assert await cluster.publish(50) < FAILOVER_S_MAX
            await killed.start()
            second = await cluster.leader()
            assert second is not killed
            await cluster.until(second, lambda told: len(told["in_sync"]) == 3)
            second.stand_still()
            assert await cluster.publish(50) < FAILOVER_S_MAX
            third = await cluster.leader()
            assert third is not second
            second.go_on()
            await cluster.until(second, lambda told: told["epoch"] == 0)
            await cluster.publish(50)
            await cluster.until(third, lambda told: len(told["in_sync"]) == 3)
            for node in cluster.nodes.values():
                await node.kill()
            await asyncio.gather(*(node.start() for node in cluster.nodes.values()))
            last = await cluster.leader()
            told = await cluster.state(last)
            assert told["frozen"] == ""
            assert told["began_with"] == list(range(1, 201))
            assert cluster.confirmed == set(range(1, 201))
        finally:
            await cluster.end()

    asyncio.run(scenario())
