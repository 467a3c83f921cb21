"""Messages that are looked at where they are: they stay, in their order, and nothing is marked.

A look returns the next few messages behind a place, and the place behind these. The place stays
right while messages come and go, because a message keeps its position. One look reads the disk
once at most, and takes about a millisecond.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from types import MappingProxyType
from typing import Final, NamedTuple

from persistence.record import Record, Run

LOOK_COUNT_MAX: Final = 2_048
"""Messages of one look, at most."""

LOOK_BYTES_MAX: Final = 1 << 20
"""A look ends with the part of a queue that takes its bodies to this size (bytes)."""

POSITION_STOP: Final = 1 << 63
"""Above every position."""

NO_COUNTS: Final[Mapping[int, int]] = MappingProxyType({})


class LookPlace(NamedTuple):
    """A place between two messages.

    Attributes:
        lane: number of the lane, the one served first has the highest; 0 where there is one.
        position: of the message behind the place, or below it.
    """

    lane: int
    position: int


class LookedMessage(NamedTuple):
    """One message.

    Attributes:
        expires_at_ms: when it expires (instant); 0 is never.
        delivery_count: how often it came back.
        timestamp_ms: when it was appended to its stream, in ms since 1970; 0 in a queue.
    """

    position: int
    record: Record
    expires_at_ms: int
    redelivered: bool
    delivery_count: int
    timestamp_ms: int


class LookedSlice(NamedTuple):
    """Some messages in order, in memory that does not change.

    Attributes:
        records: at least one.
        positions: of each, ascending.
        expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        redelivered_below: messages before this position may have been delivered.
        delivery_count: how often each came back, unless ``delivery_counts`` says it.
        delivery_counts: the same by position, of those that came back before a restart.
        timestamp_ms: when they were appended to their stream, in ms since 1970; 0 in a queue.
    """

    records: Run
    positions: Sequence[int]
    expires_at_ms: int | Sequence[int] = 0
    redelivered_below: int = 0
    delivery_count: int = 0
    delivery_counts: Mapping[int, int] = NO_COUNTS
    timestamp_ms: int = 0

    def messages(self) -> Iterator[LookedMessage]:
        """Return them one by one."""
        expires = self.expires_at_ms
        each = repeat(expires) if isinstance(expires, int) else expires
        for position, record, expires_at_ms in zip(
            self.positions, self.records, each, strict=False
        ):
            count = self.delivery_counts.get(position, self.delivery_count)
            redelivered = position < self.redelivered_below or count > 0
            yield LookedMessage(
                position, record, expires_at_ms, redelivered, count, self.timestamp_ms
            )


class Looked(NamedTuple):
    """What one look found.

    Attributes:
        slices: the messages; there may be none, and more behind ``place``.
        place: where to look next; None is behind the last message.
    """

    slices: Sequence[LookedSlice]
    place: LookPlace | None


class Passed(NamedTuple):
    """A place that was found by counting.

    Attributes:
        place: where to look; None is behind the last message.
        left_count: messages behind it that are still to be passed by; they have to be looked at.
    """

    place: LookPlace | None
    left_count: int
