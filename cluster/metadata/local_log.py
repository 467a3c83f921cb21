"""The local engine's log on disk: each transaction is synced before anybody is told of it.

One record is written at a time, and the next one only once it is synced. So a whole record behind
a broken one proves that the broken one had been synced: that is damage, and nothing is cut there.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cluster.metadata.local_format import (
    HEADER_BYTES,
    LOG_PATH,
    NEW_LOG_PATH,
    FormatError,
    LogHeader,
    LogRecord,
    decode_header,
    decode_record,
    encode_header,
    encode_log,
    encode_record,
    has_record_behind,
)
from cluster.metadata.port import Change, Item
from persistence.errors import DamagedError, FatalStorageError
from persistence.files import File, Files

REWRITE_SLACK_BYTES: Final = 4 * 1024 * 1024
"""A log is written anew once it is over twice its snapshot, and so much more."""


class WriteRefusedError(Exception):
    """The disk did not take a record, for lack of room above all.

    It is not in the log, unless the node is killed before the next one is written.
    """


class LocalLog:
    """The log. Its methods wait for the disk, and are called one at a time.

    Args:
        files: the folder that it is in.
        new_salt: returns a random number of ``local_format.SALT_BITS``.
    """

    def __init__(self, files: Files, new_salt: Callable[[], int]) -> None:
        self._files = files
        self._new_salt = new_salt
        self._file: File | None = None
        self._header = LogHeader(0, 0, HEADER_BYTES)
        self._end = HEADER_BYTES
        self._rewrite_from = 0
        self._failed = False

    def open(self) -> list[LogRecord]:
        """Return all that is in the log, in its order; a record that was torn is cut off.

        Without a log there is nothing, and ``rewrite`` begins one.

        Raises:
            DamagedError: octets that had been synced are not there any more.
            OSError: the disk cannot read it.
        """
        if not self._files.exists(LOG_PATH):
            return []
        self._file = self._files.open(LOG_PATH)
        octets = self._file.read_at(0, self._file.size_bytes)
        try:
            self._header = decode_header(octets)
        except FormatError as error:
            raise DamagedError(f"{LOG_PATH}: {error}; put it back from a backup") from error
        records = list(self._records(octets))
        if self._end < self._header.snapshot_end or has_record_behind(
            octets, self._header.salt, self._end
        ):
            raise DamagedError(
                f"{LOG_PATH} is damaged at octet {self._end}; put it back from a backup"
            )
        return records

    @property
    def revision(self) -> int:
        """That of the snapshot."""
        return self._header.revision

    @property
    def is_new(self) -> bool:
        """Whether there is no log yet."""
        return self._file is None

    def append(self, revision: int, changes: Iterable[Change]) -> None:
        """Write a record and sync it.

        Raises:
            WriteRefusedError: the disk did not take it.
            FatalStorageError: the sync failed, or one before; the node must stop.
        """
        file = self._usable()
        record = encode_record(self._header.salt, self._end, revision, changes)
        try:
            file.write_at(self._end, record)
        except OSError as error:
            raise WriteRefusedError(f"{LOG_PATH} cannot be written: {error}") from error
        try:
            file.fsync()
        except OSError as error:
            raise self._fatal(error) from error
        self._end += len(record)

    @property
    def wants_rewrite(self) -> bool:
        """Whether the log has grown far beyond what it says."""
        slack = 2 * self._header.snapshot_end + REWRITE_SLACK_BYTES
        return self._end > max(slack, self._rewrite_from)

    def try_rewrite(self, revision: int, items: Iterable[Item]) -> None:
        """Do as ``rewrite``; where there is no room, the log goes on and grows by half first."""
        try:
            self.rewrite(revision, items)
        except OSError:
            self._rewrite_from = self._end + self._end // 2

    def rewrite(self, revision: int, items: Iterable[Item]) -> None:
        """Put a log in its place that begins with a snapshot; a crash leaves one of the two.

        Raises:
            OSError: it could not be written; the old one goes on.
            FatalStorageError: which of the two is there is not known; the node must stop.
        """
        if self._failed:
            raise FatalStorageError(f"{LOG_PATH} cannot be used any more")
        salt = self._new_salt()
        new = self._files.open(NEW_LOG_PATH, create=True)
        header = self._write_snapshot(new, salt, revision, items)
        try:
            new.fsync()
            self._files.rename(NEW_LOG_PATH, LOG_PATH)
            self._files.fsync_directory()
        except OSError as error:
            raise self._fatal(error) from error
        except FatalStorageError:
            self._failed = True
            raise
        self.close()
        self._file, self._header, self._end = new, header, header.snapshot_end

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _records(self, octets: bytes) -> Iterator[LogRecord]:
        self._end = HEADER_BYTES
        while (record := decode_record(octets, self._header.salt, self._end)) is not None:
            self._end = record.end
            yield record

    def _write_snapshot(
        self, new: File, salt: int, revision: int, items: Iterable[Item]
    ) -> LogHeader:
        try:
            new.truncate(0)
            position = HEADER_BYTES
            for record in encode_log(salt, revision, items):
                new.write_at(position, record)
                position += len(record)
            header = LogHeader(salt, revision, position)
            new.write_at(0, encode_header(header))
        except OSError:
            new.close()
            raise
        return header

    def _usable(self) -> File:
        if self._failed or self._file is None:
            raise FatalStorageError(f"{LOG_PATH} cannot be used any more")
        return self._file

    def _fatal(self, error: OSError) -> FatalStorageError:
        self._failed = True
        return FatalStorageError(f"{LOG_PATH} cannot be synced, so the node must stop: {error}")
