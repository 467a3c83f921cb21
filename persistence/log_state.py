"""The state of one queue's log: its messages, the place of each, and the settled positions.

    recent     appended, in the write-ahead log and still in no segment: references to the queue's
               own messages, dropped as soon as they are settled or stored
    stored     in a chunk of a segment: spilled by the queue, or by a checkpoint
    settled    positions whose messages are not needed any more

The log changes it at each event of the queue. A restart rebuilds it from disk, and a checkpoint
saves it. A message that is settled before the next checkpoint never reaches a segment.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from persistence.chunk_table import StoredChunk
from persistence.chunking import cut_into_chunks
from persistence.delivery_counts import DeliveryCounts
from persistence.errors import DamagedError
from persistence.lane_map import LaneMap, lanes_of
from persistence.log_form import LogForm
from persistence.operations import POSITION_MAX
from persistence.positions import ranges_of
from persistence.queue_row import QueueSnapshot
from persistence.recent import Recent
from persistence.record import Run
from persistence.segment import Segments
from persistence.settled import PositionSet
from persistence.slices import Slice, part, shifted
from persistence.stored_chunks import StoredChunks

log = logging.getLogger(__name__)

SPILLED_CHUNKS_MIN: Final = 64
"""With fewer chunks than this a transient queue does not look for settled ones among them."""

FEW_BYTES_MAX: Final = 64 << 10
"""Up to this many messages of a queue without a segment go into the checkpoint itself."""

BETWEEN_BYTES_MAX: Final = 4 << 20
"""So much is written at most beside messages that the queue gives up, to have fewer chunks."""

EVERYTHING_BYTES: Final = 1 << 62


class LogOptions(NamedTuple):
    """The kind of queue that a log is for.

    Attributes:
        durable: whether persistent messages survive a restart.
        max_priority: the queue's; None for a plain queue.
        form: what the log keeps.
    """

    durable: bool = True
    max_priority: int | None = None
    form: LogForm = LogForm.QUEUE


class LogState:
    """The state of the log of a queue.

    Attributes:
        queue_id: never given to another queue.
        options: the kind of queue.
        wall_offset_ms: returns the number that turns an instant into ms since 1970, by addition.
        next_position: above every position appended; nobody asks that of a plain transient queue.
        delivered_below: positions from here on were never delivered; the queue says so before a
            clean stop.
        settled: the settled positions.
        recent: messages in the write-ahead log and in no chunk.
        stored: the chunks; made when it is first asked for, as most queues never have one.
        lanes: where each lane's messages are; None in a plain queue.
        is_dropped: the queue is gone.

    Invariant: each logged and unsettled message is in ``recent`` or in a chunk, not in both.
    Invariant: no piece of ``recent`` and no chunk ends before ``_prune_at``.
    """

    # The class's own until they change: a declare need not set them one by one.
    next_position: int = 0
    delivered_below: int = 0
    is_dropped: bool = False
    _stored: StoredChunks | None = None
    _delivery_counts: DeliveryCounts | None = None
    _prune_at: int = POSITION_MAX
    _sweep_at: int = SPILLED_CHUNKS_MIN

    def __init__(
        self,
        queue_id: int,
        options: LogOptions,
        make_segments: Callable[[], Segments],
        wall_offset_ms: Callable[[], int],
    ) -> None:
        """Begin with a new queue.

        Args:
            queue_id: of the queue.
            options: the kind of queue.
            make_segments: returns the files of this queue alone; called once at most.
            wall_offset_ms: returns the number that turns an instant into ms since 1970.
        """
        self.queue_id = queue_id
        self.options = options
        self.wall_offset_ms = wall_offset_ms
        self.settled = PositionSet()
        self.recent = Recent()
        self._make_segments = make_segments
        self.lanes = None if options.max_priority is None else LaneMap()

    @property
    def stored(self) -> StoredChunks:
        """The chunks of the queue."""
        stored = self._stored
        if stored is None:
            removes_at_once = not self.options.durable
            stored = self._stored = StoredChunks(
                self._make_segments(), removes_at_once=removes_at_once
            )
        return stored

    @property
    def unneeded_bytes(self) -> int:
        """How much a checkpoint would free of the disk."""
        return 0 if self._stored is None else self._stored.unneeded_bytes

    # -- events of the queue ------------------------------------------------------------------

    def note_positions(self, first_position: int, run: Run) -> None:
        """Note the positions of the messages of a run, and the lane of each."""
        assert first_position >= self.next_position, "a position is given once"
        self.next_position = first_position + len(run)
        if self.lanes is not None:
            self._note_lanes(self.lanes, first_position, run)

    def note_recent(self, piece: Slice) -> None:
        """Take over a piece that the write-ahead log has."""
        self.recent.add(piece, self.settled)
        last_position = piece.positions[-1]
        self._prune_at = min(self._prune_at, last_position)

    def settle(self, positions: range) -> bool:
        """Note that these positions are settled; return whether any of them was not before."""
        settled = self.settled
        if not settled.add(positions):
            return False
        if settled.floor > self._prune_at:
            self._prune()
        return True

    def note_requeued(self, positions: range, delivery_count: int) -> None:
        """Note that these positions came back, with their counts."""
        if self._delivery_counts is None:
            self._delivery_counts = DeliveryCounts()
        self._delivery_counts.note(positions, delivery_count)

    def drop(self) -> None:
        """Forget every message, because the queue is gone."""
        self.is_dropped = True
        self.recent = Recent()
        if self._stored is not None:
            self._stored.drop()

    def store(self, lane: int, slices: Sequence[Slice]) -> None:
        """Write those messages of a lane that no chunk holds yet; nothing is synced.

        Raises:
            OSError: some of them may be stored now, and all are in memory.
        """
        stored = self.stored
        for group in cut_into_chunks(lane, slices, stored.table, self.settled, self.lanes):
            offset_ms = self.wall_offset_ms()
            row = stored.write(
                lane, [each._replace(expires_at_ms=shifted(each[2], offset_ms)) for each in group]
            )
            self._prune_at = min(self._prune_at, row.last_position)
            if self.recent:
                for each in group:
                    for positions in ranges_of(each.positions):
                        self.recent.remove(positions)
        if not self.options.durable and len(stored.table) > self._sweep_at:
            # Checkpoints leave out transient queues.
            self.sweep()
            self._sweep_at = max(SPILLED_CHUNKS_MIN, 2 * len(stored.table))

    def store_between(self, lane: int, first: int, stop: int) -> None:
        """Write messages of a lane between two positions that only the write-ahead log has.

        They are written together, so that many of them are in a chunk; those that are not written
        because there are too many can go into chunks of their own.

        Raises:
            OSError: as ``store``.
        """
        slices = self.recent.between(first, stop, self.settled, BETWEEN_BYTES_MAX)
        self.store(lane, self.by_lane(slices).get(lane, []))

    def lose(self, row: StoredChunk, error: DamagedError) -> int:
        """Give up a chunk that cannot be read; return how many unsettled messages were in it."""
        missing = self.settled.missing(row.first_position, row.last_position + 1)
        lost_count = sum(map(len, missing))
        is_contiguous = row.last_position - row.first_position + 1 == row.message_count
        if is_contiguous:
            for positions in missing:
                self.settled.add(positions)
        # The positions of other chunks are not known; a restart settles those.
        lost_count = min(lost_count, row.message_count)
        log.error(
            "messages lost queue_id=%d file=%s position=%d first=%d last=%d count=%d error=%s",
            self.queue_id,
            self.stored.segments.path(row.segment_number),
            row.file_position,
            row.first_position,
            row.last_position,
            lost_count,
            error,
        )
        self.stored.give_up(row)
        self._prune()
        return lost_count

    # -- for a checkpoint -----------------------------------------------------------------------

    def store_some(self, max_bytes: int) -> bool:
        """Store some messages of the write-ahead log; return whether the rest may stay there.

        Raises:
            OSError: as ``store``.
        """
        recent = self.recent
        if not recent:
            return True
        if not self.stored.table and recent.size_bytes <= FEW_BYTES_MAX:
            return True
        for lane, slices in sorted(self.unstored(max_bytes).items()):
            self.store(lane, slices)
        recent.forget_settled(self.settled)
        return not recent

    def snapshot(self) -> QueueSnapshot:
        """Drop everything settled, and return the state at this moment."""
        self.sweep()
        offset_ms = self.wall_offset_ms()
        return QueueSnapshot(
            self.queue_id,
            self.next_position,
            self.delivered_below,
            self.stored.segments.next_number,
            self.settled.copy(),
            list(self.stored.table),
            list(self.requeued()),
            [
                few._replace(expires_at_ms=shifted(few.expires_at_ms, offset_ms))
                for few in self.recent.unsettled(self.settled, EVERYTHING_BYTES)
            ],
        )

    # -- for a restart --------------------------------------------------------------------------

    def restore(self, queue: QueueSnapshot) -> None:
        """Begin with the queue's state in a checkpoint."""
        self.settled = queue.settled
        self.delivered_below = queue.delivered_below
        self.stored.segments.next_number = queue.next_segment
        for row in queue.chunks:
            self.stored.adopt(row)
        for position, count in queue.requeued:
            self.note_requeued(range(position, position + 1), count)
        for each in queue.few:
            if self.lanes is not None:
                self._note_lanes(self.lanes, each.positions[0], each.records)
            self._note_found(each)
        self.next_position = queue.next_position

    def overtake(self, queue: QueueSnapshot) -> None:
        """Take messages behind those that are here, and all that is settled by then."""
        next_segment = max(queue.next_segment, self.stored.segments.next_number)
        self._delivery_counts = None
        self.restore(queue._replace(next_segment=next_segment))
        self.sweep()

    def begin_after(self, next_segment: int) -> None:
        """Begin as a new queue of an id whose earlier queue is gone; older files are its files."""
        self.stored.segments.next_number = next_segment

    def repeat_append(self, whole: Slice, *, may_be_stored: bool) -> None:
        """Repeat an append, as far as it is not known yet.

        Args:
            whole: contiguous messages with expiries of the wall clock; the last is not known.
            may_be_stored: chunks were taken as they are, and may hold some of them.
        """
        first, count = whole.positions[0], len(whole.positions)
        if self.lanes is not None:
            self._note_lanes(self.lanes, first, whole.records)
        new = part(whole, max(self.next_position - first, 0), count)
        for piece in self._outside_chunks(new) if may_be_stored else [new]:
            self._note_found(piece)
        self.next_position = first + count

    def repeat_settle(self, positions: range) -> None:
        """Repeat that these positions were settled."""
        self.settled.add(positions)
        self.next_position = max(self.next_position, positions[-1] + 1)
        self._prune()

    def repeat_requeued(self, positions: range, delivery_count: int) -> None:
        """Repeat that these positions came back, with their counts."""
        self.note_requeued(positions, delivery_count)
        self.next_position = max(self.next_position, positions[-1] + 1)

    def end_replay(self) -> None:
        """Note that there is no more to repeat, and remove files that are not needed."""
        for row in self.stored.table:
            self.next_position = max(self.next_position, row.last_position + 1)
        self.stored.segments.remove_unlisted()

    def settle_all_but(self, live: Sequence[range]) -> None:
        """Settle the positions that have no message any more: transient and lost ones."""
        first = self.settled.floor
        for positions in sorted(live, key=lambda each: each.start):
            self.settled.add(range(first, positions.start))
            first = positions.stop
        self.settled.add(range(first, self.next_position))
        self.sweep()

    # -- the present messages ---------------------------------------------------------------------

    def unstored(self, max_bytes: int = EVERYTHING_BYTES) -> dict[int, list[Slice]]:
        """Return the first unsettled messages that no chunk holds, by lane.

        Args:
            max_bytes: ends with the piece that reaches this size.
        """
        return self.by_lane(self.recent.unsettled(self.settled, max_bytes))

    def by_lane(self, slices: Sequence[Slice]) -> dict[int, list[Slice]]:
        """Return messages whose lanes were noted, by lane; all of a plain queue are in lane 0."""
        if self.lanes is None:
            return {0: list(slices)} if slices else {}
        found: dict[int, list[Slice]] = {}
        for each in slices:
            lanes = self.lanes.lanes_at(each.positions)
            start = 0
            for index in range(1, len(lanes) + 1):
                if index == len(lanes) or lanes[index] != lanes[start]:
                    found.setdefault(lanes[start], []).append(part(each, start, index))
                    start = index
        return found

    def requeued(self) -> list[tuple[int, int]]:
        """Return (position, delivery count) of unsettled messages that came back."""
        counts = self._delivery_counts
        return [] if counts is None else list(counts.unsettled(self.settled))

    def sweep(self) -> None:
        """Drop everything settled, in all places; this looks at every piece and chunk."""
        settled = self.settled
        self.recent.forget_settled(settled)
        self.stored.release_settled(settled, self.lanes)
        if self._delivery_counts is not None:
            self._delivery_counts.forget_settled(settled)
        if self.lanes is not None:
            self.lanes.forget_settled(settled)
        self._prune()

    def _prune(self) -> None:
        """Drop everything below the first unsettled position."""
        floor = self.settled.floor
        self.recent.forget_below(floor)
        prune_at = self.recent.head_last_position if self.recent else POSITION_MAX
        stored = self._stored
        if stored is not None and stored.table:
            stored.release_below(floor)
            prune_at = min(prune_at, stored.table.head_last_position())
        self._prune_at = prune_at

    def _note_found(self, piece: Slice) -> None:
        """Take over a piece with expiries of the wall clock."""
        expires = shifted(piece.expires_at_ms, -self.wall_offset_ms())
        self.note_recent(piece._replace(expires_at_ms=expires))

    def _note_lanes(self, lanes: LaneMap, first_position: int, run: Run) -> None:
        assert self.options.max_priority is not None, "only a priority queue has lanes"
        lanes.note(first_position, lanes_of(run, self.options.max_priority))

    def _outside_chunks(self, whole: Slice) -> list[Slice]:
        """Return those of contiguous messages that no chunk holds, in ascending order."""
        found = [
            piece
            for lane, slices in self.by_lane([whole]).items()
            for each in slices
            for piece in self.stored.table.unstored(lane, each)
        ]
        return sorted(found, key=lambda piece: piece.positions[0])
