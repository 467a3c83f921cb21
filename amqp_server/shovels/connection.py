"""A connection to another broker, as its client: AMQP 0-9-1, and content passed on byte for byte.

    deliveries ── on_delivery ──▶ whoever uses it     the reader waits for ``after_reading``, so a
    publish ── write buffer ──▶ the other broker       slow destination slows its source down

Frames of the other broker are cut within the limits that were negotiated. A property list is never
decoded unless it must be changed, so what a message has keeps its types.

Source: AMQP 0-9-1 §2.2.4, §4.2; RabbitMQ, confirms, connection.blocked.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from pamqp import commands

from amqp_server.broker.shovels.uris import AmqpUri
from amqp_server.shovels.dialing import Dialled, dial
from amqp_server.shovels.errors import ChannelClosedError, RemoteError
from amqp_server.shovels.incoming import (
    FRAME_MAX_BYTES,
    HEAD,
    Delivery,
    Event,
    Incoming,
    Unroutable,
)
from amqp_server.shovels.requests import ExchangeDeclare, QueueDeclare
from amqp_server.wire.constants import (
    BASIC_PUBLISH,
    FRAME_BODY,
    FRAME_END_OCTET,
    FRAME_HEADER,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
    HEARTBEAT_FRAME,
    PROTOCOL_HEADER,
)
from amqp_server.wire.errors import WireError
from amqp_server.wire.methods import Method, encode_method
from amqp_server.wire.tables import Field, Table

HEARTBEAT_S: Final = 60
READ_BYTES: Final = 4_096
"""What is worked on at once: some hundred small messages, a few milliseconds of the node's loop."""

WORK: Final = 1
"""The channel that messages go over."""

ASKING: Final = 2
"""The channel for questions that may close it."""

_CAPABILITIES: Final = {
    name: Field("t", True)  # noqa: FBT003 - a value on the wire
    for name in (
        "publisher_confirms",
        "basic.nack",
        "connection.blocked",
        "consumer_cancel_notify",
        "authentication_failure_close",
    )
}

MethodT = TypeVar("MethodT", bound=Method)


def _nothing(*_given: object) -> None:
    """Ignore what nobody asked for."""


async def _no_wait() -> None:
    """Wait for nothing."""


class OutwardConnection:
    """One connection with the channel ``WORK``.

    Attributes:
        on_delivery: gets each message.
        on_settled: gets tag, whether all up to it, and whether they are taken (else refused).
        on_unroutable: hears that a mandatory message reached no queue.
        on_blocked: hears whether the other broker takes no publishes for now.
        after_reading: awaited after each piece of input, before more is read.
    """

    def __init__(self, dialled: Dialled, uri: AmqpUri) -> None:
        self._reader, self._writer = dialled
        self._uri = uri
        self._incoming = Incoming()
        self._replies: dict[int, asyncio.Future[Method]] = {}
        self._reactions: dict[type[Method], Callable[[Any], None]] = {
            commands.Basic.Ack: self._on_settled,
            commands.Basic.Nack: self._on_settled,
            commands.Basic.Cancel: self._on_cancelled,
            commands.Connection.Close: self._on_closed,
            commands.Connection.Blocked: lambda _: self.on_blocked(True),  # noqa: FBT003
            commands.Connection.Unblocked: lambda _: self.on_blocked(False),  # noqa: FBT003
        }
        self._server: Mapping[str, Any] = {}
        self._heartbeat_s = 0
        self._read_at_s = 0.0
        self._is_reading_paused = False
        self._reading: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self.on_delivery: Callable[[Delivery], None] = _nothing
        self.on_settled: Callable[[int, bool, bool], None] = _nothing
        self.on_unroutable: Callable[[], None] = _nothing
        self.on_blocked: Callable[[bool], None] = _nothing
        self.after_reading: Callable[[], Awaitable[None]] = _no_wait

    @classmethod
    async def connect(
        cls, uri: AmqpUri, name: str, local: Callable[[], Awaitable[Dialled]] | None = None
    ) -> "OutwardConnection":
        """Connect, log in, and open the channel.

        Args:
            uri: where to, with the user to log in as.
            name: of the connection, for people.
            local: connects to this node; needed where the URI names no host.

        Raises:
            OSError, TimeoutError: it cannot be reached.
            RemoteError: it is no AMQP broker, or refuses the login.
        """
        async with asyncio.timeout(uri.timeout_s):
            client = cls(await (dial(uri) if local is None else local()), uri)
            try:
                await client._open(name)
            except BaseException:
                await client.close()
                raise
        return client

    async def close(self) -> None:
        """End the connection; what was not settled goes back to its queue."""
        for task in (self._reading, self._beating):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
        self._fail_replies(RemoteError("the connection was closed"))
        with contextlib.suppress(Exception):
            self._writer.write(encode_method(0, commands.Connection.Close(200, "Goodbye", 0, 0)))
            self._writer.close()

    async def until_lost(self) -> None:
        """Wait until the connection is over, and raise why."""
        assert self._reading is not None, "it was opened"
        await asyncio.shield(self._reading)
        raise RemoteError("the other broker closed the connection")

    def server_text(self, name: str) -> str:
        """Return a text that the other broker says of itself; empty where it says none."""
        held = self._server.get(name)
        value = held.value if isinstance(held, Field) else None
        return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else ""

    @property
    def local_name(self) -> str:
        """The name of this connection, as the other broker shows it; empty where it has none."""
        ends = [self._writer.get_extra_info(key) for key in ("sockname", "peername")]
        shown = [f"{end[0]}:{end[1]}" for end in ends if isinstance(end, tuple)]
        return " -> ".join(shown) if len(shown) == len(ends) else ""

    # ── requests ──

    async def call(self, kind: type[MethodT], method: Method, channel: int = WORK) -> MethodT:
        """Send a method and return its answer.

        Raises:
            ChannelClosedError: the other broker closed the channel instead.
            RemoteError: it answered otherwise, or closed the connection.
        """
        future = asyncio.get_running_loop().create_future()
        self._replies[channel] = future
        self.write(method, channel)
        try:
            async with asyncio.timeout(self._uri.timeout_s):
                reply = await future
        finally:
            self._replies.pop(channel, None)
        if not isinstance(reply, kind):
            raise RemoteError(f"expected {kind.name}, got {reply.name}")
        return reply

    async def has_exchange(self, name: str) -> bool:
        """Return whether there is an exchange of this name."""
        declare = ExchangeDeclare(exchange=name, passive=True, arguments={})
        return await self._asked(commands.Exchange.DeclareOk, declare) is not None

    async def is_there(self, queue: str) -> int | None:
        """Return how many messages a queue has; None where there is no such queue."""
        declare = QueueDeclare(queue=queue, passive=True, arguments={})
        found = await self._asked(commands.Queue.DeclareOk, declare)
        return None if found is None else found.message_count or 0

    async def _asked(self, kind: type[MethodT], method: Method) -> MethodT | None:
        """Return the answer to a question that closes its channel; None where nothing was found."""
        await self.call(commands.Channel.OpenOk, commands.Channel.Open(), ASKING)
        try:
            found = await self.call(kind, method, ASKING)
        except ChannelClosedError as error:
            if error.code != 404:  # noqa: PLR2004 - NOT_FOUND
                raise
            return None
        close = commands.Channel.Close(200, "", 0, 0)
        await self.call(commands.Channel.CloseOk, close, ASKING)
        return found

    def write(self, method: Method, channel: int = WORK) -> None:
        """Send a method without waiting."""
        self._writer.write(encode_method(channel, method))

    def publish(
        self, exchange: str, routing_key: str, header: bytes, body: bytes, *, mandatory: bool
    ) -> None:
        """Send a message; ``drain`` waits until the other broker takes it.

        Raises:
            RemoteError: its header does not fit into a frame.
        """
        limit = self._incoming.frame_max_bytes - FRAME_OVERHEAD_BYTES
        if len(header) > limit:
            raise RemoteError(f"a message has {len(header)} octets of headers, more than a frame")
        where = _shortstr(exchange) + _shortstr(routing_key)
        method = BASIC_PUBLISH + b"\0\0" + where + bytes([mandatory])
        parts = [_frame(FRAME_METHOD, method), _frame(FRAME_HEADER, header)]
        parts += [
            _frame(FRAME_BODY, body[start : start + limit]) for start in range(0, len(body), limit)
        ]
        self._writer.write(b"".join(parts))

    async def drain(self) -> None:
        """Wait until the other broker has taken enough of what was sent."""
        await self._writer.drain()

    # ── the handshake ──

    async def _open(self, name: str) -> None:
        self._writer.write(PROTOCOL_HEADER)
        loop = asyncio.get_running_loop()
        started = self._replies[0] = loop.create_future()
        self._read_at_s = loop.time()
        self._reading = loop.create_task(self._read())
        self._reading.add_done_callback(self._on_end)
        start = await started
        if not isinstance(start, commands.Connection.Start):
            raise RemoteError(f"expected {commands.Connection.Start.name}, got {start.name}")
        self._server = start.server_properties or {}
        uri = self._uri
        is_external = uri.options.get("auth_mechanism", "").lower() == "external"
        tune = await self.call(
            commands.Connection.Tune,
            commands.Connection.StartOk(
                client_properties=_client_properties(name),  # type: ignore[arg-type]  # typed fields
                mechanism="EXTERNAL" if is_external else "PLAIN",
                response="" if is_external else f"\0{uri.username}\0{uri.password}",
                locale="en_US",
            ),
            0,
        )
        offered_s = tune.heartbeat or 0
        wanted_s = HEARTBEAT_S if uri.heartbeat_s is None else uri.heartbeat_s
        self._heartbeat_s = min(offered_s, wanted_s) if offered_s and wanted_s else wanted_s
        frame_max = min(tune.frame_max or FRAME_MAX_BYTES, FRAME_MAX_BYTES)
        tune_ok = commands.Connection.TuneOk(tune.channel_max or 0, frame_max, self._heartbeat_s)
        self.write(tune_ok, 0)
        self._incoming.frame_max_bytes = frame_max
        await self.call(
            commands.Connection.OpenOk, commands.Connection.Open(virtual_host=uri.vhost), 0
        )
        await self.call(commands.Channel.OpenOk, commands.Channel.Open())
        if self._heartbeat_s:
            self._beating = loop.create_task(self._beat())

    async def _beat(self) -> None:
        """Send heartbeats; end a connection of which nothing comes any more."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._heartbeat_s / 2)
            self._writer.write(HEARTBEAT_FRAME)
            silent_s = loop.time() - self._read_at_s
            if silent_s > 2 * self._heartbeat_s and not self._is_reading_paused:
                self._writer.transport.abort()
                return

    # ── reading ──

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            octets = await self._reader.read(READ_BYTES)
            if not octets:
                raise RemoteError("the other broker closed the connection")
            self._read_at_s = loop.time()
            try:
                for event in self._incoming.feed(octets):
                    self._on_event(event)
            except WireError as error:
                raise RemoteError(f"the other broker sent what is no AMQP: {error}") from error
            self._is_reading_paused = True
            await self.after_reading()
            await asyncio.sleep(0)  # the node's other work comes first
            self._is_reading_paused = False

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Delivery):
            self.on_delivery(event)
        elif isinstance(event, Unroutable):
            self.on_unroutable()
        else:
            method, channel = event
            react = self._reactions.get(type(method))
            if react is not None:
                react(method)
            elif isinstance(method, commands.Channel.Close):
                self._on_channel_closed(method, channel)
            else:
                self._answer(channel, method)

    def _on_settled(self, method: Any) -> None:  # noqa: ANN401 - an ack or nack
        is_taken = isinstance(method, commands.Basic.Ack)
        self.on_settled(method.delivery_tag, method.multiple, is_taken)

    def _on_cancelled(self, _method: Method) -> None:
        raise RemoteError("the queue is gone")

    def _on_closed(self, method: Any) -> None:  # noqa: ANN401 - a connection.close
        self.write(commands.Connection.CloseOk(), 0)
        raise RemoteError(f"{method.reply_code} {method.reply_text}")

    def _on_channel_closed(self, method: commands.Channel.Close, channel: int) -> None:
        self.write(commands.Channel.CloseOk(), channel)
        closed = ChannelClosedError(method.reply_code or 0, method.reply_text)
        future = self._replies.get(channel)
        if future is None or future.done():
            raise closed
        future.set_exception(closed)

    def _answer(self, channel: int, method: Method) -> None:
        future = self._replies.get(channel)
        if future is not None and not future.done():
            future.set_result(method)

    # ── the end ──

    def _on_end(self, task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        self._fail_replies(error or RemoteError("the connection was closed"))

    def _fail_replies(self, error: BaseException) -> None:
        for future in self._replies.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # nobody may be waiting any more


def _client_properties(name: str) -> Table:
    return {
        "product": Field("S", b"HareMQ"),
        "connection_name": Field("S", name.encode("utf-8", "replace")),
        "capabilities": Field("F", dict(_CAPABILITIES)),
    }


def _frame(kind: int, payload: bytes) -> bytes:
    return HEAD.pack(kind, WORK, len(payload)) + payload + FRAME_END_OCTET


def _shortstr(text: str) -> bytes:
    octets = text.encode("utf-8", "surrogateescape")
    return bytes([len(octets)]) + octets
