"""Calls that several pika tests make, with the types that pika's stubs get wrong put right."""

from typing import cast

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ChannelClosedByBroker
from pika.exchange_type import ExchangeType
from pika.spec import Basic, BasicProperties

from tests.clients.support.inbox import Delivery


def connect(uri: str, heartbeat_s: int | None = None) -> BlockingConnection:
    """Open a connection; ``heartbeat_s`` of None takes what the broker proposes."""
    parameters = pika.URLParameters(uri)
    if heartbeat_s is not None:
        parameters.heartbeat = heartbeat_s
    return pika.BlockingConnection(parameters)


def fill(channel: BlockingChannel, queue: str, *bodies: bytes) -> None:
    """Publish ``bodies`` and return when the queue has them.

    A publish alone is not enough before asking for a count: RabbitMQ answers the question
    ahead of publishes that it has read but not yet enqueued.
    """
    with channel.connection.channel() as confirming:
        confirming.confirm_delivery()
        for body in bodies:
            confirming.basic_publish("", queue, body, mandatory=True)


def ready_count(channel: BlockingChannel, queue: str) -> int:
    """Return how many messages of ``queue`` wait for a consumer."""
    count = channel.queue_declare(queue, passive=True).method.message_count
    assert count is not None
    return count


def get(channel: BlockingChannel, queue: str, auto_ack: bool = True) -> Delivery | None:
    """Take one message by basic.get; None when there is none."""
    method, properties, body = cast(
        "tuple[Basic.GetOk, BasicProperties, bytes] | tuple[None, None, None]",
        channel.basic_get(queue, auto_ack=auto_ack),
    )
    if method is None:
        return None
    assert properties is not None
    assert body is not None
    return Delivery(
        method.delivery_tag or 0,
        bool(method.redelivered),
        method.routing_key or "",
        properties,
        body,
    )


def declare_exchange(
    channel: BlockingChannel,
    name: str,
    kind: str,
    arguments: dict[str, str] | None = None,
    internal: bool = False,
) -> None:
    """Declare an exchange of ``kind``; pika takes the type's name as well as its enum."""
    channel.exchange_declare(
        name, cast("ExchangeType", kind), internal=internal, arguments=arguments
    )


def is_locked_by_another(channel: BlockingChannel, queue: str) -> bool:
    """Return whether ``queue`` belongs to another connection; claim it where it does not.

    Raises:
        ChannelClosedByBroker: for any other reason than 405.
    """
    try:
        channel.queue_declare(queue, exclusive=True)
    except ChannelClosedByBroker as closed:
        if closed.reply_code != 405:
            raise
        return True
    return False
