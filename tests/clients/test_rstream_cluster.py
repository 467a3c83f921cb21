"""rstream on a cluster of three nodes: it asks one node, and finds the leader, and the next."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rstream import (
    AMQPMessage,
    Consumer,
    ConsumerOffsetSpecification,
    OffsetType,
    Producer,
    amqp_decoder,
)
from rstream.exceptions import LeaderNotAvailable, StreamNotAvailable

from tests.cluster.conftest import require_etcd
from tests.support.clustered_processes import ClusteredProcesses
from tests.support.etcd_server import running_etcd

COUNT = 200
PATIENCE_S = 60

pytestmark = pytest.mark.timeout(240)


def place_of(nodes: ClusteredProcesses, name: str) -> dict[str, Any]:
    """Return how a client connects to a node first."""
    port = nodes.stream_ports[name]
    return {"host": "127.0.0.1", "port": port, "username": "guest", "password": "guest"}


async def published(nodes: ClusteredProcesses, name: str, first: int) -> None:
    """Publish by way of a node, and wait for the confirms."""
    async with Producer(**place_of(nodes, name)) as producer:
        await producer.create_stream("events", exists_ok=True)
        for number in range(first, first + COUNT):
            message = AMQPMessage(body=b"%d" % number)
            await producer.send_wait(stream="events", message=message)


async def read(nodes: ClusteredProcesses, name: str, count: int) -> None:
    """Read all of the stream by way of a node."""
    got: list[tuple[int, bytes]] = []
    all_came = asyncio.Event()

    async def take(message: AMQPMessage, context: Any) -> None:  # noqa: ANN401 -- rstream's
        got.append((context.offset, bytes(message.body)))
        if len(got) == count:
            all_came.set()

    consumer = Consumer(**place_of(nodes, name))
    await consumer.start()
    await consumer.subscribe(
        stream="events",
        callback=take,
        decoder=amqp_decoder,
        offset_specification=ConsumerOffsetSpecification(OffsetType.FIRST, None),
    )
    await asyncio.wait_for(all_came.wait(), PATIENCE_S)
    await consumer.store_offset("events", "me", count)
    assert await consumer.query_offset("events", "me") == count
    await consumer.close()
    assert got == [(number, b"%d" % number) for number in range(count)]


async def until_served(nodes: ClusteredProcesses, name: str, first: int) -> None:
    """Publish once the next leader is elected; rstream says so, and does not try again itself."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await published(nodes, name, first)
            except (LeaderNotAvailable, StreamNotAvailable, ConnectionError):
                await asyncio.sleep(0.2)


async def play(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    await published(nodes, "n1", 0)
    await published(nodes, "n2", COUNT)
    await read(nodes, "n3", 2 * COUNT)
    nodes.kill("n1")
    await until_served(nodes, "n2", 2 * COUNT)
    await read(nodes, "n3", 3 * COUNT)


def test_it_publishes_and_reads_by_way_of_any_node(tmp_path: Path) -> None:
    require_etcd()
    with running_etcd(tmp_path) as etcd:
        nodes = ClusteredProcesses(tmp_path, etcd, 3)
        try:
            asyncio.run(play(nodes))
        finally:
            nodes.stop()
