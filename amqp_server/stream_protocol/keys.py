"""The commands of the stream protocol and the codes of its answers.

Source: RabbitMQ, ``PROTOCOL.adoc`` of rabbitmq_stream.
"""

from enum import IntEnum
from typing import Final


class CommandKey(IntEnum):
    """The commands; each request has its key, and its answer the same with the top bit set."""

    DECLARE_PUBLISHER = 0x01
    PUBLISH = 0x02
    PUBLISH_CONFIRM = 0x03
    PUBLISH_ERROR = 0x04
    QUERY_PUBLISHER_SEQUENCE = 0x05
    DELETE_PUBLISHER = 0x06
    SUBSCRIBE = 0x07
    DELIVER = 0x08
    CREDIT = 0x09
    STORE_OFFSET = 0x0A
    QUERY_OFFSET = 0x0B
    UNSUBSCRIBE = 0x0C
    CREATE = 0x0D
    DELETE = 0x0E
    METADATA = 0x0F
    METADATA_UPDATE = 0x10
    PEER_PROPERTIES = 0x11
    SASL_HANDSHAKE = 0x12
    SASL_AUTHENTICATE = 0x13
    TUNE = 0x14
    OPEN = 0x15
    CLOSE = 0x16
    HEARTBEAT = 0x17
    ROUTE = 0x18
    PARTITIONS = 0x19
    CONSUMER_UPDATE = 0x1A
    EXCHANGE_COMMAND_VERSIONS = 0x1B
    STREAM_STATS = 0x1C
    CREATE_SUPER_STREAM = 0x1D
    DELETE_SUPER_STREAM = 0x1E
    RESOLVE_OFFSET_SPEC = 0x1F


_KEYS: Final = frozenset(CommandKey)

RESPONSE: Final = 0x8000
"""The top bit of the key of an answer."""


def name_of(key: int) -> str:
    """Return the name of a command for a log line; one that there is none of is its number."""
    command = key & ~RESPONSE
    return CommandKey(command).name.lower() if command in _KEYS else f"{key:#x}"


VERSION_1: Final = 1
VERSION_2: Final = 2

VERSIONS: Final[tuple[tuple[CommandKey, int, int], ...]] = tuple(
    (key, VERSION_1, VERSION_2 if key is CommandKey.PUBLISH else VERSION_1)
    for key in CommandKey
    if key not in {CommandKey.DELIVER, CommandKey.HEARTBEAT}
)
"""Key, lowest and highest version, in the order of the keys, which clients rely on.

RabbitMQ's list leaves out Deliver: its version is what the client offered.
"""


class Code(IntEnum):
    """The codes of answers."""

    OK = 1
    STREAM_DOES_NOT_EXIST = 2
    SUBSCRIPTION_ID_ALREADY_EXISTS = 3
    SUBSCRIPTION_ID_DOES_NOT_EXIST = 4
    STREAM_ALREADY_EXISTS = 5
    STREAM_NOT_AVAILABLE = 6
    SASL_MECHANISM_NOT_SUPPORTED = 7
    AUTHENTICATION_FAILURE = 8
    SASL_ERROR = 9
    SASL_CHALLENGE = 10
    AUTHENTICATION_FAILURE_LOOPBACK = 11
    VHOST_ACCESS_FAILURE = 12
    UNKNOWN_FRAME = 13
    FRAME_TOO_LARGE = 14
    INTERNAL_ERROR = 15
    ACCESS_REFUSED = 16
    PRECONDITION_FAILED = 17
    PUBLISHER_DOES_NOT_EXIST = 18
    NO_OFFSET = 19
    SASL_CANNOT_CHANGE_MECHANISM = 20
    SASL_CANNOT_CHANGE_USERNAME = 21
