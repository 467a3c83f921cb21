"""What ended with what it needed goes from the store; exchanges that lost their last go too."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from unittest.mock import patch

import pytest
from pamqp import commands

from amqp_server import definitions_sweep
from amqp_server.broker.clustered.unplaced import placing
from amqp_server.broker.definitions.definition import QueueDefinition
from amqp_server.broker.errors import NotFoundError
from amqp_server.definitions_sweep import DefinitionsSweep, pause_behind
from cluster.definitions.desk import Desk
from cluster.metadata.errors import StoreAwayError
from cluster.metadata.port import Put, Transaction
from cluster.metadata.records import StoredQueueState
from cluster.replication.state import QueueOptions, QueueState
from tests.support.clustered_nodes import KEYS, STORED, Cluster, cluster_of, held, until

Q, X = commands.Queue, commands.Exchange
OPTIONS = QueueOptions(("n",))


def play(case: Callable[[Cluster, DefinitionsSweep], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            node = cluster.nodes[0]
            desk = Desk(cluster.store, KEYS, "sweeper", "life", lambda: 0)
            cache = node.follower.cache
            await case(cluster, DefinitionsSweep(desk, node.declaring, KEYS, cache, lambda: True))

    asyncio.run(run())


async def bound(cluster: Cluster, count: int = 1) -> None:
    client = cluster.open(0)
    await client.ask(X.Declare, exchange="x", exchange_type="fanout", auto_delete=True)
    await client.ask(Q.Declare, queue="q", durable=True)
    for number in range(count):
        await client.ask(Q.Bind, queue="q", exchange="x", routing_key=str(number))


async def queue_goes(cluster: Cluster) -> None:
    """Delete the queue, by a node that ends before it sweeps the bindings which that ended."""
    node = cluster.nodes[1]
    await node.desk._desk.run(node.declaring.deleting_queue("/", "q"))


async def stored(cluster: Cluster, kind: str) -> int:
    prefix = KEYS.prefix_of(kind)
    return len((await cluster.store.read_range(prefix, prefix + b"\xff")).items)


def test_an_exchange_goes_with_the_queue_that_its_last_binding_was_to() -> None:
    async def case(cluster: Cluster, sweep: DefinitionsSweep) -> None:
        await bound(cluster, 3)
        await queue_goes(cluster)
        await cluster.alike()
        assert await stored(cluster, "b") == 3
        assert await sweep.sweep() >= 1, "one may take others along"
        assert (await stored(cluster, "b"), await stored(cluster, "x")) == (0, 0)
        await until(lambda: not any(each.vhost.exchanges.exists("x") for each in cluster.nodes))
        assert held(cluster.nodes[0]) == held(cluster.nodes[1])
        assert await sweep.sweep() == 0

    play(case)


def test_all_that_was_in_a_vhost_goes_after_it_and_queues_leave_their_note() -> None:
    async def case(cluster: Cluster, sweep: DefinitionsSweep) -> None:
        await bound(cluster)
        await cluster.alike()
        await cluster.store.transact(Transaction(then=(Put(KEYS.key("user", "other"), b""),)))
        item = cluster.nodes[0].follower.cache.get(KEYS.key("vhost", "/"))
        assert item is not None
        await cluster.nodes[0].desk._desk.run(
            cluster.nodes[0].declaring.changing(
                STORED.definition_of(item.key, item.value).definition,  # type: ignore[union-attr]
                lambda _before: None,
            )
        )
        await until(lambda: cluster.nodes[0].follower.cache.get(item.key) is None)
        await sweep.sweep()
        for kind in ("x", "q", "b", "perm"):
            assert await stored(cluster, kind) == 0, kind
        assert await stored(cluster, "gone") == 1

    play(case)


def test_it_runs_after_deletes_and_leaves_others_the_loop() -> None:
    async def case(cluster: Cluster, sweep: DefinitionsSweep) -> None:
        await bound(cluster, 32)
        running = asyncio.ensure_future(sweep.run())
        await asyncio.sleep(0)
        await queue_goes(cluster)
        await until(lambda: not cluster.nodes[0].vhost.exchanges.exists("x"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(case)


def test_who_becomes_the_sweeper_does_what_the_one_before_has_left() -> None:
    async def case(cluster: Cluster, sweep: DefinitionsSweep) -> None:
        is_sweeper: list[bool] = []
        sweep._is_sweeper = lambda: bool(is_sweeper)
        await bound(cluster)
        running = asyncio.ensure_future(sweep.run())
        await queue_goes(cluster)
        await cluster.alike()
        assert await stored(cluster, "b") == 1
        is_sweeper.append(True)
        # As the controller's key does: nothing is deleted by that.
        await cluster.store.transact(Transaction(then=(Put(KEYS.key("ctl"), b""),)))
        await until(lambda: not cluster.nodes[0].vhost.exchanges.exists("x"))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(case)


def test_a_store_that_is_away_is_swept_later() -> None:
    async def case(cluster: Cluster, sweep: DefinitionsSweep) -> None:
        await bound(cluster)
        await queue_goes(cluster)
        await cluster.alike()
        cluster.store.go_away()
        with pytest.raises(StoreAwayError):
            await sweep.sweep()
        cluster.store.come_back()
        assert await sweep.sweep() == 1

    play(case)


def test_a_queue_that_comes_without_replicas_is_placed_once_a_node_may_have_it() -> None:
    async def case(cluster: Cluster, sweep: DefinitionsSweep) -> None:
        placed = asyncio.Event()
        refusals = [ValueError("all nodes leave"), NotFoundError("no vhost '/'")]

        def place(_queue: QueueDefinition, queue_id: str) -> StoredQueueState:
            if refusals:
                raise refusals.pop()
            placed.set()
            return StoredQueueState(queue_id, QueueState("n", 1, 1, frozenset()), OPTIONS)

        sweep._placing = lambda key: placing(STORED, place, key)
        running = asyncio.ensure_future(sweep.run())
        await asyncio.sleep(0)
        queue = QueueDefinition("moved", "/", True, False, {})
        put = Put(STORED.key_of(queue), STORED.value_of(queue, "node-7"))
        with patch.object(definitions_sweep, "PAUSE_S", 0.0):
            await cluster.store.transact(Transaction(then=(put,)))
            await placed.wait()
        cache = cluster.nodes[0].follower.cache
        await until(lambda: cache.get(KEYS.queue_state("/", "moved")) is not None)
        assert not refusals
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(case)


def test_sweeps_of_many_keys_are_a_small_part_of_the_time() -> None:
    assert pause_behind(0.0) == pause_behind(0.01) == 1.0
    assert pause_behind(1.5) == 30.0
    assert pause_behind(100.0) == 60.0
