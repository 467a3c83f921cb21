"""The stored queues of a node: hands out their logs, and makes checkpoints.

A checkpoint consists of steps, so that no turn of the loop is long, and of one call on the fsync
thread:

    begin_checkpoint     loop     which file of the write-ahead log will do from now on
    step ... step        loop     store what only older files hold, note what is known of each queue
    wait for its LSN     loop     what it says must not be ahead of the definitions, nor of the log
                                  on the disk: what is settled there may have been copied elsewhere
    persist              thread   sync the segments, then write the checkpoint beside the old one,
                                  sync, rename, sync the folder; then remove what nobody needs
    finish               loop     the older files of the write-ahead log may be used again

Each queue is noted at its own moment. The replay of later operations does no harm: an ENQUEUE is
known by its positions, and the others only repeat the state.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from persistence.by_name import fsync_directory, fsync_file, remove
from persistence.checkpoint import Snapshot
from persistence.checkpoint_file import write_checkpoint, write_clean_stop
from persistence.chunking import CHUNK_BYTES_MAX
from persistence.errors import FatalStorageError
from persistence.files import Files
from persistence.group_commit import GroupCommit
from persistence.log import Log
from persistence.log_making import SPILL_DIRECTORY, LogMaker, StoreLimits
from persistence.log_state import EVERYTHING_BYTES, LogOptions
from persistence.replicas.log import ReplicaLog
from persistence.stored_log import StoredLog, UnneededFile
from persistence.streams.log import StreamLog
from persistence.witness import NO_WITNESS, Witness

log = logging.getLogger(__name__)

SHORT_BYTES: Final = 1024 * 1024
"""Where the disk is short of room, a checkpoint is due when it would free this much."""

ROOM_DIRECTORY: Final = f"{SPILL_DIRECTORY}/room"
"""A file made and removed to test for room; a start removes one that a kill left."""

STEP_QUEUES_MAX: Final = 256
"""A step of a checkpoint notes this many queues at most."""

STEPS_PER_QUEUE_MAX: Final = 64
"""After this many steps, a queue that grows as fast as it is stored is stored in one step."""

FIRST_WAL_NUMBER: Final = 1
"""The first file of a log; a checkpoint that needs it frees nothing."""


class ReleasedLog(Protocol):
    """What a checkpoint needs of ``persistence.wal.Wal``."""

    @property
    def number(self) -> int:
        """The file that is written to."""

    def release(self, below_number: int) -> None:
        """Reuse files below this number, which are not needed any more. Thread only."""


@dataclass(slots=True)
class Checkpoint:
    """A checkpoint that is being made.

    Attributes:
        snapshot: its content.
        unnoted: queues that were not noted yet, the next one last.
        step_count: steps that the next queue has taken.
        dirty: paths of segments to be synced.
        directories: folders to be synced.
        unneeded: files to be removed after it.
        dropped: folders to be removed after it.
    """

    snapshot: Snapshot
    unnoted: list[StoredLog]
    step_count: int = 0
    dirty: set[str] = field(default_factory=set)
    directories: set[str] = field(default_factory=set)
    unneeded: list[UnneededFile] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


class Store:
    """All stored queues.

    Invariant: a queue's id is given once, whatever crash comes between.
    Invariant: at most one checkpoint is being made.
    """

    def __init__(
        self,
        files: Files,
        limits: StoreLimits,
        wall_offset_ms: Callable[[], int],
        witness: Witness = NO_WITNESS,
    ) -> None:
        """Begin with no queue; ``persistence.opening`` does the rest."""
        self.witness = witness
        self._files = files
        self._limits = limits
        self._maker = LogMaker(files, limits, wall_offset_ms, self._tell_disk_full)
        self._logs: dict[int, StoredLog] = {}
        self._next_queue_id = 1
        self._commit: GroupCommit | None = None
        self._wal: ReleasedLog | None = None
        self._wal_number = FIRST_WAL_NUMBER
        self._under_way: Checkpoint | None = None
        self.on_disk_full: Callable[[], None] | None = None
        """Called during an operation of a queue, when one of its chunks found no room."""
        # The work of a checkpoint that failed; the next one does it.
        self._left = Checkpoint(Snapshot(), [])

    def adopt(self, logs: Mapping[int, StoredLog], next_queue_id: int, wal_number: int) -> None:
        """Take over the queues that a restart found.

        Args:
            logs: by queue id.
            next_queue_id: above every id that was ever given.
            wal_number: the file of the write-ahead log that replay began with.
        """
        self._logs.update(logs)
        self._next_queue_id = next_queue_id
        self._wal_number = max(wal_number, FIRST_WAL_NUMBER)

    def start(self, wal: ReleasedLog, commit: GroupCommit) -> None:
        """Accept appends from now on."""
        self._wal = wal
        self._commit = commit
        for each in self._logs.values():
            each.start(commit)

    # -- queues ---------------------------------------------------------------------------------

    def new_log(self, options: LogOptions, queue_id: int | None = None) -> Log:
        """Return the log of a new queue.

        The definition of a durable queue is appended before anything is appended to its log, and
        its deletion before ``Log.drop``.

        Args:
            options: what kind of queue it is.
            queue_id: that its definition has, and that no queue ever had; None takes the next.
        """
        assert self._commit is not None, "a store is started before queues are declared"
        if queue_id is None:
            queue_id = self._next_queue_id
        self._next_queue_id = max(self._next_queue_id, queue_id + 1)
        made = self.make_log(queue_id, options)
        made.start(self._commit)
        if options.durable:
            self._logs[queue_id] = made
        return made

    def make_log(self, queue_id: int, options: LogOptions) -> Log:
        """Return an empty log that is not started: what a restart makes of it is not known yet."""
        return self._maker.log(queue_id, options)

    def new_stream_log(self, queue_id: int) -> StreamLog:
        """Return the log of a new stream, whose definition has this id; see ``new_log``."""
        assert self._commit is not None, "a store is started before streams are declared"
        self._next_queue_id = max(self._next_queue_id, queue_id + 1)
        made = self.make_stream_log(queue_id)
        made.start(self._commit)
        self._logs[queue_id] = made
        return made

    def make_stream_log(self, queue_id: int) -> StreamLog:
        """Return the empty log of a stream, not started; as ``make_log``."""
        return self._maker.stream_log(queue_id)

    def new_replica_log(self, options: LogOptions, queue_id: int) -> ReplicaLog:
        """Return the log of a new replica, whose definition has this id; see ``new_log``."""
        assert self._commit is not None, "a store is started before replicas are made"
        self._next_queue_id = max(self._next_queue_id, queue_id + 1)
        made = self.make_replica_log(queue_id, options)
        made.start(self._commit)
        self._logs[queue_id] = made
        return made

    def make_replica_log(self, queue_id: int, options: LogOptions) -> ReplicaLog:
        """Return the empty log of a replica, not started; as ``make_log``."""
        return self._maker.replica_log(queue_id, options)

    def _tell_disk_full(self) -> None:
        if self.on_disk_full is not None:
            self.on_disk_full()

    def note_delivered(self, queue_id: int, delivered_below: int) -> None:
        """Note, before a clean stop, that no message from this position on was delivered."""
        self._logs[queue_id].note_delivered(delivered_below)

    # -- checkpoints: on the loop ---------------------------------------------------------------

    def checkpoint_is_due(self, *, is_short: bool = False) -> bool:
        """Return whether a checkpoint would free enough; looks at every queue.

        Where the disk ``is_short`` of room, less is enough. Call it when a file of the write-ahead
        log has ended, and otherwise about once a second.
        """
        if self._under_way is not None or self._wal is None:
            return False
        if self._wal.number > self._wal_number:
            return True
        logs = self._logs.values()
        due_bytes = sum([each.due_bytes for each in logs])
        bytes_max = self._limits.unneeded_bytes_max
        enough_bytes = min(bytes_max, SHORT_BYTES) if is_short else bytes_max
        return due_bytes >= enough_bytes or any([each.is_dropped for each in logs])

    def begin_checkpoint(self) -> Checkpoint:
        """Begin a checkpoint; queues dropped from now on are removed after the next one."""
        assert self._under_way is None, "one checkpoint at a time"
        assert self._wal is not None, "a store is started before its checkpoints"
        left, self._left = self._left, Checkpoint(Snapshot(), [])
        logs = list(self._logs.values())
        for each in [each for each in logs if each.is_dropped]:
            del self._logs[each.queue_id]
            left.dropped.append(each.directory)
        left.snapshot = Snapshot(wal_number=self._wal.number)
        left.unnoted = [each for each in logs if not each.is_dropped]
        self._under_way = left
        return left

    def step(self, checkpoint: Checkpoint, max_bytes: int = CHUNK_BYTES_MAX) -> bool:
        """Do a part of the loop's work for a checkpoint; return whether it was the last.

        After the last the caller waits until ``checkpoint.snapshot.lsn`` is committed.

        Raises:
            OSError: the disk refuses; the caller passes the error to ``finish``.
        """
        unnoted = checkpoint.unnoted
        for _ in range(STEP_QUEUES_MAX):
            if not unnoted:
                break
            each = unnoted[-1]
            if not each.is_dropped:
                checkpoint.step_count += 1
                is_last = checkpoint.step_count >= STEPS_PER_QUEUE_MAX
                if not each.store_some(EVERYTHING_BYTES if is_last else max_bytes):
                    return False
                self._note(checkpoint, each)
            unnoted.pop()
            checkpoint.step_count = 0
        if unnoted:
            return False
        assert self._commit is not None, "it was there at the beginning"
        # What it says to be settled may rest on copies in other queues, of whatever class: none of
        # them may be in the page cache alone when the checkpoint is on the disk.
        checkpoint.snapshot.lsn = self._commit.append_fsync()
        checkpoint.snapshot.next_queue_id = self._next_queue_id
        return True

    def finish(self, checkpoint: Checkpoint, error: Exception | None) -> None:
        """End a checkpoint, whether it succeeded or failed.

        Args:
            checkpoint: the one that was begun.
            error: of ``step`` or ``persist``. If the disk refuses, nothing has changed, and the
                next checkpoint does the work of this one.

        Raises:
            FatalStorageError: the node must stop.
        """
        assert checkpoint is self._under_way, "one checkpoint at a time"
        self._under_way = None
        if error is None:
            self._wal_number = checkpoint.snapshot.wal_number
            return
        if isinstance(error, FatalStorageError):
            raise error
        log.warning("a checkpoint failed error=%s", error)
        checkpoint.snapshot = Snapshot()
        checkpoint.unnoted = []
        checkpoint.step_count = 0
        self._left = checkpoint

    def _note(self, checkpoint: Checkpoint, each: StoredLog) -> None:
        """Take down what is known of a queue at this moment."""
        row, dirty, directories, unneeded = each.note()
        checkpoint.snapshot.queues[each.queue_id] = row
        checkpoint.dirty.update(dirty)
        checkpoint.directories.update(directories)
        checkpoint.unneeded += unneeded

    # -- checkpoints: on the fsync thread ---------------------------------------------------------

    def persist(self, checkpoint: Checkpoint) -> Iterator[Literal[False]]:
        """Write a checkpoint to the disk; each ``next`` does a part, about one sync.

        Each part yields False, so that ``next(parts, True)`` says whether all is done.

        It touches only the port to the disk and the checkpoint itself, so groups of appends may be
        written between two parts.

        Raises:
            OSError: there is no space; nothing has changed.
            FatalStorageError: a sync failed.
        """
        files = self._files
        for path in sorted(checkpoint.dirty):
            fsync_file(files, path)
            yield False
        for directory in sorted(checkpoint.directories, reverse=True):
            fsync_directory(files, directory)
            yield False
        write_checkpoint(files, checkpoint.snapshot, self.witness)
        yield False
        assert self._wal is not None, "it was there at the beginning"
        self._wal.release(checkpoint.snapshot.wal_number)
        for unneeded in checkpoint.unneeded:
            remove(files.remove, unneeded.path)
        for directory in checkpoint.dropped:
            remove(files.remove_tree, directory)
            yield False

    def try_room(self) -> None:
        """Test whether the disk has room for a chunk again; on the thread, as ``persist``.

        It writes one, because a quota refuses writes even where there is room.

        Raises:
            OSError: it has no room, or cannot be tested.
        """
        try:
            self._files.make_directory(ROOM_DIRECTORY)
            file = self._files.open(f"{ROOM_DIRECTORY}/chunk", create=True)
            try:
                file.write_at(0, bytes(CHUNK_BYTES_MAX))
            finally:
                file.close()
        finally:
            remove(self._files.remove_tree, ROOM_DIRECTORY)

    def mark_clean_stop(self, checkpoint: Checkpoint) -> None:
        """Note a clean stop: nothing happened after this checkpoint, and nothing will.

        Raises:
            OSError: the next start will treat this stop as a crash.
        """
        write_clean_stop(self._files, checkpoint.snapshot.lsn)
