"""The definitions of a node on disk: a snapshot, and a journal of what changed since.

    definitions/snapshot-%016x   everything, as it was when the journal of this number was begun
    definitions/journal-%016x    changes since, one batch for each group commit
    definitions/damaged-*        octets that could not be read once

The first journal has no snapshot. When a journal has become much longer than its snapshot, the next
change begins another. It writes the next snapshot, begins its journal, and only then removes the
old pair.

``persistence.definitions_format`` has the form of the files. ``persistence.definitions_replay``
reads them at a start.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from persistence.definitions_format import (
    DIRECTORY,
    FIRST_BATCH_AT,
    apply_changes,
    encode_batch,
    encode_header,
    kind_and_number,
    path_of,
    snapshot_batches,
    split_changes,
)
from persistence.definitions_replay import DefinitionsReplay
from persistence.files import File, Files
from persistence.witness import NO_WITNESS, Witness

JOURNAL_BYTES_MIN: Final = 1 << 20
"""A shorter journal is not replaced (bytes)."""
JOURNAL_GROWTH: Final = 4
"""A journal is replaced when it is this many times longer than its snapshot."""

_NEW_SNAPSHOT: Final = f"{DIRECTORY}/snapshot.new"


class DefinitionsStore:
    """Keyed values that survive; a ``DefinitionsJournal`` of ``persistence.group_commit``.

    Changes (``definitions_format.encode_change``) are appended to the group commit. When the group
    commit runs, only the fsync thread may call ``write`` and ``fsync``.

    Invariant: reading the files gives ``_values`` as they were after the last ``write``.

    Args:
        files: the data directory.
        replay: of this folder; its values become those of the store, so it must not be used again.
        new_salt: returns 64 random bits that a client cannot guess.
        journal_bytes_min: a journal shorter than this is not replaced.
        witness: is told how far the files are synced.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(
        self,
        files: Files,
        replay: DefinitionsReplay,
        new_salt: Callable[[], int],
        journal_bytes_min: int = JOURNAL_BYTES_MIN,
        witness: Witness = NO_WITNESS,
    ) -> None:
        self._files = files
        self._new_salt = new_salt
        self._witness = witness
        self._journal_bytes_min = journal_bytes_min
        self._values = replay.values
        self._last_lsn = replay.last_lsn
        self._number = replay.number
        self._snapshot_bytes = replay.snapshot_bytes
        if replay.damages:
            # Later starts must not find the same damage again.
            self._journal, self._salt = self._begin_pair(self._number + 1)
            self._end = FIRST_BATCH_AT
        elif replay.journal_salt is None:
            # A kill may have come before the name of the snapshot was synced. Were that of the
            # journal on disk alone, the next start would take it for damage.
            files.fsync_directory(DIRECTORY)
            self._journal, self._salt = self._begin_journal(self._number)
            self._end = FIRST_BATCH_AT
        else:
            self._journal = files.open(path_of("journal", self._number))
            self._salt, self._end = replay.journal_salt, replay.journal_end
            self._keep_replayed(replay.torn_bytes)
        self._remove_before(self._number)
        witness.note_definitions(self._last_lsn)

    def write(self, changes: Sequence[tuple[int, bytes]]) -> None:
        """Write encoded changes, each with its LSN, as one batch.

        Raises:
            OSError: not all were written; the caller may write the same again.
        """
        if self._end > max(self._journal_bytes_min, JOURNAL_GROWTH * self._snapshot_bytes):
            journal, self._salt = self._begin_pair(self._number + 1)
            self._journal.close()
            self._journal, self._end = journal, FIRST_BATCH_AT
        last_lsn = changes[-1][0]
        encoded = [change for _, change in changes]
        batch = encode_batch(self._salt, changes[0][0], last_lsn, encoded)
        self._journal.write_at(self._end, batch)
        self._end += len(batch)
        self._last_lsn = last_lsn
        for change in encoded:
            apply_changes(self._values, split_changes(change))

    def fsync(self) -> None:
        """Return when all written octets are on disk.

        Raises:
            OSError: it is unknown which of them are on disk.
        """
        self._journal.fsync()
        self._witness.note_definitions(self._last_lsn)

    def close(self) -> None:
        """Close the file, without a sync."""
        self._journal.close()

    def _keep_replayed(self, torn_bytes: int) -> None:
        """Cut the torn end; sync what was read, before it is used."""
        try:
            if torn_bytes:
                self._journal.truncate(self._end)
            self._journal.fsync()
            self._files.fsync_directory(DIRECTORY)
        except BaseException:
            self._journal.close()
            raise

    def _begin_pair(self, number: int) -> tuple[File, int]:
        """Write the next snapshot and begin its journal; the old pair goes last.

        The old pair is completely synced when this is called. A start finds the old pair until the
        name of the new snapshot is synced. After a failure this is done again.

        Returns:
            The journal and its salt.
        """
        size_bytes = self._write_snapshot(number)
        journal, salt = self._begin_journal(number)
        self._number, self._snapshot_bytes = number, size_bytes
        with suppress(OSError):  # it only takes space; the next start or snapshot tries again
            self._remove_before(number)
        return journal, salt

    def _write_snapshot(self, number: int) -> int:
        salt = self._new_salt()
        file = self._files.open(_NEW_SNAPSHOT, create=True)
        try:
            file.truncate(0)
            header = encode_header(number, salt, self._witness.node_tag)
            file.write_at(0, header)
            end = len(header)
            for batch in snapshot_batches(salt, self._last_lsn, self._values.items()):
                file.write_at(end, batch)
                end += len(batch)
            file.fsync()
        finally:
            file.close()
        self._files.rename(_NEW_SNAPSHOT, path_of("snapshot", number))
        # Before its journal is made, because a journal without a snapshot would be taken for
        # damage.
        self._files.fsync_directory(DIRECTORY)
        return end

    def _begin_journal(self, number: int) -> tuple[File, int]:
        """Return an empty journal, on disk with its name, and its salt."""
        salt = self._new_salt()
        journal = self._files.open(path_of("journal", number), create=True)
        try:
            journal.write_at(0, encode_header(number, salt, self._witness.node_tag))
            journal.fsync()
            self._files.fsync_directory(DIRECTORY)
        except BaseException:
            journal.close()
            raise
        return journal, salt

    def _remove_before(self, number: int) -> None:
        for name in self._files.names(DIRECTORY):
            found = kind_and_number(name)
            if found is not None and found[1] < number:
                self._files.remove(f"{DIRECTORY}/{name}")


def open_definitions(files: Files, witness: Witness = NO_WITNESS) -> DefinitionsReplay:
    """Return the stored definitions; make the folder if there is none.

    Raises:
        StorageError: another version wrote it; the text says what to do.
        OSError: the disk refuses.
    """
    files.make_directory(DIRECTORY)
    files.fsync_directory()
    return DefinitionsReplay(files, witness)
