"""Auto-delete queues in a cluster: gone before their client hears that the last consumer is."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, cast

import pytest
from pamqp import commands

from amqp_server import deciding_desk
from amqp_server.broker.awaited import Awaited
from amqp_server.broker.queue import Queue
from amqp_server.broker.unused import IN_VAIN_MS, PAUSES_MAX, UnusedQueues
from queues.asked_port import CountsAnswer
from tests.support.clustered_nodes import Asking, Cluster, cluster_of, method_frame, until

Q, B, Ch, Co = commands.Queue, commands.Basic, commands.Channel, commands.Connection


def play(case: Callable[[Cluster], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            await case(cluster)

    asyncio.run(run())


@pytest.fixture
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding_desk, "PAUSE_MS", 1)


async def consuming(cluster: Cluster, channel: int = 1) -> Asking:
    """Return a client that is the only consumer of an auto-delete queue of its node."""
    one = cluster.open(0)
    if channel != 1:
        one.client.open_channel(channel)
    await one.ask(Q.Declare, channel, queue="q", auto_delete=True)
    await one.ask(B.Consume, channel, queue="q", consumer_tag="me")
    return one


def is_there(client: Asking) -> bool:
    return client.node.vhost.queues.find("q") is not None


def test_it_is_gone_when_the_cancel_is_answered() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster)
        assert isinstance(await one.ask(B.Cancel, consumer_tag="me"), B.CancelOk)
        assert not is_there(one)

    play(case)


def test_it_is_gone_when_the_close_of_the_channel_is_answered() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster, 2)
        assert isinstance(await one.ask(Ch.Close, 2), Ch.CloseOk)
        assert not is_there(one)
        one.client.open_channel(2)
        assert isinstance(await one.ask(Q.Declare, 2, queue="q", auto_delete=True), Q.DeclareOk)

    play(case)


def test_it_is_gone_when_an_error_of_the_channel_is_told() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster)
        one.client.send(B.Ack, delivery_tag=77)
        await one.expect(Ch.Close)
        assert not is_there(one)

    play(case)


def test_it_is_gone_when_the_close_of_the_connection_is_answered() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster)
        one.client.send(Co.Close, 0)
        await one.expect(Co.CloseOk)
        assert not is_there(one)
        assert one.client.is_closed()

    play(case)


def test_a_declare_behind_a_cancel_without_answer_makes_a_new_one_that_stays() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster)
        one.client.publish(b"old", routing_key="none")
        one.client.send_bytes(
            method_frame(1, B.Cancel, consumer_tag="me", nowait=True)
            + method_frame(1, Q.Declare, queue="q", auto_delete=True)
            + method_frame(1, B.Consume, queue="q", consumer_tag="me")
        )
        declared, consume_ok = await one.methods(2)
        assert isinstance(declared, Q.DeclareOk)
        assert isinstance(consume_ok, B.ConsumeOk)
        await cluster.alike()
        assert is_there(one)

    play(case)


def test_while_another_consumer_is_there_nothing_is_waited_for() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster)
        await one.ask(B.Consume, queue="q", consumer_tag="other")
        cluster.store.go_away()
        one.client.send(B.Cancel, consumer_tag="me")
        assert [each.name for each in one.client.methods()] == ["Basic.CancelOk"]
        cluster.store.come_back()

    play(case)


def test_other_channels_go_on_while_a_cancel_waits_for_a_store_that_is_away() -> None:
    async def case(cluster: Cluster) -> None:
        one = await consuming(cluster, 2)
        await one.ask(Q.Declare, queue="old", durable=True)
        cluster.store.go_away()
        one.client.send(B.Cancel, 2, consumer_tag="me")
        one.client.publish(b"m", routing_key="old")
        assert one.client.get("old") == b"m"
        cluster.store.come_back()
        await one.expect(B.CancelOk)
        assert not is_there(one)

    play(case)


@pytest.mark.parametrize("how", ["cancel", "channel", "connection"])
@pytest.mark.usefixtures("_short_pauses")
def test_a_store_that_is_away_is_not_waited_for_for_long(how: str) -> None:
    async def case(cluster: Cluster) -> None:
        one, other = await consuming(cluster, 2), cluster.open(0)
        await other.ask(Q.Declare, queue="old", durable=True)
        cluster.store.go_away()
        match how:
            case "cancel":
                one.client.send(B.Cancel, 2, consumer_tag="me")
            case "channel":
                one.client.send(Ch.Close, 2)
            case _:
                one.client.send(Co.Close, 0)
        assert one.client.methods() == []
        other.client.publish(b"m", routing_key="old")
        assert other.client.get("old") == b"m"
        (answer,) = await one.methods()
        assert answer.name in {"Basic.CancelOk", "Channel.CloseOk", "Connection.CloseOk"}
        assert is_there(one), "the store has to decide"
        cluster.store.come_back()
        await until(lambda: not is_there(one))

    play(case)


@pytest.mark.parametrize("how", ["cancel", "channel", "connection"])
def test_a_client_that_leaves_meanwhile_keeps_nothing(how: str) -> None:
    async def case(cluster: Cluster) -> None:
        one, other = await consuming(cluster, 2), cluster.open(0)
        await other.ask(Q.Declare, queue="old", durable=True)
        await one.ask(B.Consume, queue="old", consumer_tag="it")
        other.client.publish(b"m", routing_key="old")
        one.client.methods()
        cluster.store.go_away()
        match how:
            case "cancel":
                one.client.send(B.Cancel, 2, consumer_tag="me")
            case "channel":
                one.client.send(Ch.Close, 2)
            case _:
                one.client.send(Co.Close, 0)
        one.client.connection.lose(one.node.now_ms)
        one.node.end_turns()
        assert other.client.get("old") == b"m"
        assert one.client.is_closed() is (how != "connection")
        cluster.store.come_back()
        await until(lambda: not is_there(other))
        await until(one.client.is_closed)

    play(case)


# -- where another node leads it -------------------------------------------------------------------


class Elsewhere:
    """An auto-delete queue that is led elsewhere, with the leader's answer about its counts."""

    is_deleted = False

    def __init__(self) -> None:
        self.watchers: dict[Any, None] = {}
        self.asked_elsewhere = self
        self.asked: list[Callable[[CountsAnswer | None], None]] = []

    def ask_counts(self, then: Callable[[CountsAnswer | None], None], now_ms: int) -> None:
        assert now_ms
        self.asked.append(then)

    def go(self) -> None:
        for watcher in list(self.watchers):
            watcher.queue_deleted(self)


class Waiting:
    """Steps that wait for such queues, and pauses that the test ends."""

    def __init__(self, *queues: Elsewhere) -> None:
        self.pauses: list[Awaited[None]] = []
        self._unused = UnusedQueues(self._pause)
        self.leave(7, *queues)

    def leave(self, now_ms: int, *queues: Elsewhere) -> None:
        asked = cast("tuple[Queue, ...]", queues)
        self.steps: Iterator[object] = self._unused.leaving(asked, now_ms)

    def _pause(self) -> Awaited[None]:
        self.pauses.append(Awaited())
        return self.pauses[-1]

    def waits(self) -> bool:
        return any(wait is not None for wait in self.steps)


def test_it_waits_until_the_leader_has_deleted_it() -> None:
    queue = Elsewhere()
    waiting = Waiting(queue)
    assert waiting.waits()
    queue.asked[0](CountsAnswer(3, 0, 0))
    assert waiting.waits()
    queue.go()
    assert not waiting.waits()
    assert not queue.watchers


@pytest.mark.parametrize("answer", [CountsAnswer(0, 1, 0), None], ids=["used", "no answer"])
def test_it_does_not_wait_for_one_that_is_used_or_whose_leader_is_silent(
    answer: CountsAnswer | None,
) -> None:
    queue, other = Elsewhere(), Elsewhere()
    waiting = Waiting(queue, other)
    assert waiting.waits()
    queue.asked[0](answer)
    assert waiting.waits(), "for the other one"
    other.go()
    assert not waiting.waits()
    assert not queue.watchers


def test_it_waits_for_so_many_pauses() -> None:
    queue = Elsewhere()
    waiting = Waiting(queue)
    assert waiting.waits()
    for number in range(PAUSES_MAX):
        assert waiting.waits(), number
        waiting.pauses[-1].set(None)
    assert len(waiting.pauses) == PAUSES_MAX
    assert not waiting.waits()
    queue.asked[0](CountsAnswer(0, 0, 0))
    assert not queue.watchers


def test_after_a_wait_in_vain_nobody_waits_for_a_while() -> None:
    queue = Elsewhere()
    waiting = Waiting(queue)
    assert waiting.waits()
    for _ in range(PAUSES_MAX):
        waiting.pauses[-1].set(None)
    assert not waiting.waits()
    waiting.leave(6 + IN_VAIN_MS, queue)
    assert not waiting.waits()
    assert len(queue.asked) == 1
    waiting.leave(7 + IN_VAIN_MS, queue)
    assert waiting.waits()
    queue.go()
    assert not waiting.waits()
    waiting.leave(8 + IN_VAIN_MS, queue)
    assert waiting.waits()


def test_who_gives_up_watches_nothing() -> None:
    queue = Elsewhere()
    waiting = Waiting(queue)
    assert waiting.waits()
    cast("Any", waiting.steps).close()
    assert not queue.watchers
    queue.asked[0](None)
    waiting.pauses[0].set(None)
