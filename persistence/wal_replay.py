"""Reads the write-ahead log at a start, in order, and finds what is missing.

A restart uses every valid batch up to the end of the log, and reports what is missing before it:

    ... batch | batch | torn                     the end: nobody was told of what is torn
    ... batch | ?     | batch synced >= LSN of ? damage: what is missing was on disk once
    ... batch | ?     | end, and a file that was begun later: damage too

It changes nothing, except that it copies the octets of damage to a file of their own. So after a
crash during a restart, another restart finds the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from persistence.errors import FatalStorageError
from persistence.files import Files, write_whole
from persistence.format import BATCH_HEADER, WAL_FIRST_BATCH_AT
from persistence.wal_file import (
    DIRECTORY,
    BatchHeader,
    WalHeader,
    batch_at,
    batch_prefix,
    batches_after,
    decode_header,
    fsync_log,
    number_of,
    path_of,
    whole_headers,
)
from persistence.witness import NO_TAG, require_own

RESTART_GAP_LSNS: Final = 1 << 32
"""More LSNs than are ever given between two syncs, which bounds the LSNs that were torn."""

_NO_LIMIT: Final = 1 << 64


class Batch(NamedTuple):
    """What one group committed: see ``persistence.operations``; LSNs inclusive.

    Some LSNs of the range may be those of definitions, which are not here.
    """

    first_lsn: int
    last_lsn: int
    operations: memoryview


@dataclass(frozen=True, slots=True)
class Damage:
    """Octets that were on disk and are damaged.

    Attributes:
        path: of the file.
        position, size_bytes: of the part that cannot be read.
        first_lsn, last_lsn: of the lost operations, as far as known; inclusive.
        copy_path: where the octets were copied to; None if the disk refused.
    """

    path: str
    position: int
    size_bytes: int
    first_lsn: int
    last_lsn: int
    copy_path: str | None


class _LiveFile(NamedTuple):
    number: int
    header: WalHeader | None
    limit_lsn: int
    """The last LSN that counts before the next file that was begun; ``_NO_LIMIT`` if none was."""
    is_before_lost: bool
    """Whether the next file has no header; what is missing may have been there."""


def next_lsn_after(highest_lsn: int) -> int:
    """Return the first LSN that a restart may give.

    Args:
        highest_lsn: the highest that was seen anywhere; 0 if none was.
    """
    return highest_lsn + RESTART_GAP_LSNS if highest_lsn else 1


class Replay:
    """One reading of the log; iterate ``batches`` to its end, then ask what was found.

    Args:
        files: the data directory.
        first_number: of the file that the checkpoint says to begin with; older ones are done with.
        checkpoint_lsn: all up to it is in the checkpoint; 0 is no checkpoint.
        node_tag: of the node that must own the files; 0 is any.

    Attributes:
        last_lsn: the last LSN that is valid.
        highest_lsn: the highest that was seen, valid or not.
        first_number: the file that it begins with; whatever is before has gone.
        batch_count: how many batches were valid.
        torn_bytes: lost at the end of the log, at least.
        damages: what is missing before the end, in order.
        cut_paths: files that are shorter than they were; ``damages`` has the loss, as far as known.
        numbers: of all files in the folder, ascending.
        live_numbers: of those that the log needs, ascending; the last is the end of the log.
    """

    def __init__(
        self, files: Files, first_number: int = 0, checkpoint_lsn: int = 0, node_tag: int = NO_TAG
    ) -> None:
        self._files = files
        self._node_tag = node_tag
        self.first_number = first_number
        self.last_lsn = checkpoint_lsn
        self.highest_lsn = checkpoint_lsn
        self.batch_count = 0
        self.torn_bytes = 0
        self.damages: list[Damage] = []
        self.cut_paths: list[str] = []
        self.numbers: list[int] = []
        self.live_numbers: list[int] = []

    def batches(self) -> Iterator[Batch]:
        """Yield every valid batch, in order.

        Some of the first may be in the checkpoint already.

        Raises:
            StorageError: a file belongs to another node.
            OSError: a file cannot be read.
            FatalStorageError: a file cannot be synced.
        """
        if not self._files.exists(DIRECTORY):
            return
        names = self._files.names(DIRECTORY)
        self.numbers = sorted([n for n in map(number_of, names) if n is not None])
        is_first = True
        for live in self._live_files():
            octets = self._read_from_disk(live.number)
            if live.header is not None and len(octets) < live.header.size_bytes:
                self.cut_paths.append(path_of(live.number))
            if live.header is None:
                self._note_lost_file(live, octets)
                continue
            self._enter(live.header, is_first=is_first)
            is_first = False
            self.live_numbers.append(live.number)
            yield from self._batches_of(live, live.header, octets)

    def _live_files(self) -> list[_LiveFile]:
        numbers = [number for number in self.numbers if number >= self.first_number]
        headers = [self._header_of(number) for number in numbers]
        live: list[_LiveFile] = []
        limit_lsn = _NO_LIMIT
        is_before_lost = False
        for number, header in zip(reversed(numbers), reversed(headers), strict=True):
            live.append(_LiveFile(number, header, limit_lsn, is_before_lost))
            is_before_lost = header is None
            if header is not None:
                limit_lsn = min(header.previous_lsn, limit_lsn)
                self.highest_lsn = max(self.highest_lsn, header.first_lsn)
        return live[::-1]

    def _header_of(self, number: int) -> WalHeader | None:
        octets = self._read(number, WAL_FIRST_BATCH_AT)
        for header in whole_headers(octets):
            require_own(path_of(number), header.node_tag, self._node_tag)
        return decode_header(octets, number)

    def _read(self, number: int, size_bytes: int | None = None) -> bytes:
        file = self._files.open(path_of(number))
        try:
            return file.read_at(0, file.size_bytes if size_bytes is None else size_bytes)
        finally:
            file.close()

    def _read_from_disk(self, number: int) -> bytes:
        """Return a file as the disk has it, without pages that a failed sync left in the cache.

        Such pages count as written. A later sync would do nothing, and the next power cut would
        lose replayed operations.
        """
        file = self._files.open(path_of(number))
        try:
            fsync_log(file)
            file.done_with(0, file.size_bytes)
            return file.read_at(0, file.size_bytes)
        finally:
            file.close()

    def _enter(self, header: WalHeader, *, is_first: bool) -> None:
        """Go on to a file that was begun; what it follows must have been there."""
        if header.previous_lsn > self.last_lsn:
            self._note_damage(path_of(header.number), 0, b"", header.previous_lsn)
        if is_first:
            # The checkpoint may be younger than the file that it begins with.
            self.last_lsn = header.previous_lsn

    def _batches_of(self, live: _LiveFile, header: WalHeader, octets: bytes) -> Iterator[Batch]:
        position = WAL_FIRST_BATCH_AT
        expected_lsn = header.first_lsn
        while expected_lsn <= live.limit_lsn:
            batch = batch_at(octets, position, header.salt)
            if batch is None or batch.first_lsn != expected_lsn:
                found = self._look_on(live, header, octets, position, expected_lsn)
                if found is None:
                    return
                position, batch = found
            if batch.last_lsn > live.limit_lsn:
                return
            start = position + BATCH_HEADER.size
            position += batch.batch_bytes
            expected_lsn = batch.last_lsn + 1
            self.last_lsn = batch.last_lsn
            self.highest_lsn = max(self.highest_lsn, batch.last_lsn)
            self.batch_count += 1
            yield Batch(batch.first_lsn, batch.last_lsn, memoryview(octets)[start:position])

    def _look_on(
        self, live: _LiveFile, header: WalHeader, octets: bytes, position: int, expected_lsn: int
    ) -> tuple[int, BatchHeader] | None:
        """Return the batch behind one that is missing; None if the file ends here."""
        later = list(batches_after(octets, position, header.salt, expected_lsn))
        for _, batch in later:
            self.highest_lsn = max(self.highest_lsn, batch.last_lsn)
        # A file that was begun later says what was on disk before it.
        fsynced_lsn = max([live.limit_lsn % _NO_LIMIT, *[batch.fsynced_lsn for _, batch in later]])
        if fsynced_lsn < expected_lsn:
            end = later[-1][0] + later[-1][1].batch_bytes if later else position
            self.torn_bytes += max(end - position, _claimed_bytes(octets, position, header.salt))
            return None
        later = [found for found in later if found[1].last_lsn <= live.limit_lsn]
        self.last_lsn = max(self.last_lsn, expected_lsn - 1)
        if later:
            at, batch = later[0]
            lost = octets[position:at]
            self._note_damage(path_of(live.number), position, lost, batch.first_lsn - 1)
            return later[0]
        if live.is_before_lost:
            return None
        lost = octets[position:].rstrip(b"\0")
        self._note_damage(path_of(live.number), position, lost, live.limit_lsn)
        return None

    def _note_lost_file(self, live: _LiveFile, octets: bytes) -> None:
        """A file without a header was never begun, unless a later one says otherwise."""
        if self.last_lsn < live.limit_lsn < _NO_LIMIT:
            self.live_numbers.append(live.number)
            self._note_damage(path_of(live.number), 0, octets, live.limit_lsn)

    def _note_damage(self, path: str, position: int, octets: bytes, last_lsn: int) -> None:
        copy_path = self._copy(path, position, octets) if octets else None
        first_lsn = self.last_lsn + 1
        self.damages.append(
            Damage(path, position, len(octets), first_lsn, last_lsn, copy_path),
        )
        self.last_lsn = last_lsn

    def _copy(self, path: str, position: int, octets: bytes) -> str | None:
        """Copy the octets of damage; a repeated restart makes the same file again."""
        name = path.rpartition("/")[2].removesuffix(".wal")
        copy_path = f"{DIRECTORY}/damaged-{name}-{position:08x}"
        try:
            write_whole(self._files, copy_path, octets)
            self._files.fsync_directory(DIRECTORY)
        except (OSError, FatalStorageError):
            # The report says that there is no copy; what can be served is served without it.
            return None
        return copy_path


def _claimed_bytes(octets: bytes, position: int, salt: int) -> int:
    """Return how long a torn batch says it is, within its file; 0 if it says nothing."""
    header = octets[position : position + BATCH_HEADER.size]
    if len(header) < BATCH_HEADER.size or not header.startswith(batch_prefix(salt)):
        return 0
    batch_bytes = BATCH_HEADER.size + int(BATCH_HEADER.unpack(header)[3])
    return min(batch_bytes, len(octets) - position)
