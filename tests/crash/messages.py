"""What the programs publish: a message says which it is, and all its octets follow from that.

The message-id is ``publisher-counter-size``, the body is derived from it, and the properties are
rendered in one way only. So an octet that a disk changed, a body of another message or a torn one
is seen when it arrives.
"""

import hashlib
import struct
from typing import Final

from load_generator import wire
from tests.crash.history import Value

PRIORITIES_COUNT: Final = 5
_FLAGS: Final = 1 << 12 | 1 << 11 | 1 << 7
"""delivery-mode, priority, message-id."""
_HEADERS: Final = 1 << 13
_PERSISTENT: Final = 2


class DamagedMessageError(AssertionError):
    """A message arrived that nobody published so."""


def properties_of(value: Value, size_bytes: int, priority: int) -> bytes:
    """Return the flags and the list of a message's properties."""
    name = f"{value.publisher}-{value.counter}-{size_bytes}"
    return struct.pack(">HBB", _FLAGS, _PERSISTENT, priority) + wire.shortstr(name)


def body_of(value: Value, size_bytes: int) -> bytes:
    """Return the body of a message: a pattern of its own, cut at the size."""
    pattern = hashlib.blake2b(f"{value.publisher}-{value.counter}".encode()).digest()
    return (pattern * (size_bytes // len(pattern) + 1))[:size_bytes]


def publish(
    exchange: str, routing_key: str, value: Value, size_bytes: int, priority: int = 0
) -> bytes:
    """Return the frames of a persistent message."""
    properties = properties_of(value, size_bytes, priority)
    return wire.publish(exchange, routing_key, properties, body_of(value, size_bytes))


def _without_headers(properties: bytes) -> bytes:
    """Return properties without the headers that a quorum queue gives what it delivers again."""
    flags, size_bytes = struct.unpack_from(">HI", properties)
    if not flags & _HEADERS:
        return properties
    return struct.pack(">H", flags & ~_HEADERS) + properties[6 + size_bytes :]


def value_of(properties: bytes, body: bytes) -> Value:
    """Return which message arrived.

    Raises:
        DamagedMessageError: it is not as it was published.
    """
    properties = _without_headers(properties)
    try:
        priority, length = properties[3], properties[4]
        publisher, counter, size_bytes = map(int, properties[5 : 5 + length].split(b"-"))
    except (IndexError, ValueError) as error:
        raise DamagedMessageError(f"properties {properties[:300]!r}") from error
    value = Value(publisher, counter)
    if properties != properties_of(value, size_bytes, priority):
        raise DamagedMessageError(f"{value}: properties {properties!r}")
    if body != body_of(value, size_bytes):
        raise DamagedMessageError(f"{value}: a body of {len(body)} octets is not its own")
    return value
