"""Opens the stored queues of a node: it recovers them after a crash or a stop."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from persistence.by_name import remove
from persistence.checkpoint import Snapshot
from persistence.checkpoint_file import (
    CHECKPOINT_PATH,
    COST_OF_CHECKPOINT,
    read_checkpoint,
    take_clean_stop,
)
from persistence.data_directory import FORMAT_PATH
from persistence.files import Files
from persistence.format import WAL_FIRST_BATCH_AT
from persistence.log_form import LogForm
from persistence.log_making import QUEUES_DIRECTORY, SPILL_DIRECTORY, StoreLimits
from persistence.log_state import LogOptions
from persistence.queue_recovery import QueueRecovery, RecoveredQueue
from persistence.recovery import LogRecovery, Recovery, RecoveryReport
from persistence.replicas.recovery import RecoveredReplica, ReplicaRecovery
from persistence.segment import segment_numbers
from persistence.set_aside import set_aside
from persistence.store import Store
from persistence.streams.recovery import RecoveredStream, StreamRecovery
from persistence.wal_file import DIRECTORY as WAL_DIRECTORY
from persistence.wal_file import decode_header, number_of, path_of
from persistence.wal_replay import Replay
from persistence.witness import NO_WITNESS, Witness

_IDS_TOLD_MAX: Final = 10


class OpenedStore(NamedTuple):
    """The result of an open.

    Attributes:
        store: must be started once the group commit is made.
        queues: every known queue, by id, with its messages.
        streams: every known stream, by id.
        replicas: every known replica of a mirrored queue, by id.
        report: for the log.
        replay: of the write-ahead log, for its next writer; ``highest_lsn`` includes the
            checkpoint too.
    """

    store: Store
    queues: Mapping[int, RecoveredQueue]
    streams: Mapping[int, RecoveredStream]
    replicas: Mapping[int, RecoveredReplica]
    report: RecoveryReport
    replay: Replay

    def lost_counts(self) -> dict[int, int]:
        """Return how many messages each queue and stream has lost, by id."""
        queues = {queue_id: found.lost_count for queue_id, found in self.queues.items()}
        streams = {queue_id: found.lost_count for queue_id, found in self.streams.items()}
        return queues | streams


def open_store(
    files: Files,
    known: Mapping[int, LogOptions],
    limits: StoreLimits,
    wall_offset_ms: Callable[[], int],
    *,
    keeps_unknown: bool = False,
    witness: Witness = NO_WITNESS,
) -> OpenedStore:
    """Recover all queues.

    Args:
        files: the data directory, locked.
        known: the durable queues that are defined, by id.
        limits: for files that are written from now on.
        wall_offset_ms: returns the number that turns an instant into ms since 1970, by addition.
        keeps_unknown: definitions were lost, so files of queues without one are set aside.
            Otherwise such queues were deleted, and their files are removed.
        witness: notes how far all these files were written before.

    Raises:
        StorageError: a file is another node's.
        OSError: the disk cannot be read, or a file cannot be removed.
    """
    store = Store(files, limits, wall_offset_ms, witness)
    # A killed process may have left a checkpoint whose name is not on the disk yet. Until it is,
    # files that only the earlier checkpoint lists must be kept.
    files.fsync_directory("")
    snapshot = read_checkpoint(files, witness)
    if witness.seen is None and not files.exists(CHECKPOINT_PATH) and _needs_checkpoint(files):
        snapshot.damages.append(f"the checkpoint is missing: {COST_OF_CHECKPOINT}")
    replay = Replay(files, snapshot.wal_number, snapshot.lsn, witness.node_tag)
    for directory in (QUEUES_DIRECTORY, SPILL_DIRECTORY):
        files.make_directory(directory)

    def begin(queue_id: int, damages: list[str]) -> LogRecovery | None:
        options = known.get(queue_id)
        if options is None:
            return None
        if options.form is LogForm.STREAM:
            return StreamRecovery(store.make_stream_log(queue_id), damages)
        if options.form is LogForm.MIRRORED:
            return ReplicaRecovery(store.make_replica_log(queue_id, options), damages)
        return QueueRecovery(store.make_log(queue_id, options), damages)

    recovery = Recovery(begin)
    recovery.restore(snapshot, known)
    unknown_folders = _unknown_folders(files, known, recovery)
    for batch in replay.batches():
        recovery.replay(batch.operations)
    _tidy(files, unknown_folders, recovery, replay, snapshot, keeps_unknown=keeps_unknown)
    clean_lsn = take_clean_stop(files)
    was_clean = clean_lsn == snapshot.lsn >= replay.last_lsn
    recovery.report.note_wal(replay, was_clean=was_clean)
    _note_lost_end(files, recovery.report, replay, snapshot, witness)
    found = recovery.finish(was_clean=was_clean)
    logs = {queue_id: each.known for queue_id, each in recovery.logs.items()}
    store.adopt(logs, recovery.next_queue_id, snapshot.wal_number)
    return OpenedStore(store, *found, recovery.report, replay)


def _needs_checkpoint(files: Files) -> bool:
    """Return whether there are traces of a checkpoint that was not found."""
    if files.exists(WAL_DIRECTORY):
        numbers = [n for n in map(number_of, files.names(WAL_DIRECTORY)) if n is not None]
        if numbers:
            file = files.open(path_of(min(numbers)))
            try:
                header = decode_header(file.read_at(0, WAL_FIRST_BATCH_AT), min(numbers))
            finally:
                file.close()
            return header is not None and header.previous_lsn > 0
    # A stream may have written its segments and nothing else.
    return files.exists(QUEUES_DIRECTORY) and any(
        segment_numbers(files.names(f"{QUEUES_DIRECTORY}/{name}"))
        for name in files.names(QUEUES_DIRECTORY)
    )


def _unknown_folders(
    files: Files, known: Mapping[int, LogOptions], recovery: Recovery
) -> dict[int, str]:
    """Return the folders of queues that are gone; their ids are never used again."""
    found: dict[int, str] = {}
    for name in files.names(QUEUES_DIRECTORY):
        try:
            queue_id = int(name, 16)
        except ValueError:
            continue
        recovery.see(queue_id)
        if queue_id not in known:
            found[queue_id] = f"{QUEUES_DIRECTORY}/{name}"
    return found


def _tidy(
    files: Files,
    unknown_folders: Mapping[int, str],
    recovery: Recovery,
    replay: Replay,
    snapshot: Snapshot,
    *,
    keeps_unknown: bool,
) -> None:
    """Remove the files of deleted queues; set aside those of queues that may not be deleted.

    A checkpoint that is not trusted is set aside too, and the next one takes its place.
    """
    for name in files.names(SPILL_DIRECTORY):
        remove(files.remove_tree, f"{SPILL_DIRECTORY}/{name}")
    files.fsync_directory("")
    unknown = {*unknown_folders, *recovery.unknown} if keeps_unknown else set()
    if not keeps_unknown:
        for folder in unknown_folders.values():
            remove(files.remove_tree, folder)
    if unknown or (snapshot.damages and files.exists(CHECKPOINT_PATH)):
        logs = [path_of(number) for number in replay.live_numbers] if unknown else []
        place = set_aside(
            files,
            unknown_folders.values() if unknown else (),
            [FORMAT_PATH, CHECKPOINT_PATH, *logs],
        )
        recovery.report.set_aside_in = place
        if unknown:
            ids = ", ".join(map(str, sorted(unknown)[:_IDS_TOLD_MAX]))
            recovery.report.damages.append(
                f"{len(unknown)} queues have no definition (ids {ids}): what is on disk of them is"
                f" kept in {place}"
            )


def _note_lost_end(
    files: Files, report: RecoveryReport, replay: Replay, snapshot: Snapshot, witness: Witness
) -> None:
    """Report a log that ends before its synced end; its last files are kept."""
    seen_lsn = 0 if witness.seen is None else witness.seen.wal_lsn
    last_lsn = max(replay.last_lsn, snapshot.lsn)
    if last_lsn >= seen_lsn:
        return
    last = [number for number in replay.numbers if number >= replay.first_number][-2:]
    kept = ""
    if last:
        kept = f"; its last files are kept in {set_aside(files, (), map(path_of, last))}"
    report.damages.append(
        f"the log ends at LSN {last_lsn}, and had been written to LSN {seen_lsn}: messages and acks"
        f" between them are lost{kept}"
    )
