"""One stream, two protocols, and what happens to stream clients when the broker is killed."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pika
import pytest
from cryptography.x509 import DNSName
from pika.adapters.blocking_connection import BlockingChannel
from rstream import AMQPMessage, FilterConfiguration, OffsetType, Producer, Properties

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.rstream_clients import numbers, producing, reading
from tests.clients.support.stream_server import USER, StreamBroker, StreamServer
from tests.support.certificates import Authority

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

STAMP = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def channel(stream_server: StreamBroker) -> Iterator[BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(stream_server.uri)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=100)
        yield channel


def consumed(
    channel: BlockingChannel, stream: str, count: int, **arguments: object
) -> list[tuple[pika.BasicProperties, bytes]]:
    """Return the first so many messages."""
    named = {f"x-stream-{key}": value for key, value in {"offset": "first", **arguments}.items()}
    got: list[tuple[pika.BasicProperties, bytes]] = []
    for method, properties, body in channel.consume(stream, arguments=named, inactivity_timeout=20):
        assert method is not None, f"only {len(got)} messages came"
        assert properties is not None
        assert body is not None
        channel.basic_ack(method.delivery_tag or 0)
        got.append((properties, body))
        if len(got) == count:
            break
    channel.cancel()
    return got


@on_a_loop
async def test_what_amqp_publishes_a_stream_client_reads(
    stream_server: StreamBroker, stream: str, channel: BlockingChannel
) -> None:
    channel.confirm_delivery()
    properties = pika.BasicProperties(
        content_type="text/plain",
        content_encoding="utf-8",
        headers={"text": "x", "whole": 7, "yes": True, "when": STAMP, "raw": b"\0"},
        delivery_mode=2,
        priority=3,
        correlation_id="c",
        reply_to="r",
        message_id="m",
        timestamp=1_777_863_721,
        type="kind",
        user_id="guest",
        app_id="app",
    )
    channel.basic_publish("", stream, b"body", properties)
    async with reading(stream_server, stream, decodes=True) as reads:
        (message,) = await reads.until(1)
    assert isinstance(message, AMQPMessage)
    assert bytes(message.body) == b"body"
    of = message.properties
    assert of is not None
    assert (of.content_type, of.content_encoding) == (b"text/plain", b"utf-8")
    assert (of.correlation_id, of.reply_to, of.message_id) == (b"c", b"r", b"m")
    assert of.user_id == b"guest"
    assert of.creation_time == 1_777_863_721_000
    headers = message.application_properties
    assert headers is not None
    assert headers[b"text"] == b"x"
    assert headers[b"whole"] == 7
    assert headers[b"yes"] is True
    assert headers[b"raw"] == b"\0"


@on_a_loop
async def test_what_a_stream_client_publishes_amqp_reads(
    stream_server: StreamBroker, stream: str, channel: BlockingChannel
) -> None:
    message = AMQPMessage(
        body=b"body",
        properties=Properties(
            message_id="m",
            user_id=b"guest",
            reply_to="r",
            correlation_id="c",
            content_type="text/plain",
            content_encoding="utf-8",
        ),
        application_properties={"text": "x", "whole": 7, "real": 0.5, "yes": True},
    )
    async with producing(stream_server) as producer:
        await producer.send_wait(stream, message)
        await producer.send_wait(stream, AMQPMessage(body=b"plain"))
    (properties, body), (_, plain) = consumed(channel, stream, 2)
    assert (body, plain) == (b"body", b"plain")
    assert (properties.content_type, properties.content_encoding) == ("text/plain", "utf-8")
    assert (properties.message_id, properties.correlation_id) == ("m", "c")
    assert (properties.reply_to, properties.user_id) == ("r", "guest")
    headers = properties.headers
    assert headers is not None
    assert headers["x-stream-offset"] == 0
    assert (headers["text"], headers["whole"], headers["yes"]) == ("x", 7, True)


@on_a_loop
async def test_offsets_are_the_same_on_both_sides(
    stream_server: StreamBroker, stream: str, channel: BlockingChannel
) -> None:
    channel.confirm_delivery()
    async with producing(stream_server) as producer:
        for number in range(10):
            if number % 2:
                channel.basic_publish("", stream, b"%d" % number)
            else:
                await producer.send_wait(stream, AMQPMessage(body=b"%d" % number))
    assert [body for _, body in consumed(channel, stream, 10)] == numbers(0, 10)
    async with reading(stream_server, stream, OffsetType.OFFSET, 4, decodes=True) as reads:
        messages = await reads.until(6)
    assert [bytes(each.body) for each in messages if isinstance(each, AMQPMessage)] == numbers(
        4, 10
    )
    assert reads.offsets == list(range(4, 10))


@on_a_loop
async def test_a_filter_value_of_amqp_is_one_of_the_stream_protocol(
    stream_server: StreamBroker, stream: str, channel: BlockingChannel
) -> None:
    channel.confirm_delivery()
    for region in ("us", "eu", "us"):
        properties = pika.BasicProperties(headers={"x-stream-filter-value": region})
        channel.basic_publish("", stream, region.encode(), properties)
    async with reading(
        stream_server, stream, decodes=True, wanted=FilterConfiguration(["eu"])
    ) as reads:
        await reads.until(1)
    assert reads.offsets == [1]


@on_a_loop
async def test_a_filter_value_of_the_stream_protocol_is_one_of_amqp(
    stream_server: StreamBroker, stream: str, channel: BlockingChannel
) -> None:
    """The value is not in the message, so that all messages of its chunk come."""

    async def value_of(message: AMQPMessage) -> str:
        return bytes(message.body).decode()

    async with Producer(
        stream_server.host,
        stream_server.stream_port,
        filter_value_extractor=value_of,
        username=USER,
        password=USER,
    ) as producer:
        for region in (b"us", b"eu", b"asia"):
            await producer.send_wait(stream, AMQPMessage(body=region))
    got = consumed(channel, stream, 1, filter="eu")
    assert [body for _, body in got] == [b"eu"]


@on_a_loop
async def test_what_was_confirmed_is_there_after_a_kill(tmp_path: Path) -> None:
    server = StreamServer(tmp_path)
    stream = "survivor"
    try:
        async with producing(server) as producer:
            await producer.create_stream(stream)
            await producer.send_batch(stream, numbers(0, 1_000), publisher_name="one")
        server.kill()
        server.start_again()
        async with producing(server) as producer, reading(server, stream) as reads:
            assert await reads.until(1_000) == numbers(0, 1_000)
            ids = await producer.send_batch(stream, [b"1000"], publisher_name="one")
            assert ids == [1_001]
            assert (await reads.until(1_001))[-1] == b"1000"
        server.stop()
    finally:
        server.server.program.terminate()


@on_a_loop
async def test_tls(tmp_path: Path) -> None:
    authority = Authority()
    ca_file = authority.write(tmp_path / "ca.pem")
    issued = authority.issue(tmp_path, alternatives=[DNSName("localhost")], name="server")
    files = f"  tls: {{certificate_file: {issued.certificate_file}, key_file: {issued.key_file}}}"
    server = StreamServer(tmp_path / "broker", ", tls: true", files)
    context = ssl.create_default_context(cafile=str(ca_file))
    try:
        async with producing(server, context) as producer:
            await producer.create_stream("s")
            await producer.send_batch("s", numbers(0, 1_000))
        async with reading(server, "s", context=context) as reads:
            assert await reads.until(1_000) == numbers(0, 1_000)
    finally:
        server.stop()
