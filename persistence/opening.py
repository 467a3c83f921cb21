"""Opens the stored queues of a node: what a crash or a stop left becomes queues again."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from persistence.checkpoint_file import read_checkpoint, remove, take_clean_stop
from persistence.files import Files
from persistence.log import Log, LogOptions
from persistence.recovery import RecoveredQueue, Recovery, RecoveryReport
from persistence.store import QUEUES_DIRECTORY, SPILL_DIRECTORY, Store, StoreLimits
from persistence.wal_replay import Replay


class OpenedStore(NamedTuple):
    """What an open found.

    Attributes:
        store: to be started once the group commit is made.
        queues: every known queue, by id, with what it holds.
        report: for the log.
        replay: of the write-ahead log, for whoever goes on writing it; ``highest_lsn`` counts the
            checkpoint too.
    """

    store: Store
    queues: Mapping[int, RecoveredQueue]
    report: RecoveryReport
    replay: Replay


def open_store(
    files: Files,
    known: Mapping[int, LogOptions],
    limits: StoreLimits,
    wall_offset_ms: Callable[[], int],
    *,
    keeps_unknown: bool = False,
) -> OpenedStore:
    """Recover all queues.

    Args:
        files: the data directory, locked.
        known: the durable queues that are defined, by id.
        limits: for files that are written from now on.
        wall_offset_ms: returns what must be added to an instant to have it since 1970.
        keeps_unknown: definitions were lost: segments of queues without one are left where they
            are. Otherwise nobody owns them, and they are removed.

    Raises:
        OSError: the disk cannot be read, or what must be removed cannot be.
    """
    store = Store(files, limits, wall_offset_ms)
    # A killed process may have left a checkpoint whose name is not on the disk yet: nothing that
    # only the one before it lists may be removed until it is.
    files.sync_directory("")
    for directory in (QUEUES_DIRECTORY, SPILL_DIRECTORY):
        files.make_directory(directory)
    for name in files.names(SPILL_DIRECTORY):
        remove(files.remove_tree, f"{SPILL_DIRECTORY}/{name}")
    files.sync_directory("")
    clean_lsn = take_clean_stop(files)
    snapshot = read_checkpoint(files)

    def new_log(queue_id: int) -> Log | None:
        options = known.get(queue_id)
        return None if options is None else store.make_log(queue_id, options)

    recovery = Recovery(files, new_log, wall_offset_ms())
    recovery.restore(snapshot, known)
    for name in files.names(QUEUES_DIRECTORY):
        _tidy_folder(files, name, known, recovery, keeps_unknown=keeps_unknown)
    replay = Replay(files, snapshot.wal_number, snapshot.lsn)
    for batch in replay.batches():
        recovery.replay(batch.entries)
    recovery.report.note_wal(replay)
    was_clean = clean_lsn == snapshot.lsn >= replay.last_lsn
    queues = recovery.finish(was_clean=was_clean)
    store.adopt(recovery.logs, recovery.next_queue_id, snapshot.wal_number)
    return OpenedStore(store, queues, recovery.report, replay)


def _tidy_folder(
    files: Files,
    name: str,
    known: Mapping[int, LogOptions],
    recovery: Recovery,
    *,
    keeps_unknown: bool,
) -> None:
    """Remove the folder of a queue that is none any more, and give its id to nobody."""
    try:
        queue_id = int(name, 16)
    except ValueError:
        return
    recovery.see(queue_id)
    if queue_id not in known and not keeps_unknown:
        remove(files.remove_tree, f"{QUEUES_DIRECTORY}/{name}")
