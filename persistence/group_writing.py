"""Brings a group to the disk: definitions and their sync, then one batch, then one sync.

Within a group definitions are on disk before records are written: a record is never safe before its
queue. All of it is for the thread that carries the group out, alone, and holds no state but the
group's: what it has come to is said by what is raised.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from persistence.errors import FatalStorageError, is_shortage
from persistence.files import File, Octets


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """What writing a batch comes to: one write, into a file that is there.

    Attributes:
        file: to write to.
        position: of the first octet.
        parts: what to write, one part behind the other.
        last_lsn: of the batch.
        end: position behind it.
    """

    file: File
    position: int
    parts: Sequence[Octets]
    last_lsn: int
    end: int


class BatchLog(Protocol):
    """Where the operations of a group go; ``persistence.wal.Wal`` implements it.

    While a group is under way, for the thread that carries it out alone.
    """

    def plan(self, last_lsn: int, parts: Sequence[Octets]) -> PlannedWrite | None:
        """Return what ``write_batch`` would do; None if that is more than one write."""

    def note_written(self, write: PlannedWrite, *, fsynced: bool) -> None:
        """Take note that a planned write was carried out, and synced perhaps."""

    def write_batch(self, last_lsn: int, parts: Sequence[Octets]) -> None:
        """Write operations as one batch; they and all LSNs up to ``last_lsn`` are in it.

        Raises:
            OSError: it was not written, and the same may be written again.
        """

    def fsync(self) -> None:
        """Return when all that was written is on disk.

        Raises:
            OSError: some of it may be lost, whatever a later call says.
        """


class DefinitionsJournal(Protocol):
    """Where changes of definitions go. Thread only."""

    def write(self, changes: Sequence[tuple[int, bytes]]) -> None:
        """Write changes, each with its LSN, in order.

        Raises:
            OSError: they were not all written, and the same may be written again.
        """

    def fsync(self) -> None:
        """Return when all that was written is on disk.

        Raises:
            OSError: some of it may be lost, whatever a later call says.
        """


@dataclass(slots=True, eq=False)
class Group:
    """What one commit carries out.

    Attributes:
        last_lsn: everything up to it is in this group or an earlier one.
        parts: operations, one behind the other; where a part ends means nothing.
        size_bytes: of operations and definitions.
        definitions: changes with their LSNs, in order.
        fsync: whether anybody waits for the disk, and not only for the page cache.
        definitions_safe: whether they are on disk: true from the first try that got so far.
        tail: the last part, where small ones may be put behind it.
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
    """What of a group commit another thread than the loop's may use.

    Args:
        wal: takes batches of operations.
        journal: takes changes of definitions.
    """

    def __init__(self, wal: BatchLog, journal: DefinitionsJournal) -> None:
        self._wal = wal
        self._journal = journal

    def plan(self, group: Group) -> PlannedWrite | None:
        """Return the write that this group comes to, and a sync if it says so.

        None if it is more than that, and needs ``write``.
        """
        if not group.parts or (group.definitions and not group.definitions_safe):
            return None
        return self._wal.plan(group.last_lsn, group.parts)

    def note_written(self, group: Group, write: PlannedWrite) -> None:
        """Take note that what was planned was carried out, with its sync."""
        self._wal.note_written(write, fsynced=group.fsync)

    def write(self, group: Group) -> None:
        """Bring a group to the disk.

        Raises:
            OSError: a shortage, of space or descriptors; the group may be carried out again.
            FatalStorageError: anything else the disk said. A failed sync is never tried again.
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
    """Return what ``GroupWriter.write`` raises when the disk says this to a write, or a sync."""
    error = OSError(error_number, errno.errorcode.get(error_number, "unknown"))
    if in_fsync:
        return FatalStorageError(f"a sync failed, so the node must stop: {error}")
    return error if is_shortage(error) else fatal(error)


def _fsync(log: BatchLog | DefinitionsJournal) -> None:
    # Even a full disk: what could not be written back may be gone from the page cache.
    try:
        log.fsync()
    except OSError as error:
        raise FatalStorageError(f"a sync failed, so the node must stop: {error}") from error


def fatal(error: Exception) -> FatalStorageError:
    """Return what stops the node, for whatever was raised while a group was carried out."""
    if isinstance(error, FatalStorageError):
        return error
    return FatalStorageError(f"a write failed, so the node must stop: {error!r}")
