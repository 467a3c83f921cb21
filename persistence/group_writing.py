"""Brings a group to the disk: definitions and their sync, then one batch, then one sync.

Within a group definitions are on disk before records are written: a record is never safe before its
queue. Only the thread that carries the group out uses this. The state is that of the group, and an
error is the only result.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from persistence.errors import FatalStorageError, is_shortage
from persistence.files import File, Octets


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """A batch that is a single write, into an existing file.

    Attributes:
        file: the file to write to.
        position: of the first octet.
        parts: the octets to write, one part behind the other.
        last_lsn: of the batch.
        end: position behind it.
    """

    file: File
    position: int
    parts: Sequence[Octets]
    last_lsn: int
    end: int


class BatchLog(Protocol):
    """Takes the operations of a group; ``persistence.wal.Wal`` implements it.

    While a group is under way, only the thread that carries it out may use this.
    """

    def plan(self, last_lsn: int, parts: Sequence[Octets]) -> PlannedWrite | None:
        """Return the write of ``write_batch``; None if it is more than one write."""

    def note_written(self, write: PlannedWrite, *, fsynced: bool) -> None:
        """Note that a planned write was carried out, and maybe synced."""

    def write_batch(self, last_lsn: int, parts: Sequence[Octets]) -> None:
        """Write operations as one batch; they and all LSNs up to ``last_lsn`` are in it.

        Raises:
            OSError: it was not written, and the same may be written again.
        """

    def fsync(self) -> None:
        """Sync: return when everything written is on disk.

        Raises:
            OSError: some of it may be lost, even if a later call succeeds.
        """


class DefinitionsJournal(Protocol):
    """Takes changes of definitions; only for the thread."""

    def write(self, changes: Sequence[tuple[int, bytes]]) -> None:
        """Write changes, each with its LSN, in order.

        Raises:
            OSError: they were not all written, and the same may be written again.
        """

    def fsync(self) -> None:
        """Sync: return when everything written is on disk.

        Raises:
            OSError: some of it may be lost, even if a later call succeeds.
        """


@dataclass(slots=True, eq=False)
class Group:
    """The work of one commit.

    Attributes:
        last_lsn: everything up to it is in this group or an earlier one.
        parts: operations, one behind the other; where a part ends means nothing.
        size_bytes: of operations and definitions.
        definitions: changes with their LSNs, in order.
        fsync: whether a caller waits for the disk, and not only for the page cache.
        definitions_safe: whether they are on disk; true after the first try that reached this.
        tail: the last part, if small ones may be put behind it.
    """

    last_lsn: int = 0
    parts: list[Octets] = field(default_factory=list)
    size_bytes: int = 0
    definitions: list[tuple[int, bytes]] = field(default_factory=list)
    fsync: bool = False
    definitions_safe: bool = False
    tail: bytearray | None = None

    def is_empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.parts or self.definitions or self.fsync)


class GroupWriter:
    """The part of a group commit that another thread than the loop's may use.

    Args:
        wal: takes batches of operations.
        journal: takes changes of definitions.
    """

    def __init__(self, wal: BatchLog, journal: DefinitionsJournal) -> None:
        self._wal = wal
        self._journal = journal

    def plan(self, group: Group) -> PlannedWrite | None:
        """Return the single write of this group, with a sync if the group needs it.

        None if the group needs more, and so ``write``.
        """
        if not group.parts or (group.definitions and not group.definitions_safe):
            return None
        return self._wal.plan(group.last_lsn, group.parts)

    def note_written(self, group: Group, write: PlannedWrite) -> None:
        """Note that the planned write was carried out, with its sync."""
        self._wal.note_written(write, fsynced=group.fsync)

    def write(self, group: Group) -> None:
        """Bring a group to the disk.

        Raises:
            OSError: a shortage, of space or descriptors; the group may be carried out again.
            FatalStorageError: any other error of the disk. A failed sync is never tried again.
        """
        try:
            if group.definitions and not group.definitions_safe:
                self._journal.write(group.definitions)
                _fsync(self._journal)
                group.definitions_safe = True
            if group.parts:
                self._wal.write_batch(group.last_lsn, group.parts)
        except MemoryError as error:
            raise OSError(errno.ENOMEM, "no memory for a group") from error
        except OSError as error:
            if is_shortage(error):
                raise
            raise fatal(error) from error
        if group.fsync:
            _fsync(self._wal)


def write_error(error_number: int, *, in_fsync: bool) -> OSError | FatalStorageError:
    """Return the error of ``GroupWriter.write`` for this error of a write, or of a sync."""
    error = OSError(error_number, errno.errorcode.get(error_number, "unknown"))
    if in_fsync:
        return FatalStorageError(f"a sync failed, so the node must stop: {error}")
    return error if is_shortage(error) else fatal(error)


def _fsync(log: BatchLog | DefinitionsJournal) -> None:
    # This includes a full disk: data not written back may be gone from the page cache.
    try:
        log.fsync()
    except OSError as error:
        raise FatalStorageError(f"a sync failed, so the node must stop: {error}") from error


def fatal(error: Exception) -> FatalStorageError:
    """Return the error that stops the node, for any error while a group was carried out."""
    if isinstance(error, FatalStorageError):
        return error
    return FatalStorageError(f"a write failed, so the node must stop: {error!r}")
