"""Ready messages of a priority queue: one lane for each; the highest non-empty one is served.

Priorities are RabbitMQ's (priority queues). A message without a priority has 0. A priority above
the queue's maximum counts as the maximum. A lane is first in, first out. Two surprises of RabbitMQ
are kept: only the head of the highest lane is checked for expiry, and dropping the head drops the
*highest* priority first. Messages that are rejected together die in that order too.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from persistence.positions import LANE_MAX
from persistence.record import Record, Run, body_bytes
from queues.batch import BATCH_BYTES_MAX, Batch, QueuedMessage, batches_of, messages_of
from queues.classic.ready import NOTHING_EXPIRED, Lane, check_lane
from queues.tail import NodeMemory, QueueMemory, bands_of

PURGED_PER_CALL_MAX: Final = 2_000
"""A purge forgets so many messages in one call, about a millisecond."""

PURGED_BYTES_PER_CALL_MAX: Final = 1 << 20
"""Or as many as have bodies of this size together, which may have to be read from the disk."""


class PriorityReady:
    """Ready messages of a priority queue; the same calls as ``queues.classic.ready.Ready``.

    Attributes:
        count: how many messages are ready.
        body_bytes: sum of their bodies, in bytes.
        memory: that they take.
        next_position: above all positions given so far.
        delivered_below: no message from this position on was ever taken.

    Invariant: a position is in one lane only.
    Invariant: bit p of ``_filled`` is set while lane p is not empty.
    """

    __slots__ = (
        "_filled",
        "_lanes",
        "_max_priority",
        "body_bytes",
        "count",
        "delivered_below",
        "memory",
        "next_position",
    )

    def __init__(self, max_priority: int, memory: QueueMemory | None = None) -> None:
        self._max_priority = max_priority = min(max_priority, LANE_MAX)
        self.memory = QueueMemory(NodeMemory()) if memory is None else memory
        self.next_position = 0
        self.delivered_below = 0
        # Few lanes are ever used.
        self._lanes: list[Lane | None] = [None] * (max_priority + 1)
        self._filled = 0
        self.count = 0
        self.body_bytes = 0

    @property
    def is_over(self) -> bool:
        """Whether the messages take more memory than allowed."""
        return self.memory.is_over

    @property
    def head_expires_at_ms(self) -> int:
        """When the head expires (instant); 0 when it never does, or there is none."""
        return self._highest().head_expires_at_ms if self._filled else 0

    @property
    def is_stalled(self) -> bool:
        """Whether the next messages are on a disk that could not be read; ask again later."""
        return bool(self._filled) and self._highest().is_stalled

    def lanes(self) -> list[tuple[int, Lane]]:
        """Return the non-empty lanes with their numbers, the one served last first."""
        return [
            (number, lane)
            for number, lane in enumerate(self._lanes)
            if lane is not None and lane.count
        ]

    def append(self, run: Run, expires_at_ms: int | Sequence[int] = 0) -> int:
        """Put each message behind its priority's others; see ``Ready.append``."""
        first_position = self.next_position
        count = len(run)
        self.next_position = first_position + count
        self.count += count
        self.body_bytes += body_bytes(run)
        bands = bands_of(run, self._max_priority)
        if bands.count(bands[0]) == count:
            self.lane(bands[0]).put(run, first_position, expires_at_ms)
            return first_position
        for band in set(bands):
            self.lane(band).put_band(run, first_position, expires_at_ms, bands, band)
        return first_position

    def pass_by(self, count: int) -> int:
        """Return the position of the first of several messages that are delivered as they come."""
        first_position = self.next_position
        self.next_position = self.delivered_below = first_position + count
        return first_position

    def take(self, max_count: int, now_ms: int, max_bytes: int = BATCH_BYTES_MAX) -> Batch | None:
        """Take messages of the highest priority that are alike; see ``Lane.take``."""
        if not self._filled:
            return None
        lane = self._highest()
        before = _Held.of(lane)
        return self._taken(lane, before, lane.take(max_count, now_ms, max_bytes))

    def take_expired(self, max_count: int, now_ms: int) -> Batch | None:
        """Take expired messages off the head; see ``Lane.take_expired``."""
        if not self._filled:
            return None
        lane = self._highest()
        before = _Held.of(lane)
        return self._taken(lane, before, lane.take_expired(max_count, now_ms))

    def drop_head(self, max_count: int, max_bytes: int = BATCH_BYTES_MAX) -> Batch | None:
        """Take messages off the head, expired or not: of the highest priority first."""
        return self.take(max_count, NOTHING_EXPIRED, max_bytes)

    def requeue(self, batches: Sequence[Batch]) -> None:
        """Put messages that were taken back to their old places, in any order."""
        for batch in batches:
            bands = bands_of(batch.records, self._max_priority)
            if bands.count(bands[0]) == len(bands):
                self.lane(bands[0]).requeued.add((batch,))
            else:
                # It was never in a lane, because it went directly to a waiting consumer.
                self._requeue_mixed(batch, bands)
            self.body_bytes += batch.body_bytes
            self.count += len(batch)

    def _requeue_mixed(self, batch: Batch, bands: bytes) -> None:
        """Put messages of several priorities back, each to its lane."""
        messages_by_band: dict[int, list[QueuedMessage]] = {}
        for message, band in zip(messages_of(batch), bands, strict=True):
            messages_by_band.setdefault(band, []).append(message)
        for band, messages in messages_by_band.items():
            self.lane(band).requeued.add(batches_of(messages))

    def purge(self) -> list[range]:
        """Forget messages, as many as one call may; return the positions they had, lane by lane.

        Messages on disk are read for this, because positions of other lanes, perhaps unacked, lie
        between theirs. Messages that cannot be read stay.
        """
        ranges: list[range] = []
        left, left_bytes = PURGED_PER_CALL_MAX, PURGED_BYTES_PER_CALL_MAX
        while left > 0 and left_bytes > 0 and (batch := self.drop_head(left)) is not None:
            ranges.append(batch.positions)
            left -= len(batch)
            left_bytes -= batch.body_bytes
        return ranges

    def clear(self) -> None:
        """Forget every message."""
        for _, lane in self.lanes():
            lane.clear()
        self._filled = self.count = self.body_bytes = 0

    def lane(self, band: int) -> Lane:
        """Return the lane that a message of this band is about to enter."""
        self._filled |= 1 << band
        lane = self._lanes[band]
        if lane is None:
            lane = self._lanes[band] = Lane(self.memory)
        return lane

    def recount(self) -> None:
        """Count the lanes anew: a refill may find fewer messages than were stored."""
        lanes = self.lanes()
        self.count = sum([lane.count for _, lane in lanes])
        self.body_bytes = sum([lane.body_bytes for _, lane in lanes])
        self._filled = sum([1 << number for number, _ in lanes])

    def check_invariants(self) -> None:
        """Assert what the class promises; costs a walk over every message in memory."""
        for number, lane in enumerate(self._lanes):
            if lane is not None:
                check_lane(lane, self.next_position)
            has_any = lane is not None and lane.count > 0
            assert bool(self._filled >> number & 1) is has_any, "the mask is right"
        lanes = [lane for _, lane in self.lanes()]
        assert self.count == sum([lane.count for lane in lanes]), "the count is that of the lanes"
        assert self.body_bytes == sum([lane.body_bytes for lane in lanes]), "and so are the bytes"

    def _highest(self) -> Lane:
        lane = self._lanes[self._filled.bit_length() - 1]
        assert lane is not None, "a lane that is filled is there"
        return lane

    def _taken(self, lane: Lane, before: "_Held | None", batch: Batch | None) -> Batch | None:
        """Count a batch out of the highest lane, and messages that were missing on disk."""
        if batch is not None:
            self.delivered_below = max(self.delivered_below, batch.positions[-1] + 1)
        if before is not None:
            after_count, after_bytes = lane.count, lane.body_bytes
            self.count += after_count - before.ready_count
            self.body_bytes += after_bytes - before.body_bytes
        elif batch is not None:
            self.count -= len(batch.records)
            self.body_bytes -= batch.body_bytes
        if not lane.count:
            self._filled ^= 1 << (self._filled.bit_length() - 1)
        return batch


def highest_first(
    batches: Iterable[Batch], max_priority: int
) -> list[tuple[list[int], list[Record]]]:
    """Return positions and records by priority, the highest first, in the order given inside one.

    Source: RabbitMQ, rabbit_priority_queue: messages rejected together are handled lane by lane.
    """
    lanes: dict[int, tuple[list[int], list[Record]]] = {}
    for batch in batches:
        for position, record in zip(batch.positions, batch.records, strict=True):
            band = min(record.priority, max_priority)
            positions, records = lanes.setdefault(band, ([], []))
            positions.append(position)
            records.append(record)
    return [lanes[band] for band in sorted(lanes, reverse=True)]


class _Held(NamedTuple):
    """The counts of a lane before a take, if a part is on disk, where less may be found."""

    ready_count: int
    body_bytes: int

    @classmethod
    def of(cls, lane: Lane) -> "_Held | None":
        if lane.spilled is None and lane.requeued.spilled is None:
            return None
        return cls(lane.count, lane.body_bytes)
