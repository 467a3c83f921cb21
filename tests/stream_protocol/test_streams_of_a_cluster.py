"""Streams that are created and deleted on nodes of a cluster: the store decides."""

import asyncio

import pytest

from amqp_server.broker.arguments.stream_texts import stream_properties
from amqp_server.broker.steps import WaitingSteps
from amqp_server.stream_protocol.fields import U8, string, strings
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import RESPONSE, Code, CommandKey
from tests.support.asking_streams import (
    CREATE,
    CREATE_SUPER,
    DELETE,
    DELETE_SUPER,
    AskingStreams,
    create,
    request,
    super_stream,
)
from tests.support.clustered_nodes import IMPATIENT_MS, cluster_of, held, until
from tests.support.stream_peer import confirmed, ok, publish_body, refused

MANY = 20_000


def test_of_two_nodes_that_create_a_stream_one_is_told_that_it_exists() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            clients = [AskingStreams(node) for node in cluster.nodes]
            answers = await asyncio.gather(*[each.create("s") for each in clients])
            assert sorted(answers) == sorted(
                [ok(CREATE), refused(CREATE, Code.STREAM_ALREADY_EXISTS)]
            )
            await cluster.alike()
            assert all(node.vhost.queues.find("s") for node in cluster.nodes)

    asyncio.run(main())


def test_a_stream_that_another_node_made_is_found_at_once() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            first, second = (AskingStreams(node) for node in cluster.nodes)
            key = CommandKey.DECLARE_PUBLISHER
            unknown = await second.ask(key, U8.pack(1), string(""), string("s"))
            assert unknown == refused(key, Code.STREAM_DOES_NOT_EXIST)
            assert await first.create("s") == ok(CREATE)
            assert await second.ask(key, U8.pack(1), string(""), string("s")) == ok(key)
            assert await first.ask(DELETE, string("s")) == ok(DELETE)

    asyncio.run(main())


def test_a_stream_is_deleted_once_and_anew() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            first, second = (AskingStreams(node) for node in cluster.nodes)
            for _ in range(3):
                assert await first.create("s") == ok(CREATE)
                assert await second.ask(DELETE, string("s")) == ok(DELETE)
            missing = refused(DELETE, Code.STREAM_DOES_NOT_EXIST)
            assert await first.ask(DELETE, string("s")) == missing, "it may not have heard of it"

    asyncio.run(main())


def test_a_stream_that_was_made_anew_meanwhile_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with cluster_of(1) as cluster:
            client = AskingStreams(cluster.nodes[0])
            decisions = cluster.nodes[0].broker.decisions
            assert decisions is not None
            deleting, asked = decisions.deleting_queue, list[str]()

            def deleting_late(vhost: str, name: str, stored_id: str) -> WaitingSteps[bool]:
                """Delete, behind another node that has deleted and made it anew the first time."""
                asked.append(stored_id)
                if len(asked) == 1:
                    yield from deleting(vhost, name, stored_id)
                    yield from decisions.creating_queue(vhost, name, stream_properties({}))
                return (yield from deleting(vhost, name, stored_id))

            monkeypatch.setattr(decisions, "deleting_queue", deleting_late)
            assert await client.create("s") == ok(CREATE)
            assert await client.ask(DELETE, string("s")) == ok(DELETE)
            assert len(set(asked)) == 2
            assert await client.create("s") == ok(CREATE), "it is gone"

    asyncio.run(main())


# ── super streams ──


def test_a_super_stream_is_there_on_each_node_and_goes_as_a_whole() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            first, second = (AskingStreams(node) for node in cluster.nodes)
            before = held(cluster.nodes[0])
            keys = [str(number) for number in range(20)]
            assert await first.ask(CREATE_SUPER, *super_stream("o", *keys)) == ok(CREATE_SUPER)
            await cluster.alike()
            names = strings([f"o-{key}" for key in keys])
            partitions = CommandKey.PARTITIONS
            assert await second.ask(partitions, string("o")) == ok(partitions, names)
            route = CommandKey.ROUTE
            found = await second.ask(route, string("7"), string("o"))
            assert found == ok(route, strings(["o-7"]))
            taken = refused(CREATE_SUPER, Code.STREAM_ALREADY_EXISTS)
            assert await second.ask(CREATE_SUPER, *super_stream("o", "7")) == taken
            assert await second.ask(DELETE_SUPER, string("o")) == ok(DELETE_SUPER)
            await until(lambda: all(held(node) == before for node in cluster.nodes))

    asyncio.run(main())


def test_a_partition_whose_name_is_taken_leaves_nothing_of_a_super_stream() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            first, second = (AskingStreams(node) for node in cluster.nodes)
            assert await first.create("o-15") == ok(CREATE)
            await cluster.alike()
            before = held(cluster.nodes[0])
            keys = [str(number) for number in range(20)]
            taken = refused(CREATE_SUPER, Code.STREAM_ALREADY_EXISTS)
            assert await second.ask(CREATE_SUPER, *super_stream("o", *keys)) == taken
            await until(lambda: all(held(node) == before for node in cluster.nodes))
            missing = refused(DELETE_SUPER, Code.STREAM_DOES_NOT_EXIST)
            assert await first.ask(DELETE_SUPER, string("o")) == missing

    asyncio.run(main())


def test_of_two_nodes_that_make_a_super_stream_one_does() -> None:
    async def main() -> None:
        async with cluster_of(2) as cluster:
            clients = [AskingStreams(node) for node in cluster.nodes]
            wanted = super_stream("o", "a", "b", "c")
            answers = await asyncio.gather(*[each.ask(CREATE_SUPER, *wanted) for each in clients])
            assert sorted(answers) == sorted(
                [ok(CREATE_SUPER), refused(CREATE_SUPER, Code.STREAM_ALREADY_EXISTS)]
            )
            await cluster.alike()
            partitions = CommandKey.PARTITIONS
            names = strings(["o-a", "o-b", "o-c"])
            for each in clients:
                assert await each.ask(partitions, string("o")) == ok(partitions, names)

    asyncio.run(main())


# ── while the store is asked ──


def test_twenty_thousand_creates_in_one_write_wait_in_the_clients_input() -> None:
    async def main() -> None:
        async with cluster_of(1) as cluster:
            client = AskingStreams(cluster.nodes[0])
            asked_count = 0
            ask = cluster.nodes[0].desk.ask

            def counted(*given: object) -> object:
                nonlocal asked_count
                asked_count += 1
                return ask(*given)  # type: ignore[arg-type]

            cluster.nodes[0].desk.ask = counted  # type: ignore[method-assign, assignment]
            client.peer.send_bytes(b"".join(create(f"s{number}") for number in range(MANY)))
            assert asked_count == 1
            assert not client.peer.connection.reading.is_wanted
            await client.answers(50)
            assert 50 <= asked_count <= 60

    asyncio.run(main())


def test_publishes_go_on_while_a_stream_is_created() -> None:
    async def main() -> None:
        async with cluster_of(1) as cluster:
            client = AskingStreams(cluster.nodes[0])
            assert await client.create("s") == ok(CREATE)
            key = CommandKey.DECLARE_PUBLISHER
            assert await client.ask(key, U8.pack(1), string(""), string("s")) == ok(key)
            stats = request(CommandKey.STREAM_STATS, string("t"))
            publish = frame(CommandKey.PUBLISH, publish_body(1, (5, b"m")))
            client.peer.send_bytes(create("t") + publish + stats)
            assert client.peer.receive() == [confirmed(1, 5)]
            created, figures = await client.answers(2)
            assert created == ok(CREATE)
            assert figures.key == CommandKey.STREAM_STATS | RESPONSE

    asyncio.run(main())


def test_a_store_that_is_away_costs_a_create_and_not_the_connection() -> None:
    async def main() -> None:
        async with cluster_of(1, patience_ms=IMPATIENT_MS) as cluster:
            client = AskingStreams(cluster.nodes[0])
            assert await client.create("s") == ok(CREATE)
            cluster.store.go_away()
            away = Code.INTERNAL_ERROR
            assert await client.create("t") == refused(CREATE, away)
            wanted = super_stream("o", "a", "b")
            assert await client.ask(CREATE_SUPER, *wanted) == refused(CREATE_SUPER, away)
            key = CommandKey.DECLARE_PUBLISHER
            assert await client.ask(key, U8.pack(1), string(""), string("s")) == ok(key)
            cluster.store.come_back()
            assert await client.create("t") == ok(CREATE)

    asyncio.run(main())
