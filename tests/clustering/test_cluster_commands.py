"""What is done to a cluster, over running nodes with a real etcd."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.cluster import ACTIVE, DRAINING, LEAVING, MirroredView
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.clustering.beginning import run_steps
from amqp_server.clustering.cluster_commands import ClusterCommands
from amqp_server.clustering.placing import Placing
from cluster.metadata.memory import MemoryStore
from cluster.metadata.port import Done, Put, Read, Transaction
from cluster.metadata.records import StoredMember, decode_member, encode_member
from cluster.node.node import ClusterNode
from cluster.placement.asking import RULES
from tests.support.cluster_views import KEYS
from tests.support.etcd_server import require_etcd, running_etcd
from tests.support.joined_peers import JoinedPeers
from tests.support.peer import Node
from tests.support.running_cluster import Publisher, RunningCluster, running_cluster

T = TypeVar("T")

pytestmark = pytest.mark.timeout(180)


class Commanded:
    """A running cluster with commands on each node."""

    def __init__(self, cluster: RunningCluster) -> None:
        self.cluster = cluster
        self.on: dict[str, ClusterCommands] = {}
        self.peers: dict[str, JoinedPeers] = {}
        for name in cluster.nodes:
            self.begin(name)

    def begin(self, name: str) -> None:
        node = self.cluster.nodes[name].node
        placing = Placing(name, node.view, RULES, lambda *_: {})
        peers = JoinedPeers(name, self.peers)
        self.on[name] = commands = ClusterCommands(node, Node().broker, placing.standings, peers)
        node.listen(commands)

    def jobs(self, on: str) -> MirroredView:
        view = self.on[on].queue("v", "jobs")
        assert view is not None
        return view

    async def served(self, *replicas: str) -> str:
        """Declare a queue; return who leads it."""
        await self.cluster.declare("q1", *replicas)
        leader = await self.cluster.until_served("q1")
        await self.cluster.until_whole("q1")
        return leader.name

    async def kill(self, name: str) -> None:
        await self.on.pop(name).stop()
        del self.peers[name]
        await self.cluster.kill(name)


async def done(awaited: Awaited[T]) -> T:
    return await run_steps(awaited.value())


@asynccontextmanager
async def commanded(folder: Path, *names: str) -> AsyncIterator[Commanded]:
    require_etcd()
    (folder / "etcd").mkdir()
    with running_etcd(folder / "etcd") as etcd:
        async with running_cluster(folder, etcd, *names) as cluster:
            made = Commanded(cluster)
            try:
                yield made
            finally:
                for each in made.on.values():
                    await each.stop()


def test_a_rebalance_moves_leaders_and_says_how_many_are_left(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with commanded(tmp_path, "a", "b", "c") as nodes:
            leader = await nodes.served("a", "b", "c")
            for number in range(2, 6):
                name = f"jobs{number}"
                await nodes.cluster.declare(f"q{number}", "a", "b", "c", name=name)
                await nodes.cluster.until_served(f"q{number}")
                await nodes.cluster.until_whole(f"q{number}")
            first = nodes.on["a"]
            for known in first.queues().items:
                if known.leader != leader:
                    await done(first.move_leader(known.vhost, known.name, leader))
            await nodes.cluster.until(lambda: first._node.view.led_count(leader) == 5)
            count = await done(first.rebalance("", "", "jobs[2-5]"))
            # Four queues on three nodes: two of them go.
            assert count == 2
            await nodes.cluster.until(lambda: not first.moves_left)
            led = [first._node.view.led_count(each) for each in "abc"]
            assert sorted(led) == [1, 1, 3]
            assert await done(first.rebalance("", "", "jobs[2-5]")) == 0

    asyncio.run(scenario())


def test_a_leader_moves_from_any_node(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with commanded(tmp_path, "a", "b", "c") as nodes:
            leader = await nodes.served("a", "b", "c")
            target, other = sorted({"a", "b", "c"} - {leader})
            assert await done(nodes.on[leader].move_leader("v", "jobs", target)) == target
            await nodes.cluster.until_served("q1", by=target)
            assert await done(nodes.on[other].move_leader("v", "jobs", leader)) == leader
            assert nodes.peers[other].asked_of == [(target, "queue command")]
            await nodes.cluster.until_served("q1", by=leader)
            assert await done(nodes.on[other].move_leader("v", "jobs", target)) == target
            await nodes.cluster.until_served("q1", by=target)
            with pytest.raises(PreconditionFailedError, match=f"{target} is no other member"):
                await done(nodes.on[other].move_leader("v", "jobs", target))
            await Publisher(nodes.cluster, "q1").publish(3)
            assert await done(nodes.on[target].move_leader("v", "jobs", "")) in {leader, other}
            with pytest.raises(NotFoundError):
                await done(nodes.on[target].move_leader("v", "none", ""))

    asyncio.run(scenario())


def test_a_drain_from_any_node_moves_leaders_until_it_is_taken_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with commanded(tmp_path, "a", "b", "c") as nodes:
            leader = await nodes.served("a", "b", "c")
            other = min({"a", "b", "c"} - {leader})
            await done(nodes.on[other].drain(leader))
            await nodes.cluster.until(lambda: nodes.jobs(other).leader not in {"", leader})
            standing = {each.name: each.state for each in nodes.on[other].nodes()}
            assert standing[leader] == DRAINING
            await Publisher(nodes.cluster, "q1").publish(3)
            now = nodes.jobs(other).leader
            await nodes.kill(now)
            last = min({"a", "b", "c"} - {leader, now})
            await nodes.cluster.until(lambda: nodes.jobs(last).leader == last)
            await done(nodes.on[last].undrain(leader))
            assert all(each.state == "active" for each in nodes.on[last].nodes())
            assert await done(nodes.on[last].move_leader("v", "jobs", leader)) == leader
            with pytest.raises(NotFoundError):
                await done(nodes.on[last].drain("x"))

    asyncio.run(scenario())


def test_a_drain_does_not_take_back_a_node_that_leaves() -> None:
    async def scenario() -> None:
        store = MemoryStore(lambda: 0)
        key = KEYS.key("member", "c")
        leaving = encode_member(StoredMember("disk", 1, "", LEAVING))
        await store.transact(Transaction(then=(Put(key, leaving),)))

        async def at_once(_revision: int) -> None:
            """The copy has what the store has."""

        commands = object.__new__(ClusterCommands)
        follower = SimpleNamespace(wait_for=at_once)
        node = SimpleNamespace(store=store, keys=KEYS, follower=follower)
        commands._node = cast("ClusterNode", node)

        async def state() -> str:
            found = await store.transact(Transaction(then=(Read(key),)))
            assert isinstance(found, Done)
            assert found.reads[0] is not None
            return decode_member(found.reads[0].value).state

        await commands._putting_state("c", DRAINING)
        assert await state() == LEAVING
        await commands._putting_state("c", ACTIVE)
        assert await state() == ACTIVE
        await commands._putting_state("c", DRAINING)
        assert await state() == DRAINING

    asyncio.run(scenario())


def test_a_replica_comes_and_goes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with commanded(tmp_path, "a", "b", "c") as nodes:
            leader = await nodes.served("a", "b")
            other = ({"a", "b"} - {leader}).pop()
            for each in (leader, "c"):
                with pytest.raises(PreconditionFailedError, match="1 members would be left"):
                    await done(nodes.on[each].remove_replica("v", "jobs", other))
            await done(nodes.on["c"].add_replica("v", "jobs", "c"))
            assert {each.node for each in nodes.jobs(leader).replicas} == {"a", "b", "c"}
            await nodes.cluster.until_whole("q1")
            # The leader's own one: it hands over first.
            await done(nodes.on["c"].remove_replica("v", "jobs", leader))
            await nodes.cluster.until(lambda: set(nodes.jobs("c").members) == {other, "c"})
            assert {each.node for each in nodes.jobs("c").replicas} == {other, "c"}
            await Publisher(nodes.cluster, "q1").publish(3)
            with pytest.raises(PreconditionFailedError, match="1 members would be left"):
                await done(nodes.on["c"].remove_replica("v", "jobs", nodes.jobs("c").leader))

    asyncio.run(scenario())
