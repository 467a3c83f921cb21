"""Brings a group to the disk: definitions, then file writes, then one batch, then one sync.

    one batch, nothing else                    a planned write: the log, and its sync
    one write straight to a file, nothing else a planned write: the file, and its sync
    more than that                             ``GroupWriter.write``, step by step

Within a group definitions are on disk before records are written: a record is never safe before its
queue. What goes straight to a file is on disk before the batch is written: a settlement in the
batch may rest on a copy there. Only the thread that carries the group out uses this. An error is
the only result.
"""

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from persistence.errors import FatalStorageError, is_shortage
from persistence.files import File, Octets
from persistence.gathering import FileWrite, Source

_COPY_BYTES_MAX: Final = 16 << 10
"""Parts below this size are joined at the append; larger ones are passed on unchanged."""


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """A group that is a single write, into an existing file.

    Attributes:
        file: the file to write to.
        position: of the first octet.
        parts: the octets to write, one part behind the other.
        last_lsn: of the group.
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

    @property
    def has_unsynced(self) -> bool:
        """Whether a batch was written, and not synced since."""

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
        gathering: the sources that gather for this group, with their LSNs; empty once it is sealed.
        gathered_bytes: what these have in ``size_bytes``.
        writes: straight to files; known once it is sealed.
    """

    last_lsn: int = 0
    parts: list[Octets] = field(default_factory=list)
    size_bytes: int = 0
    definitions: list[tuple[int, bytes]] = field(default_factory=list)
    fsync: bool = False
    definitions_safe: bool = False
    tail: bytearray | None = None
    gathering: dict[Source, int] = field(default_factory=dict)
    gathered_bytes: int = 0
    writes: list[FileWrite] = field(default_factory=list)

    def is_empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.parts or self.definitions or self.fsync or self.gathering)

    def put(self, parts: Sequence[Octets]) -> None:
        """Put an operation behind the others; small parts are joined."""
        size_bytes = self.size_bytes
        for part in parts:
            part_bytes = len(part)
            size_bytes += part_bytes
            if part_bytes > _COPY_BYTES_MAX:
                self.parts.append(part)
                self.tail = None
            elif self.tail is None:
                self.tail = bytearray(part)
                self.parts.append(self.tail)
            else:
                self.tail += part
        self.size_bytes = size_bytes

    def end_gathering(self) -> None:
        """Have every source hand over what it has gathered."""
        gathering, self.gathering = self.gathering, {}
        self.size_bytes -= self.gathered_bytes
        self.gathered_bytes = 0
        for source in gathering:
            operation, write = source.seal()
            self.put(operation)
            if write is not None:
                self.writes.append(write)
                self.size_bytes += sum(map(len, write.parts))


class GroupWriter:
    """The part of a group commit that another thread than the loop's may use.

    Args:
        wal: takes batches of operations.
        journal: takes changes of definitions.
    """

    def __init__(self, wal: BatchLog, journal: DefinitionsJournal) -> None:
        self._wal = wal
        self._journal = journal
        self._unsynced: dict[str, Callable[[], None]] = {}
        """How to sync the files that were written to since, by path."""

    def plan(self, group: Group) -> PlannedWrite | None:
        """Return the single write of this group, with a sync if the group needs it.

        None if the group needs more, and so ``write``.
        """
        if group.definitions and not group.definitions_safe:
            return None
        if group.fsync and self._unsynced:
            return None
        if group.writes:
            return self._plan_direct(group)
        return self._wal.plan(group.last_lsn, group.parts) if group.parts else None

    def _plan_direct(self, group: Group) -> PlannedWrite | None:
        """Return the write of a group that goes straight to one file whose name is on disk."""
        if group.parts or len(group.writes) > 1 or (group.fsync and self._wal.has_unsynced):
            return None
        _, _, position, parts, _, named = group.writes[0]
        if named is None:
            return None
        return PlannedWrite(named, position, parts, group.last_lsn, position + sum(map(len, parts)))

    def note_written(self, group: Group, write: PlannedWrite) -> None:
        """Note that the planned write was carried out, with its sync."""
        if not group.writes:
            self._wal.note_written(write, fsynced=group.fsync)
        elif not group.fsync:
            direct = group.writes[0]
            self._unsynced[direct.path] = direct.fsync

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
            for write in group.writes:
                write.file.write_at(write.position, write.parts)
                self._unsynced[write.path] = write.fsync
            if group.fsync:
                self._fsync_files()
            if group.parts:
                self._wal.write_batch(group.last_lsn, group.parts)
        except MemoryError as error:
            raise OSError(errno.ENOMEM, "no memory for a group") from error
        except OSError as error:
            if is_shortage(error):
                raise
            raise fatal(error) from error
        if group.fsync and (group.parts or self._wal.has_unsynced):
            _fsync(self._wal)

    def _fsync_files(self) -> None:
        for path, fsync in list(self._unsynced.items()):
            fsync()
            del self._unsynced[path]


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
