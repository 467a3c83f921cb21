"""A client that sends anything, right or wrong: connections and channels."""

import contextlib
import struct
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Self, TypeVar

from pamqp import base, commands

from conformance import fields
from conformance.address import Address
from conformance.events import Closed, ClosedByPeerError, ConnectionLostError, Event
from conformance.wire import (
    FRAME_BODY,
    FRAME_HEADER,
    FRAME_HEARTBEAT,
    FRAME_METHOD,
    FRAME_OVERHEAD_BYTES,
    PROTOCOL_HEADER,
    TIMEOUT_S,
    Wire,
    content_header,
    decode_method,
    encode_method,
    frame_bytes,
)

CAPABILITIES = {
    "publisher_confirms": True,
    "exchange_exchange_bindings": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "connection.blocked": True,
    "authentication_failure_close": True,
}

M = TypeVar("M", bound=base.Frame)


class Connection(Wire):
    """An AMQP connection: the handshake, and events sorted by channel."""

    def __init__(self, address: Address, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(address, timeout_s)
        self.address = address
        self.start: commands.Connection.Start | None = None
        self.tune: commands.Connection.Tune | None = None
        self.frame_max_bytes = 0
        self._pending: dict[int, deque[Event]] = {}
        self._closed: Closed | None = None

    def send_header_and_start_ok(
        self,
        *,
        capabilities: dict[str, Any] | None = None,
        client_properties: dict[str, Any] | None = None,
        mechanism: str = "PLAIN",
        response: bytes | None = None,
    ) -> None:
        """Send the protocol header, await connection.start, answer it."""
        self.send_bytes(PROTOCOL_HEADER)
        self.start = self.expect(0, commands.Connection.Start)
        own = {"capabilities": CAPABILITIES if capabilities is None else capabilities}
        if response is None:
            response = f"\0{self.address.user}\0{self.address.password}".encode()
        self.send_method(
            0,
            commands.Connection.StartOk,
            client_properties=own | (client_properties or {}),
            mechanism=mechanism,
            response=response,
            locale="en_US",
        )

    def open(
        self,
        *,
        channel_max: int | None = None,
        frame_max: int | None = None,
        heartbeat: int = 0,
        vhost: str | None = None,
        **start_ok: Any,  # noqa: ANN401 - those of send_header_and_start_ok
    ) -> Self:
        """Do the whole handshake; None accepts the value that the peer proposes."""
        self.send_header_and_start_ok(**start_ok)
        self.tune = self.expect(0, commands.Connection.Tune)
        self.frame_max_bytes = self.tune.frame_max if frame_max is None else frame_max
        self.send_method(
            0,
            commands.Connection.TuneOk,
            channel_max=self.tune.channel_max if channel_max is None else channel_max,
            frame_max=self.frame_max_bytes,
            heartbeat=heartbeat,
        )
        self.send_method(
            0, commands.Connection.Open, virtual_host=self.address.vhost if vhost is None else vhost
        )
        self.expect(0, commands.Connection.OpenOk)
        return self

    def next_event(self, channel: int, timeout_s: float | None = None) -> Event:
        """Take the next event of a channel.

        Raises:
            ClosedByPeerError: it is a close of the channel or of the connection.
            ConnectionLostError: the connection has ended.
            AssertionError: nothing came in time.
        """
        pending = self._pending.setdefault(channel, deque())
        while not pending:
            self._read_event(timeout_s)
        return pending.popleft()

    def expect(self, channel: int, kind: type[M], timeout_s: float | None = None) -> M:
        """Take the first event of a kind; other events of the channel stay, in their order."""
        method = self.expect_event(channel, kind, timeout_s=timeout_s).method
        assert isinstance(method, kind)
        return method

    def expect_event(
        self, channel: int, *kinds: type[base.Frame], timeout_s: float | None = None
    ) -> Event:
        """Take the first event of any of the kinds, with its content."""
        pending = self._pending.setdefault(channel, deque())
        while True:
            for index, event in enumerate(pending):
                if isinstance(event.method, kinds):
                    del pending[index]
                    return event
            try:
                self._read_event(timeout_s)
            except TimeoutError:
                wanted = " or ".join(kind.name for kind in kinds)
                seen = [event.method.name for event in pending]
                raise AssertionError(f"no {wanted} came in time; came: {seen}") from None

    def pending(self, channel: int) -> list[Event]:
        """The events of a channel that were read and not taken yet."""
        return list(self._pending.get(channel, ()))

    def read_event(self, timeout_s: float | None = None) -> tuple[int, Event]:
        """Read the next method of any kind; return its channel and it. A close is not answered.

        Raises:
            ConnectionLostError: the connection has ended.
            TimeoutError: nothing came in time.
        """
        while True:
            frame = self.read_frame(timeout_s)
            if frame is None:
                raise ConnectionLostError("the broker ended the connection without a word")
            if frame.kind != FRAME_HEARTBEAT:
                break
        assert frame.kind == FRAME_METHOD, f"a method was due, not {frame}"
        method = decode_method(frame.payload)
        if isinstance(
            method, commands.Basic.Deliver | commands.Basic.GetOk | commands.Basic.Return
        ):
            return frame.channel, self._read_content(method, frame.channel)
        return frame.channel, Event(method)

    def _read_event(self, timeout_s: float | None) -> None:
        if self._closed is not None:
            raise ClosedByPeerError(self._closed)
        channel, event = self.read_event(timeout_s)
        if isinstance(event.method, commands.Connection.Close | commands.Channel.Close):
            raise ClosedByPeerError(self._acknowledge_close(channel, event.method))
        self._pending.setdefault(channel, deque()).append(event)

    def _read_content(self, method: base.Frame, channel: int) -> Event:
        header = self.read_frame()
        assert header is not None, "the connection ended before the content"
        assert (header.kind, header.channel) == (FRAME_HEADER, channel), (
            f"a header was due: {header}"
        )
        body_size = struct.unpack(">Q", header.payload[4:12])[0]
        body = bytearray()
        while len(body) < body_size:
            piece = self.read_frame()
            assert piece is not None, "the connection ended within the content"
            assert (piece.kind, piece.channel) == (FRAME_BODY, channel), f"a body was due: {piece}"
            body += piece.payload
        return Event(method, header.payload[12:], bytes(body))

    def _acknowledge_close(
        self, channel: int, method: commands.Connection.Close | commands.Channel.Close
    ) -> Closed:
        of_connection = isinstance(method, commands.Connection.Close)
        closed = Closed(
            method.reply_code or 0,
            method.reply_text,
            "connection" if of_connection else "channel",
            method.class_id or 0,
            method.method_id or 0,
        )
        with contextlib.suppress(OSError):
            if of_connection:
                self._closed = closed
                self.send_method(0, commands.Connection.CloseOk)
            else:
                self.send_method(channel, commands.Channel.CloseOk)
        return closed

    def await_close(self, channel: int = 0, timeout_s: float | None = None) -> Closed:
        """Read on until the peer closes the channel or the connection."""
        try:
            while True:
                self.next_event(channel, timeout_s)
        except ClosedByPeerError as error:
            return error.closed
        except TimeoutError:
            raise AssertionError("the broker did not close in time") from None

    def channel(self, number: int = 1) -> "Channel":
        """Open a channel; the peer may have closed the same number just before."""
        channel = Channel(self, number)
        channel.call(commands.Channel.Open)
        return channel


class Channel:
    """A channel of a connection; its methods are short forms of the calls that most checks need."""

    def __init__(self, connection: Connection, number: int) -> None:
        self.connection = connection
        self.number = number

    def send(self, kind: type[base.Frame], **given: Any) -> None:  # noqa: ANN401 - method fields
        self.connection.send_method(self.number, kind, **given)

    def expect(self, kind: type[M], timeout_s: float | None = None) -> M:
        return self.connection.expect(self.number, kind, timeout_s)

    def next_event(self, timeout_s: float | None = None) -> Event:
        return self.connection.next_event(self.number, timeout_s)

    def call(self, kind: type[base.Frame], **given: Any) -> Any:  # noqa: ANN401 - the -ok of kind
        """Send a method and await its -ok."""
        self.send(kind, **given)
        replies = [_command(name) for name in kind.valid_responses]
        return self.connection.expect_event(self.number, *replies).method

    def publish(
        self,
        body: bytes = b"",
        *,
        exchange: str = "",
        routing_key: str | bytes = "",
        mandatory: bool = False,
        immediate: bool = False,
        raw_properties: bytes | None = None,
        **properties: Any,  # noqa: ANN401 - the fourteen properties
    ) -> None:
        """Publish in one write: method, header, one body frame unless the body is empty."""
        method = encode_method(
            commands.Basic.Publish,
            exchange=exchange,
            routing_key=routing_key,
            mandatory=mandatory,
            immediate=immediate,
        )
        if raw_properties is None:
            raw_properties = fields.properties(**properties)
        raw = frame_bytes(FRAME_METHOD, self.number, method)
        raw += frame_bytes(FRAME_HEADER, self.number, content_header(len(body), raw_properties))
        limit_bytes = (self.connection.frame_max_bytes or 131072) - FRAME_OVERHEAD_BYTES
        for start in range(0, len(body), limit_bytes):
            raw += frame_bytes(FRAME_BODY, self.number, body[start : start + limit_bytes])
        self.connection.send_bytes(raw)

    def publish_confirmed(self, body: bytes = b"", **given: Any) -> base.Frame:  # noqa: ANN401
        """Publish on a channel in confirm mode; return the ack or nack that follows."""
        self.publish(body, **given)
        return self.connection.expect_event(
            self.number, commands.Basic.Ack, commands.Basic.Nack
        ).method

    def sync(self) -> None:
        """Send a request and await its answer; all that the channel sent before has been read."""
        self.call(commands.Basic.Qos)

    def declare(self, queue: str, **given: Any) -> commands.Queue.DeclareOk:  # noqa: ANN401
        reply: commands.Queue.DeclareOk = self.call(commands.Queue.Declare, queue=queue, **given)
        return reply

    def settle(self, queue: str) -> commands.Queue.DeclareOk:
        """Ask the queue twice; all that it had to deliver has been read then.

        A delivery may stand behind the queue's first answer in the channel's mailbox. It stands
        in front of the second one.
        """
        self.declare(queue, passive=True)
        return self.declare(queue, passive=True)

    def await_count(self, queue: str, count: int) -> None:
        """Wait until the queue has this number of ready messages.

        RabbitMQ's queue answers a declare before the publishes that wait in its mailbox.
        """
        self.settle(queue)
        deadline_s = time.monotonic() + TIMEOUT_S
        while (found := self.settle(queue).message_count) != count:
            assert time.monotonic() < deadline_s, f"{found} messages are ready, not {count}"
            time.sleep(0.01)

    def consume(self, queue: str, consumer_tag: str = "", **given: Any) -> str:  # noqa: ANN401
        reply = self.call(commands.Basic.Consume, queue=queue, consumer_tag=consumer_tag, **given)
        tag: str = reply.consumer_tag
        return tag

    def deliveries(self, count: int, timeout_s: float | None = None) -> list[Event]:
        """Await this number of deliveries."""
        return [
            self.connection.expect_event(self.number, commands.Basic.Deliver, timeout_s=timeout_s)
            for _ in range(count)
        ]

    def bodies(self, count: int) -> list[bytes]:
        return [event.body for event in self.deliveries(count)]

    def arrived(self, kind: type[base.Frame] = commands.Basic.Deliver) -> list[Event]:
        """The events of a kind that were read and not taken yet."""
        pending = self.connection.pending(self.number)
        return [event for event in pending if isinstance(event.method, kind)]

    def get(self, queue: str, *, no_ack: bool = True) -> Event | None:
        """Get one message; None is get-empty."""
        self.send(commands.Basic.Get, queue=queue, no_ack=no_ack)
        event = self.connection.expect_event(
            self.number, commands.Basic.GetOk, commands.Basic.GetEmpty
        )
        return event if isinstance(event.method, commands.Basic.GetOk) else None

    def get_one(self, queue: str, *, no_ack: bool = True) -> Event:
        """Get one message, which must be ready."""
        event = self.get(queue, no_ack=no_ack)
        assert event is not None, "the message was not routed"
        return event

    def get_soon(self, queue: str, *, no_ack: bool = True, timeout_s: float = TIMEOUT_S) -> Event:
        """Get one message that may still be on its way, such as a dead letter."""
        deadline_s = time.monotonic() + timeout_s
        while (event := self.get(queue, no_ack=no_ack)) is None:
            assert time.monotonic() < deadline_s, "the message did not arrive in time"
            time.sleep(0.01)
        return event

    def get_soon_unacked(self, queue: str) -> Event:
        """Get one message that may still be on its way; it must be acked."""
        return self.get_soon(queue, no_ack=False)

    def drain(self, queue: str) -> Iterator[Event]:
        """Get until the queue is empty."""
        while (event := self.get(queue)) is not None:
            yield event

    def ack(self, delivery_tag: int, *, multiple: bool = False) -> None:
        self.send(commands.Basic.Ack, delivery_tag=delivery_tag, multiple=multiple)

    def nack(self, delivery_tag: int, *, requeue: bool = True, multiple: bool = False) -> None:
        self.send(
            commands.Basic.Nack, delivery_tag=delivery_tag, requeue=requeue, multiple=multiple
        )

    def reject(self, delivery_tag: int, *, requeue: bool = True) -> None:
        self.send(commands.Basic.Reject, delivery_tag=delivery_tag, requeue=requeue)


def _command(dotted: str) -> type[base.Frame]:
    class_name, method_name = dotted.split(".")
    kind: type[base.Frame] = getattr(getattr(commands, class_name), method_name)
    return kind
