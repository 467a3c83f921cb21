"""Real nodes of a cluster with a real client: what it confirms survives, whoever goes away."""

import asyncio
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractRobustConnection

from tests.support.clustered_processes import ClusteredProcesses
from tests.support.etcd_server import require_etcd, running_etcd

PATIENCE_S = 90
WINDOW = 100
COUNT = 2_000

pytestmark = pytest.mark.timeout(240)


class Flow:
    """A publisher on one node and a consumer on another, of one queue that a third one leads."""

    def __init__(self, publishing: AbstractChannel, consuming: AbstractChannel) -> None:
        self._publishing = publishing
        self._consuming = consuming
        self._window = asyncio.Semaphore(WINDOW)
        self.confirmed: set[bytes] = set()
        self.got: set[bytes] = set()
        self.half_confirmed = asyncio.Event()
        self._came = asyncio.Event()

    async def consume(self) -> None:
        queue = await self._consuming.get_queue("jobs", ensure=False)
        await queue.consume(self._take)

    async def publish(self) -> None:
        await asyncio.gather(*(self._publish(b"%d" % number) for number in range(COUNT)))

    async def until_all_came(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.confirmed <= self.got:
                self._came.clear()
                await self._came.wait()

    async def _publish(self, body: bytes) -> None:
        async with self._window:
            message = aio_pika.Message(body, delivery_mode=2)
            await self._publishing.default_exchange.publish(message, "jobs", timeout=PATIENCE_S)
            self.confirmed.add(body)
            if len(self.confirmed) == COUNT // 2:
                self.half_confirmed.set()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self.got.add(message.body)
        self._came.set()
        await message.ack()


async def connected(nodes: ClusteredProcesses, name: str) -> AbstractRobustConnection:
    return await aio_pika.connect_robust(f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/")


async def flow_around(nodes: ClusteredProcesses, fault: str) -> Flow:
    """Publish on n2 and consume on n3, while n1, which leads, has a fault."""
    declaring, publisher, consumer = [await connected(nodes, name) for name in ("n1", "n2", "n3")]
    channel = await declaring.channel()
    await channel.declare_queue("jobs", durable=True)
    await declaring.close()
    consuming = await consumer.channel()
    await consuming.set_qos(WINDOW)
    flow = Flow(await publisher.channel(publisher_confirms=True), consuming)
    await flow.consume()
    publishing = asyncio.ensure_future(flow.publish())
    await flow.half_confirmed.wait()
    if fault == "kill":
        nodes.kill("n1")
    else:
        nodes.freeze("n1")
    await asyncio.wait_for(publishing, PATIENCE_S)
    await flow.until_all_came()
    await publisher.close()
    await consumer.close()
    return flow


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_nothing_confirmed_is_lost_with_its_leader(tmp_path: Path, fault: str) -> None:
    require_etcd()

    async def run() -> Flow:
        await nodes.start_all()
        return await flow_around(nodes, fault)

    with running_etcd(tmp_path) as etcd:
        nodes = ClusteredProcesses(tmp_path, etcd, 3)
        try:
            flow = asyncio.run(run())
        finally:
            statuses = nodes.stop()
    assert len(flow.confirmed) == COUNT
    assert flow.got == flow.confirmed
    assert set(statuses) == {0}


def test_all_nodes_at_once_come_back_with_what_they_confirmed(tmp_path: Path) -> None:
    require_etcd()

    async def run() -> Flow:
        await nodes.start_all()
        publisher = await connected(nodes, "n2")
        channel = await publisher.channel(publisher_confirms=True)
        await channel.declare_queue("jobs", durable=True)
        for number in range(50):
            message = aio_pika.Message(b"%d" % number, delivery_mode=2)
            await channel.default_exchange.publish(message, "jobs")
        await publisher.close()
        for name in nodes.ports:
            nodes.kill(name)
        await nodes.start_all()
        reader = await connected(nodes, "n3")
        flow = Flow(channel, await reader.channel())
        flow.confirmed = {b"%d" % number for number in range(50)}
        await flow.consume()
        await flow.until_all_came()
        await reader.close()
        return flow

    with running_etcd(tmp_path) as etcd:
        nodes = ClusteredProcesses(tmp_path, etcd, 3)
        try:
            flow = asyncio.run(run())
        finally:
            nodes.stop()
    assert flow.got == flow.confirmed


def test_any_node_answers_for_a_queue_that_another_one_leads(tmp_path: Path) -> None:
    require_etcd()

    async def run() -> None:
        await nodes.start_all()
        leading, other = await connected(nodes, "n1"), await connected(nodes, "n2")
        here, there = await leading.channel(), await other.channel()
        for number in range(50):
            # What is not there yet would be dropped without a word.
            await here.declare_queue(f"new {number}", durable=True)
            await there.default_exchange.publish(
                aio_pika.Message(b""), f"new {number}", mandatory=True
            )
        await here.declare_queue("jobs", durable=True)
        for number in range(3):
            await there.default_exchange.publish(aio_pika.Message(b"%d" % number), "jobs")
        queue = await there.declare_queue("jobs", passive=True)
        assert queue.declaration_result.message_count == 3
        got = await queue.get(no_ack=True)
        assert got is not None
        assert (got.body, got.message_count) == (b"0", 2)
        with pytest.raises(aio_pika.exceptions.ChannelPreconditionFailed, match="not empty"):
            await queue.delete(if_unused=False, if_empty=True)
        again = await other.channel()
        same = await again.get_queue("jobs", ensure=False)
        assert (await same.purge()).message_count == 2
        assert (await same.delete(if_unused=False)).message_count == 0
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await (await leading.channel()).declare_queue("jobs", passive=True)
        await leading.close()
        await other.close()

    with running_etcd(tmp_path) as etcd:
        nodes = ClusteredProcesses(tmp_path, etcd, 2)
        try:
            asyncio.run(run())
        finally:
            nodes.stop()
