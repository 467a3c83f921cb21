"""Each method that may wait holds up its own channel, and what follows there keeps its order."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, get_type_hints

import pytest
from pamqp import commands

from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.methods import decided, dispatch
from amqp_server.protocol.overlapping import (
    ALL_GATHERED_BYTES_MAX,
    GATHERED_BYTES_MAX,
    GATHERED_MAX,
)
from amqp_server.protocol.promise import Promise
from amqp_server.wire.methods import Method
from queues.asked_port import CountsAnswer, GetAnswer
from queues.commits import CommitPoint
from tests.support.clustered_nodes import Cluster, cluster_of, until
from tests.support.frames import method_frame, publish_frames
from tests.support.peer import Client

Q, X, B, Tx = commands.Queue, commands.Exchange, commands.Basic, commands.Tx
Case = tuple[type[Method], dict[str, Any]]

WAITING: Final[dict[str, Case]] = {
    "exchange.declare": (X.Declare, {"exchange": "x", "exchange_type": "fanout"}),
    "exchange.delete": (X.Delete, {"exchange": "amq.x"}),
    "exchange.bind": (X.Bind, {"source": "amq.fanout", "destination": "amq.topic"}),
    "exchange.unbind": (X.Unbind, {"source": "amq.fanout", "destination": "amq.topic"}),
    "queue.declare": (Q.Declare, {"queue": "new", "durable": True}),
    "queue.declare, passive": (Q.Declare, {"queue": "q", "passive": True}),
    "queue.bind": (Q.Bind, {"queue": "q", "exchange": "amq.fanout"}),
    "queue.unbind": (Q.Unbind, {"queue": "q", "exchange": "amq.fanout"}),
    "queue.delete": (Q.Delete, {"queue": "q"}),
    "queue.purge": (Q.Purge, {"queue": "q"}),
    "basic.get": (B.Get, {"queue": "q"}),
    "basic.consume": (B.Consume, {"queue": "q"}),
    "basic.cancel": (B.Cancel, {"consumer_tag": "c"}),
    "tx.commit": (Tx.Commit, {}),
    "channel.close": (
        commands.Channel.Close,
        {"reply_code": 200, "reply_text": "", "class_id": 0, "method_id": 0},
    ),
    "an error": (B.Reject, {"delivery_tag": 77}),
    # What is not found here is looked up in the store.
    "queue.purge, not here": (Q.Purge, {"queue": "none"}),
    "basic.get, not here": (B.Get, {"queue": "none"}),
    "basic.consume, not here": (B.Consume, {"queue": "none"}),
    "queue.delete, not here": (Q.Delete, {"queue": "none"}),
}
"""All that may wait, but publishes."""

PUBLISHES: Final = {
    "basic.publish": publish_frames("none", "k", b"m"),
    "basic.publish in a burst": publish_frames("", "own", b"m")
    + publish_frames("none", "k", b"m") * 2,
}


class Silent:
    """Leads a queue elsewhere and answers nothing, unless the test does."""

    def __init__(self) -> None:
        self.gets: list[Callable[[GetAnswer | None], None]] = []
        self.is_here = False

    def ask_get(self, then: Callable[[GetAnswer | None], None], _now_ms: int) -> None:
        self.gets.append(then)

    def ask_purge(self, _then: Callable[[int | None], None], _now_ms: int) -> None:
        """Nothing comes."""

    def ask_counts(self, _then: Callable[[CountsAnswer | None], None], _now_ms: int) -> None:
        """Nothing comes."""

    def ask_consume(self, *_args: object) -> None:
        """Nothing comes."""


class Undecided:
    """A commit group that decides nothing."""

    committed_lsn: Final = 0
    is_one_log: Final = False

    def wait(self, _lsn: int, _call: Callable[[], None]) -> None:
        """It never does."""


@pytest.fixture
def leader() -> Silent:
    return Silent()


Play = Callable[[Callable[[Cluster, Client], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, leader: Silent) -> Play:
    """Play a case for a client with two channels, once nothing outside answers any more."""

    def committed(_channel: Channel, _now_ms: int) -> Steps[Promise]:
        yield from ()
        return Promise(CommitPoint(Undecided(), 1))

    def asked(queue: Queue) -> Silent | None:
        return leader if queue.owner is None and not leader.is_here else None

    async def run(case: Callable[[Cluster, Client], Coroutine[Any, Any, None]]) -> None:
        async with cluster_of(1) as cluster:
            one = cluster.open(0)
            one.client.open_channel(2)
            await one.ask(Q.Declare, queue="q", durable=True)
            await one.ask(Q.Declare, queue="brief", auto_delete=True)
            await one.ask(B.Consume, queue="brief", consumer_tag="c")
            await one.ask(Q.Declare, queue="own", exclusive=True)
            monkeypatch.setattr(Channel, "tx_commit", committed)
            for name in ("asked_elsewhere", "asked_for_messages"):
                monkeypatch.setattr(Queue, name, property(asked))
            cluster.store.go_away()
            await case(cluster, one.client)
            if not one.client.is_closed():
                one.client.connection.lose(one.client.node.now_ms)
                one.client.node.end_turns()
            assert one.client.is_closed()
            ends = one.client.connection._channels.ends
            assert not ends.overlapping.waiting
            assert (ends.overlapping.gathered, ends.overlapping.gathered_bytes) == ({}, 0)
            cluster.store.come_back()

    return lambda case: asyncio.run(run(case))


def is_served(client: Client, channel: int = 2) -> bool:
    """Return whether another channel is, at once."""
    client.publish(b"other", routing_key="own", channel=channel)
    client.send_bytes(method_frame(channel, B.Get, queue="own", no_ack=True))
    client.node.end_turns()
    return [each.name for each in client.methods()] == ["Basic.GetOk"]


async def check_alone(client: Client, octets: bytes) -> None:
    client.send_bytes(octets + method_frame(1, B.Qos, prefetch_count=1))
    client.node.end_turns()
    for _ in range(20):
        await asyncio.sleep(0)
    assert client.receive() == [], "it waits, and what is behind it too"
    assert is_served(client)
    assert client.is_read()


@pytest.mark.parametrize("name", WAITING)
def test_a_method_holds_up_its_channel_alone(play: Play, name: str) -> None:
    kind, given = WAITING[name]

    async def case(_cluster: Cluster, client: Client) -> None:
        if kind is Tx.Commit:
            client.send(Tx.Select)
            client.receive()
        await check_alone(client, method_frame(1, kind, **given))

    play(case)


@pytest.mark.parametrize("name", PUBLISHES)
def test_a_publish_holds_up_its_channel_alone(play: Play, name: str) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        await check_alone(client, PUBLISHES[name])

    play(case)


def test_all_that_may_wait_are_in_the_table() -> None:
    handlers = {**dispatch.HANDLERS, **decided.DECIDED}
    may_wait = {
        kind
        for kind, handler in handlers.items()
        if "WaitingSteps" in str(handler.__annotations__["return"])
        or "Wait" in str(get_type_hints(handler)["return"])
    }
    assert {B.Get, Q.Purge, X.Declare, Tx.Commit} <= may_wait
    assert may_wait <= {kind for kind, _ in WAITING.values()}


# ── what is behind a method that waits ──

GET: Final = method_frame(1, B.Get, queue="q", no_ack=True)
EMPTY: Final = GetAnswer(None, 0)


def shown(client: Client, channel: int = 1) -> list[str]:
    received = client.receive()
    return [
        each.method.name for each in received if each.channel == channel and each.method is not None
    ]


async def shown_later(client: Client, count: int) -> list[str]:
    found: list[str] = []

    def are_there() -> bool:
        found.extend(shown(client))
        return len(found) >= count

    await until(are_there)
    return found


def test_what_is_behind_a_get_is_answered_behind_it(play: Play, leader: Silent) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        client.send_bytes(
            GET
            + publish_frames("", "own", b"mine")
            + method_frame(1, B.Get, queue="own")
            + method_frame(1, B.Ack, delivery_tag=1)
            + GET
            + method_frame(1, Q.Declare, queue="own", passive=True)
        )
        assert is_served(client), "nothing is published before the get is answered"
        leader.gets[0](EMPTY)
        client.node.end_turns()
        assert shown(client) == ["Basic.GetEmpty", "Basic.GetOk"]
        leader.gets[1](EMPTY)
        client.node.end_turns()
        (empty, declared) = client.methods()
        assert isinstance(empty, B.GetEmpty)
        assert isinstance(declared, Q.DeclareOk)
        assert declared.message_count == 0, "it was acked"

    play(case)


def test_a_channel_closes_behind_its_get_and_its_number_is_used_again(
    play: Play, leader: Silent
) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        get = method_frame(2, B.Get, queue="q", no_ack=True)
        close = method_frame(2, *WAITING["channel.close"][:1], **WAITING["channel.close"][1])
        client.send_bytes(get + close + method_frame(2, commands.Channel.Open) + get)
        assert client.receive() == []
        leader.gets[0](EMPTY)
        client.node.end_turns()
        assert shown(client, 2) == ["Basic.GetEmpty", "Channel.CloseOk", "Channel.OpenOk"]
        leader.gets[1](EMPTY)
        client.node.end_turns()
        assert shown(client, 2) == ["Basic.GetEmpty"]

    play(case)


def test_a_number_is_used_again_once_its_channel_has_ended(play: Play) -> None:
    async def case(cluster: Cluster, client: Client) -> None:
        close = method_frame(1, *WAITING["channel.close"][:1], **WAITING["channel.close"][1])
        client.send_bytes(close + method_frame(1, commands.Channel.Open) + close)
        assert client.receive() == []
        assert is_served(client)
        cluster.store.come_back()
        assert await shown_later(client, 3) == [
            "Channel.CloseOk",
            "Channel.OpenOk",
            "Channel.CloseOk",
        ]

    play(case)


def test_what_comes_on_a_channel_that_dies_is_ignored_and_its_close_is_answered(
    play: Play,
) -> None:
    async def case(cluster: Cluster, client: Client) -> None:
        client.send_bytes(method_frame(1, B.Reject, delivery_tag=77))
        client.send_bytes(publish_frames("", "own", b"m" * 1000) * 2_000)
        close = method_frame(1, *WAITING["channel.close"][:1], **WAITING["channel.close"][1])
        client.send_bytes(close)
        overlapping = client.connection._channels.ends.overlapping
        assert (client.is_read(), overlapping.gathered_bytes) == (True, 0)
        assert is_served(client)
        cluster.store.come_back()
        assert await shown_later(client, 2) == ["Channel.Close", "Channel.CloseOk"]
        client.send(commands.Channel.CloseOk)
        client.open_channel(1)

    play(case)


def test_twenty_thousand_gets_in_one_write_hold_little(play: Play, leader: Silent) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        other = client.node.open()
        client.send_bytes(GET * 20_000)
        overlapping = client.connection._channels.ends.overlapping
        (gathered,) = overlapping.gathered.values()
        assert len(gathered.events) <= GATHERED_MAX
        assert len(leader.gets) == 1
        assert not client.is_read(), "its socket is not read"
        assert other.works()
        for number in range(2 * GATHERED_MAX + 10):
            leader.gets[number](EMPTY)
            client.node.end_turns()
        assert shown(client) == ["Basic.GetEmpty"] * (2 * GATHERED_MAX + 10)

    play(case)


def test_publishes_are_gathered_up_to_bounds(play: Play) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        overlapping = client.connection._channels.ends.overlapping
        for number in range(3, 12):
            client.open_channel(number)
        for number in (1, *range(3, 12)):
            client.send_bytes(method_frame(number, B.Get, queue="q", no_ack=True))
            body = b"m" * (GATHERED_BYTES_MAX // 2)
            client.publish(body, body, routing_key="own", channel=number)
            assert overlapping.gathered_bytes <= ALL_GATHERED_BYTES_MAX
        assert not client.is_read()

    play(case)


@pytest.mark.parametrize("last", ["half", "killed", "channel.close", "connection.close"])
def test_a_client_ends_while_a_get_waits(play: Play, leader: Silent, last: str) -> None:
    async def case(cluster: Cluster, client: Client) -> None:
        other = client.node.open()
        get = method_frame(2, B.Get, queue="q", no_ack=True)
        client.send_bytes(get + method_frame(2, Q.Declare, queue="never", exclusive=True))
        closing = WAITING["channel.close"][1]
        if last == "half":
            client.connection.receive_eof(client.node.now_ms)
        elif last == "killed":
            client.connection.lose(client.node.now_ms)
        else:
            kind = getattr(commands, last.split(".", maxsplit=1)[0].title()).Close
            client.send(kind, 2 * (last == "channel.close"), **closing)
        client.node.end_turns()
        assert other.works()
        assert client.is_closed() is (last == "killed")
        assert client.node.vhost.queues.find("never") is None
        leader.gets[0](EMPTY)
        client.node.end_turns()
        if last != "killed":
            assert shown(client, 2)[:2] == ["Basic.GetEmpty", "Queue.DeclareOk"]
        if last == "connection.close":  # it says so once the queue that was left is gone
            assert not client.is_closed()
            leader.is_here = True
            cluster.store.come_back()
            await until(client.is_closed)

    play(case)
