"""Frames of deliveries as frames of publishes: properties and body go on, octet by octet.

The publish is to an exchange that only the target's queue is bound to, with the routing key that
the message had. So a header ``CC`` routes it to nobody else.
"""

import struct
from typing import Final

from load_generator import wire
from load_generator.wire import Frame

_TAG_BYTES: Final = 8
_PREFIX_BYTES: Final = 4
"""Of a method: its class and number."""
_MANDATORY: Final = b"\x01"
_TWO_SHORT: Final = b"\x00\x00"


def publish_of(delivery: bytes, exchange: str) -> bytes:
    """Return the method frame of a publish.

    Args:
        delivery: payload of a ``basic.deliver``.
        exchange: to publish to.
    """
    at = _PREFIX_BYTES
    at += 1 + delivery[at] + _TAG_BYTES + 1  # consumer tag, delivery tag, redelivered
    at += 1 + delivery[at]  # the exchange that it was published to
    routing_key = delivery[at : at + 1 + delivery[at]]
    arguments = _TWO_SHORT + wire.shortstr(exchange) + routing_key + _MANDATORY
    return wire.method(1, wire.BASIC_PUBLISH, arguments)


def content_of(frame: Frame, frame_max_bytes: int) -> bytes:
    """Return a header or body frame for the target, whose frames may have to be smaller."""
    room = frame_max_bytes - wire.FRAME_OVERHEAD_BYTES
    if frame.kind == wire.FRAME_HEADER or len(frame.payload) <= room:
        return wire.frame(frame.kind, 1, frame.payload)
    pieces = range(0, len(frame.payload), room)
    return b"".join(wire.frame(frame.kind, 1, frame.payload[at : at + room]) for at in pieces)


def count_in(declare_ok: bytes) -> int:
    """Return how many messages are ready, as the payload of a ``queue.declare-ok`` says."""
    at = _PREFIX_BYTES + 1 + declare_ok[_PREFIX_BYTES]
    (count,) = struct.unpack_from(">I", declare_ok, at)
    return int(count)


def confirm_in(payload: bytes) -> tuple[int, bool]:
    """Return the number of a ``basic.ack``, and whether it is about all before it."""
    number, flags = struct.unpack_from(">QB", payload, _PREFIX_BYTES)
    return int(number), bool(flags & 1)
