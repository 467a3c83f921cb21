"""The input of a check: the broker under check, fresh names, and the expected answer."""

import itertools
import secrets
from typing import Any

from pamqp import base, commands

from conformance.address import Address
from conformance.client import Channel, Connection
from conformance.events import ClosedByPeerError, ConnectionLostError
from conformance.wire import TIMEOUT_S, Wire

REPLY_TEXT_BYTES_MAX = 255
REPLY_NAMES = {
    200: "OK",
    311: "CONTENT_TOO_LARGE",
    312: "NO_ROUTE",
    320: "CONNECTION_FORCED",
    402: "INVALID_PATH",
    403: "ACCESS_REFUSED",
    404: "NOT_FOUND",
    405: "RESOURCE_LOCKED",
    406: "PRECONDITION_FAILED",
    501: "FRAME_ERROR",
    502: "SYNTAX_ERROR",
    503: "COMMAND_INVALID",
    504: "CHANNEL_ERROR",
    505: "UNEXPECTED_FRAME",
    506: "RESOURCE_ERROR",
    530: "NOT_ALLOWED",
    540: "NOT_IMPLEMENTED",
    541: "INTERNAL_ERROR",
}


LOST = "the end of the connection without a word"


class Peer:
    """The broker as one check sees it; after the check all that it made is removed."""

    def __init__(self, address: Address, expected: Any, *, is_haremq: bool) -> None:  # noqa: ANN401
        self.address = address
        self.expected = expected
        self.is_haremq = is_haremq
        self._connections: list[Wire] = []
        self._names: list[str] = []
        self._prefix = f"conformance.{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)

    def name(self, hint: str = "") -> str:
        """A fresh name; a queue or exchange of this name is deleted after the check."""
        name = f"{self._prefix}.{next(self._numbers)}{hint and '.'}{hint}"
        self._names.append(name)
        return name

    def owns(self, name: str) -> str:
        """Delete a queue or exchange of this name too after the check."""
        self._names.append(name)
        return name

    def wire(self, timeout_s: float = TIMEOUT_S) -> Wire:
        """A new socket to the broker; nothing has been sent on it."""
        wire = Wire(self.address, timeout_s)
        self._connections.append(wire)
        return wire

    def stranger(self, timeout_s: float = TIMEOUT_S) -> Connection:
        """A connection before its handshake."""
        connection = Connection(self.address, timeout_s)
        self._connections.append(connection)
        return connection

    def connection(self, **handshake: Any) -> Connection:  # noqa: ANN401 - those of Connection.open
        """An open connection."""
        return self.stranger().open(**handshake)

    def channel(self, **handshake: Any) -> Channel:  # noqa: ANN401 - those of Connection.open
        """Channel 1 of a new connection."""
        return self.connection(**handshake).channel(1)

    def channel_as(self, user: str, vhost: str | None = None) -> Channel:
        """Channel 1 as a user of definitions.json; the password is the name of the user."""
        address = self.address._replace(user=user, password=user)
        connection = Connection(address)
        self._connections.append(connection)
        return connection.open(vhost=vhost).channel(1)

    def confirming(self, **handshake: Any) -> Channel:  # noqa: ANN401 - those of Connection.open
        """Channel 1 of a new connection, in confirm mode."""
        channel = self.channel(**handshake)
        channel.call(commands.Confirm.Select)
        return channel

    def queue(self, channel: Channel, hint: str = "", **given: Any) -> str:  # noqa: ANN401
        """Declare a queue under a fresh name."""
        name = self.name(hint or "q")
        channel.declare(name, **given)
        return name

    def exchange(
        self,
        channel: Channel,
        exchange_type: str = "direct",
        **given: Any,  # noqa: ANN401 - fields of exchange.declare
    ) -> str:
        """Declare an exchange under a fresh name."""
        name = self.name("x")
        channel.call(commands.Exchange.Declare, exchange=name, exchange_type=exchange_type, **given)
        return name

    def bound_queue(
        self,
        channel: Channel,
        exchange: str,
        routing_key: str = "",
        arguments: dict[str, Any] | None = None,
        **given: Any,  # noqa: ANN401 - fields of queue.declare
    ) -> str:
        """Declare a queue and bind it."""
        queue = self.queue(channel, **given)
        bind(channel, queue, exchange, routing_key, arguments)
        return queue

    def clear(self) -> None:
        """Close every connection; delete the queues and exchanges with names of this check."""
        for connection in self._connections:
            connection.close()
        if not self._names:
            return
        with Connection(self.address).open() as connection:
            for number, name in enumerate(self._names, 1):
                channel = connection.channel(number)
                try:
                    channel.call(commands.Queue.Delete, queue=name)
                    channel.call(commands.Exchange.Delete, exchange=name)
                except ClosedByPeerError:
                    # An exclusive queue is deleted with its connection, which is just ending.
                    continue
            connection.send_method(0, commands.Connection.Close, reply_code=200)

    def expect_close(
        self,
        channel: Channel,
        kind: type[base.Frame] | None = None,
        *,
        fill: dict[str, object] | None = None,
        **given: Any,  # noqa: ANN401 - fields of the method
    ) -> None:
        """Send a method and expect the close that the check declares.

        Args:
            channel: the channel to send it on, which a close of a channel must close.
            kind: the method, which the close must name; None if it has been sent.
            fill: values of the placeholders in the expected text.
            given: fields of the method.
        """
        if kind is not None:
            channel.send(kind, **given)
        self.expect_closed(channel.connection, channel.number, kind, fill)

    def expect_closed(
        self,
        connection: Connection,
        number: int,
        kind: type[base.Frame] | None = None,
        fill: dict[str, object] | None = None,
        *,
        ends: bool = True,
    ) -> None:
        """Expect the close that the check declares, and that nothing else was closed.

        Args:
            connection: the connection that must get the close.
            number: the channel that must be closed, by itself or with the connection.
            kind: the method that the close must name; None takes it from the expectation.
            fill: values of the placeholders in the expected text.
            ends: the broker ends a connection after the close-ok. RabbitMQ does not if it has read
                half of a frame.
        """
        if self.expected == LOST:
            self.expect_lost(connection)
            return
        wanted = self.expected
        closed = connection.await_close(number)
        explanation = wanted.text
        for placeholder, value in (fill or {}).items():
            explanation = explanation.replace(f"{{{placeholder}}}", str(value))
        text = f"{REPLY_NAMES[wanted.code]} - {explanation}"
        text = text.encode()[:REPLY_TEXT_BYTES_MAX].decode(errors="ignore")
        assert (closed.code, closed.text) == (wanted.code, text), f"wanted {text}, got {closed}"
        assert closed.scope == wanted.scope, f"a close of the {wanted.scope} was due, got {closed}"
        method = wanted.method
        if method is None and kind is not None:
            method = (kind.index >> 16, kind.index & 0xFFFF)
        if method is not None:
            named = (closed.class_id, closed.method_id)
            assert named == method, f"the close names method {named}, not {method}"
        if closed.scope == "channel":
            connection.channel(number)
        elif ends:
            connection.expect_end()

    def expect_lost(self, connection: Connection) -> None:
        """Expect the end of the connection without a close."""
        try:
            closed = connection.await_close()
        except ConnectionLostError:
            return
        raise AssertionError(f"an end without a word was due, got {closed}")


def bind(
    channel: Channel,
    queue: str,
    exchange: str,
    routing_key: str = "",
    arguments: dict[str, Any] | None = None,
) -> None:
    """Bind a queue to an exchange."""
    channel.call(
        commands.Queue.Bind,
        queue=queue,
        exchange=exchange,
        routing_key=routing_key,
        arguments=arguments,
    )


def bind_exchange(
    channel: Channel,
    destination: str,
    source: str,
    routing_key: str = "",
    arguments: dict[str, Any] | None = None,
) -> None:
    """Bind an exchange to an exchange."""
    channel.call(
        commands.Exchange.Bind,
        destination=destination,
        source=source,
        routing_key=routing_key,
        arguments=arguments,
    )
