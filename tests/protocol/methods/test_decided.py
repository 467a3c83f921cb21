"""Definitions of a cluster: clients of any node are answered as by one broker."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from pamqp import commands

from amqp_server.broker import asking
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import WaitingSteps
from amqp_server.wire.methods import Method
from cluster.definitions.joining import CHANGES_MAX
from cluster.metadata.memory import Fate
from cluster.metadata.port import Put, Transaction
from queues.asked_port import CountsAnswer
from tests.support.clustered_nodes import (
    IMPATIENT_MS,
    KEYS,
    PATIENCE_MS,
    Asking,
    Cluster,
    cluster_of,
    held,
    until,
)
from tests.support.frames import method_frame
from tests.support.long_event import publish
from tests.support.peer import Node

Q, X, B = commands.Queue, commands.Exchange, commands.Basic


def play(
    case: Callable[[Cluster], Coroutine[Any, Any, None]], patience_ms: int = PATIENCE_MS
) -> None:
    async def run() -> None:
        async with cluster_of(patience_ms=patience_ms) as cluster:
            await case(cluster)

    asyncio.run(run())


async def close_of(client: Asking) -> tuple[int, str]:
    """Return what a channel was closed with, and open it again."""
    (close,) = await client.methods()
    assert isinstance(close, commands.Channel.Close), close
    client.client.send(commands.Channel.CloseOk)
    client.client.open_channel(1)
    return close.reply_code or 0, close.reply_text


async def refused(client: Asking, kind: type[Method], **arguments: object) -> tuple[int, str]:
    client.client.send(kind, **arguments)
    return await close_of(client)


def refused_by_one_broker(*requests: tuple[type[Method], dict[str, object]]) -> tuple[int, str]:
    client = Node().open()
    for kind, arguments in requests:
        client.send(kind, **arguments)
    close = client.closed()
    return close.code, close.text


def test_what_is_declared_on_one_node_is_used_on_another_at_once() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        uses: list[tuple[type[Method], dict[str, object], type[Method]]] = [
            (Q.Declare, {"passive": True}, Q.DeclareOk),
            (Q.Purge, {}, Q.PurgeOk),
            (B.Get, {}, B.GetEmpty),
            (B.Consume, {"consumer_tag": "me"}, B.ConsumeOk),
            (Q.Bind, {"exchange": "amq.topic", "routing_key": "k"}, Q.BindOk),
            (Q.Unbind, {"exchange": "amq.topic", "routing_key": "k"}, Q.UnbindOk),
            (Q.Delete, {}, Q.DeleteOk),
        ]
        for number, (kind, arguments, answer) in enumerate(uses):
            name = f"q{number}"
            assert isinstance(await one.ask(Q.Declare, queue=name, durable=True), Q.DeclareOk)
            assert isinstance(await other.ask(kind, queue=name, **arguments), answer), kind

    play(case)


def test_the_leader_of_a_queue_that_was_just_made_is_not_asked_for_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def counting(queue: Queue, now_ms: int) -> WaitingSteps[CountsAnswer]:
        asked.append(queue.name)
        return original(queue, now_ms)

    original = asking.counting
    monkeypatch.setattr("amqp_server.protocol.methods.queue.counting", counting)

    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        assert dict(await one.ask(Q.Declare, queue="q", durable=True)) == {
            "queue": "q",
            "message_count": 0,
            "consumer_count": 0,
        }
        assert asked == []
        one.client.send_bytes(publish("", "q", b"one"))
        for client in (one, other):
            assert isinstance(await client.ask(Q.Declare, queue="q", durable=True), Q.DeclareOk)
        assert asked == ["q", "q"]

    play(case)


def test_an_exchange_of_another_node_is_published_to_at_once() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        await other.ask(Q.Declare, queue="mine", exclusive=True)
        await other.ask(commands.Confirm.Select)
        await one.ask(X.Declare, exchange="x", exchange_type="fanout", durable=True)
        other.client.send_bytes(publish("x", "", b"before") * 2 + publish("x", "k", b"a burst"))
        await other.methods()
        await other.ask(Q.Bind, queue="mine", exchange="x", routing_key="")
        await one.ask(X.Declare, exchange="y", exchange_type="fanout", durable=True)
        await one.ask(X.Bind, source="y", destination="x", routing_key="")
        other.client.send_bytes(publish("y", "", b"after"))
        assert isinstance((await other.methods())[0], B.Ack)
        await cluster.alike()
        assert other.client.get("mine") == b"after"

    play(case)


def test_an_exchange_that_is_nowhere_closes_the_channel_as_on_one_broker() -> None:
    async def case(cluster: Cluster) -> None:
        client = cluster.open(0)
        expected = (404, "NOT_FOUND - no exchange 'none' in vhost '/'")
        for octets in (publish("none", "", b"one"), publish("none", "", b"") * 3):
            client.client.send_bytes(octets)
            assert await close_of(client) == expected
        burst = publish("", "a", b"") + publish("none", "a", b"") + publish("", "b", b"")
        client.client.send_bytes(burst)
        assert await close_of(client) == expected
        cases: list[tuple[type[Method], dict[str, object]]] = [
            (Q.Declare, {"queue": "q", "passive": True}),
            (B.Consume, {"queue": "q"}),
            (B.Get, {"queue": "q"}),
            (Q.Purge, {"queue": "q"}),
            (Q.Bind, {"queue": "q", "exchange": "amq.topic"}),
            (X.Declare, {"exchange": "x", "passive": True}),
            (X.Bind, {"source": "amq.topic", "destination": "x"}),
        ]
        for kind, arguments in cases:
            assert await refused(client, kind, **arguments) == refused_by_one_broker(
                (kind, arguments)
            )

    play(case)


def test_of_two_that_differ_one_is_refused_as_by_one_broker() -> None:
    first = {"queue": "jobs", "durable": True}
    second = {"queue": "jobs", "durable": True, "arguments": {"x-max-length": 5}}

    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        one.client.send(Q.Declare, **first)
        other.client.send(Q.Declare, **second)
        answers = [(await each.methods())[0] for each in (one, other)]
        assert {type(each) for each in answers} == {Q.DeclareOk, commands.Channel.Close}
        (close,) = [each for each in answers if isinstance(each, commands.Channel.Close)]
        in_order = (first, second) if answers[1] is close else (second, first)
        expected = refused_by_one_broker(*[(Q.Declare, each) for each in in_order])
        assert (close.reply_code, close.reply_text) == expected

    play(case)


def test_exclusive_queues_and_their_bindings_ask_nobody() -> None:
    async def case(cluster: Cluster) -> None:
        one = cluster.open(0)
        cluster.store.go_away()
        name = (await one.ask(Q.Declare, queue="", exclusive=True)).queue  # type: ignore[attr-defined]
        await one.ask(Q.Bind, queue=name, exchange="amq.topic", routing_key="k")
        await one.ask(Q.Unbind, queue=name, exchange="amq.topic", routing_key="k")
        await one.ask(Q.Delete, queue=name)

    play(case)


def test_a_named_queue_of_the_server_that_is_not_exclusive_is_everywhere() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        declared = await one.ask(Q.Declare, queue="")
        assert isinstance(declared, Q.DeclareOk)
        assert str(declared.queue).startswith("amq.gen-")
        await one.ask(Q.Bind, queue="", exchange="amq.topic")
        answer = await other.ask(Q.Declare, queue=declared.queue, passive=True)
        assert isinstance(answer, Q.DeclareOk)

    play(case)


def test_methods_without_an_answer_are_carried_out_in_order() -> None:
    async def case(cluster: Cluster) -> None:
        one = cluster.open(0)
        one.client.send_bytes(
            method_frame(1, X.Declare, exchange="x", exchange_type="fanout", nowait=True)
            + method_frame(1, Q.Declare, queue="q", nowait=True)
            + method_frame(1, Q.Bind, queue="q", exchange="x", nowait=True)
            + publish("x", "", b"routed")
            + method_frame(1, B.Get, queue="q", no_ack=True)
        )
        assert isinstance((await one.methods())[0], B.GetOk)
        one.client.send_bytes(
            method_frame(1, Q.Unbind, queue="q", exchange="x")
            + method_frame(1, Q.Delete, queue="q", nowait=True)
            + method_frame(1, X.Delete, exchange="x", nowait=True)
            + method_frame(1, X.Declare, exchange="x", passive=True)
        )
        assert [each.name for each in await one.methods(2)] == ["Queue.UnbindOk", "Channel.Close"]

    play(case)


def test_messages_are_counted_before_a_queue_goes() -> None:
    async def case(cluster: Cluster) -> None:
        one = cluster.open(0)
        await one.ask(Q.Declare, queue="q", durable=True)
        one.client.publish(b"one", b"two", routing_key="q")
        declared = await one.ask(Q.Declare, queue="q", durable=True)
        assert isinstance(declared, Q.DeclareOk)
        assert declared.message_count == 2
        arguments = {"queue": "q", "if_empty": True}
        assert (await refused(one, Q.Delete, **arguments))[0] == 406
        deleted = await one.ask(Q.Delete, queue="q")
        assert isinstance(deleted, Q.DeleteOk)
        assert deleted.message_count == 2
        again = await one.ask(Q.Delete, queue="q")
        assert isinstance(again, Q.DeleteOk)
        assert again.message_count == 0

    play(case)


def test_while_the_store_is_away_declares_wait_and_nothing_else_does() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(0)
        await one.ask(Q.Declare, queue="old", durable=True)
        cluster.store.go_away()
        one.client.send(Q.Declare, queue="new", durable=True)
        for _ in range(20):
            other.client.publish(b"m", routing_key="old")
            assert other.client.get("old") == b"m"
            await asyncio.sleep(0)
        assert one.client.methods() == []
        cluster.store.come_back()
        await one.expect(Q.DeclareOk)

    play(case)


def test_a_store_that_stays_away_is_said_and_costs_one_channel() -> None:
    async def case(cluster: Cluster) -> None:
        one = cluster.open(0)
        one.client.open_channel(2)
        await one.ask(Q.Declare, queue="old", durable=True)
        cluster.store.go_away()
        code, text = await refused(one, Q.Declare, queue="new", durable=True)
        assert (code, text.split(":")[0]) == (
            541,
            "INTERNAL_ERROR - the metadata store does not answer",
        )
        assert (await refused(one, Q.Declare, queue="new", passive=True))[0] == 541
        one.client.publish(b"m", routing_key="old", channel=2)
        assert one.client.get("old", channel=2) == b"m"
        cluster.store.come_back()
        await one.ask(Q.Declare, queue="new", durable=True)

    play(case, IMPATIENT_MS)


@pytest.mark.parametrize("fate", list(Fate))
def test_an_answer_that_is_lost_is_settled(fate: Fate) -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        await one.ask(Q.Declare, queue="first", durable=True)
        cluster.store.fates.append(fate)
        await one.ask(Q.Declare, queue="q", durable=True)
        await other.ask(Q.Delete, queue="q")
        while cluster.store.late:
            cluster.store.apply_late()
        await cluster.alike()
        assert (await refused(one, Q.Declare, queue="q", passive=True))[0] == 404

    play(case)


def test_a_client_that_is_gone_leaves_what_was_decided() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        one.client.send(Q.Declare, queue="q", durable=True)
        one.client.connection.lose(one.node.now_ms)
        one.node.end_turns()
        assert one.client.is_closed()
        await until(lambda: bool(cluster.nodes[0].vhost.queues.find("q")))
        await other.ask(Q.Declare, queue="q", durable=True, passive=True)

    play(case)


def test_many_declares_of_one_client_leave_others_their_turns() -> None:
    count = 200

    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(0)
        await other.ask(Q.Declare, queue="canary", exclusive=True)
        one.client.send_bytes(
            b"".join(
                method_frame(1, Q.Declare, queue=f"q{number}", durable=True)
                for number in range(count)
            )
        )
        answered = round_trips = 0
        while answered < count:
            answered += len(one.client.methods())
            other.client.publish(b"tweet", routing_key="canary")
            assert other.client.get("canary") == b"tweet"
            round_trips += 1
            await asyncio.sleep(0)
        assert round_trips > count // CHANGES_MAX, "some between each request to the store"

    play(case)


def test_a_name_that_an_exclusive_queue_has_waits_for_it() -> None:
    async def case(cluster: Cluster) -> None:
        one, other = cluster.open(0), cluster.open(1)
        await one.ask(Q.Declare, queue="q", exclusive=True)
        await other.ask(Q.Declare, queue="q", durable=True)
        await other.ask(Q.Bind, queue="q", exchange="amq.fanout")
        await cluster.alike()
        third = cluster.open(0)
        assert (await refused(third, Q.Declare, queue="q", durable=True))[0] == 405
        await one.ask(Q.Delete, queue="q")
        await until(lambda: one.node.vhost.queues.find("q") is not None)
        await third.ask(Q.Declare, queue="q", durable=True)
        await until(lambda: held(cluster.nodes[0]) == held(cluster.nodes[1]))
        third.client.publish(b"m", exchange="amq.fanout", routing_key="")
        assert third.client.get("q") == b"m"

    play(case)


def test_what_no_version_can_read_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    async def case(cluster: Cluster) -> None:
        one = cluster.open(0)
        key = KEYS.queue_definition("/", "strange")
        await cluster.store.transact(Transaction(then=(Put(key, b'{"v": 99}'),)))
        await one.ask(Q.Declare, queue="q", durable=True)
        assert "definition skipped" in caplog.text
        assert one.node.vhost.queues.find("strange") is None

    play(case)
