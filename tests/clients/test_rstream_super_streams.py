"""rstream and super streams: groups with one active reader for each partition, and AMQP beside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pika
import pytest
from rstream import (
    ConsumerOffsetSpecification,
    EventContext,
    OffsetSpecification,
    OffsetType,
    SuperStreamConsumer,
)
from rstream.exceptions import StreamAlreadyExists, StreamDoesNotExist

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.rstream_clients import Reading, numbers, producing
from tests.clients.support.stream_server import USER, StreamBroker

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

FIRST = ConsumerOffsetSpecification(OffsetType.FIRST, None)


def consuming(server: StreamBroker, name: str) -> SuperStreamConsumer:
    """Return a consumer of a super stream, not started."""
    return SuperStreamConsumer(
        server.host, server.stream_port, username=USER, password=USER, super_stream=name
    )


@asynccontextmanager
async def super_stream_of(server: StreamBroker, name: str) -> AsyncIterator[list[str]]:
    """Make a super stream of three partitions, and delete it in the end."""
    server.require((3, 13), "super stream by command")
    async with consuming(server, name) as maker:
        await maker.create_super_stream(name, n_partitions=3)
        yield [f"{name}-{number}" for number in range(3)]
        await maker.delete_super_stream(name)


@asynccontextmanager
async def member(server: StreamBroker, name: str) -> AsyncIterator[Reading]:
    """Read a super stream as one of a group, as long as the block lasts."""

    async def chosen(_is_active: bool, _context: EventContext) -> OffsetSpecification:
        return OffsetSpecification(OffsetType.FIRST, 0)

    reads = Reading()
    async with consuming(server, name) as consumer:
        await consumer.subscribe(
            reads.take,
            offset_specification=FIRST,
            properties={"single-active-consumer": "true", "name": "group", "super-stream": name},
            consumer_update_listener=chosen,
        )
        yield reads


@on_a_loop
async def test_a_super_stream_is_made_once_and_deleted(
    stream_server: StreamBroker, stream: str
) -> None:
    name = f"{stream}-super"
    async with super_stream_of(stream_server, name) as partitions:
        async with consuming(stream_server, name) as other:
            with pytest.raises(StreamAlreadyExists):
                await other.create_super_stream(name, n_partitions=3)
        async with producing(stream_server) as producer:
            assert [await producer.stream_exists(each) for each in partitions] == [True] * 3
    async with producing(stream_server) as producer:
        assert [await producer.stream_exists(each) for each in partitions] == [False] * 3
        with pytest.raises(StreamDoesNotExist):
            await producer.delete_stream(partitions[0])


@on_a_loop
async def test_what_amqp_publishes_to_the_exchange_is_read_by_partition(
    stream_server: StreamBroker, stream: str
) -> None:
    name = f"{stream}-super"
    async with super_stream_of(stream_server, name) as partitions:
        with pika.BlockingConnection(pika.URLParameters(stream_server.uri)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            for number in range(9):
                channel.basic_publish(name, str(number % 3), b"%d" % number)
        reads = Reading()
        async with consuming(stream_server, name) as consumer:
            await consumer.subscribe(reads.take, offset_specification=FIRST)
            await reads.until(9)
        for index, partition in enumerate(partitions):
            assert len(reads.by_stream[partition]) == 3, index


@on_a_loop
async def test_a_group_shares_the_partitions_and_the_last_one_gets_all(
    stream_server: StreamBroker, stream: str
) -> None:
    name = f"{stream}-super"
    async with (
        super_stream_of(stream_server, name) as partitions,
        member(stream_server, name) as one,
        producing(stream_server) as producer,
    ):
        for partition in partitions:
            await producer.send_batch(partition, numbers(0, 5))
        await one.until(15)
        async with member(stream_server, name) as two:
            # The second of two gets one of three partitions, and reads it from the first.
            await two.until(5)
            assert len(two.by_stream) == 1
            (taken,) = two.by_stream
            for partition in partitions:
                await producer.send_batch(partition, numbers(5, 8))
            await two.until(8)
            await one.until(21)
            assert len(one.by_stream[taken]) == 5
            assert len(two.by_stream) == 1
        # The second one left, so the first one has its partition again.
        await producer.send_wait(taken, b"8")
        await one.until_has(b"8")
