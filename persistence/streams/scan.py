"""Finds the chunks in a segment whose index does not know them.

Chunks stand one behind the other. Where one is damaged, the scan goes on behind it: its header may
still say how long it is. Otherwise it looks for the next octets from which chunks follow each
other, so that octets in a message are not taken for a chunk.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from persistence.errors import DamagedError, FatalStorageError
from persistence.files import File
from persistence.streams.chunk import (
    CHUNK_HEADER,
    CHUNK_PREFIX,
    ChunkHeader,
    Trailer,
    check_chunk,
    decode_chunk_header,
    decode_trailer,
)

_LOOK_BYTES: Final = 4 << 20
_CHAIN_MIN: Final = 3
"""So many chunks in a row, or as many as there are up to the end, are taken for chunks."""


class Scanned(NamedTuple):
    """A whole chunk that was found.

    Attributes:
        position: in the segment.
        header: of the chunk.
        trailer: of the chunk; None where only headers were read.
    """

    position: int
    header: ChunkHeader
    trailer: Trailer | None


def scan(
    file: File,
    position: int,
    end: int,
    expected_offset: int,
    known: Callable[[int], ChunkHeader | None],
    *,
    checks: bool,
) -> Iterator[Scanned]:
    """Yield the chunks of a part of a segment, in order.

    Args:
        file: the segment.
        position: where the first chunk begins.
        end: of the part.
        expected_offset: chunks with lower offsets are passed over.
        known: returns the header of the chunk that begins with an offset, where another log has it:
            so many octets are passed over where the chunk is not whole.
        checks: whether both checksums are looked at, or only headers.

    Raises:
        OSError: the disk cannot read it.
    """
    while position < end:
        found = _chunk_at(file, position, end, checks=checks)
        if found is not None:
            position += found.header.size_bytes
            if found.header.first_offset >= expected_offset:
                expected_offset = found.header.next_offset
                yield found
            continue
        passed = known(expected_offset) or _damaged_header(file, position, end, expected_offset)
        if passed is not None:
            position += passed.size_bytes
            expected_offset = passed.next_offset
            continue
        later = _look_on(file, position + 1, end, expected_offset)
        if later is None:
            return
        position = later


def _chunk_at(file: File, position: int, end: int, *, checks: bool) -> Scanned | None:
    try:
        header = decode_chunk_header(file.read_at(position, CHUNK_HEADER.size))
        if position + header.size_bytes > end:
            return None
        if not checks:
            return Scanned(position, header, None)
        octets = file.read_at(position, header.size_bytes)
        return Scanned(position, check_chunk(octets), decode_trailer(octets))
    except DamagedError:
        return None


def _damaged_header(file: File, position: int, end: int, offset: int) -> ChunkHeader | None:
    """Return the header of a damaged chunk, if it can be believed: another chunk follows it."""
    try:
        header = decode_chunk_header(file.read_at(position, CHUNK_HEADER.size))
    except DamagedError:
        return None
    behind = position + header.size_bytes
    if header.first_offset != offset or behind > end:
        return None
    if behind == end:
        return header
    found = _chunk_at(file, behind, end, checks=True)
    return header if found is not None else None


def _look_on(file: File, position: int, end: int, expected_offset: int) -> int | None:
    """Return where the next chunk begins; None if there is none."""
    overlap = len(CHUNK_PREFIX) - 1
    while position < end:
        octets = file.read_at(position, min(_LOOK_BYTES, end - position))
        at = octets.find(CHUNK_PREFIX)
        while at >= 0:
            if _is_chain(file, position + at, end, expected_offset):
                return position + at
            at = octets.find(CHUNK_PREFIX, at + 1)
        if len(octets) <= overlap:
            return None
        position += len(octets) - overlap
    return None


def _is_chain(file: File, position: int, end: int, expected_offset: int) -> bool:
    for _ in range(_CHAIN_MIN):
        found = _chunk_at(file, position, end, checks=True)
        if found is None or found.header.first_offset < expected_offset:
            return False
        expected_offset = found.header.next_offset
        position += found.header.size_bytes
        if position == end:
            return True
    return True


def read_from_disk(file: File, path: str) -> None:
    """Make sure that what is read is on disk, and not in pages that a failed sync left.

    Raises:
        FatalStorageError: a sync failed.
    """
    fsync_believed(file, path)
    file.done_with(0, file.size_bytes)


def fsync_believed(file: File, path: str) -> None:
    """Sync what a restart believes.

    Raises:
        FatalStorageError: that failed.
    """
    try:
        file.fsync()
    except OSError as error:
        raise FatalStorageError(
            f"a sync of {path} failed, so the node must stop: {error}"
        ) from error
