"""Streams over AMQP alone: named readers, groups and numbered publishes, also over a SIGKILL."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aio_pika
import pika
import pytest
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, AbstractQueue
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.programs import Program
from tests.clients.support.stream_server import StreamServer

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

NAME = "readings"
GROUPED = {"x-stream-offset": "first", "x-stream-group": "billing"}
TRACKED = {"x-stream-offset": "first", "x-stream-automatic-offset-tracking": True}


@contextmanager
def opened(server: StreamServer) -> Iterator[BlockingChannel]:
    """Give a channel in confirm mode, with the stream declared."""
    connection = pika.BlockingConnection(pika.URLParameters(server.uri))
    try:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.basic_qos(prefetch_count=10)
        channel.queue_declare(NAME, durable=True, arguments={"x-queue-type": "stream"})
        yield channel
    finally:
        # The broker may be gone.
        with suppress(AMQPError):
            connection.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StreamServer]:
    server = StreamServer(tmp_path)
    try:
        yield server
    finally:
        server.stop()


def publish(channel: BlockingChannel, numbers: range) -> None:
    """Publish numbered messages, and await each confirm."""
    for number in numbers:
        headers = {"x-stream-publisher": "gateway", "x-stream-publishing-id": number}
        properties = pika.BasicProperties(headers=headers)
        channel.basic_publish("", NAME, b"%d" % number, properties, mandatory=True)


def read(channel: BlockingChannel, count: int, arguments: dict[str, object]) -> list[int]:
    """Return the numbers that a reader named ``meter`` gets next, and ack them all."""
    found: list[int] = []

    def take(
        channel: BlockingChannel,
        method: pika.spec.Basic.Deliver,
        _properties: pika.BasicProperties,
        body: bytes,
    ) -> None:
        if len(found) < count:
            found.append(int(body))
            channel.basic_ack(method.delivery_tag or 0)
        if len(found) == count:
            channel.stop_consuming()

    channel.basic_consume(NAME, take, consumer_tag="meter", arguments=arguments)
    channel.start_consuming()
    return found


def test_readers_and_publishers_go_on_after_a_kill_of_the_broker(server: StreamServer) -> None:
    with opened(server) as channel:
        publish(channel, range(100))
        assert read(channel, 40, TRACKED) == list(range(40))
        # Behind the acks in the log: with its confirm they are in the page cache at the latest.
        publish(channel, range(100, 101))
        server.kill()
    server.start_again()
    with opened(server) as channel:
        publish(channel, range(50, 150))
        assert read(channel, 110, TRACKED) == list(range(40, 150))


CLIENT = """
import sys, pika
channel = pika.BlockingConnection(pika.URLParameters(sys.argv[1])).channel()
channel.basic_qos(prefetch_count=10)
tracked = {"x-stream-offset": "first", "x-stream-automatic-offset-tracking": True}
def take(channel, method, properties, body):
    if int(body) < 7:
        channel.basic_ack(method.delivery_tag)
        print(int(body), flush=True)
channel.basic_consume("readings", take, consumer_tag="meter", arguments=tracked)
channel.start_consuming()
"""


def test_a_reader_goes_on_after_a_kill_of_its_client(server: StreamServer) -> None:
    with opened(server) as channel:
        publish(channel, range(30))
        with Program([sys.executable, "-c", CLIENT, server.uri]) as client:
            client.wait_for_line("6")
            client.kill()
        again = read(channel, 20, TRACKED)
        # The last acks may have been lost with the client.
        assert again == list(range(again[0], again[0] + 20))
        assert again[0] <= 7


@on_a_loop
async def test_one_of_a_group_reads_and_the_next_takes_over(server: StreamServer) -> None:
    with opened(server) as channel:
        publish(channel, range(20))
    async with await aio_pika.connect(server.uri) as second:
        waiting_queue = await _queue(second)
        async with await aio_pika.connect(server.uri) as first:
            queue = await _queue(first)
            reading = queue.iterator(arguments=GROUPED)
            got = [await _acked(await anext(reading)) for _ in range(5)]
            waiting = waiting_queue.iterator(arguments=GROUPED)
            await waiting.consume()
            await reading.close()
        got += [await _acked(await anext(waiting)) for _ in range(15)]
        await waiting.close()
    assert got == list(range(20))


async def _queue(connection: AbstractConnection) -> AbstractQueue:
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1)
    return await channel.get_queue(NAME)


async def _acked(message: AbstractIncomingMessage) -> int:
    await message.ack()
    return int(message.body)
