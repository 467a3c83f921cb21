"""A stream is read from its mirrors, on real nodes: at once, without a gap, whoever leads."""

import asyncio
from contextlib import suppress
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from amqp_server.stream_protocol.fields import U8, U16, U64, string, string_map
from amqp_server.stream_protocol.keys import Code, CommandKey
from tests.clustering.test_stream_questions_processes import begun, led_at, published
from tests.support.clustered_processes import ClusteredProcesses, running_nodes
from tests.support.raw_streams import RawStreams
from tests.support.stream_peer import chunk_of, publish_body

COUNT = 100
WAIT_S = 60
PROMPT_S = 2.0
FIRST, NEXT = U16.pack(1), U16.pack(3)

pytestmark = pytest.mark.timeout(240)


OPENED: list[AbstractConnection] = []


class Reader:
    """A subscription, and what it got: each message is at its offset."""

    def __init__(self, client: RawStreams, first: int = 0) -> None:
        self.client = client
        self.first = self.next = first

    async def begin(self, spec: bytes) -> Code:
        """Subscribe."""
        subscribe = U8.pack(9) + string("s") + spec + U16.pack(1_000) + string_map({})
        return (await self.client.ask(CommandKey.SUBSCRIBE, subscribe))[0]

    async def until(self, count: int, within_s: float = WAIT_S) -> None:
        """Wait for all messages below an offset."""
        async with asyncio.timeout(within_s):
            while self.next < count:
                chunk = chunk_of(await self.client.take(CommandKey.DELIVER))
                offset = chunk.header.first_offset
                for at, message in enumerate(chunk.messages, offset):
                    if at >= self.first:
                        assert at == self.next, f"{at} after {self.next - 1}"
                        assert message == b"%d" % at
                        self.next = at + 1


class Consumer:
    """The same over AMQP."""

    def __init__(self, nodes: ClusteredProcesses, name: str) -> None:
        self._url = f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/"
        self.got: list[tuple[int, bytes]] = []
        self._came = asyncio.Event()

    async def begin(self, offset: object) -> None:
        """Consume."""
        connection = await aio_pika.connect(self._url)
        OPENED.append(connection)
        channel = await connection.channel()
        await channel.set_qos(10)
        queue = await channel.get_queue("s", ensure=False)
        await queue.consume(self._take, arguments={"x-stream-offset": offset})  # type: ignore[dict-item]

    async def until(self, last: int, within_s: float = WAIT_S) -> None:
        """Wait for all messages below an offset."""
        async with asyncio.timeout(within_s):
            while not self.got or self.got[-1][0] < last - 1:
                self._came.clear()
                await self._came.wait()
        first = self.got[0][0]
        assert self.got == [(at, b"%d" % at) for at in range(first, last)], "no gap, no repeat"

    async def _take(self, message: AbstractIncomingMessage) -> None:
        offset = message.headers["x-stream-offset"]
        assert isinstance(offset, int)
        self.got.append((offset, message.body))
        self._came.set()
        # A stream keeps a message whatever becomes of its delivery.
        await (message.reject() if offset % 10 == 0 else message.ack())


async def read_while_the_leader_stands_still(nodes: ClusteredProcesses, stop: int) -> None:
    """What is committed is read from a mirror all the same, by who comes now, too."""
    nodes.freeze("n1")
    late = Reader(await RawStreams.open(nodes.stream_ports["n2"]), 50)
    assert await late.begin(U16.pack(4) + U64.pack(50)) == Code.OK
    await late.until(stop, PROMPT_S)
    late.client.close()
    nodes.thaw("n1")


async def play(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    ports = nodes.stream_ports
    one, two, three = [await RawStreams.open(port) for port in ports.values()]
    at = {name: ("127.0.0.1", port) for name, port in ports.items()}
    assert (await one.ask(CommandKey.CREATE, string("s") + string_map({})))[0] == Code.OK
    await led_at(two, at["n2"], at["n3"])
    await begun(one)
    await published(one, 0)

    # Mirrors are read, from the first message and from what comes next.
    readers = [Reader(two), Reader(three, COUNT)]
    assert await readers[0].begin(FIRST) == Code.OK
    assert await readers[1].begin(NEXT) == Code.OK
    consumers = [Consumer(nodes, "n2"), Consumer(nodes, "n3")]
    await consumers[0].begin("first")
    await consumers[1].begin("next")
    await readers[0].until(COUNT)
    await consumers[0].until(COUNT)
    await published(one, COUNT)
    one.send(CommandKey.PUBLISH, publish_body(1, (2 * COUNT, b"%d" % (2 * COUNT))))
    everyone: list[Reader | Consumer] = [*readers, *consumers]
    for reader in everyone:
        await reader.until(2 * COUNT + 1, PROMPT_S)
    assert consumers[1].got[0] == (COUNT, b"%d" % COUNT), "what comes next, and nothing before"
    await read_while_the_leader_stands_still(nodes, 2 * COUNT + 1)
    await lose_leaders(nodes, (one, two, three), (readers, consumers))


async def lose_leaders(
    nodes: ClusteredProcesses,
    clients: tuple[RawStreams, RawStreams, RawStreams],
    reading: tuple[list[Reader], list[Consumer]],
) -> None:
    """The leader moves to a node that is read, and is killed there."""
    one, two, three = clients
    readers, consumers = reading
    at = {name: ("127.0.0.1", port) for name, port in nodes.stream_ports.items()}

    # The leader moves to a node that is read: its readers go on at the leader, unasked.
    leader = await led_at(three)
    target = "n2" if leader != at["n2"] else "n3"
    assert nodes.call("n1", "POST", "api/queues/%2F/s/leader", {"node": target})[0] == 200
    client = two if target == "n2" else three
    assert await led_at(one, leader) == at[target]
    await begun(client)
    stop = 3 * COUNT + 1
    client.send(CommandKey.PUBLISH, publish_body(1, *bodies(2 * COUNT + 1, stop)))
    everyone: list[Reader | Consumer] = [*readers, *consumers]
    for reader in everyone:
        await reader.until(stop)

    # It is killed: who has read there is gone, and all others go on.
    nodes.kill(target)
    last = await led_at(one, at[target])
    client = one if last == at["n1"] else readers[1 if target == "n2" else 0].client
    await begun(client)
    client.send(CommandKey.PUBLISH, publish_body(1, *bodies(stop, stop + COUNT)))
    left = 1 if target == "n2" else 0
    await readers[left].until(stop + COUNT)
    await consumers[left].until(stop + COUNT)
    assert not readers[left].client.told, "nobody was told to look for another node"
    for each in clients:
        each.close()
    while OPENED:
        with suppress(Exception):
            await OPENED.pop().close()


def bodies(first: int, stop: int) -> list[tuple[int, bytes]]:
    return [(number, b"%d" % number) for number in range(first, stop)]


def test_readers_of_mirrors_miss_nothing(tmp_path: Path) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(play(nodes))
