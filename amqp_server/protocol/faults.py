"""The method that an error is attributed to, and the close that names it.

Source: AMQP 0-9-1 §1.4.2.6, §1.5.2.5; RabbitMQ, rabbit_reader and rabbit_channel.
"""

from typing import Final

from pamqp import commands

from amqp_server.broker.errors import BrokerError, LoginRefusedError
from amqp_server.protocol.errors import ChannelLimitError
from amqp_server.protocol.replies import INTERNAL, reply_for
from amqp_server.wire.constants import FRAME_METHOD
from amqp_server.wire.errors import WireError
from amqp_server.wire.events import AckRange, Event, PublishBurst, PublishRun
from amqp_server.wire.methods import Method, method_index

PUBLISH_INDEX: Final = 60 << 16 | 40
ACK_INDEX: Final = 60 << 16 | 80


def index_of(event: Event) -> int:
    """Return class id << 16 | method id of the method in an event; 0 for content frames."""
    if isinstance(event, PublishRun | PublishBurst):
        return PUBLISH_INDEX
    if isinstance(event, AckRange):
        return ACK_INDEX
    return method_index(event.payload) if event.kind == FRAME_METHOD else 0


def index_at_fault(error: Exception, event: Event) -> int:
    """Return the method to name in a close; none if no single method is at fault."""
    if isinstance(error, WireError):
        return error.method_index
    if isinstance(error, LoginRefusedError | ChannelLimitError) or reply_for(error) is INTERNAL:
        return 0
    # An error of the broker about content is attributed to its publish.
    return index_of(event) or (PUBLISH_INDEX if isinstance(error, BrokerError) else 0)


def close_method(
    kind: type[commands.Channel.Close | commands.Connection.Close],
    code: int,
    text: str,
    index: int,
) -> Method:
    """Return channel.close or connection.close.

    pamqp's constructor is not used, because its checks refuse texts that RabbitMQ sends.
    """
    method = kind.__new__(kind)
    method.reply_code = code
    method.reply_text = text
    method.class_id = index >> 16
    method.method_id = index & 0xFFFF
    return method
