"""rstream's publishers: compression, callbacks, names, small frames, many on a connection."""

import asyncio
import gzip
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from rstream import (
    AMQPMessage,
    CompressionType,
    ConfirmationStatus,
    OffsetType,
    Producer,
    Properties,
    RawMessage,
)
from rstream.compression import GzipCompressionCodec, StreamCompressionCodecs

from tests.clients.support.deadlines import on_a_loop
from tests.clients.support.rstream_clients import numbers, producing, reading
from tests.clients.support.stream_server import USER, StreamBroker

pytestmark = [pytest.mark.clients, pytest.mark.timeout(120)]

COUNT = 300
OPAQUE = [CompressionType.Snappy, CompressionType.Lz4, CompressionType.Zstd]


class Opaque(GzipCompressionCodec):
    """A codec that only clients know: the broker keeps what it made, whatever its number."""

    def __init__(self, kind: CompressionType) -> None:
        self._kind = kind

    def compression_type(self) -> int:
        return int(self._kind.value)

    def uncompress(self, compressed_data: bytes, uncompressed_data_size: int) -> bytes:
        found = gzip.decompress(compressed_data)
        assert len(found) == uncompressed_data_size
        return found


@pytest.fixture(autouse=True)
def codecs() -> Iterator[None]:
    for kind in OPAQUE:
        StreamCompressionCodecs.register_codec(kind, Opaque(kind))
    yield
    for kind in OPAQUE:
        StreamCompressionCodecs.available_compress_codecs.pop(kind)


class Confirms:
    """Callbacks of a producer, until there are enough."""

    def __init__(self, count: int) -> None:
        self.statuses: list[ConfirmationStatus] = []
        self._count = count
        self._are_all = asyncio.Event()

    def take(self, status: ConfirmationStatus) -> None:
        self.statuses.append(status)
        if len(self.statuses) == self._count:
            self._are_all.set()

    async def ids(self) -> list[int]:
        """Return the ids that were confirmed, once there are so many."""
        await self._are_all.wait()
        assert all(status.is_confirmed for status in self.statuses)
        return sorted(status.message_id for status in self.statuses)


@pytest.mark.parametrize("compression", OPAQUE)
@on_a_loop
async def test_what_a_client_compressed_comes_back_as_it_was(
    stream_server: StreamBroker, stream: str, compression: CompressionType
) -> None:
    async with producing(stream_server) as producer:
        for start in range(0, COUNT, 50):
            await producer.send_sub_entry(stream, numbers(start, start + 50), compression)
        async with reading(stream_server, stream) as reads:
            assert await reads.until(COUNT) == numbers(0, COUNT)
            assert reads.offsets == list(range(COUNT))


@on_a_loop
async def test_sub_entries_and_messages_keep_their_order(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        confirms = Confirms(3)
        await producer.send(stream, b"0", on_publish_confirm=confirms.take)
        await producer.send_sub_entry(
            stream, numbers(1, 10), CompressionType.Gzip, on_publish_confirm=confirms.take
        )
        await producer.send(stream, b"10", on_publish_confirm=confirms.take)
        assert await confirms.ids() == [1, 10, 11], "a sub-entry has one id: its last"
        async with (
            reading(stream_server, stream) as reads,
            reading(stream_server, stream, OffsetType.OFFSET, 5) as within,
        ):
            assert await reads.until(11) == numbers(0, 11)
            assert await within.until(6) == numbers(5, 11)


@on_a_loop
async def test_a_callback_gets_each_message_of_a_batch(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        confirms = Confirms(COUNT)
        ids = await producer.send_batch(stream, numbers(0, COUNT), on_publish_confirm=confirms.take)
        assert await confirms.ids() == sorted(ids)


@on_a_loop
async def test_a_name_goes_on_behind_its_last_number(
    stream_server: StreamBroker, stream: str
) -> None:
    for life in range(3):
        async with producing(stream_server) as producer:
            ids = await producer.send_batch(stream, numbers(0, 10), publisher_name="one")
            assert ids == list(range(life * 10 + 1, life * 10 + 11))
    async with reading(stream_server, stream) as reads:
        assert await reads.until(30) == numbers(0, 10) * 3


@on_a_loop
async def test_a_gap_in_the_numbers_is_kept_and_what_is_below_is_a_duplicate(
    stream_server: StreamBroker, stream: str
) -> None:
    async with producing(stream_server) as producer:
        for number in (5, 9, 7, 9, 10):
            message = RawMessage(b"%d" % number, number)
            await producer.send_wait(stream, message, publisher_name="one")
        async with reading(stream_server, stream) as reads:
            assert await reads.until(3) == [b"5", b"9", b"10"]


@on_a_loop
async def test_a_message_has_all_that_amqp_can_say(
    stream_server: StreamBroker, stream: str
) -> None:
    when = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    message = AMQPMessage(
        body=b"body",
        properties=Properties(
            message_id="m",
            user_id=b"guest",
            to="to",
            subject="subject",
            reply_to="reply",
            correlation_id="c",
            content_type="text/plain",
            content_encoding="utf-8",
            creation_time=when,
            group_id="g",
            group_sequence=7,
        ),
        application_properties={"text": "x", "whole": 7, "yes": True, "double": 1.5},
        message_annotations={"x-a": "b"},
    )
    async with producing(stream_server) as producer:
        await producer.send_wait(stream, message)
    async with reading(stream_server, stream, decodes=True) as reads:
        (got,) = await reads.until(1)
    assert isinstance(got, AMQPMessage)
    assert bytes(got.body) == b"body"
    assert got.properties is not None
    assert (got.properties.subject, got.properties.group_sequence) == (b"subject", 7)
    assert got.properties.message_id == b"m"
    assert got.application_properties == {
        b"text": b"x",
        b"whole": 7,
        b"yes": True,
        b"double": 1.5,
    }
    assert got.message_annotations == {b"x-a": b"b"}


@on_a_loop
async def test_small_frames_are_enough_for_many_messages(
    stream_server: StreamBroker, stream: str
) -> None:
    place = (stream_server.host, stream_server.stream_port)
    async with Producer(*place, username=USER, password=USER, frame_max=16_384) as producer:
        messages = [bytes(900) + b"%d" % number for number in range(COUNT)]
        for message in messages:
            await producer.send(stream, message)
        async with reading(stream_server, stream) as reads:
            assert await reads.until(COUNT) == messages


@on_a_loop
async def test_a_large_message_goes_through(stream_server: StreamBroker, stream: str) -> None:
    async with producing(stream_server) as producer:
        await producer.send_wait(stream, bytes(1_000_000))
        async with reading(stream_server, stream) as reads:
            assert await reads.until(1) == [bytes(1_000_000)]


@on_a_loop
async def test_publishers_are_spread_over_connections(
    stream_server: StreamBroker, stream: str
) -> None:
    place = (stream_server.host, stream_server.stream_port)
    async with Producer(
        *place, username=USER, password=USER, max_publishers_by_connection=2
    ) as producer:
        names = [f"{stream}.{number}" for number in range(5)]
        for name in names:
            await producer.create_stream(name)
            await producer.send_wait(name, name.encode())
        for name in names:
            async with reading(stream_server, name) as reads:
                assert await reads.until(1) == [name.encode()]
            await producer.delete_stream(name)
