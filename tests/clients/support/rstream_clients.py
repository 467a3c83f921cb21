"""rstream's producers and consumers of a broker under test."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from rstream import (
    AMQPMessage,
    Consumer,
    ConsumerOffsetSpecification,
    EventContext,
    FilterConfiguration,
    MessageContext,
    OffsetSpecification,
    OffsetType,
    Producer,
    amqp_decoder,
)

from tests.clients.support.stream_server import USER, StreamBroker

Message = AMQPMessage | bytes
Listener = Callable[[bool, EventContext], Awaitable[OffsetSpecification]]


class Reading:
    """What a consumer has got.

    Attributes:
        got: offset and message each.
        by_stream: the messages of each stream.
    """

    def __init__(self) -> None:
        self.got: list[tuple[int, Message]] = []
        self.by_stream: dict[str, list[Message]] = {}
        self._changed = asyncio.Event()

    async def take(self, message: Message, context: MessageContext) -> None:
        """Be the callback."""
        self.got.append((context.offset, message))
        self.by_stream.setdefault(context.stream, []).append(message)
        self._changed.set()

    async def until(self, count: int) -> list[Message]:
        """Return the messages, once there are so many."""
        while len(self.got) < count:
            self._changed.clear()
            await self._changed.wait()
        return [message for _, message in self.got]

    async def until_has(self, wanted: Message) -> None:
        """Return once it has got a message."""
        while all(message != wanted for _, message in self.got):
            self._changed.clear()
            await self._changed.wait()

    @property
    def offsets(self) -> list[int]:
        """The offset of each message."""
        return [offset for offset, _ in self.got]


def producing(server: StreamBroker, context: ssl.SSLContext | None = None) -> Producer:
    """Return a producer, not started."""
    return Producer(
        server.host, server.stream_port, username=USER, password=USER, ssl_context=context
    )


@asynccontextmanager
async def reading(
    server: StreamBroker,
    stream: str,
    begin: OffsetType = OffsetType.FIRST,
    value: int | None = None,
    *,
    decodes: bool = False,
    properties: dict[str, str] | None = None,
    listener: Listener | None = None,
    wanted: FilterConfiguration | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Reading]:
    """Read a stream as long as the block lasts."""
    place = (server.host, server.stream_port)
    async with Consumer(*place, username=USER, password=USER, ssl_context=context) as consumer:
        reads = Reading()
        await consumer.subscribe(
            stream,
            reads.take,
            decoder=amqp_decoder if decodes else None,
            offset_specification=ConsumerOffsetSpecification(begin, value),
            properties=properties,
            consumer_update_listener=listener,
            filter_input=wanted,
        )
        yield reads


def numbers(start: int, stop: int) -> list[bytes]:
    """Return the numbers of a range as messages."""
    return [b"%d" % number for number in range(start, stop)]
