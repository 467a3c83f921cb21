"""Clients of the stream protocol on real nodes: who leads, who answers, and what a move tells."""

import asyncio
from pathlib import Path

import pytest

from amqp_server.stream_protocol.fields import U8, U16, U64, string, string_map, strings
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.support.clustered_processes import ClusteredProcesses, running_nodes
from tests.support.raw_streams import RawStreams
from tests.support.stream_peer import chunk_of, publish_body

WAIT_S = 60
COUNT = 100

pytestmark = pytest.mark.timeout(240)


async def led_at(client: RawStreams, *but: tuple[str, int]) -> tuple[str, int]:
    """Wait until a node leads the stream that is none of these; return where it is."""
    async with asyncio.timeout(WAIT_S):
        while True:
            code, leader = await client.leader_of("s")
            assert code == Code.OK
            if leader is not None and leader not in but:
                return leader
            await asyncio.sleep(0.1)


async def published(client: RawStreams, first: int) -> None:
    """Publish some messages, and wait for all confirms."""
    messages = [(number, b"%d" % number) for number in range(first, first + COUNT)]
    client.send(CommandKey.PUBLISH, publish_body(1, *messages))
    confirmed = 0
    while confirmed < COUNT:
        confirmed += (len((await client.take(CommandKey.PUBLISH_CONFIRM)).body) - 5) // 8


async def begun(client: RawStreams) -> None:
    """Declare a publisher as soon as the leader serves."""
    declare = U8.pack(1) + string("p") + string("s")
    async with asyncio.timeout(WAIT_S):
        while True:
            code, _ = await client.ask(CommandKey.DECLARE_PUBLISHER, declare)
            if code == Code.OK:
                return
            assert code == Code.STREAM_NOT_AVAILABLE
            await asyncio.sleep(0.05)


async def read(client: RawStreams, count: int) -> None:
    """Read all of the stream: each message is at its offset."""
    subscribe = U8.pack(9) + string("s") + U16.pack(1) + U16.pack(100) + string_map({})
    assert (await client.ask(CommandKey.SUBSCRIBE, subscribe))[0] == Code.OK
    got: list[bytes] = []
    while len(got) < count:
        chunk = chunk_of(await client.take(CommandKey.DELIVER))
        assert chunk.header.first_offset == len(got)
        got += chunk.messages
    assert got == [b"%d" % number for number in range(count)]


async def stored_offset(client: RawStreams) -> int:
    code, body = await client.ask(CommandKey.QUERY_OFFSET, string("me") + string("s"))
    assert code == Code.OK
    return int(U64.unpack(body)[0])


async def play(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    one, two, three = [await RawStreams.open(port) for port in nodes.stream_ports.values()]
    at = {name: ("127.0.0.1", port) for name, port in nodes.stream_ports.items()}
    assert (await one.ask(CommandKey.CREATE, string("s") + string_map({})))[0] == Code.OK
    assert await led_at(two) == at["n1"]

    # A node that does not lead takes neither publishers nor subscriptions, and answers for it.
    away = Code.STREAM_NOT_AVAILABLE
    declare = U8.pack(1) + string("p") + string("s")
    assert (await two.ask(CommandKey.DECLARE_PUBLISHER, declare))[0] == away
    await begun(one)
    await published(one, 0)
    two.send(CommandKey.STORE_OFFSET, string("me") + string("s") + U64.pack(41))
    assert await stored_offset(two) == 41
    sequence = CommandKey.QUERY_PUBLISHER_SEQUENCE, string("p") + string("s")
    assert await three.ask(*sequence) == (Code.OK, U64.pack(COUNT - 1))
    await read(one, COUNT)

    # The leader moves: its clients are told, once, and what they publish there is not confirmed.
    status, body = nodes.call("n3", "POST", "api/queues/%2F/s/leader", {"node": "n2"})
    assert status == 200, body
    update = await one.take(CommandKey.METADATA_UPDATE)
    assert update.body == U16.pack(away) + string("s")
    one.send(CommandKey.PUBLISH, publish_body(1, (COUNT, b"late")))
    gone = await one.take(CommandKey.PUBLISH_ERROR)
    assert gone.body[-2:] == U16.pack(Code.PUBLISHER_DOES_NOT_EXIST)
    assert await led_at(three, at["n1"]) == at["n2"]
    await begun(two)
    assert await three.ask(*sequence) == (Code.OK, U64.pack(COUNT - 1))
    await published(two, COUNT)
    assert await stored_offset(one) == 41

    # The leader is killed: another one has all of it.
    nodes.kill("n2")
    last = await led_at(three, at["n2"])
    client = one if last == at["n1"] else three
    await begun(client)
    await published(client, 2 * COUNT)
    await read(client, 3 * COUNT)
    assert await stored_offset(three) == 41
    keys = ["a", "b", "c"]
    wanted = string("o") + strings([f"o-{key}" for key in keys]) + strings(keys) + string_map({})
    assert (await client.ask(CommandKey.CREATE_SUPER_STREAM, wanted))[0] == Code.OK
    found = await three.ask(CommandKey.PARTITIONS, string("o"))
    assert found == (Code.OK, strings([f"o-{key}" for key in keys]))
    for each in (one, two, three):
        each.close()


def test_clients_find_the_leader_wherever_they_ask(tmp_path: Path) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(play(nodes))
