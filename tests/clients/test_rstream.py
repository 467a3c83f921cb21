"""rstream, on asyncio: publishing, reading, offsets, groups, filters and super streams."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from rstream import (
    AMQPMessage,
    CompressionType,
    ConfirmationStatus,
    Consumer,
    ConsumerOffsetSpecification,
    EventContext,
    FilterConfiguration,
    OffsetNotFound,
    OffsetSpecification,
    OffsetType,
    OnClosedErrorInfo,
    Producer,
    RawMessage,
    RouteType,
    ServerError,
    StreamDoesNotExist,
    SuperStreamConsumer,
    SuperStreamCreationOption,
    SuperStreamProducer,
    amqp_decoder,
)
from rstream.exceptions import StreamAlreadyExists

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.rstream_clients import (
    Listener,
    Message,
    Reading,
    numbers,
    producing,
    reading,
)
from tests.clients.support.stream_server import USER, StreamBroker

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

COUNT = 1_000


def body_of(message: Message) -> bytes:
    """Return the body of a message that was decoded."""
    assert isinstance(message, AMQPMessage)
    return bytes(message.body)


@on_a_loop
async def test_a_stream_is_made_and_deleted(stream_server: StreamBroker, stream: str) -> None:
    async with producing(stream_server) as producer:
        assert await producer.stream_exists(stream)
        with pytest.raises(StreamAlreadyExists):
            await producer.create_stream(stream)
        await producer.create_stream(stream, exists_ok=True)
        await producer.delete_stream(stream)
        assert not await producer.stream_exists(stream)
        with pytest.raises(StreamDoesNotExist):
            await producer.delete_stream(stream)
        await producer.delete_stream(stream, missing_ok=True)


@on_a_loop
async def test_a_wrong_argument_is_refused(stream_server: StreamBroker) -> None:
    stream_server.require((3, 11), "answer to a wrong argument")
    async with producing(stream_server) as producer:
        with pytest.raises(ServerError):
            await producer.create_stream("wrong", arguments={"max-length-bytes": "many"})


@on_a_loop
async def test_a_batch_is_confirmed_and_read_from_each_kind_of_offset(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        ids = await producer.send_batch(stream, numbers(0, COUNT))
        assert len(ids) == COUNT
        for number in range(COUNT, COUNT + 3):
            await producer.send_wait(stream, b"%d" % number)
        everything = numbers(0, COUNT + 3)
        async with (
            reading(stream_server, stream, OffsetType.FIRST) as first,
            reading(stream_server, stream, OffsetType.LAST) as last,
            reading(stream_server, stream, OffsetType.NEXT) as following,
            reading(stream_server, stream, OffsetType.OFFSET, 500) as offset,
            reading(stream_server, stream, OffsetType.TIMESTAMP, 1) as begin,
        ):
            assert await first.until(COUNT + 3) == everything
            assert first.offsets == list(range(COUNT + 3))
            assert await begin.until(COUNT + 3) == everything
            assert await offset.until(COUNT - 497) == everything[500:]
            assert await last.until(1) == everything[-1:]
            assert following.got == []
            await producer.send_wait(stream, b"more")
            assert await following.until(1) == [b"more"]
            assert following.got[0][0] == COUNT + 3


@on_a_loop
async def test_confirms_come_for_each_message(stream_server: StreamBroker, stream: str) -> None:
    async with producing(stream_server) as producer:
        statuses = []
        are_all = asyncio.Event()

        def confirmed(status: ConfirmationStatus) -> None:
            statuses.append(status)
            if len(statuses) == COUNT:
                are_all.set()

        for message in numbers(0, COUNT):
            await producer.send(stream, message, on_publish_confirm=confirmed)
        await are_all.wait()
        assert all(each.is_confirmed for each in statuses)
        assert sorted(each.message_id for each in statuses) == list(range(1, COUNT + 1))


@pytest.mark.parametrize("compression", [CompressionType.No, CompressionType.Gzip])
@on_a_loop
async def test_sub_entries_are_read_as_they_were_written(
    stream_server: StreamBroker, stream: str, compression: CompressionType
) -> None:
    async with producing(stream_server) as producer:
        for start in range(0, COUNT, 100):
            await producer.send_sub_entry(stream, numbers(start, start + 100), compression)
        async with reading(stream_server, stream, OffsetType.FIRST) as reads:
            assert await reads.until(COUNT) == numbers(0, COUNT)
            assert reads.offsets == list(range(COUNT))


@on_a_loop
async def test_a_named_publisher_writes_each_id_once(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        for start in (0, 50):
            raw = [RawMessage(b"%d" % number, number + 1) for number in range(start, start + 100)]
            await producer.send_batch(stream, raw, publisher_name="one")
        async with Producer(
            stream_server.host, stream_server.stream_port, username=USER, password=USER
        ) as again:
            await again.send_batch(stream, [RawMessage(b"149", 150)], publisher_name="one")
            await again.send_batch(stream, [b"150"], publisher_name="one")
        async with reading(stream_server, stream, OffsetType.FIRST) as reads:
            assert await reads.until(151) == numbers(0, 151)


@on_a_loop
async def test_an_offset_is_stored_and_found_again(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        await producer.send_batch(stream, numbers(0, 100))
        async with Consumer(
            stream_server.host, stream_server.stream_port, username=USER, password=USER
        ) as consumer:
            with pytest.raises(OffsetNotFound):
                await consumer.query_offset(stream, "reader")
            await consumer.store_offset(stream, "reader", 40)
            assert await consumer.query_offset(stream, "reader") == 40
            with pytest.raises(StreamDoesNotExist):
                await consumer.query_offset("no-such-stream", "reader")


@on_a_loop
async def test_one_of_a_group_reads_and_another_takes_over(
    stream_server: StreamBroker, stream: str
) -> None:
    stream_server.require((3, 11), "single active consumer of the stream protocol")
    async with producing(stream_server) as producer:
        told: list[tuple[str, bool]] = []

        def listener(name: str) -> Listener:
            async def chosen(is_active: bool, _context: EventContext) -> OffsetSpecification:
                told.append((name, is_active))
                return OffsetSpecification(OffsetType.OFFSET, 10 if name == "two" else 0)

            return chosen

        def member(name: str) -> AbstractAsyncContextManager[Reading]:
            properties = {"single-active-consumer": "true", "name": "group"}
            return reading(
                stream_server,
                stream,
                OffsetType.FIRST,
                properties=properties,
                listener=listener(name),
            )

        await producer.send_batch(stream, numbers(0, 20))
        async with member("two") as two_before:
            assert (await two_before.until(10))[-1] == b"19"
        told.clear()
        first = AsyncExitStack()
        one = await first.enter_async_context(member("one"))
        assert await one.until(20) == numbers(0, 20)
        async with member("two") as two:
            await producer.send_wait(stream, b"20")
            await one.until(21)
            assert two.got == []
            await first.aclose()
            await two.until(11)
            assert two.offsets == list(range(10, 21))
        assert ("one", True) in told
        assert ("two", True) in told


@on_a_loop
async def test_messages_with_other_filter_values_are_left_out(
    stream_server: StreamBroker, stream: str
) -> None:
    stream_server.require((3, 13), "filter")

    async def value_of(message: AMQPMessage) -> str:
        return str(message.application_properties["region"])

    def message(region: str) -> AMQPMessage:
        return AMQPMessage(body=region.encode(), application_properties={"region": region})

    def predicate(message: AMQPMessage) -> bool:
        return bool(message.application_properties[b"region"] == b"eu")

    async with Producer(
        stream_server.host,
        stream_server.stream_port,
        filter_value_extractor=value_of,
        username=USER,
        password=USER,
    ) as producer:
        for region in ("us", "eu", "asia", "eu"):
            await producer.send_batch(stream, [message(region) for _ in range(10)])
    async with reading(
        stream_server,
        stream,
        OffsetType.FIRST,
        decodes=True,
        wanted=FilterConfiguration(["eu"], predicate, match_unfiltered=False),
    ) as reads:
        await reads.until(20)
        assert reads.offsets == [*range(10, 20), *range(30, 40)]


@pytest.mark.parametrize("routing", [RouteType.Hash, RouteType.Key])
@on_a_loop
async def test_a_super_stream_keeps_each_key_in_one_partition(
    stream_server: StreamBroker, stream: str, routing: RouteType
) -> None:
    stream_server.require((3, 13), "super stream by command")
    name = f"{stream}-super"
    keys = ["red", "green", "blue"]

    async def key_of(message: AMQPMessage) -> str:
        return str(message.application_properties["key"])

    def messages() -> Iterator[AMQPMessage]:
        for number in range(90):
            key = keys[number % 3]
            yield AMQPMessage(body=b"%d" % number, application_properties={"key": key})

    options = SuperStreamCreationOption(n_partitions=0, binding_keys=keys)
    place = (stream_server.host, stream_server.stream_port)
    async with SuperStreamProducer(
        *place,
        super_stream=name,
        super_stream_creation_option=options,
        routing_extractor=key_of,
        routing=routing,
        username=USER,
        password=USER,
    ) as producer:
        for message in messages():
            await producer.send(message)
    async with SuperStreamConsumer(
        *place, super_stream=name, username=USER, password=USER
    ) as consumer:
        reads = Reading()
        await consumer.subscribe(
            reads.take,
            decoder=amqp_decoder,
            offset_specification=ConsumerOffsetSpecification(OffsetType.FIRST, None),
        )
        await reads.until(90)
        places: dict[bytes, set[str]] = {}
        for partition, got in reads.by_stream.items():
            bodies = [int(body_of(message)) for message in got]
            for index, key in enumerate(keys):
                of_key = [number for number in bodies if number % 3 == index]
                assert of_key == sorted(of_key)
                if of_key:
                    places.setdefault(key.encode(), set()).add(partition)
        assert all(len(each) == 1 for each in places.values())
    async with SuperStreamConsumer(
        *place, super_stream=name, username=USER, password=USER
    ) as consumer:
        await consumer.delete_super_stream(name)


@on_a_loop
async def test_a_reader_and_a_writer_hear_that_their_stream_is_gone(
    stream_server: StreamBroker, stream: str
) -> None:
    closed: list[list[str]] = []
    is_told = asyncio.Event()

    async def on_close(info: OnClosedErrorInfo) -> None:
        closed.append(list(info.streams))
        is_told.set()

    place = (stream_server.host, stream_server.stream_port)
    async with (
        Producer(*place, username=USER, password=USER) as producer,
        Consumer(*place, on_close_handler=on_close, username=USER, password=USER) as consumer,
    ):
        await producer.send_wait(stream, b"one")
        reads = Reading()
        await consumer.subscribe(stream, reads.take)
        await reads.until(1)
        async with Producer(*place, username=USER, password=USER) as other:
            await other.delete_stream(stream)
        await is_told.wait()
        assert closed == [[stream]]
