"""The segment files of one queue: chunks, one behind the other.

    queues/<queue id>/<number>.seg    | header | chunk | chunk | ...      see persistence.format

A file gets chunks until it exceeds its size, and none after a restart, because octets behind the
chunks that a checkpoint lists were not synced. Its number is never used again.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Final

import crc32c

from persistence.by_name import fsync_directory, fsync_file
from persistence.chunk import ChunkHeader, decode_chunk, decode_header
from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.files import File, Files, Octets
from persistence.format import (
    CHUNK_HEADER,
    CRC_BYTES,
    SEGMENT_HEADER,
    SEGMENT_HEADER_CRC_AT,
    SEGMENT_MAGIC,
    VERSION,
)
from persistence.open_segments import OpenSegments
from persistence.slices import Slice
from persistence.stored_log import UnneededFile

log = logging.getLogger(__name__)

SEGMENT_SUFFIX: Final = ".seg"
DAMAGED_SUFFIX: Final = ".damaged"
SEGMENT_NUMBER_MAX: Final = 0xFFFF_FFFF


def segment_name(number: int) -> str:
    """Return the name of a segment file."""
    return f"{number:08x}{SEGMENT_SUFFIX}"


def segment_numbers(names: Sequence[str]) -> list[int]:
    """Return the numbers of the segment files among these names, ascending."""
    numbers = []
    for name in names:
        stem = name.removesuffix(SEGMENT_SUFFIX)
        try:
            number = int(stem, 16)
        except ValueError:
            continue
        if segment_name(number) == name:
            numbers.append(number)
    return sorted(numbers)


class Segments:
    """Writes and reads the chunks of one queue, and knows which files are not needed any more.

    Attributes:
        next_number: number of the next file, above that of any file that ever existed.
        dirty: numbers of files written since they were last synced.

    Invariant: every file in ``_live_counts`` holds that many chunks that are still needed.
    """

    __slots__ = (
        "_damaged",
        "_files",
        "_is_grown",
        "_live_counts",
        "_open",
        "_open_number",
        "_opened",
        "_queue_id",
        "_segment_size_bytes",
        "_size_bytes",
        "_sizes_bytes",
        "directory",
        "dirty",
        "next_number",
        "parent",
    )

    def __init__(
        self,
        files: Files,
        parent: str,
        queue_id: int,
        segment_size_bytes: int,
        opened: OpenSegments | None = None,
    ) -> None:
        """Begin with no file.

        Args:
            files: the data directory.
            parent: folder in it where each queue has its own, made with its first chunk.
            queue_id: of the queue.
            segment_size_bytes: a file past this gets no more chunks.
            opened: the open files of all queues; None means only of this queue.
        """
        self._files = files
        self._queue_id = queue_id
        self.parent = parent
        self.directory = f"{parent}/{queue_id:016x}"
        self._segment_size_bytes = segment_size_bytes
        self.next_number = 1
        self.dirty: set[int] = set()
        self._is_grown = False
        self._opened = OpenSegments() if opened is None else opened
        self._open: File | None = None
        self._open_number = 0
        self._size_bytes = 0
        self._damaged: set[int] = set()
        self._live_counts: dict[int, int] = {}
        self._sizes_bytes: dict[int, int] = {}

    def path(self, number: int) -> str:
        """Return the path of a file."""
        return f"{self.directory}/{segment_name(number)}"

    def append(self, header: ChunkHeader, parts: Sequence[Octets]) -> StoredChunk:
        """Write a chunk behind the last one; nothing is synced.

        Raises:
            OSError: it was not written; the next one is written in its place.
        """
        file = self._open
        if file is None:
            self._opened.make_room(self)
            file = self._open_again() if self._open_number else self._start_file()
        self._opened.note_used(self)
        position = self._size_bytes
        file.write_at(position, parts)
        self._size_bytes = position + header.size_bytes
        number = self._open_number
        self.dirty.add(number)
        self._live_counts[number] = self._live_counts.get(number, 0) + 1
        self._sizes_bytes[number] = self._size_bytes
        if self._size_bytes >= self._segment_size_bytes:
            self.close()
        return _row(header, number, position)

    def read(self, row: StoredChunk) -> Slice:
        """Return the messages of a chunk, with expiries of the wall clock.

        Raises:
            DamagedError: the octets are not those that were written.
            OSError: the disk cannot read it.
        """
        return self.read_whole(row)[1]

    def read_whole(self, row: StoredChunk) -> tuple[bytes, Slice]:
        """Return a chunk as it is on the disk, and its messages.

        Raises:
            DamagedError: the octets are not those that were written.
            OSError: the disk cannot read it.
        """
        octets = self._read(row)
        header, found = decode_chunk(octets)
        if _row(header, row.segment_number, row.file_position) != row:
            raise DamagedError("expected another chunk than the one that is there")
        return octets, found

    def _read(self, row: StoredChunk) -> bytes:
        if row.segment_number == self._open_number and self._open is not None:
            return self._open.read_at(row.file_position, row.size_bytes)
        try:
            file = self._files.open(self.path(row.segment_number))
        except FileNotFoundError as error:
            raise DamagedError(f"{self.path(row.segment_number)} is missing") from error
        try:
            begin = file.read_at(0, SEGMENT_HEADER.size)
            if begin != encode_segment_header(self._queue_id, row.segment_number):
                raise DamagedError("it begins as a file of another queue, or none")
            return file.read_at(row.file_position, row.size_bytes)
        finally:
            file.close()

    def fsync(self, number: int) -> None:
        """Bring a file and its name to the disk; on the fsync thread, at any time later.

        Raises:
            OSError: a shortage; the caller may try again.
            FatalStorageError: what was written may be lost.
        """
        fsync_file(self._files, self.path(number))
        fsync_directory(self._files, self.directory)
        fsync_directory(self._files, self.parent)

    def adopt(self, row: StoredChunk) -> None:
        """Take over a chunk of an earlier life."""
        number = row.segment_number
        end = row.file_position + row.size_bytes
        self._live_counts[number] = self._live_counts.get(number, 0) + 1
        self._sizes_bytes[number] = max(self._sizes_bytes.get(number, 0), end)

    def has_directory(self) -> bool:
        """Return whether the folder is there: it is made with the first chunk."""
        return self._files.exists(self.directory)

    def scan(self) -> Iterator[StoredChunk]:
        """Yield the chunks of every file that is there: see ``scan``."""
        for number in segment_numbers(self._files.names(self.directory)):
            yield from scan(self._files, self.directory, self._queue_id, number)

    def remove_unlisted(self) -> None:
        """Remove the files, and the ends of others, that hold no chunk that was taken over."""
        if not self.has_directory():
            return
        numbers = segment_numbers(self._files.names(self.directory))
        self.next_number = max([self.next_number, *[number + 1 for number in numbers]])
        for number in numbers:
            path = self.path(number)
            try:
                if number in self._sizes_bytes:
                    self._cut_off(path, self._sizes_bytes[number])
                else:
                    self._files.remove(path)
            except OSError as error:
                log.warning("a segment stays as it is file=%s error=%s", path, error)

    def _cut_off(self, path: str, size_bytes: int) -> None:
        file = self._files.open(path)
        try:
            if file.size_bytes > size_bytes:
                file.truncate(size_bytes)
        finally:
            file.close()

    def release(self, row: StoredChunk) -> UnneededFile | None:
        """Release a chunk; return its file if that is not needed any more."""
        number = row.segment_number
        self._live_counts[number] -= 1
        if self._live_counts[number]:
            return None
        if number == self._open_number:
            self.close()
        del self._live_counts[number]
        self.dirty.discard(number)
        unneeded = UnneededFile(self.path(number), self._sizes_bytes.pop(number))
        if number in self._damaged:
            self._damaged.discard(number)
            self._put_aside(unneeded.path)
            return None
        return unneeded

    def quarantine(self, number: int) -> None:
        """Keep a file with a damaged chunk, so that it can be examined."""
        self._damaged.add(number)

    def _put_aside(self, path: str) -> None:
        try:
            self._files.rename(path, path + DAMAGED_SUFFIX)
        except OSError as error:
            log.warning("a damaged segment goes with the next start file=%s error=%s", path, error)

    def remove(self, path: str) -> None:
        """Remove an unneeded file of a transient queue; where it cannot be, the next start does."""
        try:
            self._files.remove(path)
        except OSError as error:
            log.warning("a segment stays file=%s error=%s", path, error)

    def remove_all(self) -> None:
        """Remove the folder of a transient queue; where it cannot be, the next start does."""
        try:
            self._files.remove_tree(self.directory)
        except OSError as error:
            log.warning("segments stay folder=%s error=%s", self.directory, error)

    def take_dirty(self) -> tuple[list[str], Sequence[str]]:
        """Return the files that were written since the last call, and the folders to sync.

        Folders are to be synced where a file was made.
        """
        paths = [self.path(number) for number in sorted(self.dirty)]
        self.dirty.clear()
        is_grown, self._is_grown = self._is_grown, False
        return paths, (self.directory, self.parent) if is_grown else ()

    def close(self) -> None:
        """End the open file: the next chunk begins another."""
        self._opened.forget(self)
        self.let_go()
        self._open_number = 0

    def begin_another(self) -> int:
        """End the open file; return the number of the next, from which others may go on."""
        self.close()
        return self.next_number

    def let_go(self) -> None:
        """Give the descriptor up: the next chunk goes on with the same file."""
        if self._open is not None:
            self._open.close()
        self._open = None

    def _open_again(self) -> File:
        try:
            self._open = self._files.open(self.path(self._open_number))
        except FileNotFoundError:
            return self._start_file()
        return self._open

    def _start_file(self) -> File:
        if not self._files.exists(self.directory):
            self._files.make_directory(self.directory)
        number = self.next_number
        assert number <= SEGMENT_NUMBER_MAX, "a queue has at most 4 G segments in its life"
        file = self._files.open(self.path(number), create=True)
        try:
            file.write_at(0, encode_segment_header(self._queue_id, number))
        except OSError:
            file.close()
            raise
        self._open = file
        self._is_grown = True
        self.next_number = number + 1
        self._open_number = number
        self._size_bytes = SEGMENT_HEADER.size
        return file


def encode_segment_header(queue_id: int, number: int) -> bytes:
    """Return what a segment file begins with."""
    packed = SEGMENT_HEADER.pack(SEGMENT_MAGIC, 0, VERSION, queue_id, number)
    covered = packed[SEGMENT_HEADER_CRC_AT + CRC_BYTES :]
    crc = crc32c.crc32c(covered).to_bytes(CRC_BYTES, "little")
    return packed[:SEGMENT_HEADER_CRC_AT] + crc + covered


def scan(files: Files, directory: str, queue_id: int, number: int) -> Iterator[StoredChunk]:
    """Yield the chunks of a file by their headers, up to the first octets that are no chunk.

    For a queue whose checkpoint is damaged: the crc of each is looked at when it is read. A file
    whose header is not that of this file yields none.
    """
    file = files.open(f"{directory}/{segment_name(number)}")
    try:
        position, size_bytes = SEGMENT_HEADER.size, file.size_bytes
        if file.read_at(0, position) != encode_segment_header(queue_id, number):
            return
        while position + CHUNK_HEADER.size <= size_bytes:
            try:
                header = decode_header(file.read_at(position, CHUNK_HEADER.size))
            except DamagedError:
                return
            if position + header.size_bytes > size_bytes:
                return
            yield _row(header, number, position)
            position += header.size_bytes
    finally:
        file.close()


def _row(header: ChunkHeader, number: int, position: int) -> StoredChunk:
    return StoredChunk(
        lane=header.lane,
        first_position=header.first_position,
        last_position=header.last_position,
        message_count=header.message_count,
        body_bytes=header.body_bytes,
        segment_number=number,
        file_position=position,
        size_bytes=header.size_bytes,
        has_transient=header.has_transient,
    )
