"""A node whose process stood still, whose parts fail, and many queues at a time."""

import asyncio
from pathlib import Path

import pytest

from cluster.metadata.errors import StoreWentBackError
from cluster.metadata.port import Lease
from cluster.replication.errors import BrokenInvariantError
from tests.support.etcd_server import EtcdServer
from tests.support.running_cluster import Publisher, running_cluster

QUEUES_COUNT = 60


def test_after_a_freeze_the_clock_is_set_before_anything_is_heard(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            node = cluster.nodes["a"].node
            core = node.shell.core
            lease = core.node.lease
            assert core.node.is_leased(node.incarnation)
            late_ms = lease.deadline_ms + 1
            node.part.waking._now_ms = lambda: late_ms
            node.part.renewed(Lease(node.lease_id, 2_000, late_ms - 60_000))
            assert core.node.now_ms == late_ms
            assert not core.node.is_leased(node.incarnation)
            assert node.shell._now_ms is node.part._place.now_ms, "for what comes before a tick"

    asyncio.run(scenario())


def test_a_broken_invariant_ends_the_nodes_part_and_its_lease(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(3)
            leader = await cluster.until_served("q1")
            error = BrokenInvariantError("I1", "q1", "of the test")
            leader.node.part.fail(error)
            with pytest.raises(BrokenInvariantError):
                await leader.node.run()
            others = [each for each in cluster.nodes.values() if each is not leader]
            await cluster.until(lambda: any("q1" in each.broker.queues for each in others))
            await cluster.kill(leader.name)
            await publisher.publish(3)

    asyncio.run(scenario())


def test_a_lease_that_is_lost_makes_another_incarnation_that_is_elected_anew(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            await cluster.declare("q1", "a", min_isr=1)
            publisher = Publisher(cluster, "q1")
            await publisher.publish(3)
            running = cluster.nodes["a"]
            incarnation, epoch = running.node.incarnation, cluster.epoch(running, "q1")
            assert await cluster.store.revoke(running.node.lease_id)
            await cluster.until(lambda: running.node.incarnation > incarnation)
            await cluster.until(
                lambda: "q1" in running.broker.queues and cluster.epoch(running, "q1") > epoch
            )
            await publisher.publish(3)
            assert running.node.is_controller

    asyncio.run(scenario())


def test_a_store_that_says_that_it_went_back_freezes_the_node(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            node = cluster.nodes["a"].node
            node.part.store_is_wrong(StoreWentBackError(9, 3))
            assert node.frozen_because == "the store was at revision 9, and is back at 3"
            assert node.part.is_frozen()

    asyncio.run(scenario())


def test_a_node_that_ends_leaves_all_its_queues_to_the_others(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            queue_ids = [f"q{number}" for number in range(QUEUES_COUNT)]
            for queue_id in queue_ids:
                await cluster.declare(queue_id, "a", "b", "c", name=queue_id)
            for queue_id in queue_ids:
                await cluster.until_served(queue_id)
            counts = {name: len(each.broker.queues) for name, each in cluster.nodes.items()}
            assert set(counts.values()) == {QUEUES_COUNT // 3}
            controller = next(each for each in cluster.nodes.values() if each.node.is_controller)
            await cluster.kill(controller.name)
            for queue_id in queue_ids:
                await cluster.until_served(queue_id)
            for queue_id in queue_ids[:3]:
                await cluster.until_whole(queue_id, members_count=2)
            changes = next(iter(cluster.nodes.values())).broker.changes
            assert {f"node {controller.name}", "queue q0"} <= set(changes)

    asyncio.run(scenario())
