"""Methods that follow one another on a channel: answered in order, as by one broker."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands

from amqp_server.broker.access.rights import TopicPermissions
from amqp_server.broker.queue import Queue
from amqp_server.protocol.methods.decided_runs import RUN_MAX
from amqp_server.protocol.overlapping import GATHERED_BYTES_MAX, GATHERED_MAX
from amqp_server.wire.methods import Method
from cluster.definitions.joining import CHANGES_MAX, READS_MAX
from cluster.metadata.port import Put, Transaction
from queues.asked_port import ConsumeAnswer, CountsAnswer
from queues.consumer_port import ConsumerHandle
from tests.support.clustered_nodes import STORED, Cluster, cluster_of, held, until
from tests.support.frames import method_frame
from tests.support.peer import Client, Node, Received

Q, X, B = commands.Queue, commands.Exchange, commands.Basic
Sent = tuple[type[Method], dict[str, Any]]


def play(case: Callable[[Cluster], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        async with cluster_of() as cluster:
            await case(cluster)

    asyncio.run(run())


def written(script: Sequence[tuple[int, Sent]]) -> bytes:
    return b"".join(method_frame(channel, kind, **given) for channel, (kind, given) in script)


def counted(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[Transaction]:
    asked: list[Transaction] = []
    original = cluster.store.transact

    async def transact(transaction: Transaction) -> object:
        asked.append(transaction)
        return await original(transaction)

    monkeypatch.setattr(cluster.store, "transact", transact)
    return asked


async def answers(client: Client, count: int) -> list[Received]:
    found: list[Received] = []

    def are_there() -> bool:
        found.extend(client.receive())
        return len(found) >= count

    await until(are_there)
    return found


def test_declares_in_one_write_share_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    async def case(cluster: Cluster) -> None:
        client = cluster.open(0).client
        asked = counted(cluster, monkeypatch)
        names = [f"q{number}" for number in range(200)]
        declares = [(1, (Q.Declare, {"queue": name, "durable": True})) for name in names]
        client.send_bytes(written(declares))
        came = await answers(client, len(names))
        assert [each.method.queue for each in came] == names  # type: ignore[union-attr]
        # The first is alone; each run has a part that is shorter.
        assert len(asked) <= 1 + 200 // CHANGES_MAX + 200 // RUN_MAX + 2
        count = len(asked)
        client.send_bytes(written(declares))
        assert len(await answers(client, len(names))) == len(names)
        assert len(asked) - count <= 1 + 200 // READS_MAX + 200 // RUN_MAX + 2

    play(case)


def test_nothing_behind_one_that_fails_is_done() -> None:
    async def case(cluster: Cluster) -> None:
        client = cluster.open(0).client
        limited = {"queue": "q3", "durable": True, "arguments": {"x-max-length": 1}}
        client.send_bytes(written([(1, (Q.Declare, limited))]))
        await answers(client, 1)
        client.send_bytes(
            written([(1, (Q.Declare, {"queue": f"q{n}", "durable": True})) for n in range(9)])
        )
        came = await answers(client, 4)
        names = [each.method.name for each in came if each.method]
        assert names == ["Queue.DeclareOk"] * 3 + ["Channel.Close"]
        (close,) = [each.method for each in came if isinstance(each.method, commands.Channel.Close)]
        assert (close.reply_code, close.class_id, close.method_id) == (406, 50, 10)
        await cluster.alike()
        queues = {each.name for each in cluster.nodes[1].vhost.queues}
        assert queues == {"q0", "q1", "q2", "q3"}

    play(case)


def test_twenty_thousand_in_one_write_hold_little_and_delay_no_other_client() -> None:
    async def case(cluster: Cluster) -> None:
        greedy, other = cluster.open(0).client, cluster.open(0)
        declare = method_frame(1, Q.Declare, queue="q", durable=True, nowait=True)
        greedy.send_bytes(declare * 20_000)
        await asyncio.sleep(0)
        overlapping = greedy.connection._channels.ends.overlapping
        (gathered,) = overlapping.gathered.values()
        assert len(gathered.events) <= GATHERED_MAX
        assert not greedy.is_read(), "its socket is not read"
        for number in range(5):
            await other.ask(Q.Declare, queue=f"other {number}", durable=True)
            assert overlapping.waiting, "it is not done for long"

    play(case)


def test_large_arguments_are_gathered_up_to_a_bound() -> None:
    async def case(cluster: Cluster) -> None:
        client = cluster.open(0).client
        large = {"x": "x" * (GATHERED_BYTES_MAX // 3)}
        script: list[tuple[int, Sent]] = [
            (1, (Q.Declare, {"queue": f"q{n}", "durable": True, "arguments": large}))
            for n in range(6)
        ]
        client.send_bytes(written(script))
        (gathered,) = client.connection._channels.ends.overlapping.gathered.values()
        assert len(gathered.events) == 2
        assert len(await answers(client, 6)) == 6

    play(case)


def test_a_client_that_leaves_has_what_it_asked_for_and_nothing_after() -> None:
    async def case(cluster: Cluster) -> None:
        client = cluster.open(0).client
        client.send_bytes(
            written([(1, (Q.Declare, {"queue": f"q{n}", "durable": True})) for n in range(9)])
        )
        client.connection.receive_eof(client.node.now_ms)
        await answers(client, 9)
        assert client.is_closed()
        gone = cluster.open(0).client
        gone.send_bytes(written([(1, (Q.Declare, {"queue": f"r{n}"})) for n in range(9)]))
        gone.connection.lose(gone.node.now_ms)
        gone.node.end_turns()
        assert not gone.connection._channels.ends.overlapping.gathered

    play(case)


class Leader:
    """Leads all queues from elsewhere; each consumer waits for what the test says."""

    def __init__(self, queue: Queue, asked: dict[str, Callable[[ConsumeAnswer], None]]) -> None:
        self._queue = queue
        self._asked = asked

    def ask_consume(
        self, handle: ConsumerHandle, then: Callable[[ConsumeAnswer], None], now_ms: int
    ) -> None:
        self._queue.engine.consume(handle, now_ms)
        self._asked[handle.consumer_tag] = then

    def ask_counts(self, then: Callable[[CountsAnswer], None], _now_ms: int) -> None:
        then(CountsAnswer(0, 0, 0))


@pytest.mark.parametrize("last", [ConsumeAnswer.THERE, ConsumeAnswer.BARRED])
def test_consumers_in_one_write_are_asked_for_together_and_begin_in_order(
    monkeypatch: pytest.MonkeyPatch, last: ConsumeAnswer
) -> None:
    asked: dict[str, Callable[[ConsumeAnswer], None]] = {}

    async def case(cluster: Cluster) -> None:
        client, names = cluster.open(0).client, [f"q{number}" for number in range(6)]
        client.send_bytes(written([(1, (Q.Declare, {"queue": n, "durable": True})) for n in names]))
        await answers(client, 6)
        monkeypatch.setattr(Queue, "asked_elsewhere", property(lambda q: Leader(q, asked)))
        for name in names:
            client.publish(b"m", routing_key=name)
        client.send_bytes(
            written([(1, (B.Consume, {"queue": n, "consumer_tag": n})) for n in names])
        )
        assert list(asked) == ["q0"], "the first is asked for alone"
        asked["q0"](ConsumeAnswer.THERE)
        client.node.end_turns()
        assert list(asked) == names
        for name in ("q5", "q3", "q1"):
            asked[name](ConsumeAnswer.THERE)
            client.node.end_turns()
        came = client.receive()
        assert [type(each.method) for each in came] == [
            B.ConsumeOk,
            B.Deliver,
            B.ConsumeOk,
            B.Deliver,
        ]
        asked["q2"](last)
        client.node.end_turns()
        monkeypatch.undo()
        counts = [q.engine.consumer_count for q in client.node.vhost.queues]
        if last is ConsumeAnswer.BARRED:
            (close,) = client.methods()
            assert isinstance(close, commands.Channel.Close)
            assert (close.reply_code, close.method_id) == (403, 20)
            assert counts == [0] * 6
            client.send(commands.Channel.CloseOk)
            client.open_channel(1)
            got = [client.get(name) for name in names]
            assert got == [b"m"] * 6, "what was not shown is back, too"
        else:
            kinds = [type(each.method) for each in client.receive()]
            assert kinds == [B.ConsumeOk, B.Deliver] * 2
            assert counts == [1] * 6

    play(case)


def test_a_consumer_that_is_taken_back_ends_no_auto_delete_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Callable[[ConsumeAnswer], None]] = {}

    async def case(cluster: Cluster) -> None:
        client, other, names = cluster.open(0).client, cluster.open(0), ["a", "b", "brief"]
        for name in names:
            await other.ask(Q.Declare, queue=name, durable=True, auto_delete=name == "brief")
        monkeypatch.setattr(Queue, "asked_elsewhere", property(lambda q: Leader(q, asked)))
        client.send_bytes(
            written([(1, (B.Consume, {"queue": n, "consumer_tag": n})) for n in names])
        )
        for name, answer in (("a", ConsumeAnswer.THERE), ("b", ConsumeAnswer.BARRED)):
            asked[name](answer)
            client.node.end_turns()
        monkeypatch.undo()
        assert [type(each) for each in client.methods()] == [B.ConsumeOk, commands.Channel.Close]
        for queue in ("after", "that"):  # the store has done by then what was asked before
            await other.ask(Q.Declare, queue=queue, durable=True)
        assert client.node.vhost.queues.find("brief") is not None

    play(case)


def test_rights_are_those_of_the_exchange_that_a_run_declares() -> None:
    async def case(cluster: Cluster) -> None:
        rights = TopicPermissions("guest", "/", "x", "^mine$", "^mine$")
        put = Put(STORED.key_of(rights), STORED.value_of(rights))
        await cluster.store.transact(Transaction(then=(put,)))
        await cluster.alike()
        client = cluster.open(0).client
        declares: list[Sent] = [
            (Q.Declare, {"queue": "q", "durable": True}),
            (X.Declare, {"exchange": "x", "exchange_type": "topic", "durable": True}),
        ]
        binds: list[Sent] = [
            (Q.Bind, {"queue": "q", "exchange": "x", "routing_key": k}) for k in ("mine", "no")
        ]
        client.send_bytes(written([(1, each) for each in [*declares, *binds]]))
        *_, bound, refused = [each.method for each in await answers(client, 4)]
        assert isinstance(bound, Q.BindOk)
        assert isinstance(refused, commands.Channel.Close)
        assert (refused.reply_code, refused.method_id) == (403, 20)

    play(case)


# ── in lock-step with one broker ──

LETTERS = st.sampled_from("abc")
NOWAIT = st.sampled_from([False, False, True])


@st.composite
def sent(draw: st.DrawFn, channel: int, place: str) -> Sent:
    def name() -> str:
        return f"{channel}{draw(LETTERS)}"

    kind = draw(
        st.sampled_from([Q.Declare] * 4 + [X.Declare] * 3 + [Q.Bind] * 3 + [X.Bind] + OTHERS)
    )
    given: dict[str, Any] = {}
    if kind is Q.Declare:
        given = {"queue": name(), "durable": True, "nowait": draw(NOWAIT)}
        given |= draw(
            st.sampled_from(
                [{}] * 8
                + [
                    {"arguments": {"x-max-length": 1}},
                    {"passive": True},
                    {"exclusive": True},
                    {"queue": "amq.no"},
                    {"arguments": {"x-max-length": -1}},
                ]
            )
        )
    elif kind is X.Declare:
        kinds = draw(st.sampled_from(["fanout"] * 5 + ["direct", "nonsense"]))
        given = {"exchange": f"{name()}x", "exchange_type": kinds, "durable": True}
        given["nowait"] = draw(NOWAIT)
    elif kind in (Q.Bind, Q.Unbind):
        queue = draw(st.sampled_from([name(), name(), name(), ""]))
        source = draw(st.sampled_from([f"{name()}x", "amq.fanout"]))
        given = {"queue": queue, "exchange": source, "routing_key": draw(LETTERS)}
    elif kind is X.Bind:
        given = {"source": f"{name()}x", "destination": f"{name()}x", "routing_key": "k"}
    elif kind in (Q.Delete, B.Get):
        given = {"queue": name()}
    elif kind is X.Delete:
        given = {"exchange": f"{name()}x", "if_unused": draw(st.booleans())}
    elif kind is B.Consume:
        # A tag that is taken ends the connection, wherever its other channels are.
        given = {"queue": name(), "consumer_tag": f"tag {place}", "exclusive": draw(NOWAIT)}
    return kind, given


OTHERS: list[type[Method]] = [Q.Delete, X.Delete, Q.Unbind, B.Get, B.Qos, B.Consume, B.Consume]


@st.composite
def scripts(draw: st.DrawFn) -> list[list[tuple[int, Sent]]]:
    """Return writes, each with methods of two channels."""
    channels = st.lists(st.sampled_from([1, 1, 1, 2]), min_size=1, max_size=12)
    return [
        [
            (channel, draw(sent(channel, f"{write}.{number}")))
            for number, channel in enumerate(draw(channels))
        ]
        for write in range(draw(st.integers(1, 3)))
    ]


def shown(received: list[Received], channel: int) -> list[object]:
    return [
        (each.method.name, sorted(dict(each.method).items(), key=str))
        for each in received
        if each.channel == channel and each.method is not None
    ]


def reopen(client: Client, received: list[Received]) -> None:
    for each in received:
        if isinstance(each.method, commands.Channel.Close):
            client.send(commands.Channel.CloseOk, each.channel)
            client.open_channel(each.channel)


@settings(max_examples=60, deadline=None)
@given(scripts())
def test_pipelined_scripts_are_answered_as_by_one_broker(
    writes: list[list[tuple[int, Sent]]],
) -> None:
    single = Node()
    one = single.open()
    one.open_channel(2)

    async def case(cluster: Cluster) -> None:
        client = cluster.open(0).client
        client.open_channel(2)
        for script in writes:
            one.send_bytes(written(script))
            expected = one.receive()
            client.send_bytes(written(script))
            came = await answers(client, len(expected))
            await until(lambda: not client.connection._channels.ends.overlapping.waiting)
            came += client.receive()
            for channel in (1, 2):
                assert shown(came, channel) == shown(expected, channel), script
            for each in (one, client):
                reopen(each, expected)
        await cluster.alike()
        assert held(cluster.nodes[0]) == held(single)

    play(case)
