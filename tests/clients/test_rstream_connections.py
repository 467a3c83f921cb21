"""rstream's connections: log-in, refusals, subscriptions, and what it hears when things end."""

import asyncio

import pytest
from rstream import (
    Consumer,
    ConsumerOffsetSpecification,
    OffsetType,
    OnClosedErrorInfo,
    Producer,
    ServerError,
    SlasMechanism,
    StreamDoesNotExist,
)
from rstream.exceptions import AuthenticationFailure, VirtualHostAccessFailure

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.rstream_clients import Reading, numbers, producing, reading
from tests.clients.support.stream_server import USER, StreamBroker

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(120),
    # rstream does not close the socket of a log-in that was refused.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def place_of(server: StreamBroker) -> tuple[str, int]:
    return server.host, server.stream_port


@on_a_loop
async def test_a_wrong_password_is_refused(stream_server: StreamBroker) -> None:
    producer = Producer(*place_of(stream_server), username=USER, password="wrong", max_retries=1)
    with pytest.raises(AuthenticationFailure):
        await producer.start()


@on_a_loop
async def test_a_vhost_that_is_not_there_is_refused(stream_server: StreamBroker) -> None:
    producer = Producer(
        *place_of(stream_server), username=USER, password=USER, vhost="/nowhere", max_retries=1
    )
    with pytest.raises(VirtualHostAccessFailure):
        await producer.start()


@on_a_loop
async def test_external_without_a_certificate_is_refused(stream_server: StreamBroker) -> None:
    producer = Producer(
        *place_of(stream_server),
        username=USER,
        password=USER,
        max_retries=1,
        sasl_configuration_mechanism=SlasMechanism.MechanismExternal,
    )
    # rstream asserts that what it was told to use is among what the broker offers.
    with pytest.raises((ServerError, AssertionError)):
        await producer.start()


@pytest.mark.parametrize(
    ("begin", "value", "wanted"),
    [
        (OffsetType.FIRST, None, numbers(0, 12)),
        (OffsetType.LAST, None, numbers(11, 12)),
        (OffsetType.NEXT, None, []),
        (OffsetType.OFFSET, 0, numbers(0, 12)),
        (OffsetType.OFFSET, 7, numbers(7, 12)),
        (OffsetType.OFFSET, 12, []),
        (OffsetType.TIMESTAMP, 1, numbers(0, 12)),
        (OffsetType.TIMESTAMP, 4_000_000_000_000, []),
    ],
)
@on_a_loop
async def test_a_reader_begins_where_it_says(
    stream_server: StreamBroker,
    stream: str,
    begin: OffsetType,
    value: int | None,
    wanted: list[bytes],
) -> None:
    async with producing(stream_server) as producer:
        for number in numbers(0, 12):
            await producer.send_wait(stream, number)
        async with reading(stream_server, stream, begin, value) as reads:
            await producer.send_wait(stream, b"after")
            assert await reads.until(len(wanted) + 1) == [*wanted, b"after"]


@on_a_loop
async def test_a_reader_that_left_gets_nothing_and_comes_back(
    stream_server: StreamBroker, stream: str
) -> None:
    async with (
        producing(stream_server) as producer,
        Consumer(*place_of(stream_server), username=USER, password=USER) as consumer,
    ):
        await producer.send_batch(stream, numbers(0, 5))
        first, second = Reading(), Reading()
        subscription = await consumer.subscribe(stream, first.take)
        await first.until(5)
        await consumer.unsubscribe(subscription)
        await producer.send_batch(stream, numbers(5, 8))
        await consumer.subscribe(
            stream,
            second.take,
            offset_specification=ConsumerOffsetSpecification(OffsetType.OFFSET, 3),
        )
        assert await second.until(5) == numbers(3, 8)
        assert len(first.got) == 5


@on_a_loop
async def test_stored_offsets_are_by_name_and_survive_their_consumer(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        await producer.send_batch(stream, numbers(0, 20))
        for offset in (5, 15):
            async with Consumer(*place_of(stream_server), username=USER, password=USER) as consumer:
                await consumer.store_offset(stream, "one", offset)
                await consumer.store_offset(stream, "other", offset + 1)
                assert await consumer.query_offset(stream, "one") == offset
        async with Consumer(*place_of(stream_server), username=USER, password=USER) as consumer:
            found = [await consumer.query_offset(stream, name) for name in ("one", "other")]
            assert found == [15, 16]
            reads = Reading()
            begin = ConsumerOffsetSpecification(OffsetType.OFFSET, found[0] + 1)
            await consumer.subscribe(stream, reads.take, offset_specification=begin)
            assert await reads.until(4) == numbers(16, 20)


@on_a_loop
async def test_a_stream_that_is_not_there_is_told(stream_server: StreamBroker) -> None:
    async with Consumer(*place_of(stream_server), username=USER, password=USER) as consumer:
        with pytest.raises(StreamDoesNotExist):
            await consumer.subscribe("no-such-stream", Reading().take)
    async with producing(stream_server) as producer:
        with pytest.raises(StreamDoesNotExist):
            await producer.send_wait("no-such-stream", b"x")


@on_a_loop
async def test_a_reader_goes_on_after_its_stream_was_made_anew(
    stream_server: StreamBroker, stream: str
) -> None:
    told: list[OnClosedErrorInfo] = []
    is_told = asyncio.Event()

    async def on_close(info: OnClosedErrorInfo) -> None:
        told.append(info)
        is_told.set()

    async with (
        producing(stream_server) as producer,
        Consumer(
            *place_of(stream_server), username=USER, password=USER, on_close_handler=on_close
        ) as consumer,
    ):
        reads = Reading()
        await consumer.subscribe(stream, reads.take)
        await producer.send_wait(stream, b"old")
        await reads.until(1)
        async with producing(stream_server) as other:
            await other.delete_stream(stream)
            await is_told.wait()
            assert told[0].streams == [stream]
            await other.create_stream(stream)
            await other.send_wait(stream, b"new")
        again = Reading()
        async with Consumer(*place_of(stream_server), username=USER, password=USER) as anew:
            await anew.subscribe(stream, again.take)
            assert await again.until(1) == [b"new"]
            assert again.offsets == [0]
