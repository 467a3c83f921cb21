"""The clients of RabbitMQ's Jepsen test, on aio-pika: one for each worker, bound to one node.

A client has a channel that publishes with confirms, and one that consumes. It does not recover by
itself: after an error it connects again, once a second for 30 s. ``asynchronous`` ones consume with
a prefetch of 1 into a list of their own, ``polling`` ones use basic.get.

Source: rabbitmq/jepsen, rabbitmq.clj and Utils.java.
"""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError, DeliveryError

from load_generator.session import Endpoint
from load_generator.verifying.history import Action, Kind, Notebook, Value

OPERATION_S: Final = 5.0
CONNECT_TRIES: Final = 30
RETRY_S: Final = 1.0
LOST: Final = (AMQPError, OSError, asyncio.TimeoutError, RuntimeError)
"""What a connection that is gone raises; RuntimeError: a channel that was closed meanwhile."""


class QueueClient:
    """One worker's client; ``enqueue`` and ``dequeue`` are never under way at the same time."""

    def __init__(
        self, node: str, endpoint: Endpoint, queues: tuple[str, str], notebook: Notebook
    ) -> None:
        """Queues: the one that is published to, the one that is consumed from."""
        self.is_polling = False
        self._node = node
        self._endpoint = endpoint
        self._inbound, self._outbound = queues
        self._notebook = notebook
        self._number = 0
        self._connection: AbstractConnection | None = None
        self._exchange: aio_pika.abc.AbstractExchange | None = None
        self._queue: AbstractQueue | None = None
        self._here: deque[AbstractIncomingMessage] = deque()

    async def connect(self) -> bool:
        """Connect, within 30 tries; return whether it did."""
        for _ in range(CONNECT_TRIES):
            try:
                async with asyncio.timeout(OPERATION_S):
                    await self._connect_once()
            except LOST:
                await self.close()
                await asyncio.sleep(RETRY_S)
            else:
                return True
        return False

    async def _connect_once(self) -> None:
        where = self._endpoint
        url = f"amqp://{where.username}:{where.password}@{where.host}:{where.port}/"
        self._connection = await aio_pika.connect(url)
        self._number = self._notebook.number()
        publishing = await self._connection.channel(on_return_raises=True)
        self._exchange = publishing.default_exchange
        consuming = await self._connection.channel()
        await consuming.set_qos(prefetch_count=1)
        self._queue = await consuming.get_queue(self._outbound)
        if not self.is_polling:
            await self._queue.consume(self._arrived)

    async def close(self) -> None:
        """Close the connection, if it answers."""
        connection, self._connection, self._exchange, self._queue = (
            self._connection,
            None,
            None,
            None,
        )
        self._here.clear()
        if connection is not None:
            with suppress(*LOST):
                async with asyncio.timeout(OPERATION_S):
                    await connection.close()

    async def enqueue(self, counter: int) -> None:
        """Publish a value and wait for its confirm."""
        value = Value(self._inbound, 0, counter)
        self._note(Kind.INVOKE, value)
        if self._exchange is None:
            self._note(Kind.FAIL, value)
            await self.connect()
            return
        message = aio_pika.Message(
            str(counter).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT
        )
        try:
            await self._exchange.publish(message, self._inbound, timeout=OPERATION_S)
        except DeliveryError:
            self._note(Kind.FAIL, value)  # nacked, or returned
        except TimeoutError:
            self._note(Kind.INFO, value)
        except LOST:
            self._note(Kind.INFO, value)
            await self.close()
            await self.connect()
        else:
            self._note(Kind.OK, value)

    async def dequeue(self) -> None:
        """Take a message, if there is one, and ack it."""
        if self._queue is None:
            await self.connect()
            return
        try:
            async with asyncio.timeout(OPERATION_S):
                message = await self._next()
                if message is not None:
                    await message.ack()
        except LOST:
            await self.close()
            await self.connect()

    async def _next(self) -> AbstractIncomingMessage | None:
        if not self.is_polling:
            return self._here.popleft() if self._here else None
        assert self._queue is not None
        message = await self._queue.get(fail=False)
        if message is not None:
            self._note_delivery(message)
        return message

    async def _arrived(self, message: AbstractIncomingMessage) -> None:
        self._note_delivery(message)
        self._here.append(message)

    def _note(self, kind: Kind, value: Value) -> None:
        self._notebook.enqueue(kind, self._number, self._node, [value])

    def _note_delivery(self, message: AbstractIncomingMessage) -> None:
        value = Value(self._inbound, 0, int(message.body))
        redelivered = bool(message.redelivered)
        self._notebook.deliver(
            Action.DELIVER, self._number, self._node, value, redelivered=redelivered
        )
