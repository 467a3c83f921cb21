"""Rebuilds the log of one queue: what its row, its segments and the write-ahead log say.

Replaying an operation twice has no further effect: an ENQUEUE below the queue's next position is
known already, and the other operations only repeat the state. Chunks are read only if a part of
them is settled or transient, to count exactly.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from persistence.chunk_table import StoredChunk
from persistence.codec import persistent_ranges
from persistence.errors import DamagedError
from persistence.log import Log
from persistence.log_state import LogState
from persistence.operations import Enqueue, Operation, Requeued, Settle
from persistence.positions import ranges_of
from persistence.queue_row import QueueSnapshot
from persistence.record import body_bytes
from persistence.slices import Slice, part, stretches_outside
from persistence.stored_log import Row


class RecoveredLane(NamedTuple):
    """The messages of one priority; those in segments come before the others.

    Attributes:
        lane: the priority; 0 in a plain queue.
        stored_count: ready messages in segments: ``Log.read_back`` returns them.
        stored_body_bytes: sum of their bodies.
        unstored: the others, in memory.
    """

    lane: int
    stored_count: int
    stored_body_bytes: int
    unstored: Sequence[Slice]


class RecoveredQueue(NamedTuple):
    """A queue as a restart finds it.

    Attributes:
        log: continues where it was.
        lanes: by priority, those that are not empty.
        redeliver_below: messages before this position may have been delivered before.
        requeued: delivery counts of requeued messages.
        lost_count: messages that were there once and cannot be read any more.
    """

    log: Log
    lanes: Sequence[RecoveredLane]
    redeliver_below: int
    requeued: Mapping[int, int]
    lost_count: int = 0

    @property
    def next_position(self) -> int:
        """Position of the next message."""
        return self.log.state.next_position

    @property
    def message_count(self) -> int:
        """How many messages it holds."""
        return sum(
            lane.stored_count + sum([len(each.positions) for each in lane.unstored])
            for lane in self.lanes
        )


class QueueRecovery:
    """Rebuilds the log of a queue; a ``persistence.recovery.LogRecovery``.

    Args:
        known: the log of the queue, empty yet.
        damages: takes what is lost; one sentence each.
    """

    def __init__(self, known: Log, damages: list[str]) -> None:
        self.known = known
        self._damages = damages
        self._is_scanned = False
        """Whether chunks were taken as they are, so that all operations count."""
        self._unread_count = 0

    def restore(self, row: Row) -> None:
        """Begin with the queue's row in a checkpoint."""
        assert isinstance(row, QueueSnapshot), "rows are matched with logs"
        self.known.state.restore(row)

    def restore_from_files(self) -> None:
        """Take every chunk as stored; settled messages in them come back."""
        stored = self.known.state.stored
        if stored.adopt_found():
            self._is_scanned = True
            self._damages.append(
                f"{stored.segments.directory} was taken as it is; settled messages come back"
            )

    def replay(self, operation: Operation) -> None:
        """Repeat an operation of the queue; ``Drop`` is not one of them."""
        match operation:
            case Enqueue():
                self._replay_enqueue(self.known.state, operation)
            case Settle():
                self.known.state.repeat_settle(operation.positions)
            case Requeued():
                self.known.state.repeat_requeued(operation.positions, operation.delivery_count)
            case _:
                self._damages.append(
                    f"an operation of queue {self.known.queue_id} is for another kind of queue"
                )

    @property
    def next_segment(self) -> int:
        """Number of the queue's next segment."""
        return self.known.state.stored.segments.next_number

    def begin_after(self, next_segment: int) -> None:
        """Begin as a new queue of an id whose earlier queue is gone; older files are its files."""
        self.known.state.begin_after(next_segment)

    def finish(self, *, was_clean: bool) -> RecoveredQueue:
        """Count what there is, and settle what cannot be there any more."""
        self.known.state.end_replay()
        return found_in(self.known, was_clean=was_clean, lost_count=self._unread_count)

    def _replay_enqueue(self, known: LogState, operation: Enqueue) -> None:
        first, count = operation.first_position, operation.message_count
        known_count = max(known.next_position - first, 0)
        if known_count >= count:
            return
        try:
            run = operation.run()
        except DamagedError as error:
            lost_count = count - known_count
            self._unread_count += lost_count
            self._damages.append(
                f"an operation of queue {known.queue_id}: {error}:"
                f" its {lost_count} messages are lost"
            )
            return
        known.repeat_append(
            Slice(run, range(first, first + count), operation.expires_at_ms or 0),
            may_be_stored=self._is_scanned,
        )


def found_in(
    known: Log,
    *,
    was_clean: bool,
    lost_count: int,
    keeps_transient: bool = False,
    keeps_damaged: bool = False,
) -> RecoveredQueue:
    """Return the messages of a log, all ready, and settle what cannot be there any more.

    Args:
        known: the log, as far as it is rebuilt.
        was_clean: nothing was delivered that its state does not know of.
        lost_count: messages that are lost already.
        keeps_transient: transient messages are in it as others are: those of a replica.
        keeps_damaged: no message is given up because it cannot be read here.

    Raises:
        DamagedError: a message cannot be read, and is kept; nothing has changed.
        OSError: the disk could not be read.
    """
    state = known.state
    state.sweep()
    live: list[range] = []
    stored: dict[int, tuple[int, int]] = {}
    for row in list(state.stored.table):
        try:
            count, row_bytes, positions = _live_in(state, row, keeps_transient=keeps_transient)
        except DamagedError as error:
            if keeps_damaged:
                raise
            lost_count += state.lose(row, error)
            continue
        live += positions
        if count:
            counted = stored.get(row.lane, (0, 0))
            stored[row.lane] = (counted[0] + count, counted[1] + row_bytes)
    unstored = state.unstored()
    for slices in unstored.values():
        live += [range(each.positions[0], each.positions[-1] + 1) for each in slices]
    state.settle_all_but(live)
    return RecoveredQueue(
        log=known,
        lanes=[
            RecoveredLane(lane, *stored.get(lane, (0, 0)), unstored.get(lane, ()))
            for lane in sorted({*stored, *unstored})
        ],
        redeliver_below=state.delivered_below if was_clean else state.next_position,
        requeued=dict(state.requeued()),
        lost_count=lost_count,
    )


def _live_in(
    state: LogState, row: StoredChunk, *, keeps_transient: bool
) -> tuple[int, int, list[range]]:
    """Return count, body bytes and positions of what a restart finds of a chunk."""
    first, stop = row.first_position, row.last_position + 1
    missing = state.settled.missing(first, stop)
    # In a plain queue what lies between the messages of a chunk is settled.
    is_whole = state.lanes is None or stop - first == row.message_count
    has_transient = row.has_transient and not keeps_transient
    if is_whole and not has_transient and sum(map(len, missing)) == row.message_count:
        return row.message_count, row.body_bytes, missing
    count = live_bytes = 0
    live: list[range] = []
    for kept in stretches_outside(state.stored.read(row), state.settled):
        everything = [(0, len(kept.records))]
        for start, end in everything if keeps_transient else persistent_ranges(kept.records):
            records, positions, _ = part(kept, start, end)
            count += len(positions)
            live_bytes += body_bytes(records)
            live += ranges_of(positions)
    return count, live_bytes, live
