"""What a stream keeps: which of its oldest segments are to go, and when to look again.

Only whole segments go, and never the newest one. By size, segments are kept from the newest on as
long as their sum is within the limit. By age, the oldest goes while its last chunk is older than
the limit. So a segment of a slow stream ends at an age of its own, or its messages would stay for
as long as no other begins.

Source: RabbitMQ, stream retention; the age of segments is HareMQ's own.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

SEGMENT_BYTES_DEFAULT: Final = 500_000_000
SEGMENT_BYTES_MAX: Final = 3_000_000_000
SEGMENT_CHUNKS_MAX: Final = 256_000
"""A segment with so many chunks gets no more, so that its index stays small."""


class Retention(NamedTuple):
    """What a stream keeps, and how large its segments grow.

    Attributes:
        max_bytes: of all its segments; None is no limit.
        max_age_ms: of messages; None is no limit.
        segment_bytes_max: a segment that has reached this size gets no more chunks.
        segment_age_ms: a segment whose first chunk is as old as this gets no more; None is no
            limit.
    """

    max_bytes: int | None = None
    max_age_ms: int | None = None
    segment_bytes_max: int = SEGMENT_BYTES_DEFAULT
    segment_age_ms: int | None = None


def due_count(
    retention: Retention,
    wall_ms: int,
    sizes_bytes: Sequence[int],
    last_timestamp_ms: Callable[[int], int],
) -> int:
    """Return how many of the oldest segments are to go.

    Args:
        retention: of the stream.
        wall_ms: now, ms since 1970.
        sizes_bytes: of its segments, the oldest first.
        last_timestamp_ms: returns the timestamp of the last chunk of a segment, by its index; it
            is asked for the oldest ones only.
    """
    count = 0
    if retention.max_bytes is not None:
        total_bytes = sum(sizes_bytes)
        while count < len(sizes_bytes) - 1 and total_bytes > retention.max_bytes:
            total_bytes -= sizes_bytes[count]
            count += 1
    if retention.max_age_ms is not None:
        oldest_ms = wall_ms - retention.max_age_ms
        while count < len(sizes_bytes) - 1 and last_timestamp_ms(count) < oldest_ms:
            count += 1
    return count
