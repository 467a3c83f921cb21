"""A mirrored stream with real nodes and a real client: no offset changes, whoever leads."""

import asyncio
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.abc import FieldTable

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

PATIENCE_S = 90
WINDOW = 100
COUNT = 3_000
STREAM: FieldTable = {"x-queue-type": "stream"}

pytestmark = pytest.mark.timeout(240)


OPENED: list[AbstractConnection] = []


async def connected(nodes: ClusteredProcesses, name: str) -> AbstractConnection:
    connection = await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/")
    OPENED.append(connection)
    return connection


async def close_all() -> None:
    while OPENED:
        await OPENED.pop().close()


class Reader:
    """Reads a stream on one node, and keeps what it got in order."""

    def __init__(self) -> None:
        self.got: list[tuple[int, bytes]] = []
        self._came = asyncio.Event()

    async def begin(self, nodes: ClusteredProcesses, name: str, offset: object) -> None:
        channel = await (await connected(nodes, name)).channel()
        await channel.set_qos(WINDOW)
        queue = await channel.get_queue("events", ensure=False)
        await queue.consume(self._take, arguments={"x-stream-offset": offset})  # type: ignore[dict-item]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.got) < count:
                self._came.clear()
                await self._came.wait()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        offset = message.headers["x-stream-offset"]
        assert isinstance(offset, int)
        self.got.append((offset, message.body))
        self._came.set()
        await message.ack()


class Writer:
    """Publishes with confirms, so many at once."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._window = asyncio.Semaphore(WINDOW)
        self.confirmed: set[bytes] = set()
        self.half_confirmed = asyncio.Event()

    async def publish_all(self) -> None:
        await asyncio.gather(*(self._publish(b"%d" % number) for number in range(COUNT)))

    async def _publish(self, body: bytes) -> None:
        async with self._window:
            exchange = self._channel.default_exchange
            await exchange.publish(aio_pika.Message(body), "events", timeout=PATIENCE_S)
            self.confirmed.add(body)
            if len(self.confirmed) == COUNT // 2:
                self.half_confirmed.set()


async def read_again(nodes: ClusteredProcesses, got: list[tuple[int, bytes]]) -> None:
    """Read it from other places on other nodes: no offset has another message."""
    for name, offset in (("n2", "first"), ("n3", 0), ("n2", 1_000), ("n3", "last")):
        again = Reader()
        await again.begin(nodes, name, offset)
        first = {"first": 0, "last": COUNT - 1}.get(str(offset), offset)
        assert isinstance(first, int)
        await again.until(COUNT - first)
        seen = list(again.got)
        assert seen == got[seen[0][0] :][: len(seen)], "no offset has changed"


async def flow_around(nodes: ClusteredProcesses, fault: str) -> list[tuple[int, bytes]]:
    """Declare on n1, which leads; publish on n2, read on n3, while n1 goes away."""
    declaring = await connected(nodes, "n1")
    await (await declaring.channel()).declare_queue("events", durable=True, arguments=STREAM)
    await close_all()
    reader, late = Reader(), Reader()
    await reader.begin(nodes, "n3", "first")
    writer = Writer(await (await connected(nodes, "n2")).channel(publisher_confirms=True))
    publishing = asyncio.ensure_future(writer.publish_all())
    await writer.half_confirmed.wait()
    await late.begin(nodes, "n3", "next")
    if fault == "kill":
        nodes.kill("n1")
    else:
        nodes.freeze("n1")
    await asyncio.wait_for(publishing, PATIENCE_S)
    await reader.until(COUNT)
    assert [offset for offset, _ in reader.got] == list(range(COUNT)), "no gap, no repeat"
    assert sorted(body for _, body in reader.got) == sorted(writer.confirmed)
    await late.until(1)
    await late.until(COUNT - late.got[0][0])
    assert late.got == reader.got[late.got[0][0] :], "no gap, no repeat"
    return reader.got


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_no_offset_changes_when_the_leader_goes(tmp_path: Path, fault: str) -> None:
    async def run() -> None:
        await nodes.start_all()
        got = await flow_around(nodes, fault)
        await read_again(nodes, got)
        if fault == "kill":
            nodes.start("n1")
            await nodes.until_ready("n1")
            back = Reader()
            await back.begin(nodes, "n1", "first")
            await back.until(COUNT)
            assert back.got == got
        await close_all()

    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(run())
