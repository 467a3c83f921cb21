"""One file of the write-ahead log: encodes and decodes its header and its batches.

``persistence.format`` draws both. This module does not touch a disk.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from crc32c import crc32c

from persistence.errors import FatalStorageError
from persistence.files import File, Octets
from persistence.format import (
    ALIGNMENT_BYTES,
    BATCH_BYTES_MAX,
    BATCH_CRC,
    BATCH_CRC_AT,
    BATCH_HEADER,
    BATCH_MAGIC,
    BATCH_PREFIX,
    CRC_BYTES,
    VERSION,
    WAL_FIRST_BATCH_AT,
    WAL_HEADER,
    WAL_HEADER_COPY_AT,
    WAL_HEADER_CRC_AT,
    WAL_MAGIC,
)

DIRECTORY: Final = "wal"

SALT_BITS: Final = 64
_SALT_LOW: Final = 0xFFFF_FFFF
_NAME: Final = re.compile(r"([0-9a-f]{16})\.wal")


class WalHeader(NamedTuple):
    """The header of a file.

    Attributes:
        number: files follow each other by it; never used twice.
        first_lsn: its first batch begins with it.
        previous_lsn: the last LSN that the log holds before this file; all up to it was on disk
            when the file was begun.
        salt: random, of ``SALT_BITS``.
        node_tag: of the node that owns it; 0 is unknown.
        size_bytes: how long the file was when it was begun; 0 is unknown.
    """

    number: int
    first_lsn: int
    previous_lsn: int
    salt: int
    node_tag: int = 0
    size_bytes: int = 0


class BatchHeader(NamedTuple):
    """The header of a batch; LSNs are inclusive."""

    operations_bytes: int
    first_lsn: int
    last_lsn: int
    fsynced_lsn: int

    @property
    def batch_bytes(self) -> int:
        """Length of the batch in its file (bytes)."""
        return BATCH_HEADER.size + self.operations_bytes


def path_of(number: int) -> str:
    """Return the path of the file of this number."""
    return f"{DIRECTORY}/{number:016x}.wal"


def number_of(name: str) -> int | None:
    """Return the number of a file by its name; None if it is no file of the log."""
    match = _NAME.fullmatch(name)
    return int(match[1], 16) if match else None


def encode_header(header: WalHeader) -> bytes:
    """Return the octets before the first batch of a file: the header, twice."""
    octets = bytearray(WAL_HEADER.size)
    fields = (WAL_MAGIC, 0, VERSION, *header)
    WAL_HEADER.pack_into(octets, 0, *fields)
    crc = crc32c(octets[WAL_HEADER_CRC_AT + CRC_BYTES :])
    BATCH_CRC.pack_into(octets, WAL_HEADER_CRC_AT, crc)
    area = octets.ljust(WAL_HEADER_COPY_AT, b"\0") + octets
    return bytes(area.ljust(WAL_FIRST_BATCH_AT, b"\0"))


def decode_header(octets: bytes, number: int) -> WalHeader | None:
    """Return the header of a file.

    Args:
        octets: the first ``WAL_FIRST_BATCH_AT`` of the file.
        number: by the file's name. A file that was given another name, and no header since, has
            not been begun.

    Returns:
        None if neither copy is whole, or of this number.
    """
    headers = [header for header in whole_headers(octets) if header.number == number]
    return headers[0] if headers else None


def whole_headers(octets: bytes) -> list[WalHeader]:
    """Return both copies of a header, of whatever number, as far as they are whole."""
    found = []
    for position in (0, WAL_HEADER_COPY_AT):
        copy = octets[position : position + WAL_HEADER.size]
        if len(copy) < WAL_HEADER.size:
            continue
        magic, crc, version, *fields = WAL_HEADER.unpack(copy)
        is_whole = crc == crc32c(copy[WAL_HEADER_CRC_AT + CRC_BYTES :])
        if magic == WAL_MAGIC and version == VERSION and is_whole:
            found.append(WalHeader(*fields))
    return found


def encode_batch_header(
    salt: int, first_lsn: int, last_lsn: int, fsynced_lsn: int, parts: Sequence[Octets]
) -> bytes:
    """Return the header of a batch with these operations, a multiple of 8 octets in all."""
    operations_bytes = sum(map(len, parts))
    assert operations_bytes % ALIGNMENT_BYTES == 0, "operations are aligned"
    assert operations_bytes <= BATCH_BYTES_MAX, "a group is far smaller, and so is a message"
    fields = (BATCH_MAGIC, salt & _SALT_LOW, 0, operations_bytes, first_lsn, last_lsn, fsynced_lsn)
    header = bytearray(BATCH_HEADER.pack(*fields))
    crc = crc32c(header[BATCH_CRC_AT + CRC_BYTES :], salt >> 32)
    for part in parts:
        crc = crc32c(part, crc)
    BATCH_CRC.pack_into(header, BATCH_CRC_AT, crc)
    return bytes(header)


def batch_at(octets: bytes, position: int, salt: int) -> BatchHeader | None:
    """Return the header of the batch at a position; None if there is none, or not a whole one."""
    if len(octets) - position < BATCH_HEADER.size:
        return None
    magic, low, crc, *fields = BATCH_HEADER.unpack_from(octets, position)
    batch = BatchHeader(*fields)
    end = position + batch.batch_bytes
    if magic != BATCH_MAGIC or low != salt & _SALT_LOW or end > len(octets):
        return None
    if batch.operations_bytes % ALIGNMENT_BYTES or batch.first_lsn > batch.last_lsn:
        return None
    covered = memoryview(octets)[position + BATCH_CRC_AT + CRC_BYTES : end]
    return batch if crc == crc32c(covered, salt >> 32) else None


def batch_prefix(salt: int) -> bytes:
    """Return what every batch of a file with this salt begins with."""
    return BATCH_PREFIX.pack(BATCH_MAGIC, salt & _SALT_LOW)


def batches_after(
    octets: bytes, position: int, salt: int, first_lsn: int
) -> Iterator[tuple[int, BatchHeader]]:
    """Yield position and header of every whole batch behind something that is none.

    Args:
        octets: the file.
        position: where to begin to look.
        salt: of the file's header.
        first_lsn: batches that begin below it do not count.
    """
    prefix = batch_prefix(salt)
    position = octets.find(prefix, position)
    while position >= 0:
        is_aligned = position % ALIGNMENT_BYTES == 0
        batch = batch_at(octets, position, salt) if is_aligned else None
        after = position + 1
        if batch is not None and batch.first_lsn >= first_lsn:
            yield position, batch
            first_lsn = batch.last_lsn + 1
            after = position + batch.batch_bytes
        position = octets.find(prefix, after)


def fsync_log(file: File) -> None:
    """Return when a file of the log is on disk.

    Raises:
        FatalStorageError: the content of the file is unknown.
    """
    try:
        file.fsync()
    except OSError as error:
        raise FatalStorageError(
            f"the log cannot be synced, so the node must stop: {error}"
        ) from error
