"""The methods of class exchange (AMQP 0-9-1 §1.6; exchange.bind and unbind are RabbitMQ's)."""

from pamqp import commands

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.names import (
    check_not_default_exchange,
    strip_line_ends,
)
from amqp_server.broker.request_rights import check_bind, check_exchange_declare
from amqp_server.broker.steps import Steps
from amqp_server.protocol.channel import Channel
from amqp_server.wire.methods import Method, arguments_of
from exchanges.bindings import Destination, DestinationKind


def declare(
    channel: Channel, method: commands.Exchange.Declare, _now_ms: int
) -> Method | Steps[Method | None] | None:
    """Create an exchange, or check that the one that exists is equivalent.

    Raises:
        NotFoundError: passive, and no such exchange (404).
        PreconditionFailedError: an invalid argument, or it exists with other properties (406).
        AccessRefusedError: no right, or a reserved name (403).
    """
    name = strip_line_ends(method.exchange)
    session = channel.session
    exchanges = session.open_vhost.exchanges
    check_not_default_exchange(name)
    if method.passive:
        exchanges.get(name)
    else:
        properties = asked_exchange(channel, method, name)
        if exchanges.is_leaving(name):
            return _declaring(channel, method, name, properties)
        exchanges.declare(name, properties)
    return None if method.nowait else commands.Exchange.DeclareOk()


def asked_exchange(
    channel: Channel, method: commands.Exchange.Declare, name: str
) -> ExchangeProperties:
    """Return what a declare asks for, after a check of rights.

    Raises:
        AccessRefusedError: no right (403).
    """
    arguments = arguments_of(method)
    check_exchange_declare(channel.session, name, arguments)
    return ExchangeProperties(
        method.exchange_type, method.durable, method.auto_delete, method.internal, arguments
    )


def _declaring(
    channel: Channel,
    method: commands.Exchange.Declare,
    name: str,
    properties: ExchangeProperties,
) -> Steps[Method | None]:
    """Declare once the earlier exchange of this name is gone."""
    exchanges = channel.session.open_vhost.exchanges
    yield from exchanges.finishing(name)
    exchanges.declare(name, properties)
    return None if method.nowait else commands.Exchange.DeclareOk()


def delete(
    channel: Channel, method: commands.Exchange.Delete, _now_ms: int
) -> Steps[Method | None]:
    """Delete an exchange; one that does not exist is deleted already.

    Raises:
        AccessRefusedError: no right, or an exchange that may not be deleted (403).
        PreconditionFailedError: ``if_unused`` and it is in use (406).
    """
    name = strip_line_ends(method.exchange)
    check_not_default_exchange(name)
    channel.session.require(Permission.CONFIGURE, "exchange", name)
    yield from channel.session.open_vhost.exchanges.deleting(name, if_unused=method.if_unused)
    return None if method.nowait else commands.Exchange.DeleteOk()


def bind(channel: Channel, method: commands.Exchange.Bind, _now_ms: int) -> Method | None:
    """Bind an exchange to another, so that it gets the matching messages.

    Raises:
        NotFoundError: one of them does not exist (404).
        AccessRefusedError: no right, or the default exchange (403).
        PreconditionFailedError: the source's type refuses key or arguments (406).
    """
    destination, source = ends_of(channel, method)
    channel.session.open_vhost.bind(
        source, _exchange(destination), method.routing_key, arguments_of(method)
    )
    return None if method.nowait else commands.Exchange.BindOk()


def unbind(
    channel: Channel, method: commands.Exchange.Unbind, _now_ms: int
) -> Steps[Method | None]:
    """Remove a binding; a missing binding, exchange or queue is no error.

    Raises:
        AccessRefusedError: no right, or the default exchange (403).
    """
    destination, source = ends_of(channel, method)
    yield from channel.session.open_vhost.exchanges.unbinding(
        source, _exchange(destination), method.routing_key, arguments_of(method)
    )
    return None if method.nowait else commands.Exchange.UnbindOk()


def ends_of(
    channel: Channel, method: commands.Exchange.Bind | commands.Exchange.Unbind
) -> tuple[str, str]:
    """Return destination and source, after a check that the user may bind them."""
    destination = strip_line_ends(method.destination)
    source = strip_line_ends(method.source)
    check_bind(channel.session, source, _exchange(destination), method.routing_key)
    return destination, source


def _exchange(name: str) -> Destination:
    return Destination(DestinationKind.EXCHANGE, name)
