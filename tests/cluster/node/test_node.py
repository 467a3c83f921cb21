"""Three nodes on a real etcd and real sockets: nothing that was confirmed is lost."""

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch

import pytest

from cluster.liveness.live_key import NameTakenError
from cluster.metadata.port import Delete, Put, Transaction
from cluster.metadata.records import StoredMember, encode_member
from cluster.node.fitting import NodeFrozenError
from cluster.node.node import ClusterNode
from cluster.replication.state import QueueOptions
from tests.support.etcd_server import EtcdServer
from tests.support.mirrored_machine import QUEUE
from tests.support.quiet_streams import QuietStreams
from tests.support.running_cluster import Publisher, Running, running_cluster


def test_a_queue_is_served_and_another_node_takes_over_with_all_that_was_confirmed(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(20)
            first = await cluster.until_served("q1")
            await cluster.kill(first.name)
            await publisher.publish(20)
            second = await cluster.until_served("q1")
            assert second.name != first.name
            assert set(second.broker.began_with["q1"]) >= set(range(1, 21))
            assert publisher.confirmed == set(range(1, 41))

    asyncio.run(scenario())


def test_a_clean_stop_hands_queues_over_at_once(tmp_path: Path, etcd: EtcdServer) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(5)
            first = await cluster.until_served("q1")
            epoch = cluster.epoch(first, "q1")
            await cluster.stop(first.name)
            second = await cluster.until_served("q1")
            assert cluster.epoch(second, "q1") == epoch + 1
            assert first.name not in second.node.live_nodes()
            await publisher.publish(5)
            assert second.broker.began_with["q1"] == list(range(1, 6))

    asyncio.run(scenario())


def test_traffic_goes_on_while_etcd_is_away(tmp_path: Path, own_etcd: EtcdServer) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path / "nodes", own_etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(5)
            leader = await cluster.until_served("q1")
            own_etcd.stop()
            await cluster.until(lambda: leader.node.follower.freshness.away_since_ms is not None)
            for _ in range(20):
                await publisher.publish(10)
            assert cluster.leader("q1") is leader
            assert not any(each.node.frozen_because for each in cluster.nodes.values())
            await asyncio.to_thread(own_etcd.start)
            await publisher.publish(10)
            await cluster.until(lambda: leader.node.follower.freshness.away_since_ms is None)
            await cluster.until_whole("q1")
            await publisher.publish(10)
            assert not any(each.node.frozen_because for each in cluster.nodes.values())

    asyncio.run(scenario())


def test_traffic_goes_on_while_etcd_is_frozen(tmp_path: Path, own_etcd: EtcdServer) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path / "nodes", own_etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(5)
            own_etcd.freeze()
            leader = await cluster.until_served("q1")
            lease = leader.node.shell.core.node.lease
            await cluster.until(lambda: not lease.is_running(leader.node.now_ms()))
            await publisher.publish(20)
            assert leader.node.may_deliver("q1"), "all members answer"
            own_etcd.go_on()
            await publisher.publish(20)
            await cluster.until_whole("q1")
            assert publisher.confirmed == set(range(1, 46))

    asyncio.run(scenario())


def test_a_node_that_starts_again_is_another_incarnation_with_all_that_it_had(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(5)
            first = await cluster.until_served("q1")
            disk, incarnation = first.replica_id, first.node.incarnation
            await cluster.kill(first.name)
            await cluster.start(first.name)
            again = cluster.nodes[first.name]
            assert again.replica_id == disk
            assert again.node.incarnation > incarnation
            await publisher.publish(5)
            await cluster.until_whole("q1")
            await cluster.until_served("q1")
            replica = again.node.shell.replicas()["q1"]
            await cluster.until(lambda: replica.end >= 10)

    asyncio.run(scenario())


def test_all_nodes_start_again_with_all_that_was_confirmed(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(10)
            for name in "abc":
                await cluster.kill(name)
            await cluster.start("a", "b", "c")
            leader = await cluster.until_served("q1")
            assert leader.broker.began_with["q1"] == list(range(1, 11))
            await publisher.publish(5)
            await cluster.until_whole("q1")

    asyncio.run(scenario())


def test_a_wiped_disk_is_another_replica_that_gets_everything_again(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(5)
            leader = await cluster.until_served("q1")
            wiped = next(each for name, each in cluster.nodes.items() if name != leader.name)
            await cluster.kill(wiped.name)
            shutil.rmtree(wiped.folder)
            await cluster.start(wiped.name)
            again = cluster.nodes[wiped.name]
            assert again.replica_id != wiped.replica_id
            await publisher.publish(5)
            await cluster.until_whole("q1")
            assert again.node.view.members[wiped.name].disk == again.replica_id.disk
            lead = leader.node.shell.core.lead_of("q1")
            assert lead is not None
            assert again.replica_id in lead.state.in_sync_set
            assert wiped.replica_id not in lead.state.in_sync_set
            assert again.node.shell.replicas()["q1"].end == lead.replica.end

    asyncio.run(scenario())


def test_a_queue_that_is_gone_is_dropped_by_all_and_its_note_is_cleaned_up(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b", "c")
            await Publisher(cluster, "q1").publish(5)
            leader = await cluster.until_served("q1")
            down = next(each for each in "abc" if each != leader.name)
            await cluster.kill(down)
            await cluster.delete("q1")
            running = list(cluster.nodes.values())
            await cluster.until(lambda: not any(each.disk.replicas.replicas() for each in running))
            assert "q1" not in leader.broker.queues
            await cluster.until(lambda: leader.node.view.gone["q1"].note.nodes == (down,))
            await cluster.start(down)
            await cluster.until(lambda: not cluster.nodes[down].disk.replicas.replicas())
            await cluster.until(lambda: "q1" not in leader.node.view.gone)
            await cluster.kill(down)
            await cluster.start(down)
            assert not cluster.nodes[down].disk.replicas.replicas()

    asyncio.run(scenario())


def test_a_replica_is_never_dropped_because_the_store_does_not_list_its_queue(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            await cluster.declare("q1", "a", min_isr=1)
            await Publisher(cluster, "q1").publish(5)
            running = cluster.nodes["a"]
            key = cluster.keys.queue_state("v", "jobs")
            await cluster.store.transact(Transaction(then=(Delete(key),)))
            await cluster.until(lambda: "q1" not in running.node.view.queues)
            await cluster.kill("a")
            await cluster.start("a")
            assert list(cluster.nodes["a"].disk.replicas.replicas()) == ["q1"]

    asyncio.run(scenario())


def test_a_queue_gets_another_mirror_and_loses_one(tmp_path: Path, etcd: EtcdServer) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a", "b", "c") as cluster:
            await cluster.declare("q1", "a", "b")
            publisher = Publisher(cluster, "q1")
            await publisher.publish(5)
            leader = await cluster.until_served("q1")
            other = "a" if leader.name == "b" else "b"
            wanted = QueueOptions((leader.name, other, "c"), 2)
            await cluster.until(lambda: leader.node.change_options("q1", wanted))
            await cluster.until_whole("q1")
            await cluster.until(lambda: "q1" in cluster.nodes["c"].node.shell.replicas())
            await publisher.publish(5)
            await cluster.until(
                lambda: leader.node.change_options("q1", QueueOptions((leader.name, "c"), 2))
            )
            await publisher.publish(5)
            view = leader.node.queue_view("q1")
            assert view is not None
            assert set(view.in_sync_set) == {leader.name, "c"}
            assert not leader.node.change_options("q1", QueueOptions(("c", other), 1))
            await cluster.kill(other)
            await cluster.kill(leader.name)
            assert publisher.confirmed == set(range(1, 16))
            assert cluster.nodes["c"].node.shell.replicas()["q1"].end >= 15

    asyncio.run(scenario())


def test_a_node_freezes_when_its_record_in_the_store_is_of_another_time(
    tmp_path: Path, etcd: EtcdServer
) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            running = cluster.nodes["a"]
            stamp = running.node.view.members["a"].stamp
            await cluster.until(lambda: running.node.view.members["a"].stamp > stamp + 1)
            old = StoredMember(running.replica_id.disk, stamp)
            put = Put(cluster.keys.key("member", "a"), encode_member(old))
            await cluster.store.transact(Transaction(then=(put,)))
            await cluster.until(lambda: running.node.frozen_because != "")
            await cluster.kill("a")
            with pytest.raises(NodeFrozenError, match="the metadata store went back"):
                await cluster.start("a")

    asyncio.run(scenario())


def test_two_nodes_with_one_name_are_refused(tmp_path: Path, etcd: EtcdServer) -> None:
    async def scenario() -> None:
        async with running_cluster(tmp_path, etcd, "a") as cluster:
            other = Running("a", tmp_path / "other", etcd, cluster.name)
            with pytest.raises(NameTakenError):
                await other.start()
            other.disk.close()
            assert not cluster.nodes["a"].node.frozen_because

    asyncio.run(scenario())


def test_a_mirror_is_read_while_it_is_in_sync_on_its_present_disk_and_has_room() -> None:
    quiet = QuietStreams()
    state, shell = quiet.cluster.states[QUEUE][0], quiet.mirror.up
    known = SimpleNamespace(stored=SimpleNamespace(state=state))
    stands_in = SimpleNamespace(view=SimpleNamespace(queues={QUEUE: known}), shell=shell)
    node = cast("ClusterNode", stands_in)
    assert ClusterNode.has_readable_mirror(node, QUEUE)
    assert not ClusterNode.has_readable_mirror(node, "unknown")
    older = frozenset(each._replace(disk="older") for each in state.in_sync_set)
    known.stored.state = replace(state, in_sync_set=older)
    assert not ClusterNode.has_readable_mirror(node, QUEUE)
    known.stored.state = replace(state, leader=quiet.mirror.name)
    assert not ClusterNode.has_readable_mirror(node, QUEUE)
    known.stored.state = state
    with patch.object(shell.followed, "is_cut", return_value=True):
        assert not ClusterNode.has_readable_mirror(node, QUEUE)
    shell.sparing.set_short(is_short=True)
    assert not ClusterNode.has_readable_mirror(node, QUEUE)
