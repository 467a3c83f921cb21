"""The method of class confirm (RabbitMQ's publisher confirms)."""

from pamqp import commands

from amqp_server.protocol.channel import Channel
from amqp_server.protocol.confirms import ConfirmTracker
from amqp_server.protocol.errors import ModeError
from amqp_server.wire.methods import Method


def select(channel: Channel, method: commands.Confirm.Select, _now_ms: int) -> Method | None:
    """Number publishes from 1 on and confirm them; this cannot be switched off again.

    Raises:
        ModeError: the channel is transactional (406).
    """
    publishing = channel.publishing
    if publishing.transaction is not None:
        raise ModeError("cannot switch from tx to confirm mode")
    if publishing.confirms is None:
        publishing.confirms = ConfirmTracker()
    return None if method.nowait else commands.Confirm.SelectOk()
