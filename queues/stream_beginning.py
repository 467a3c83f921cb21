"""Looks up where in a stream a reader begins.

Source: RabbitMQ, streams; osiris resolves an offset specification in the same way.
"""

from queues.offset_spec import OffsetKind, OffsetSpec
from queues.stream_log import StreamLog


def settled_time(spec: OffsetSpec, wall_ms: int) -> OffsetSpec:
    """Return a specification that means the same later; an age is one from now (ms since 1970)."""
    if spec.kind is not OffsetKind.AGE:
        return spec
    return OffsetSpec(OffsetKind.TIMESTAMP, max(wall_ms - spec.value, 0))


def first_offset_of(spec: OffsetSpec, log: StreamLog, wall_ms: int) -> int:
    """Return the offset of the first message that a reader with this specification gets.

    ``last`` and times lead to the first message of a chunk. So a reader from a time may see
    messages that are a little older. An offset below the first one leads to the first; one above
    the end, like a time later than all chunks, to what comes next.

    Args:
        spec: of the reader.
        log: of the stream.
        wall_ms: now, ms since 1970.
    """
    end = log.readable_offset
    found: int | None = None
    match spec.kind:
        case OffsetKind.FIRST:
            found = log.first_offset
        case OffsetKind.LAST:
            found = log.last_chunk_offset()
        case OffsetKind.NEXT:
            pass
        case OffsetKind.OFFSET:
            found = spec.value if spec.value >= 0 else end + spec.value
        case OffsetKind.TIMESTAMP:
            found = log.offset_at(spec.value)
        case OffsetKind.AGE:
            found = log.offset_at(max(wall_ms - spec.value, 0))
    if found is None:
        return end
    return max(min(found, end), log.first_offset)
