"""One queue's log: it notes the queue's events and writes them to the write-ahead log.

The state of the queue's messages is in ``persistence.log_state``. This module is the way there for
the queue itself. The log of a transient queue writes nothing to the write-ahead log: it only
spills.
"""

import errno
import logging
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from persistence.codec import persistent_ranges
from persistence.errors import DamagedError, is_shortage
from persistence.group_commit import AT_ONCE
from persistence.log_form import LogForm
from persistence.log_state import LogState
from persistence.operations import (
    POSITION_MAX,
    encode_drop,
    encode_enqueue,
    encode_requeued,
    encode_settle,
)
from persistence.record import Run
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
from persistence.stored_log import Noted

log = logging.getLogger(__name__)


class Appending(Protocol):
    """What a log needs of ``persistence.group_commit.GroupCommit``."""

    @property
    def is_one_log(self) -> bool:
        """Whether a crash leaves a prefix of it."""

    @property
    def committed_lsn(self) -> int:
        """Everything up to it is as safe as was asked for."""

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once it is decided whether everything up to this LSN is safe."""

    def append_operation(self, parts: Sequence[bytes | memoryview], *, fsync: bool) -> int:
        """Append an operation of the write-ahead log; return its LSN."""


class ReadBack(NamedTuple):
    """The messages that were read back.

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
        state: of the queue's messages.
        commit_group: the node's; whose LSNs are returned.
        read_back_count: chunks that were read back so far.
        is_fsynced: whether appends wait for the disk (class fsync), or for the page cache (os).
    """

    def __init__(self, state: LogState, commit: Appending) -> None:
        """Make the log of a queue.

        Args:
            state: of the queue; of this log alone.
            commit: takes operations of the write-ahead log.
        """
        self.queue_id = state.queue_id
        self.state = state
        self.commit_group = commit
        self.is_fsynced = True
        self.read_back_count = 0
        self.on_disk_full: Callable[[], None] = _ignore
        """Called when a chunk found no room; the listener must not touch the queue then."""
        self._is_durable = state.options.durable
        self._transient: PositionSet | None = None

    @property
    def committed_lsn(self) -> int:
        """Every append up to this LSN is as safe as its class promises."""
        return self.commit_group.committed_lsn

    # -- events of the queue ------------------------------------------------------------------

    def append(self, first_position: int, run: Run, expires_at_ms: Expiries = 0) -> int:
        """Log the persistent messages of a run; return the LSN, or 0 if no wait is needed.

        Args:
            first_position: of the first message: not below ``next_position``.
            run: at least one message; it must not change any more.
            expires_at_ms: when they expire (instant; 0 is never), one for all or one each.
        """
        state = self.state
        if self._is_durable or state.lanes is not None:
            state.note_positions(first_position, run)
        if not self._is_durable:
            return AT_ONCE
        count = len(run)
        positions = range(first_position, first_position + count)
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
        """Set the class of later appends; earlier ones keep theirs."""
        self.is_fsynced = is_fsynced

    def settle(self, positions: range, *, is_promised: bool = False) -> int:
        """Record that these positions are settled for ever; return the LSN, or 0.

        Args:
            positions: ascending, with any step; those settled earlier are ignored.
            is_promised: whether somebody waits for the LSN, who then is told that they are gone.
        """
        if not self.state.settle(positions) or not self._is_durable:
            return AT_ONCE
        if self._transient is not None and not self._any_logged(positions):
            return AT_ONCE
        operation = encode_settle(self.queue_id, positions)
        is_fsynced = is_promised and self.is_fsynced
        return self.commit_group.append_operation((operation,), fsync=is_fsynced)

    def requeued(self, positions: range, delivery_count: int) -> int:
        """Record that these positions came back, with their counts; return the LSN, or 0."""
        if not self._is_durable or not positions:
            return AT_ONCE
        if self._transient is not None and not self._any_logged(positions):
            return AT_ONCE
        self.state.note_requeued(positions, delivery_count)
        operation = encode_requeued(self.queue_id, positions, delivery_count)
        return self.commit_group.append_operation((operation,), fsync=False)

    def drop(self) -> int:
        """Forget everything, because the queue is gone. Its definition must be deleted before.

        Returns:
            The LSN, or 0; a caller that waits needs only the definition's LSN.
        """
        self.state.drop()
        if not self._is_durable:
            return AT_ONCE
        return self.commit_group.append_operation((encode_drop(self.queue_id),), fsync=False)

    # -- memory ---------------------------------------------------------------------------------

    def spill(self, lane: int, slices: Sequence[Messages], *, among_unacked: bool = False) -> bool:
        """Store messages that the queue is about to give up; nothing is synced.

        Args:
            lane: their priority, as ``persistence.lane_map.lane_of`` has it.
            slices: ready messages of that lane, in ascending order.
            among_unacked: whether others of the lane may lie between them. Those are stored too if
                the write-ahead log has them, because a chunk has no gaps.

        Returns:
            False when the disk refuses: the queue must keep them.
        """
        try:
            if among_unacked and self._is_durable and self._transient is None:
                self.state.store_between(lane, slices[0].positions[0], slices[-1].positions[-1] + 1)
            self.state.store(lane, [Slice(e.records, e.positions, e.expires_at_ms) for e in slices])
        except OSError as error:
            log.warning("spilling refused queue_id=%d error=%s", self.queue_id, error)
            if is_shortage(error):
                self.on_disk_full()
            return False
        return True

    def read_back(
        self, lane: int, from_position: int, stop_position: int = POSITION_MAX
    ) -> ReadBack:
        """Return the next stored messages of a lane that are not settled.

        Args:
            lane: as in ``spill``.
            from_position: the first position.
            stop_position: the end, excluded. Messages in the queue's memory may be stored too,
                by a checkpoint.

        Raises:
            OSError: the disk could not be read, or what is damaged is kept; nothing is lost by
                that.
        """
        state, lost_count = self.state, 0
        while (row := state.stored.table.next_from(lane, from_position)) is not None:
            if row.first_position >= stop_position:
                break
            self.read_back_count += 1
            try:
                found = state.stored.read(row)
            except DamagedError as error:
                if self.keeps_damaged(error):
                    raise OSError(errno.EIO, str(error)) from error
                lost_count += state.lose(row, error)
                continue
            # Cut first: where every other message is settled, a chunk is thousands of stretches.
            cut = _between(found, from_position, stop_position)
            kept = [each for one in cut for each in stretches_outside(one, state.settled)]
            if kept:
                messages = joined(kept)
                expires = shifted(messages.expires_at_ms, -state.wall_offset_ms())
                return ReadBack(messages._replace(expires_at_ms=expires), lost_count)
            from_position = row.last_position + 1
        return ReadBack(None, lost_count)

    def keeps_damaged(self, error: DamagedError) -> bool:  # noqa: ARG002 - replicas look at it
        """Return whether messages that cannot be read are kept: nobody else has them, so no."""
        return False

    # -- for the store: see ``persistence.stored_log.StoredLog`` --------------------------------

    @property
    def form(self) -> LogForm:
        """That of a queue."""
        return LogForm.QUEUE

    @property
    def directory(self) -> str:
        """The folder of its segments."""
        return self.state.stored.segments.directory

    @property
    def is_dropped(self) -> bool:
        """Whether the queue is gone."""
        return self.state.is_dropped

    @property
    def due_bytes(self) -> int:
        """How much a checkpoint would free of the disk."""
        return self.state.unneeded_bytes

    def start(self, commit: Appending) -> None:
        """Append to this from now on."""
        self.commit_group = commit

    def note_delivered(self, delivered_below: int) -> None:
        """Note, before a clean stop, that no message from this position on was delivered."""
        self.state.delivered_below = delivered_below

    def store_some(self, max_bytes: int) -> bool:
        """Store some messages of the write-ahead log; return whether the rest may stay there."""
        return self.state.store_some(max_bytes)

    def note(self) -> Noted:
        """Drop everything settled, and return the state at this moment."""
        row = self.state.snapshot()
        segments = self.state.stored.segments
        dirty, directories = segments.take_dirty()
        return Noted(row, dirty, directories, self.state.stored.take_unneeded())

    # -- inside ---------------------------------------------------------------------------------

    def _append(self, piece: Slice) -> int:
        run, positions, expires = piece
        on_disk = shifted(expires, self.state.wall_offset_ms()) if expires else None
        parts = encode_enqueue(self.queue_id, positions[0], run, on_disk)
        lsn = self.commit_group.append_operation(parts, fsync=self.is_fsynced)
        self.state.note_recent(piece)
        return lsn

    def _note_transient(self, positions: range, persistent: Sequence[tuple[int, int]]) -> None:
        """Remember the unsettled positions that were not logged."""
        if self._transient is None:
            self._transient = PositionSet(self.state.settled.floor)
        self._transient.add(range(self.state.settled.floor))
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
    """Return the messages with positions in an interval, if any."""
    positions = whole.positions
    if first <= positions[0] and positions[-1] < stop:
        return [whole]
    start, end = bisect_left(positions, first), bisect_left(positions, stop)
    return [part(whole, start, end)] if start < end else []
