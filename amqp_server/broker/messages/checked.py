"""The properties of a publish that need a check: expiration, user-id, reply-to, CC and BCC.

Source: RabbitMQ, rabbit_channel, basic.publish: order of the checks, texts and codes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from amqp_server.broker.access.rights import User, check_user_id
from amqp_server.broker.errors import ReplyConsumerError
from amqp_server.broker.messages.carbon_copies import carbon_copies
from amqp_server.broker.messages.expiration import checked_expiration_ms
from amqp_server.broker.names import REPLY_TO_QUEUE
from amqp_server.wire.properties import Properties, split
from persistence.record import HAS_EXPIRATION, HAS_HEADERS, HAS_REPLY_TO, HAS_USER_ID, Record


class Checked(NamedTuple):
    """What a message becomes: its header, its TTL as a number, and its additional routing keys.

    Attributes:
        is_changed: whether header or TTL are not those of the message any more.
    """

    header: bytes
    ttl_ms: int
    copies: Sequence[str]
    is_changed: bool


def checked(record: Record, user: User, reply_name: str | None, keys_max: int) -> Checked:
    """Check the properties of a message.

    Args:
        record: of the scanner, or written by us, with its flags.
        user: who publishes it.
        reply_name: the name for direct replies to the publisher; None without such a consumer.
        keys_max: most keys that CC and BCC may name.

    Raises:
        InvalidMessageError, PreconditionFailedError, ReplyConsumerError: a property that RabbitMQ
            refuses (406).
        MethodSyntaxError: the headers cannot be decoded (502).
    """
    properties = split(record.header)
    if record.flags & HAS_USER_ID:
        check_user_id(user, properties.text("user_id") or "")
    ttl_ms = record.ttl_ms
    if record.flags & HAS_EXPIRATION:
        ttl_ms = checked_expiration_ms(properties.text("expiration") or "")
    is_rewritten = bool(record.flags & HAS_REPLY_TO) and _rewrite_reply_to(properties, reply_name)
    copies: Sequence[str] = ()
    if record.flags & HAS_HEADERS:
        copies, removed = carbon_copies(properties, keys_max)
        is_rewritten |= removed
    header = properties.encode() if is_rewritten else record.header
    return Checked(header, ttl_ms, copies, is_rewritten or ttl_ms != record.ttl_ms)


def _rewrite_reply_to(properties: Properties, reply_name: str | None) -> bool:
    if properties.text("reply_to") != REPLY_TO_QUEUE:
        return False
    if reply_name is None:
        raise ReplyConsumerError("fast reply consumer does not exist")
    properties.set_text("reply_to", reply_name)
    return True
