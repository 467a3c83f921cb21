"""Rebuilds the logs of queues from the disk: checkpoint, then files, then write-ahead log.

The checkpoint says of each log what its form says there. The write-ahead log has the operations
since. What these mean is known to the recovery of each form: ``persistence.queue_recovery``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from persistence.checkpoint import Snapshot
from persistence.errors import DamagedError
from persistence.operations import Drop, Enqueue, Operation, decode_operations
from persistence.queue_recovery import RecoveredQueue
from persistence.replica_operations import ReplicaInstall, ReplicaRecords
from persistence.replicas.recovery import RecoveredReplica
from persistence.stored_log import Row, StoredLog
from persistence.stream_operations import StreamChunks
from persistence.streams.recovery import RecoveredStream
from persistence.wal_replay import RESTART_GAP_LSNS, Damage, Replay


class LogRecovery(Protocol):
    """Rebuilds the log of one queue, of whatever form."""

    @property
    def known(self) -> StoredLog:
        """The log, as far as it is rebuilt."""

    def restore(self, row: Row) -> None:
        """Begin with the queue's row in a checkpoint."""

    def restore_from_files(self) -> None:
        """Begin with what is in its files, because the checkpoint is damaged."""

    def replay(self, operation: Operation) -> None:
        """Repeat an operation of the queue; a ``Drop`` is not one of them."""

    def begin_after(self, next_segment: int) -> None:
        """Begin as a new queue of an id whose earlier queue is gone, and whose files may be there.

        Args:
            next_segment: number of the next segment of that queue.
        """

    @property
    def next_segment(self) -> int:
        """Number of the queue's next segment; 0 where segments have no numbers."""

    def finish(self, *, was_clean: bool) -> RecoveredQueue | RecoveredStream | RecoveredReplica:
        """Count what there is, and tidy up.

        Raises:
            OSError: the disk cannot be read or written.
            FatalStorageError: a sync failed.
        """


class Found(NamedTuple):
    """What a restart finds, by queue id.

    Attributes:
        queues: with their messages.
        streams: with their logs, which have all messages.
        replicas: of mirrored queues, with their logs.
    """

    queues: dict[int, RecoveredQueue]
    streams: dict[int, RecoveredStream]
    replicas: dict[int, RecoveredReplica]


BeginRecovery: TypeAlias = Callable[[int, list[str]], LogRecovery | None]
"""Begins to rebuild the log of a known queue, by its id; None for an unknown one.

The second argument takes damages; one sentence each.
"""


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
        begin: begins with an empty log of a known queue.
        next_queue_id: above every id that was seen.
        logs: as far as they are rebuilt, by queue id.
        unknown: ids of queues with messages on disk and without a definition.
    """

    begin: BeginRecovery
    next_queue_id: int = 1
    logs: dict[int, LogRecovery] = field(default_factory=dict)
    unknown: set[int] = field(default_factory=set)
    report: RecoveryReport = field(default_factory=RecoveryReport)

    def restore(self, snapshot: Snapshot, known_ids: Iterable[int]) -> None:
        """Begin with the checkpoint; where it is damaged, with the files."""
        self.next_queue_id = max(self.next_queue_id, snapshot.next_queue_id)
        self.report.damages += snapshot.damages
        for row in snapshot.queues.values():
            self.see(row.queue_id)
            known = self.begin(row.queue_id, self.report.damages)
            if known is None:
                if row.holds_messages:
                    self.unknown.add(row.queue_id)
            elif row.form is known.known.form:
                known.restore(row)
                self.logs[row.queue_id] = known
            else:
                self.report.damages.append(
                    f"queue {row.queue_id} is defined as another kind than it was: its messages"
                    " stay where they are"
                )
        for queue_id in known_ids:
            self.see(queue_id)
            if queue_id in self.logs:
                continue
            known = self.begin(queue_id, self.report.damages)
            if known is not None:
                if snapshot.damages:
                    known.restore_from_files()
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
        elif isinstance(operation, Drop):
            fresh = self.begin(operation.queue_id, self.report.damages)
            assert fresh is not None, "a queue that was known is known"
            fresh.begin_after(known.next_segment)
            self.logs[operation.queue_id] = fresh
        else:
            known.replay(operation)

    def finish(self, *, was_clean: bool) -> Found:
        """Count what there is, settle what cannot be there any more, tidy up; return the queues."""
        self.report.was_clean = was_clean
        found = Found({}, {}, {})
        for queue_id, known in self.logs.items():
            recovered = known.finish(was_clean=was_clean)
            if isinstance(recovered, RecoveredStream):
                found.streams[queue_id] = recovered
            elif isinstance(recovered, RecoveredReplica):
                found.replicas[queue_id] = recovered
            else:
                found.queues[queue_id] = recovered
            self.report.lost_count += recovered.lost_count
            self.report.message_count += recovered.message_count
        self.report.queue_count = len(self.logs)
        return found

    def see(self, queue_id: int) -> None:
        """Note an id that is not to be given again."""
        self.next_queue_id = max(self.next_queue_id, queue_id + 1)

    def _note_unknown(self, operation: Operation) -> None:
        if isinstance(operation, Enqueue | StreamChunks | ReplicaRecords | ReplicaInstall):
            self.unknown.add(operation.queue_id)
        elif isinstance(operation, Drop):
            self.unknown.discard(operation.queue_id)
