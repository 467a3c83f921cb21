"""Offset specifications as the stream protocol writes them.

    u16 type   1 first, 2 last, 3 next, 4 offset (u64 behind it), 5 timestamp (i64 ms behind it)

Source: RabbitMQ, stream protocol, Subscribe.
"""

from typing import Final

from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.fields import Fields
from queues.offset_spec import FIRST, LAST, NEXT, OffsetKind, OffsetSpec

NONE: Final = 0
OFFSET: Final = 4
TIMESTAMP: Final = 5
_NAMED: Final = {1: FIRST, 2: LAST, 3: NEXT}
_OFFSET_MAX: Final = (1 << 62) - 1


def offset_spec(fields: Fields) -> OffsetSpec | None:
    """Take an offset specification; None is "none", which only ConsumerUpdate has."""
    kind = fields.u16()
    if kind == NONE:
        return None
    if kind in _NAMED:
        return _NAMED[kind]
    if kind == OFFSET:
        return OffsetSpec(OffsetKind.OFFSET, min(fields.u64(), _OFFSET_MAX))
    if kind == TIMESTAMP:
        return OffsetSpec(OffsetKind.TIMESTAMP, fields.i64())
    raise MalformedFrameError(f"expected an offset type of 0 to 5, got {kind}")
