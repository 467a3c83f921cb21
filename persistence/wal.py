"""The write-ahead log: one write per group, into files that are reused.

After a restart, and when a batch does not fit, the next file is begun:

    sync the old one  ->  take a spare file, or fill a new one with zeros  ->  name it, sync the
    folder  ->  header and first batch in one write

When the log runs, only one thread at a time may write, and only one may release files. Both may
happen at the same time. Any thread may read the properties.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from persistence.files import File, Files, Octets
from persistence.format import BATCH_HEADER, WAL_FIRST_BATCH_AT
from persistence.group_writing import PlannedWrite
from persistence.wal_file import (
    DIRECTORY,
    SALT_BITS,
    WalHeader,
    encode_batch_header,
    encode_header,
    fsync_log,
    path_of,
)
from persistence.wal_replay import Replay
from persistence.witness import NO_WITNESS, Witness

SPARE_FILES_MAX: Final = 2
"""Files that are kept for reuse; more are removed."""

_FILL_BYTES: Final = 1 << 20


class Wal:
    """Where batches go; a ``BatchLog`` of ``persistence.group_commit``.

    Invariant: LSNs in a file follow each other, and those of the next file follow them, unless a
        restart is between.
    Invariant: all files but the last are synced.

    Args:
        files: the data directory.
        file_size_bytes: of a file; a larger batch has a file of its own.
        new_salt: returns ``SALT_BITS`` of chance, that nobody outside can guess.
        replay: of this log, read to its end.
        next_lsn: the first LSN that will be given; above all that were ever given.
        witness: is told how far the log is synced, and is written with each new file.

    Raises:
        OSError: the disk refuses.
    """

    def __init__(
        self,
        files: Files,
        file_size_bytes: int,
        new_salt: Callable[[], int],
        replay: Replay,
        next_lsn: int,
        witness: Witness = NO_WITNESS,
    ) -> None:
        assert next_lsn > replay.highest_lsn, "no LSN is given twice"
        self._files = files
        self._file_size_bytes = file_size_bytes
        self._new_salt = new_salt
        self._witness = witness
        self._witnessed_number = 0
        self._file: File | None = None
        self._file_end = 0
        self._position = 0
        self._header = b""
        self._salt = 0
        self._first_lsn = next_lsn
        self._previous_lsn = replay.last_lsn
        # The file that a checkpoint begins with may never have got its name, and older ones are
        # gone.
        self._number = max([replay.first_number, *replay.numbers])
        self._fsynced_lsn = replay.last_lsn
        self._live = list(replay.live_numbers)
        self._spares: list[int] = []
        files.make_directory(DIRECTORY)
        files.fsync_directory()
        for number in replay.numbers:
            if number not in self._live:
                self._take_spare(number)

    @property
    def number(self) -> int:
        """The file that the next batch goes to, or one before it.

        Later appends are in this file or later ones, so a checkpoint made now replays from here.
        Any thread may read this.
        """
        return self._number

    @property
    def spare_count(self) -> int:
        """How many files wait to be used again."""
        return len(self._spares)

    @property
    def has_unsynced(self) -> bool:
        """Whether a batch was written, and not synced since."""
        return self._fsynced_lsn != self._previous_lsn

    def plan(self, last_lsn: int, parts: Sequence[Octets]) -> PlannedWrite | None:
        """Return the one write of this batch; None if it needs a new file."""
        batch_bytes = BATCH_HEADER.size + sum(map(len, parts))
        end = self._position + batch_bytes
        if self._file is None or end > self._file_end:
            return None
        batch_header = encode_batch_header(
            self._salt, self._first_lsn, last_lsn, self._fsynced_lsn, parts
        )
        at = self._position - len(self._header)
        return PlannedWrite(self._file, at, [self._header, batch_header, *parts], last_lsn, end)

    def note_written(self, write: PlannedWrite, *, fsynced: bool) -> None:
        """Take note that a planned write was carried out, and synced perhaps."""
        assert write.file is self._file, "nothing was written since it was planned"
        self._header = b""
        self._position = write.end
        self._first_lsn = write.last_lsn + 1
        self._previous_lsn = write.last_lsn
        if fsynced:
            self._note_fsynced()

    def write_batch(self, last_lsn: int, parts: Sequence[Octets]) -> None:
        """Write a batch; it holds all LSNs from the last batch up to ``last_lsn``.

        Raises:
            OSError: the batch does not count as written; it may be written again.
            FatalStorageError: it is unknown whether earlier batches are on disk.
        """
        write = self.plan(last_lsn, parts)
        if write is None:
            self._begin_file(BATCH_HEADER.size + sum(map(len, parts)))
            write = self.plan(last_lsn, parts)
        assert write is not None, "it fits the file that was begun for it"
        write.file.write_at(write.position, write.parts)
        self.note_written(write, fsynced=False)

    def fsync(self) -> None:
        """Return when every batch is on disk.

        Raises:
            OSError: it is unknown which of them are on disk.
        """
        if self._file is not None:
            self._file.fsync()
            self._note_fsynced()

    def _note_fsynced(self) -> None:
        self._fsynced_lsn = self._previous_lsn
        self._witness.note_wal(self._fsynced_lsn)
        if self._witnessed_number != self._number:
            self._witnessed_number = self._number
            self._witness.write()

    def release(self, below_number: int) -> None:
        """Release the files below a number, which the checkpoint on disk does not need.

        Raises:
            OSError: the disk refuses to remove a file; it is tried again at the next call.
        """
        assert below_number <= self._number, "a file is still written to"
        for number in [number for number in self._live if number < below_number]:
            self._take_spare(number)
            self._live.remove(number)

    def close(self) -> None:
        """Close the file, without a sync."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _take_spare(self, number: int) -> None:
        """Keep a file if it can be used again; remove it otherwise."""
        has_room = len(self._spares) < SPARE_FILES_MAX
        if has_room and self._size_bytes(number) == self._file_size_bytes:
            self._spares.append(number)
        else:
            self._files.remove(path_of(number))

    def _size_bytes(self, number: int) -> int:
        file = self._files.open(path_of(number))
        try:
            return file.size_bytes
        finally:
            file.close()

    def _begin_file(self, batch_bytes: int) -> None:
        """Begin a file that the batch fits into, behind the present one."""
        if self._file is not None:
            fsync_log(self._file)
            self._fsynced_lsn = self._previous_lsn
            self.close()
        number = self._number + 1
        file_end = max(self._file_size_bytes, WAL_FIRST_BATCH_AT + batch_bytes)
        if file_end > self._file_size_bytes or not self._spares:
            file = self._make_file(number)
        else:
            self._files.rename(path_of(self._spares[-1]), path_of(number))
            self._spares.pop()
            file = self._files.open(path_of(number))
        try:
            self._files.fsync_directory(DIRECTORY)
            # The page cache holds it in pieces as large as it was written in, and a sync writes
            # whole # pieces. So small batches would be written many times.
            file.done_with(0, self._file_size_bytes)
        except BaseException:
            file.close()
            raise
        self._file = file
        self._number = number
        self._live.append(number)
        self._file_end = file_end
        self._position = WAL_FIRST_BATCH_AT
        self._salt = self._new_salt()
        assert 0 <= self._salt < 1 << SALT_BITS, "the salt has its place in the header"
        self._header = encode_header(
            WalHeader(
                number,
                self._first_lsn,
                self._previous_lsn,
                self._salt,
                self._witness.node_tag,
                self._file_size_bytes,
            )
        )

    def _make_file(self, number: int) -> File:
        """Return a new file full of zeros, so that no later sync has to write its size."""
        file = self._files.open(path_of(number), create=True)
        zeros = bytes(min(_FILL_BYTES, self._file_size_bytes))
        try:
            file.truncate(0)
            for position in range(0, self._file_size_bytes, len(zeros)):
                file.write_at(position, zeros[: self._file_size_bytes - position])
            file.fsync()
        except OSError:
            file.close()
            with suppress(OSError):
                self._files.remove(path_of(number))
            raise
        return file
