"""The queue behind a delayed exchange is there with it, and goes with it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pamqp import commands

from amqp_server.broker.clustered.waiting import known_waiting_queue, waiting_queue
from amqp_server.broker.keepers.shared_room import SharedRoom
from amqp_server.definitions_sweep import DefinitionsSweep
from cluster.definitions.desk import Desk
from cluster.definitions.waiting_queues import exchange_behind, waiting_queue_name
from cluster.metadata.records import StoredQueueState
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from tests.support.clustered_nodes import KEYS, Cluster, ClusteredNode, cluster_of

Q, X = commands.Queue, commands.Exchange
DELAYED = {"exchange_type": "x-delayed-message", "arguments": {"x-delayed-type": "direct"}}


def play(case: Callable[[Cluster], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            await case(cluster)

    asyncio.run(run())


async def stored(cluster: Cluster, kind: str) -> list[tuple[str, ...]]:
    prefix = KEYS.prefix_of(kind)
    page = await cluster.store.read_range(prefix, prefix + b"\xff")
    places = [KEYS.place_of(each.key) for each in page.items]
    return [place.names for place in places if place is not None]


async def swept(cluster: Cluster) -> None:
    node = cluster.nodes[0]
    desk = Desk(cluster.store, KEYS, "sweeper", "life", lambda: 0)
    await cluster.alike()
    sweep = DefinitionsSweep(desk, node.declaring, KEYS, node.follower.cache, lambda: True)
    await sweep.sweep()


def room(node: ClusteredNode) -> SharedRoom | None:
    found = node.vhost.keepers.room("x")
    assert found is None or isinstance(found, SharedRoom)
    return found


def test_a_queue_is_made_with_the_exchange_and_goes_with_it() -> None:
    async def case(cluster: Cluster) -> None:
        client = cluster.open(0)
        for _ in range(2):
            await client.ask(X.Declare, exchange="x", durable=True, **DELAYED)
        ((vhost, name, what),) = await stored(cluster, "q")
        assert (vhost, exchange_behind(name), what) == ("/", "x", "def")
        await cluster.alike()
        for node in cluster.nodes:
            found = room(node)
            assert found is not None
            assert found.waiting_here is not None
            assert list(node.vhost.queues) == []
        await client.ask(X.Delete, exchange="x")
        await client.ask(X.Declare, exchange="x", durable=True, **DELAYED)
        await swept(cluster)
        ((_, other, _),) = await stored(cluster, "q")
        assert other != name, "the next exchange has another one"
        assert len(await stored(cluster, "gone")) == 1
        await client.ask(X.Delete, exchange="x")
        await swept(cluster)
        assert await stored(cluster, "q") == []
        await cluster.alike()
        assert [room(node) for node in cluster.nodes] == [None, None]

    play(case)


def test_a_node_that_reads_all_anew_has_the_queue_behind_its_exchange() -> None:
    """What one transaction has made is told in the order of its keys then: exchanges are last."""

    async def case(cluster: Cluster) -> None:
        client, late = cluster.open(0), cluster.nodes[1]
        cluster.nodes[0].declaring._place = lambda _queue, queue_id: StoredQueueState(
            queue_id, QueueState("n0", 0, 1, frozenset[ReplicaId]()), QueueOptions(("n0",))
        )
        for _ in range(2):
            late.following.cancel()
            await asyncio.gather(late.following, return_exceptions=True)
            await client.ask(X.Delete, exchange="x")
            await client.ask(X.Declare, exchange="x", durable=True, **DELAYED)
            late.following = asyncio.ensure_future(late.follower.follow())
            await cluster.alike()
            found = room(late)
            assert found is not None
            assert found.waiting_here is not None
        late.following.cancel()
        await client.ask(X.Delete, exchange="x")
        await asyncio.gather(late.following, return_exceptions=True)
        late.following = asyncio.ensure_future(late.follower.follow())
        await cluster.alike()
        assert late.applier._early == {}

    play(case)


def test_other_exchanges_have_none() -> None:
    async def case(cluster: Cluster) -> None:
        await cluster.open(0).ask(X.Declare, exchange="x", exchange_type="direct", durable=True)
        assert await stored(cluster, "q") == []

    play(case)


def test_a_message_waits_and_is_routed_by_the_bindings_of_its_time() -> None:
    async def case(cluster: Cluster) -> None:
        node = cluster.nodes[0]
        client = cluster.open(0)
        await client.ask(X.Declare, exchange="x", durable=True, **DELAYED)
        await client.ask(Q.Declare, queue="q", durable=True)
        await client.ask(commands.Confirm.Select)
        properties: dict[str, Any] = {"headers": {"x-delay": 500}, "expiration": "90000"}
        client.client.publish(b"1", exchange="x", routing_key="k", **properties)
        assert [type(each) for each in await client.methods()] == [commands.Basic.Ack]
        found = room(node)
        assert found is not None
        assert found.count() == 1
        await client.ask(Q.Bind, queue="q", exchange="x", routing_key="k")
        await cluster.alike()
        queue = node.vhost.queues.find("q")
        assert queue is not None
        node.advance(499)
        assert queue.engine.ready_count == 0
        node.advance(1)
        assert (queue.engine.ready_count, found.count()) == (1, 0)
        got = queue.engine.get(node.now_ms)
        assert got is not None
        assert got[0].records[0].ttl_ms == 90_000, "its own time begins when it has waited"

    play(case)


def test_it_is_replicated_as_a_quorum_queue_where_the_exchange_is_durable() -> None:
    queue = waiting_queue("/", "x", "n1-7", durable=True)
    assert queue.name == waiting_queue_name("x", "n1-7")
    assert queue.arguments["x-queue-type"].value == b"quorum"
    assert known_waiting_queue("/", queue.name) == queue
    assert waiting_queue("/", "x", "n1-7", durable=False).arguments == {}
    assert known_waiting_queue("/", "x") is None
