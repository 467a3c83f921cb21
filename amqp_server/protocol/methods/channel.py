"""The methods of class channel (AMQP 0-9-1 §1.5) without open and close, and access.request.

Open and close change the connection's table of channels, so the connection handles them.
"""

from pamqp import commands

from amqp_server.broker.errors import NotSupportedError
from amqp_server.protocol.channel import Channel
from amqp_server.wire.methods import AccessRequest, AccessRequestOk, Method


def flow(_channel: Channel, method: commands.Channel.Flow, _now_ms: int) -> Method:
    """Continue to deliver; RabbitMQ cannot be asked to stop, and prefetch serves this purpose.

    Raises:
        NotSupportedError: ``active`` is false (540).
    """
    if not method.active:
        raise NotSupportedError("active=false")
    return commands.Channel.FlowOk(active=True)


def access_request(_channel: Channel, _method: AccessRequest, _now_ms: int) -> Method:
    """Give old clients the ticket that they ask for; it is never checked (AMQP 0-8)."""
    return AccessRequestOk()
