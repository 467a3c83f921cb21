"""What channels that wait may hold, and ask for, whatever a client sends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest
from pamqp import commands

from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.queue import Queue
from amqp_server.protocol.overlapping import (
    ASKING_MAX,
    GATHERED_MAX,
    SMALL_BYTES,
    WAITING_BYTES_MAX,
)
from queues.asked_port import GetAnswer
from tests.support.clustered_nodes import Cluster, cluster_of, until
from tests.support.frames import (
    BODY,
    HEADER,
    METHOD,
    content_header,
    frame,
    method_frame,
    publish_frames,
    publish_payload,
)
from tests.support.peer import Client

Q, B = commands.Queue, commands.Basic
EMPTY: Final = GetAnswer(None, 0)
GET: Final = {"queue": "q", "no_ack": True}
CLOSE: Final = {"reply_code": 200, "reply_text": "", "class_id": 0, "method_id": 0}


class Leader:
    """Leads a queue elsewhere; gets are answered when the test says, nothing else is."""

    def __init__(self) -> None:
        self.gets: list[Callable[[GetAnswer | None], None]] = []

    def ask_get(self, then: Callable[[GetAnswer | None], None], _now_ms: int) -> None:
        self.gets.append(then)

    def ask_counts(self, *_args: object) -> None:
        """Nothing comes."""


Case = Callable[[Cluster, Client], Coroutine[Any, Any, None]]


@pytest.fixture
def leader(monkeypatch: pytest.MonkeyPatch) -> Leader:
    """Have it lead all queues that are not exclusive."""
    made = Leader()
    for name in ("asked_elsewhere", "asked_for_messages"):
        led = property(lambda queue: made if queue.owner is None else None)
        monkeypatch.setattr(Queue, name, led)
    return made


def play(case: Case, channels_count: int = 2) -> None:
    """Play a case for a client of a cluster whose store is away."""

    async def run() -> None:
        async with cluster_of(1) as cluster:
            one = cluster.open(0)
            for number in range(2, channels_count + 1):
                one.client.open_channel(number)
            await one.ask(Q.Declare, queue="q", durable=True)
            cluster.store.go_away()
            await case(cluster, one.client)
            one.client.connection.lose(one.client.node.now_ms)
            one.client.node.end_turns()
            assert one.client.is_closed()
            cluster.store.come_back()

    asyncio.run(run())


@pytest.mark.parametrize("parts_count", [0, 4, 128])
def test_messages_that_wait_for_the_store_have_a_bound(parts_count: int) -> None:
    count, size_bytes = 12, WAITING_BYTES_MAX // 4

    async def case(_cluster: Cluster, client: Client) -> None:
        for number in range(1, count + 1):
            if not parts_count:
                client.publish(bytes(size_bytes), exchange="none", channel=number)
                continue
            part = frame(BODY, number, bytes(size_bytes // parts_count))
            head = frame(METHOD, number, publish_payload("none", "k", 0))
            client.send_bytes(head + frame(HEADER, number, content_header(size_bytes)))
            for _ in range(parts_count):
                client.send_bytes(part)
        waiting = client.connection._channels.overlapping.waiting
        assert 1 < len(waiting) <= 5
        assert not client.is_read(), "its socket is not read"

    play(case, count)


def test_what_waits_behind_them_is_carried_out_later() -> None:
    count, body = 6, b"m" * (WAITING_BYTES_MAX // 2)

    async def case(cluster: Cluster, client: Client) -> None:
        for number in range(1, count + 1):
            client.send_bytes(publish_frames("none", "k", body, number))
        cluster.store.come_back()
        closes = []

        def are_there() -> bool:
            closes.extend(client.closes())
            return len(closes) >= count

        await until(are_there)
        assert sorted(each.channel for each in closes) == list(range(1, count + 1))
        assert {each.code for each in closes} == {404}
        assert client.is_read()

    play(case, count)


def test_declares_behind_gets_ask_the_store_as_few_at_a_time_as_others(leader: Leader) -> None:
    count = ASKING_MAX + 8

    async def case(_cluster: Cluster, client: Client) -> None:
        for number in range(1, count + 1):
            declares = (method_frame(number, Q.Declare, queue=f"n{number}{each}") for each in "ab")
            client.send_bytes(method_frame(number, B.Get, **GET) + b"".join(declares))
        assert len(leader.gets) == count
        for answer in leader.gets:
            answer(EMPTY)
            client.node.end_turns()
        waiting = client.connection._channels.overlapping.waiting
        assert sum(each.asks_store for each in waiting.values()) <= ASKING_MAX

    play(case, count)


def test_declares_where_content_is_due_are_an_error_as_ever(leader: Leader) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        client.send_bytes(
            method_frame(1, B.Get, **GET)
            + frame(METHOD, 1, publish_payload("", "q", 0))
            + method_frame(1, Q.Declare, queue="a")
            + method_frame(1, Q.Declare, queue="b")
        )
        leader.gets[0](EMPTY)
        client.node.end_turns()
        (close,) = client.closes()
        assert (close.channel, close.code) == (0, 505)

    play(case)


def test_content_that_comes_in_parts_behind_a_get_is_put_together(leader: Leader) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        client.send(Q.Declare, exclusive=True, queue="own")
        client.receive()
        octets = publish_frames("", "own", b"message")
        for part in (method_frame(1, B.Get, **GET), octets[:20], octets[20:45]):
            client.send_bytes(part)
        leader.gets[0](EMPTY)
        client.node.end_turns()
        client.send_bytes(octets[45:] + method_frame(1, B.Get, queue="own", no_ack=True))
        assert [each.body for each in client.receive()] == [b"", b"message"]

    play(case)


def test_a_body_without_a_publish_behind_a_get_is_an_error_behind_it(leader: Leader) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        client.send_bytes(method_frame(1, B.Get, **GET) + frame(BODY, 1, b"m"))
        assert client.receive() == []
        leader.gets[0](EMPTY)
        client.node.end_turns()
        (close,) = client.closes()
        assert (close.channel, close.code) == (0, 505)

    play(case)


def test_a_close_by_us_ends_though_more_came_than_is_gathered() -> None:
    async def case(cluster: Cluster, client: Client) -> None:
        cluster.store.come_back()
        client.send(Q.Declare, queue="brief", auto_delete=True)
        await until(lambda: bool(client.methods()))
        client.send(B.Consume, queue="brief")
        assert len(client.methods()) == 1
        cluster.store.go_away()
        again = method_frame(1, commands.Channel.Open) + method_frame(1, B.Qos) * GATHERED_MAX
        client.send_bytes(method_frame(1, commands.Channel.Close, **CLOSE) + again)
        assert not client.is_read(), "what is behind the close of the channel waits"
        client.connection.shut_down("the operator says so", client.node.now_ms)
        client.node.end_turns()
        (close,) = client.closes()
        assert (close.channel, close.code) == (0, 320)
        client.send(commands.Connection.CloseOk, 0)
        assert client.is_closed(), "its answer is heard"

    play(case)


def test_a_secret_is_taken_while_a_channel_waits(leader: Leader) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        client.send(B.Get, **GET)
        client.send(commands.Connection.UpdateSecret, 0, new_secret=b"guest", reason="new")
        assert [each.name for each in client.methods()] == ["Connection.UpdateSecretOk"]
        assert client.is_read()
        leader.gets[0](EMPTY)
        client.node.end_turns()
        assert [each.name for each in client.methods()] == ["Basic.GetEmpty"]

    play(case)


def fill(client: Client, count: int) -> list[Client]:
    """Have clients whose get waits send publishes behind it; return them."""
    clients = [client.node.open() for _ in range(count)]
    for each in clients:
        each.open_channel(2)
        each.send_bytes(method_frame(1, B.Get, **GET))
        for _ in range(4):
            each.publish(bytes(50_000), routing_key="none")
    return clients


def counted(clients: list[Client]) -> tuple[int, int]:
    """Return what the node has counted, and what its connections keep."""
    tables = [each.connection._channels.overlapping for each in clients]
    kept_bytes = sum(each.gathered_bytes + each.waiting_bytes for each in tables)
    return clients[0].node.broker.waiting_memory.used_bytes, kept_bytes


def test_what_many_connections_gather_has_a_bound_of_the_node(leader: Leader) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        memory = client.node.broker.waiting_memory
        memory.limit_bytes = 1_000_000
        clients = fill(client, 40)
        used_bytes, kept_bytes = counted(clients)
        assert used_bytes == kept_bytes <= memory.limit_bytes + 40 * SMALL_BYTES
        assert clients[0].is_read()
        assert not clients[-1].is_read(), "its socket is not read"
        assert all(each.works() for each in clients[:4]), "others go on"
        small = client.node.open()
        small.send_bytes(method_frame(1, B.Get, **GET) + method_frame(1, B.Qos))
        assert small.is_read(), "one that sends little is not held"
        for answer in leader.gets:
            answer(EMPTY)
            client.node.end_turns()
        assert memory.used_bytes == 0
        assert all(each.is_read() and not each.closes() for each in clients), "nobody is refused"

    play(case)


def test_messages_do_not_begin_to_wait_beside_others_where_the_node_has_no_room() -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        memory = client.node.broker.waiting_memory
        memory.limit_bytes = 500_000
        clients = [client.node.open() for _ in range(20)]
        for each in clients:
            each.open_channel(2)
            for number in (1, 2):
                each.publish(bytes(50_000), exchange="none", channel=number)
        used_bytes, kept_bytes = counted(clients)
        assert used_bytes == kept_bytes
        tables = [each.connection._channels.overlapping for each in clients]
        assert [len(each.waiting) for each in tables] == [2] * 5 + [1] * 15
        assert not clients[-1].is_read()

    play(case)


def refuse_channels(client: Client) -> None:
    for number in (1, 2):
        error = NodeLimitError("too much")
        client.connection._channels.ends.refuse(number, error, client.node.now_ms)


ENDS: Final[dict[str, Callable[[Client], None]]] = {
    "killed": lambda client: client.connection.lose(client.node.now_ms),
    "cut off": lambda client: client.connection.shut_down("because", client.node.now_ms),
    "an error": lambda client: client.send_bytes(frame(BODY, 9, b"")),
    "channels refused": refuse_channels,
}


@pytest.mark.parametrize("end", ENDS)
def test_the_node_gets_its_memory_back_however_what_waits_ends(leader: Leader, end: str) -> None:
    async def case(_cluster: Cluster, client: Client) -> None:
        memory = client.node.broker.waiting_memory
        clients = fill(client, 5)
        for each in clients:
            each.publish(bytes(5_000), exchange="none", channel=2)
        assert len(leader.gets) == 5
        used_bytes, kept_bytes = counted(clients)
        assert used_bytes == kept_bytes > 5 * 205_000
        for number, each in enumerate(clients, start=1):
            ENDS[end](each)
            client.node.end_turns()
            assert memory.used_bytes == used_bytes - number * used_bytes // 5
        for answer in leader.gets:
            answer(EMPTY)
        client.node.end_turns()
        assert counted(clients) == (0, 0)

    play(case)
