"""Rebuilds each queue from the disk: checkpoint, then segments, then write-ahead log.

The checkpoint says where the chunks of each queue are and which positions are settled. The
write-ahead log has the operations since. Replaying an operation twice has no further effect: an
ENQUEUE below the queue's next position is known already, and the other operations only repeat the
state. Chunks are read only if a part of them is settled or transient, to count exactly.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from persistence.checkpoint import Snapshot
from persistence.chunk_table import StoredChunk
from persistence.codec import persistent_ranges
from persistence.errors import DamagedError
from persistence.log import Log
from persistence.log_state import LogState
from persistence.operations import Drop, Enqueue, Operation, Requeued, Settle, decode_operations
from persistence.positions import ranges_of
from persistence.record import body_bytes
from persistence.slices import Slice, part, stretches_outside
from persistence.wal_replay import RESTART_GAP_LSNS, Damage, Replay


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


@dataclass(slots=True)
class RecoveryReport:
    """What a restart found.

    Attributes:
        was_clean: whether the node had stopped cleanly.
        queue_count: queues that are known.
        message_count: messages that they hold.
        operation_count: operations of the write-ahead log that were replayed.
        lost_count: messages that were there once and cannot be read any more.
        torn_bytes: lost at the end of the write-ahead log; they were never confirmed.
        damages: damaged places and what is lost; one sentence each.
        set_aside_in: the folder with the files of queues without a definition, if these had to be
            kept; None otherwise.
    """

    was_clean: bool = False
    queue_count: int = 0
    message_count: int = 0
    operation_count: int = 0
    lost_count: int = 0
    torn_bytes: int = 0
    damages: list[str] = field(default_factory=list)
    set_aside_in: str | None = None

    def note_wal(self, replay: Replay, *, was_clean: bool) -> None:
        """Take over what a replay found, once it has ended; after a clean stop it needs none."""
        self.torn_bytes = replay.torn_bytes
        self.damages += [_cost_of(found) for found in replay.damages]
        self.damages += [
            f"{path} was cut off: messages and acks that were behind its end are lost"
            for path in replay.cut_paths
            if not was_clean
        ]


def _cost_of(found: Damage) -> str:
    missing_count = found.last_lsn - found.first_lsn + 1
    # Numbers between two starts were never used.
    cost = (
        "nobody knows how many"
        if missing_count >= RESTART_GAP_LSNS
        else f"{missing_count} or fewer"
    )
    return (
        f"{found.path} at {found.position}: {found.size_bytes} octets with LSN {found.first_lsn} to"
        f" {found.last_lsn} are missing: of the operations of the log, each some messages or acks"
        f" of a queue, {cost} are lost; copy {found.copy_path}"
    )


@dataclass(slots=True)
class Recovery:
    """Rebuilds the logs of the queues that are known.

    Attributes:
        new_log: makes an empty log for the id of a known queue; None for an unknown one.
        next_queue_id: above every id that was seen.
        logs: as far as they are rebuilt, by queue id.
        scanned: queues without a checkpoint, of which all operations of the write-ahead log count.
        unread: messages in operations of the write-ahead log that cannot be read, by queue id.
        unknown: ids of queues with files on disk and without a definition.
    """

    new_log: Callable[[int], Log | None]
    next_queue_id: int = 1
    logs: dict[int, Log] = field(default_factory=dict)
    scanned: set[int] = field(default_factory=set)
    unread: dict[int, int] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    report: RecoveryReport = field(default_factory=RecoveryReport)

    def restore(self, snapshot: Snapshot, known_ids: Iterable[int]) -> None:
        """Begin with the checkpoint; where it is damaged, with the segments."""
        self.next_queue_id = max(self.next_queue_id, snapshot.next_queue_id)
        self.report.damages += snapshot.damages
        for queue in snapshot.queues.values():
            self.see(queue.queue_id)
            known = self.new_log(queue.queue_id)
            if known is not None:
                known.state.restore(queue)
                self.logs[queue.queue_id] = known
            elif queue.chunks or queue.few:
                self.unknown.add(queue.queue_id)
        for queue_id in known_ids:
            self.see(queue_id)
            if queue_id not in self.logs and (known := self.new_log(queue_id)) is not None:
                if snapshot.damages:
                    self._restore_from_segments(known)
                self.logs[queue_id] = known

    def replay(self, operations: memoryview) -> None:
        """Replay the next batch of the write-ahead log."""
        try:
            for operation in decode_operations(operations):
                self._replay(operation)
        except DamagedError as error:
            self.report.damages.append(
                f"a batch of the write-ahead log: {error}: what it says from there on is lost"
            )

    def _replay(self, operation: Operation) -> None:
        self.report.operation_count += 1
        self.see(operation.queue_id)
        known = self.logs.get(operation.queue_id)
        if known is None:
            self._note_unknown(operation)
            return
        match operation:
            case Enqueue():
                self._replay_enqueue(known.state, operation)
            case Settle():
                known.state.repeat_settle(operation.positions)
            case Requeued():
                known.state.repeat_requeued(operation.positions, operation.delivery_count)
            case Drop():
                fresh = self.new_log(operation.queue_id)
                assert fresh is not None, "a queue that was known is known"
                fresh.state.begin_after(known.state)
                self.logs[operation.queue_id] = fresh

    def finish(self, *, was_clean: bool) -> dict[int, RecoveredQueue]:
        """Count what there is, settle what cannot be there any more, tidy up; return the queues."""
        self.report.was_clean = was_clean
        queues: dict[int, RecoveredQueue] = {}
        for queue_id, known in self.logs.items():
            known.state.end_replay()
            recovered = _finish_queue(
                known, was_clean=was_clean, lost_count=self.unread.get(queue_id, 0)
            )
            queues[queue_id] = recovered
            self.report.lost_count += recovered.lost_count
            self.report.message_count += sum(
                lane.stored_count + sum([len(each.positions) for each in lane.unstored])
                for lane in recovered.lanes
            )
        self.report.queue_count = len(queues)
        return queues

    def see(self, queue_id: int) -> None:
        """Note an id that is not to be given again."""
        self.next_queue_id = max(self.next_queue_id, queue_id + 1)

    def _note_unknown(self, operation: Operation) -> None:
        if isinstance(operation, Enqueue):
            self.unknown.add(operation.queue_id)
        elif isinstance(operation, Drop):
            self.unknown.discard(operation.queue_id)

    def _restore_from_segments(self, known: Log) -> None:
        """Take every chunk as stored; settled messages in them come back."""
        stored = known.state.stored
        if stored.adopt_found():
            self.scanned.add(known.queue_id)
            self.report.damages.append(
                f"{stored.segments.directory} was taken as it is; settled messages come back"
            )

    def _replay_enqueue(self, known: LogState, operation: Enqueue) -> None:
        first, count = operation.first_position, operation.message_count
        known_count = max(known.next_position - first, 0)
        if known_count >= count:
            return
        try:
            run = operation.run()
        except DamagedError as error:
            lost_count = count - known_count
            self.unread[known.queue_id] = self.unread.get(known.queue_id, 0) + lost_count
            self.report.damages.append(
                f"an operation of queue {known.queue_id}: {error}:"
                f" its {lost_count} messages are lost"
            )
            return
        known.repeat_append(
            Slice(run, range(first, first + count), operation.expires_at_ms or 0),
            may_be_stored=known.queue_id in self.scanned,
        )


def _finish_queue(known: Log, *, was_clean: bool, lost_count: int) -> RecoveredQueue:
    state = known.state
    state.sweep()
    live: list[range] = []
    stored: dict[int, tuple[int, int]] = {}
    for row in list(state.stored.table):
        try:
            count, row_bytes, positions = _live_in(state, row)
        except DamagedError as error:
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


def _live_in(state: LogState, row: StoredChunk) -> tuple[int, int, list[range]]:
    """Return count, body bytes and positions of what a restart finds of a chunk."""
    first, stop = row.first_position, row.last_position + 1
    missing = state.settled.missing(first, stop)
    # In a plain queue what lies between the messages of a chunk is settled.
    is_whole = state.lanes is None or stop - first == row.message_count
    if is_whole and not row.has_transient and sum(map(len, missing)) == row.message_count:
        return row.message_count, row.body_bytes, missing
    count = live_bytes = 0
    live: list[range] = []
    for kept in stretches_outside(state.stored.read(row), state.settled):
        for start, end in persistent_ranges(kept.records):
            records, positions, _ = part(kept, start, end)
            count += len(positions)
            live_bytes += body_bytes(records)
            live += ranges_of(positions)
    return count, live_bytes, live
