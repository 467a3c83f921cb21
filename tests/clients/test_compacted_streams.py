"""A stream that keeps the last message of each key, written and read by pika, rstream and rbfly."""

import uuid
from collections.abc import Iterator
from contextlib import aclosing, contextmanager

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from rbfly import streams
from rbfly.streams import Offset, OffsetType
from rstream import AMQPMessage
from rstream import OffsetType as RStreamOffsetType

from tests.clients.support.deadlines import on_a_loop, wait_until
from tests.clients.support.rstream_clients import producing, reading
from tests.clients.support.stream_server import StreamServer

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

DEVICES = 7
ROUNDS = 100
FILL = 60
"""Messages without a key, which end the segment."""


@contextmanager
def opened(server: StreamServer) -> Iterator[BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(server.uri)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=100)
        yield channel


@pytest.fixture
def compacted(stream_server: StreamServer) -> Iterator[str]:
    """A stream for this test alone, which is compacted by the header ``device``."""
    name = f"clients.{uuid.uuid4().hex[:8]}"
    with opened(stream_server) as channel:
        arguments = {
            "x-queue-type": "stream",
            "x-stream-compact-key": "device",
            "x-stream-max-segment-size-bytes": 4_000,
        }
        channel.queue_declare(name, durable=True, arguments=arguments)
    yield name
    with opened(stream_server) as channel:
        channel.queue_delete(name)


def write(channel: BlockingChannel, name: str) -> None:
    """Write rounds of readings; the last one of the first device is a tombstone."""
    for number in range(ROUNDS * DEVICES):
        device = number % DEVICES
        is_gone = number >= (ROUNDS - 1) * DEVICES and not device
        properties = pika.BasicProperties(headers={"device": device})
        channel.basic_publish("", name, b"" if is_gone else b"%d" % number, properties)
    for _ in range(FILL):
        channel.basic_publish("", name, b"-" * 50)


def await_compaction(channel: BlockingChannel, name: str) -> int:
    """Wait until readings are gone; return how many messages there are."""

    def count() -> int:
        return channel.queue_declare(name, passive=True).method.message_count or 0

    wait_until(lambda: count() < DEVICES + FILL + 20, "a compaction")
    return count()


def read(channel: BlockingChannel, name: str, begin: object) -> list[tuple[int, bytes]]:
    """Return offset and body of all messages from a place on."""
    end = ROUNDS * DEVICES + FILL - 1
    found: list[tuple[int, bytes]] = []
    arguments = {"x-stream-offset": begin}
    for method, properties, body in channel.consume(name, arguments=arguments):
        assert method is not None
        headers = properties.headers or {}
        found.append((int(headers["x-stream-offset"]), body))
        channel.basic_ack(method.delivery_tag or 0)
        if found[-1][0] == end:
            break
    channel.cancel()
    return found


def test_pika_reads_the_last_message_of_each_key(
    stream_server: StreamServer, compacted: str
) -> None:
    with opened(stream_server) as channel:
        write(channel, compacted)
        count = await_compaction(channel, compacted)
        found = read(channel, compacted, "first")
        assert len(found) == count
        first = (ROUNDS - 1) * DEVICES
        state = [(offset, body) for offset, body in found if first <= offset < first + DEVICES]
        assert state == [(first, b""), *[(at, b"%d" % at) for at in range(first + 1, first + 7)]]
        assert [offset for offset, _ in found] == sorted(offset for offset, _ in found)
        gone = found[0][0] - 1
        assert read(channel, compacted, gone) == found
        assert read(channel, compacted, -30) == found[-30:]
        assert read(channel, compacted, "last")[-1] == found[-1]


@on_a_loop
async def test_stream_clients_read_across_the_gaps(
    stream_server: StreamServer, compacted: str
) -> None:
    async with producing(stream_server) as producer:
        messages = [
            AMQPMessage(body=b"%d" % number, application_properties={"device": number % DEVICES})
            for number in range(ROUNDS * DEVICES)
        ]
        for start in range(0, len(messages), 50):
            await producer.send_batch(compacted, list(messages[start : start + 50]))
            await producer.send_wait(compacted, AMQPMessage(body=b"%d" % start))
    with opened(stream_server) as channel:
        for _ in range(FILL):
            channel.basic_publish("", compacted, b"-" * 50)
        count = await_compaction(channel, compacted)
    async with reading(stream_server, compacted, decodes=True) as reads:
        got = await reads.until(count)
        offsets = list(reads.offsets)
    assert offsets == sorted(set(offsets))
    assert offsets[-1] - offsets[0] + 1 > count, "there are gaps"
    keyed = [m for m in got if isinstance(m, AMQPMessage) and m.application_properties]
    last = {bytes(m.body) for m in keyed}
    wanted = {b"%d" % number for number in range((ROUNDS - 1) * DEVICES, ROUNDS * DEVICES)}
    assert wanted <= last
    assert len(keyed) < 3 * DEVICES
    middle = offsets[len(offsets) // 2]
    place = (RStreamOffsetType.OFFSET, middle - 1)
    async with reading(stream_server, compacted, *place, decodes=True) as reads:
        await reads.until(len([each for each in offsets if each >= middle]))
        # The client gives the offset that was asked for, or leaves it out, as the chunks are cut.
        first = offsets.index(reads.offsets[0])
        assert reads.offsets[0] in {middle - 1, middle}
        assert reads.offsets == offsets[first : first + len(reads.offsets)]
    client = streams.streams_client(
        f"rabbitmq-stream://guest:guest@localhost:{stream_server.stream_port}"
    )
    seen = 0
    async with aclosing(client.subscribe(compacted, offset=Offset(OffsetType.FIRST))) as source:  # type: ignore[type-var]
        async for _ in source:
            seen += 1
            if seen == count:
                break
    await client.disconnect()
