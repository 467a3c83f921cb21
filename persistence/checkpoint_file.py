"""The checkpoint on disk: one file, replaced as a whole, and the mark of a clean stop."""

import struct
from typing import Final

import crc32c

from persistence.by_name import fsync_directory, fsync_file
from persistence.checkpoint import Snapshot, decode_checkpoint, encode_checkpoint
from persistence.errors import DamagedError
from persistence.files import Files, write_whole
from persistence.witness import NO_WITNESS, Witness

CHECKPOINT_PATH: Final = "checkpoint"
NEW_CHECKPOINT_PATH: Final = "checkpoint.new"
CLEAN_STOP_PATH: Final = "clean"
"""It exists only from a clean stop to the next start, and holds the checkpoint's LSN."""

COST_OF_CHECKPOINT: Final = (
    "messages that were in no segment may be lost, and settled ones may come back"
)

_CLEAN_STOP: Final = struct.Struct("<QI")


def write_checkpoint(files: Files, snapshot: Snapshot, witness: Witness = NO_WITNESS) -> None:
    """Replace the checkpoint; a crash leaves the old one or the new one.

    Raises:
        OSError: it could not be written; the old one is still there.
        FatalStorageError: a sync failed.
    """
    file = files.open(NEW_CHECKPOINT_PATH, create=True)
    try:
        file.truncate(0)
        file.write_at(0, encode_checkpoint(snapshot, witness.node_tag))
    finally:
        file.close()
    fsync_file(files, NEW_CHECKPOINT_PATH)
    files.rename(NEW_CHECKPOINT_PATH, CHECKPOINT_PATH)
    fsync_directory(files, "")
    witness.note_checkpoint(snapshot.lsn)


def read_checkpoint(files: Files, witness: Witness = NO_WITNESS) -> Snapshot:
    """Return the content of the checkpoint; an empty one where there is none.

    Raises:
        StorageError: it belongs to another node.
        OSError: the disk cannot read it.
    """
    octets = _content(files, CHECKPOINT_PATH)
    seen_lsn = 0 if witness.seen is None else witness.seen.checkpoint_lsn
    if octets is None:
        return Snapshot(
            damages=[f"the checkpoint is missing: {COST_OF_CHECKPOINT}"] if seen_lsn else []
        )
    try:
        found = decode_checkpoint(octets, witness.node_tag)
    except DamagedError as error:
        return Snapshot(damages=[f"the checkpoint is damaged: {error}: {COST_OF_CHECKPOINT}"])
    if found.lsn < seen_lsn and not found.damages:
        older = f"the checkpoint is an older one, of LSN {found.lsn} and not {seen_lsn}"
        return Snapshot(
            next_queue_id=found.next_queue_id, damages=[f"{older}: {COST_OF_CHECKPOINT}"]
        )
    return found


def write_clean_stop(files: Files, lsn: int) -> None:
    """Note that nothing follows the checkpoint with this LSN.

    Raises:
        OSError: the next start will treat this stop as a crash.
    """
    number = struct.pack("<Q", lsn)
    write_whole(files, CLEAN_STOP_PATH, _CLEAN_STOP.pack(lsn, crc32c.crc32c(number)))
    files.fsync_directory("")


def take_clean_stop(files: Files) -> int | None:
    """Return the LSN that a clean stop left, and remove it for good; None if there is none.

    Raises:
        OSError: it cannot be removed, and would be wrong after a crash.
    """
    octets = _content(files, CLEAN_STOP_PATH)
    if octets is None:
        return None
    files.remove(CLEAN_STOP_PATH)
    files.fsync_directory("")
    if len(octets) != _CLEAN_STOP.size:
        return None
    lsn, crc = _CLEAN_STOP.unpack(octets)
    return lsn if crc32c.crc32c(octets[: struct.calcsize("<Q")]) == crc else None


def _content(files: Files, path: str) -> bytes | None:
    try:
        file = files.open(path)
    except FileNotFoundError:
        return None
    try:
        return file.read_at(0, file.size_bytes)
    finally:
        file.close()
