"""One queue's log: what a restart finds of its messages, and where they are while memory is short.

    recent     appended, in the write-ahead log and still in no segment: references to the queue's
               own messages, let go as soon as they are settled or stored
    chunks     stored in a segment: spilled by the queue, or by a checkpoint
    settled    positions that are done with

A message that is settled before a checkpoint comes by never reaches a segment. The log of a
transient queue writes nothing to the write-ahead log: it only spills.
"""

import errno
import logging
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from persistence.chunk import encode_chunk
from persistence.chunk_table import ChunkTable, StoredChunk
from persistence.chunking import cut_into_chunks
from persistence.codec import persistent_ranges
from persistence.delivery_counts import DeliveryCounts
from persistence.errors import DamagedError, is_shortage
from persistence.group_commit import AT_ONCE
from persistence.lane_map import LaneMap, lane_of
from persistence.operations import (
    POSITION_MAX,
    encode_drop,
    encode_enqueue,
    encode_requeued,
    encode_settle,
)
from persistence.positions import ranges_of
from persistence.recent import Recent
from persistence.record import Run
from persistence.segment import Segments, UnneededFile
from persistence.settled import PositionSet
from persistence.slices import (
    Expiries,
    Messages,
    Slice,
    joined,
    part,
    shifted,
    stretches_outside,
)

log = logging.getLogger(__name__)

SPILLED_CHUNKS_MIN: Final = 64
"""With fewer chunks than this a transient queue does not look for settled ones among them."""


class Appending(Protocol):
    """What a log needs of ``persistence.group_commit.GroupCommit``."""

    @property
    def committed_lsn(self) -> int:
        """Everything up to it is as safe as was asked for."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once it is decided whether everything up to this LSN is safe."""

    def append_operation(self, parts: Sequence[bytes | memoryview], *, fsync: bool) -> int:
        """Append an operation of the write-ahead log; return its LSN."""


class LogOptions(NamedTuple):
    """What kind of queue a log is for.

    Attributes:
        durable: whether persistent messages survive a restart.
        max_priority: the queue's; None for a plain queue.
    """

    durable: bool = True
    max_priority: int | None = None


class ReadBack(NamedTuple):
    """What was read back.

    Attributes:
        messages: the next stored and unsettled ones; None when there are no more.
        lost_count: unsettled messages before them that cannot be read any more: damaged media.
    """

    messages: Slice | None
    lost_count: int = 0


class Log:
    """Implements ``queues.log_port.QueueLog``.

    Attributes:
        queue_id: never given to another queue.
        commit_group: the node's; whose LSNs are returned.
        next_position: above every position appended.
        delivered_below: positions from here on were never delivered; the queue says so before a
            clean stop.
        settled: positions that are done with.
        is_fsynced: whether appends wait for the disk (class fsync), or for the page cache (os).

    Invariant: each logged and unsettled message is in ``_recent`` or in a chunk, not in both.
    Invariant: no piece of ``_recent`` and no chunk ends before ``_prune_at``.
    """

    def __init__(
        self,
        queue_id: int,
        options: LogOptions,
        commit: Appending,
        segments: Segments,
        wall_offset_ms: Callable[[], int],
    ) -> None:
        """Make the log of a new queue.

        Args:
            queue_id: of the queue.
            options: what kind of queue it is.
            commit: takes operations of the write-ahead log.
            segments: files of this queue alone.
            wall_offset_ms: what must be added to an instant to have it since 1970.
        """
        self.queue_id = queue_id
        self.options = options
        self.segments = segments
        self.settled = PositionSet()
        self.next_position = 0
        self.delivered_below = 0
        self.is_fsynced = True
        self.is_dropped = False
        self.unneeded: list[UnneededFile] = []
        """Files that no message is in any more, until a checkpoint knows."""
        self.chunks = ChunkTable()
        self.recent = Recent()
        self.delivery_counts = DeliveryCounts()
        self.lanes = None if options.max_priority is None else LaneMap()
        self.commit_group = commit
        self.on_disk_full: Callable[[], None] = _ignore
        """Called when a chunk found no room; whoever listens is not to touch the queue then."""
        self._wall_offset_ms = wall_offset_ms
        self._transient: PositionSet | None = None
        self._prune_at = POSITION_MAX
        self._sweep_at = SPILLED_CHUNKS_MIN

    @property
    def committed_lsn(self) -> int:
        """Everything appended up to this LSN is as safe as its class promises."""
        return self.commit_group.committed_lsn

    # -- what happens in the queue ------------------------------------------------------------

    def append(self, first_position: int, run: Run, expires_at_ms: Expiries = 0) -> int:
        """Log the persistent messages of a run; return the LSN, 0 where nobody has to wait.

        Args:
            first_position: of the first message: not below ``next_position``.
            run: at least one message; it must not change any more.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        """
        assert first_position >= self.next_position, "a position is given once"
        count = len(run)
        stop = self.next_position = first_position + count
        if self.lanes is not None:
            self.note_lanes(first_position, run)
        if not self.options.durable:
            return AT_ONCE
        positions = range(first_position, stop)
        whole = Slice(run, positions, expires_at_ms)
        stretches = persistent_ranges(run)
        if stretches == [(0, count)]:
            return self._append(whole)
        self._note_transient(positions, stretches)
        lsn = AT_ONCE
        for start, end in stretches:
            lsn = self._append(part(whole, start, end))
        return lsn

    def set_fsynced(self, *, is_fsynced: bool) -> None:
        """Set the class of appends from now on; those before keep theirs."""
        self.is_fsynced = is_fsynced

    def settle(self, positions: range) -> int:
        """Record that these positions are done with, for ever; return the LSN, or 0.

        Args:
            positions: ascending, with any step; those settled before are no news.
        """
        settled = self.settled
        if not settled.add(positions):
            return AT_ONCE
        lsn = AT_ONCE
        if self.options.durable and (self._transient is None or self._any_logged(positions)):
            operation = encode_settle(self.queue_id, positions)
            lsn = self.commit_group.append_operation((operation,), fsync=False)
        if settled.floor > self._prune_at:
            self.prune()
        return lsn

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record that these positions came back, by now so often; return the LSN, or 0."""
        if not self.options.durable or not positions:
            return AT_ONCE
        if self._transient is not None and not self._any_logged(positions):
            return AT_ONCE
        self.delivery_counts.note(positions, delivery_count)
        operation = encode_requeued(self.queue_id, positions, delivery_count)
        return self.commit_group.append_operation((operation,), fsync=False)

    def drop(self) -> int:
        """Forget everything: the queue is gone. Its definition must have been deleted before.

        Returns:
            The LSN, or 0; whoever waits, waits for the definition.
        """
        self.is_dropped = True
        self.segments.close()
        self.recent = Recent()
        self.chunks = ChunkTable()
        if not self.options.durable:
            self.segments.remove_all()
            return AT_ONCE
        return self.commit_group.append_operation((encode_drop(self.queue_id),), fsync=False)

    # -- memory ---------------------------------------------------------------------------------

    def spill(self, lane: int, slices: Sequence[Messages]) -> bool:
        """Store messages that the queue is about to give up; nothing is synced.

        Args:
            lane: their priority, as ``persistence.lane_map.lane_of`` has it.
            slices: consecutive ready messages of that lane, in ascending order.

        Returns:
            False when the disk refuses: the queue must keep them.
        """
        try:
            self.store(lane, [Slice(e.records, e.positions, e.expires_at_ms) for e in slices])
        except OSError as error:
            log.warning("spilling refused queue_id=%d error=%s", self.queue_id, error)
            if is_shortage(error):
                self.on_disk_full()
            return False
        if not self.options.durable and len(self.chunks) > self._sweep_at:
            # No checkpoint comes by a transient queue.
            self.sweep()
            self._sweep_at = max(SPILLED_CHUNKS_MIN, 2 * len(self.chunks))
        return True

    def read_back(
        self, lane: int, from_position: int, stop_position: int = POSITION_MAX
    ) -> ReadBack:
        """Return the next stored messages of a lane that are not settled.

        Args:
            lane: as in ``spill``.
            from_position: the first position that is asked for.
            stop_position: the first one that is not: what the queue has in memory may be stored
                too, if a checkpoint came by.

        Raises:
            OSError: the disk could not be asked; nothing is lost by that.
        """
        lost_count = 0
        while (row := self.chunks.next_from(lane, from_position)) is not None:
            if row.first_position >= stop_position:
                break
            try:
                found = self.read(row)
            except DamagedError as error:
                lost_count += self.lose(row, error)
                continue
            kept = stretches_outside(found, self.settled)
            kept = [cut for each in kept for cut in _between(each, from_position, stop_position)]
            if kept:
                messages = joined(kept)
                expires = shifted(messages.expires_at_ms, -self._wall_offset_ms())
                return ReadBack(messages._replace(expires_at_ms=expires), lost_count)
            from_position = row.last_position + 1
        return ReadBack(None, lost_count)

    # -- what a checkpoint and a restart need ---------------------------------------------------

    def store(self, lane: int, slices: Sequence[Slice]) -> None:
        """Write those messages of a lane that no chunk holds yet.

        Raises:
            OSError: some of them may be stored now, and all are in memory.
        """
        for group in cut_into_chunks(lane, slices, self.chunks, self.settled, self.lanes):
            offset_ms = self._wall_offset_ms()
            row = self.segments.append(
                *encode_chunk(
                    lane,
                    [each._replace(expires_at_ms=shifted(each[2], offset_ms)) for each in group],
                )
            )
            self.chunks.add(row)
            self._prune_at = min(self._prune_at, row.last_position)
            if self.recent:
                for each in group:
                    for positions in ranges_of(each.positions):
                        self.recent.remove(positions)

    def read(self, row: StoredChunk) -> Slice:
        """Return the messages of a chunk, with expiries of the wall clock.

        Raises:
            DamagedError: they are not there any more.
            OSError: the disk could not be asked.
        """
        try:
            return self.segments.read(row)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise DamagedError(f"the disk cannot read it: {error}") from error

    def lose(self, row: StoredChunk, error: DamagedError) -> int:
        """Give up a chunk that cannot be read; return how many unsettled messages were in it."""
        missing = self.settled.missing(row.first_position, row.last_position + 1)
        lost_count = sum(map(len, missing))
        is_contiguous = row.last_position - row.first_position + 1 == row.message_count
        if is_contiguous:
            for positions in missing:
                self.settled.add(positions)
        # Of other chunks nobody knows which positions they had; a restart settles those.
        lost_count = min(lost_count, row.message_count)
        log.error(
            "messages lost queue_id=%d file=%s position=%d first=%d last=%d count=%d error=%s",
            self.queue_id,
            self.segments.path(row.segment_number),
            row.file_position,
            row.first_position,
            row.last_position,
            lost_count,
            error,
        )
        self.segments.quarantine(row.segment_number)
        self.chunks.remove(row)
        self.release(row)
        self.prune()
        return lost_count

    def note_lanes(self, first_position: int, run: Run) -> None:
        """Note which lane each message of a run is in."""
        assert self.lanes is not None, "a plain queue has one lane"
        top = self.options.max_priority
        self.lanes.note(first_position, bytes([lane_of(record[4], top) for record in run]))

    def note_recent(self, piece: Slice) -> None:
        """Take over a piece that the write-ahead log has."""
        self.recent.add(piece, self.settled)
        last_position = piece.positions[-1]
        self._prune_at = min(self._prune_at, last_position)

    def by_lane(self, slices: Sequence[Slice]) -> dict[int, list[Slice]]:
        """Return recent messages by lane."""
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

    def unstored(self, whole: Slice) -> list[Slice]:
        """Return what no chunk holds of contiguous messages, in ascending order."""
        found = [
            piece
            for lane, slices in self.by_lane([whole]).items()
            for each in slices
            for piece in self.chunks.unstored(lane, each)
        ]
        return sorted(found, key=lambda piece: piece.positions[0])

    def prune(self) -> None:
        """Let go of all that lies below the first unsettled position."""
        floor = self.settled.floor
        self.recent.forget_below(floor)
        prune_at = self.recent.head_last_position if self.recent else POSITION_MAX
        if self.chunks:
            for row in self.chunks.take_settled_head(floor):
                self.release(row)
            prune_at = min(prune_at, self.chunks.head_last_position())
        self._prune_at = prune_at

    def sweep(self) -> None:
        """Let go of all that is settled, wherever it is; costs a look at everything there is."""
        settled = self.settled
        self.recent.forget_settled(settled)
        for row in self.chunks.take_settled(settled, self.lanes):
            self.release(row)
        self.delivery_counts.forget_settled(settled)
        if self.lanes is not None:
            self.lanes.forget_settled(settled)
        self.prune()

    def release(self, row: StoredChunk) -> None:
        """Let go of a chunk that is in the table no more."""
        unneeded = self.segments.release(row)
        if unneeded is None:
            return
        if self.options.durable:
            self.unneeded.append(unneeded)
        else:
            self.segments.remove(unneeded.path)

    # -- inside ---------------------------------------------------------------------------------

    def _append(self, piece: Slice) -> int:
        run, positions, expires = piece
        on_disk = shifted(expires, self._wall_offset_ms()) if expires else None
        parts = encode_enqueue(self.queue_id, positions[0], run, on_disk)
        lsn = self.commit_group.append_operation(parts, fsync=self.is_fsynced)
        self.note_recent(piece)
        return lsn

    def _note_transient(self, positions: range, persistent: Sequence[tuple[int, int]]) -> None:
        """Remember which positions were not logged, as far as they are not settled."""
        if self._transient is None:
            self._transient = PositionSet(self.settled.floor)
        self._transient.add(range(self.settled.floor))
        at = 0
        for start, end in [*persistent, (len(positions), len(positions))]:
            self._transient.add(positions[at:start])
            at = end

    def _any_logged(self, positions: range) -> bool:
        assert self._transient is not None, "asked where there are any"
        transient = self._transient
        if positions.step == 1:
            return transient.count_missing(positions.start, positions.stop) > 0
        return any(position not in transient for position in positions)


def _ignore() -> None:
    pass


def _between(whole: Slice, first: int, stop: int) -> list[Slice]:
    """Return those messages whose positions are in an interval, if any."""
    positions = whole.positions
    if first <= positions[0] and positions[-1] < stop:
        return [whole]
    kept = [index for index, position in enumerate(positions) if first <= position < stop]
    return [part(whole, kept[0], kept[-1] + 1)] if kept else []
