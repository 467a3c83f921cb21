"""rbfly, the other stream client for Python: batches, values of AMQP, dedup, stored offsets."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from rbfly import streams
from rbfly.streams import AMQPBody, Offset, OffsetType, PublisherBatchFast, StreamsClient
from rbfly.streams._client import stream_message_ctx

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.stream_server import StreamBroker, StreamServer

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]

FIRST = Offset(OffsetType.FIRST)
VALUES: list[AMQPBody] = ["text", b"octets", 7, -(2**40), True, {"key": "value"}, ["one", 2]]


def client_of(server: StreamBroker) -> StreamsClient:
    return streams.streams_client(f"rabbitmq-stream://guest:guest@localhost:{server.stream_port}")


async def first(messages: AsyncIterator[object], count: int) -> list[object]:
    """Return the first so many messages."""
    got: list[object] = []
    async with aclosing(messages) as source:  # type: ignore[type-var]
        async for message in source:
            got.append(message)
            if len(got) == count:
                break
    return got


@on_a_loop
async def test_values_batches_and_offsets(stream_server: StreamBroker, stream: str) -> None:
    client = client_of(stream_server)
    await client.create_stream(stream)
    async with client.publisher(stream, name="values") as publisher:
        for value in VALUES:
            await publisher.send(value)
    async with client.publisher(stream, name="batches", cls=PublisherBatchFast) as batches:
        for number in range(1_000):
            batches.batch(number)
        await batches.flush()
    everything = [*VALUES, *range(1_000)]
    assert await first(client.subscribe(stream, offset=FIRST), 1_007) == everything
    assert await first(client.subscribe(stream, offset=Offset.offset(500)), 507) == everything[500:]
    await client.write_offset(stream, "reader", 1_000)
    resumed = client.subscribe(stream, offset=Offset.reference("reader"))
    assert await first(resumed, 6) == everything[1_001:]
    await client.disconnect()


@on_a_loop
async def test_a_named_publisher_writes_each_id_once(
    stream_server: StreamBroker, stream: str
) -> None:
    client = client_of(stream_server)
    for last in (3, 5):
        async with client.publisher(stream, name="one") as publisher:
            for number in range(1, last + 1):
                await publisher.send(stream_message_ctx(number, publish_id=number))
    assert await first(client.subscribe(stream, offset=FIRST), 5) == [1, 2, 3, 4, 5]
    await client.disconnect()


@on_a_loop
async def test_a_client_comes_back_after_a_kill(tmp_path: Path) -> None:
    server = StreamServer(tmp_path)
    client = client_of(server)
    try:
        await client.create_stream("s")
        async with client.publisher("s", name="one") as publisher:
            await publisher.send("before")
            server.kill()
            server.start_again()
            await publisher.send("after")
        found = await first(client.subscribe("s", offset=FIRST), 2)
        assert found == ["before", "after"]
        await client.disconnect()
        server.stop()
    finally:
        server.server.program.terminate()
