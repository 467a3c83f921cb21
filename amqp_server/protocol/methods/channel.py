"""The methods of class channel (AMQP 0-9-1 §1.5), but open and close, and access.request.

Opening and closing change the connection's table of channels and are the connection's.
"""

from pamqp import commands

from amqp_server.broker.errors import NotSupportedError
from amqp_server.protocol.channel import Channel
from amqp_server.wire.methods import AccessRequest, AccessRequestOk, Method


def flow(_channel: Channel, method: commands.Channel.Flow, _now_ms: int) -> Method:
    """Go on delivering; RabbitMQ cannot be asked to stop, prefetch is for that.

    Raises:
        NotSupportedError: ``active`` is false (540).
    """
    if not method.active:
        raise NotSupportedError("active=false")
    return commands.Channel.FlowOk(active=True)


def access_request(_channel: Channel, _method: AccessRequest, _now_ms: int) -> Method:
    """Give the ticket that old clients ask for; nobody looks at it (AMQP 0-8)."""
    return AccessRequestOk()
