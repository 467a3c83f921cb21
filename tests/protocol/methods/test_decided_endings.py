"""Definitions that go: who deletes a queue of a cluster, or leaves one, hears of it in order."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pamqp import commands

from amqp_server import deciding_desk
from cluster.metadata.port import Outcome, Transaction
from tests.support.clustered_nodes import Cluster, cluster_of, method_frame, until

Q, B, X = commands.Queue, commands.Basic, commands.Exchange
KEYS = range(100)


def play(case: Callable[[Cluster], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            await case(cluster)

    asyncio.run(run())


def test_who_deletes_a_queue_that_it_consumes_from_hears_of_its_consumers_last() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        await one.ask(Q.Declare, queue="q", durable=True)
        for tag in ("a", "b"):
            await one.ask(B.Consume, queue="q", consumer_tag=tag)
        await other.ask(B.Consume, queue="q", consumer_tag="c")
        one.client.send(Q.Delete, queue="q")
        assert [each.name for each in await one.methods(3)] == [
            "Queue.DeleteOk",
            "Basic.Cancel",
            "Basic.Cancel",
        ]
        await other.expect(B.Cancel)

    play(case)


def test_who_consumes_under_the_tag_of_a_queue_that_it_deletes_hears_of_the_old_one_first() -> None:
    async def case(cluster: Cluster) -> None:
        one = cluster.open(0)
        for queue in ("q", "r"):
            await one.ask(Q.Declare, queue=queue, durable=True)
        await one.ask(B.Consume, queue="q", consumer_tag="a")
        deletes = method_frame(1, Q.Delete, queue="q")
        one.client.send_bytes(deletes + method_frame(1, B.Consume, queue="r", consumer_tag="a"))
        assert [each.name for each in await one.methods(3)] == [
            "Queue.DeleteOk",
            "Basic.Cancel",
            "Basic.ConsumeOk",
        ]

    play(case)


def test_who_cannot_delete_a_queue_hears_of_its_consumers_later_too() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(0)
        one.client.open_channel(2)
        await one.ask(Q.Declare, 2, queue="q", durable=True)
        await one.ask(B.Consume, 2, queue="q", consumer_tag="a")
        arguments = {"queue": "q", "if_unused": True}
        one.client.send(Q.Delete, 2, **arguments)
        await one.expect(commands.Channel.Close)
        one.client.send(commands.Channel.CloseOk, 2)
        await one.ask(B.Consume, queue="q", consumer_tag="b")
        await other.ask(Q.Delete, queue="q")
        await one.expect(B.Cancel)

    play(case)


def test_an_auto_delete_queue_goes_everywhere_with_its_last_consumer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deciding_desk, "PAUSE_MS", 1)

    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        await one.ask(Q.Declare, queue="q", auto_delete=True)
        await one.ask(B.Consume, queue="q", consumer_tag="me")
        cluster.store.go_away()
        one.client.send(B.Cancel, consumer_tag="me")
        await one.expect(B.CancelOk)
        for _ in range(20):
            await asyncio.sleep(0)
        assert one.node.vhost.queues.find("q") is not None, "the store has to decide"
        cluster.store.come_back()
        await until(lambda: one.node.vhost.queues.find("q") is None)
        await until(lambda: other.node.vhost.queues.find("q") is None)
        other.client.send(Q.Declare, queue="q", passive=True)
        assert (await other.expect(commands.Channel.Close)).reply_code == 404

    play(case)


@pytest.mark.parametrize("how", ["delete", "cancel"])
def test_an_auto_delete_exchange_goes_with_its_last_queue(how: str) -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        for queue in ("q", "stays"):
            await one.ask(Q.Declare, queue=queue, auto_delete=True)
        for exchange in ("goes", "used"):
            await one.ask(X.Declare, exchange=exchange, exchange_type="topic", auto_delete=True)
            for key in ("k", "l"):
                await one.ask(Q.Bind, queue="q", exchange=exchange, routing_key=key)
        await other.ask(Q.Bind, queue="stays", exchange="used")
        await one.ask(B.Consume, queue="q", consumer_tag="me")
        if how == "delete":
            await other.ask(Q.Delete, queue="q")
            await one.expect(B.Cancel)
        else:
            await one.ask(B.Cancel, consumer_tag="me")
        await until(lambda: not one.node.vhost.exchanges.exists("goes"))
        await until(lambda: not other.node.vhost.exchanges.exists("goes"))
        assert one.node.vhost.exchanges.exists("used")

    play(case)


def test_who_deletes_a_queue_waits_for_few_requests_whatever_is_bound_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def case(cluster: Cluster) -> None:
        one, transact = cluster.open(0), cluster.store.transact
        await one.ask(Q.Declare, queue="q", durable=True)
        await one.ask(X.Declare, exchange="x", exchange_type="topic", auto_delete=True)
        binds = [method_frame(1, Q.Bind, queue="q", exchange="x", routing_key=f"{n}") for n in KEYS]
        one.client.send_bytes(b"".join(binds))
        await one.methods(len(KEYS))
        asked: list[Transaction] = []

        async def counted(transaction: Transaction) -> Outcome:
            asked.append(transaction)
            return await transact(transaction)

        monkeypatch.setattr(cluster.store, "transact", counted)
        await one.ask(Q.Delete, queue="q")
        assert len(asked) < 10

    play(case)
