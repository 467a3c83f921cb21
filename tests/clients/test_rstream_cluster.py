"""rstream on a cluster of three nodes: it asks one node, and finds the leader, and the next."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from rstream import (
    AMQPMessage,
    Consumer,
    ConsumerOffsetSpecification,
    EventContext,
    OffsetSpecification,
    OffsetType,
    Producer,
    SuperStreamConsumer,
    amqp_decoder,
)
from rstream.exceptions import LeaderNotAvailable, StreamNotAvailable

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

COUNT = 200
PARTITIONS = ["orders-0", "orders-1", "orders-2"]
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


class Group:
    """Members of a group of a super stream, each by way of another node."""

    def __init__(self) -> None:
        self.active: dict[tuple[str, str], bool] = {}
        self.got: dict[str, list[bytes]] = {}

    async def join(self, nodes: ClusteredProcesses, name: str) -> SuperStreamConsumer:
        """Read as a member by way of a node."""

        async def chosen(is_active: bool, context: EventContext) -> OffsetSpecification:
            self.active[name, context.stream] = is_active
            return OffsetSpecification(OffsetType.OFFSET, len(self.got.get(context.stream, ())))

        async def take(message: AMQPMessage, context: Any) -> None:  # noqa: ANN401 -- rstream's
            got = self.got.setdefault(context.stream, [])
            # A chunk is sent whole, also where the offset is within it.
            if context.offset == len(got):
                got.append(bytes(message.body))

        consumer = SuperStreamConsumer(**place_of(nodes, name), super_stream="orders")
        await consumer.start()
        await consumer.subscribe(
            take,
            decoder=amqp_decoder,
            offset_specification=ConsumerOffsetSpecification(OffsetType.FIRST, None),
            properties={
                "single-active-consumer": "true",
                "name": "group",
                "super-stream": "orders",
            },
            consumer_update_listener=chosen,
        )
        return consumer

    def shares(self) -> list[int]:
        """Return how many partitions each active member has; nothing while two have the same."""
        owned = [place for place, is_active in self.active.items() if is_active]
        counts = Counter(name for name, _ in owned)
        is_right = len({part for _, part in owned}) == len(owned)
        return sorted(counts.values()) if is_right else []

    def is_complete(self, count: int) -> bool:
        """Return whether so many messages of each partition came, in order and none twice."""
        expected = [b"%d" % number for number in range(count)]
        return all(self.got.get(part) == expected for part in PARTITIONS)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if holds():
                return
            await asyncio.sleep(0.1)


async def until_served(nodes: ClusteredProcesses, name: str, first: int) -> None:
    """Publish once the next leader is elected; rstream says so, and does not try again itself."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                return await published(nodes, name, first)
            except (LeaderNotAvailable, StreamNotAvailable, ConnectionError):
                await asyncio.sleep(0.2)


async def publish_to_each(nodes: ClusteredProcesses, first: int) -> None:
    """Publish to each partition by way of a node."""
    async with Producer(**place_of(nodes, "n2")) as producer:
        for part in PARTITIONS:
            for number in range(first, first + COUNT):
                await producer.send_wait(stream=part, message=AMQPMessage(body=b"%d" % number))


async def play_group(nodes: ClusteredProcesses) -> None:
    """Three members by way of three nodes have a partition each, and two that are left share."""
    await nodes.start_all()
    maker = SuperStreamConsumer(**place_of(nodes, "n1"), super_stream="orders")
    await maker.start()
    await maker.create_super_stream("orders", n_partitions=len(PARTITIONS))
    await maker.close()
    group = Group()
    members = [await group.join(nodes, name) for name in ("n1", "n2", "n3")]
    await until(lambda: group.shares() == [1, 1, 1])
    await publish_to_each(nodes, 0)
    await until(lambda: group.is_complete(COUNT))
    await members.pop().close()
    for place in [each for each in group.active if each[0] == "n3"]:
        del group.active[place]
    await until(lambda: group.shares() == [1, 2])
    await publish_to_each(nodes, COUNT)
    await until(lambda: group.is_complete(2 * COUNT))
    for each in members:
        await each.close()


async def play(nodes: ClusteredProcesses) -> None:
    await nodes.start_all()
    await published(nodes, "n1", 0)
    await published(nodes, "n2", COUNT)
    await read(nodes, "n3", 2 * COUNT)
    nodes.kill("n1")
    await until_served(nodes, "n2", 2 * COUNT)
    await read(nodes, "n3", 3 * COUNT)


@pytest.mark.parametrize("scene", [play, play_group])
def test_it_works_by_way_of_any_node(
    tmp_path: Path, scene: Callable[[ClusteredProcesses], Coroutine[Any, Any, None]]
) -> None:
    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(scene(nodes))
