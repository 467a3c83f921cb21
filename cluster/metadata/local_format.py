"""The form of the local engine's log: draws the file, then encodes and decodes it.

All numbers are little-endian. The file ``metadata.log``: a header, then records, each at a multiple
of 8. The first records are a snapshot, which was on disk before the file had its name.

    byte 0            8        12        16     24         32
         | "HAREMQ M" | crc32c | version | salt | revision | snapshot_end |
           8 octets     u32      u32       u64    u64        u64

    The checksum covers every octet behind it. ``salt`` is random, another one for each file.
    ``revision`` is that of the snapshot, and ``snapshot_end`` where it ends.

A record: what one transaction changed, or a part of the snapshot.

    byte 0        4               8          16
         | crc32c | payload_bytes | revision | payload, padded with zeros
           u32      u32             u64

    The checksum begins with salt and position, so that neither a record of an earlier file nor one
    that somebody put into a value is taken for one of this place.

A payload is changes, one behind the other:

    byte 0      1   4           8             12  16      24       32
         | kind | 0 | key_bytes | value_bytes | 0 | lease | create | mod | key | value
           u8         u32         u32               i64     u64      u64

    PUT     revisions of create and mod as the item has them
    DELETE  value_bytes, lease and revisions are 0
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from crc32c import crc32c

from cluster.metadata.port import Change, Item

LOG_PATH: Final = "metadata.log"
NEW_LOG_PATH: Final = "metadata.log.new"

VERSION: Final = 1
SALT_BITS: Final = 64
RECORD_PAYLOAD_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of a record: a lease may end with many keys."""

SNAPSHOT_PAYLOAD_BYTES: Final = 1024 * 1024
"""A record of the snapshot ends once it is so long."""

_MAGIC: Final = b"HAREMQ M"
_ALIGNMENT_BYTES: Final = 8
_HEADER: Final = struct.Struct("<8sIIQQQ")
_HEADER_CRC_FROM: Final = 12
_RECORD: Final = struct.Struct("<IIQ")
_CRC_BYTES: Final = 4
_SEED: Final = struct.Struct("<QQ")
_CHANGE: Final = struct.Struct("<BxxxIIxxxxqQQ")
_PUT: Final = 1
_DELETE: Final = 2


class LogHeader(NamedTuple):
    """The header of a log."""

    salt: int
    revision: int
    snapshot_end: int


class LogRecord(NamedTuple):
    """A record, and where the next one begins."""

    revision: int
    changes: tuple[Change, ...]
    end: int


class FormatError(Exception):
    """The octets are not of this form; a version that is newer says so."""


HEADER_BYTES: Final = _HEADER.size


def encode_header(header: LogHeader) -> bytes:
    """Return the octets of a header."""
    octets = bytearray(_HEADER.pack(_MAGIC, 0, VERSION, *header))
    struct.pack_into("<I", octets, len(_MAGIC), crc32c(octets[_HEADER_CRC_FROM:]))
    return bytes(octets)


def decode_header(octets: bytes) -> LogHeader:
    """Return the header at the begin of a file.

    Raises:
        FormatError: there is none, it is damaged, or of another version.
    """
    if len(octets) < _HEADER.size:
        raise FormatError("it is cut off")
    magic, crc, version, *numbers = _HEADER.unpack_from(octets)
    if magic != _MAGIC or crc != crc32c(octets[_HEADER_CRC_FROM : _HEADER.size]):
        raise FormatError("its header is damaged")
    if version != VERSION:
        raise FormatError(f"it is of version {version}, which another version of HareMQ wrote")
    return LogHeader(*numbers)


def encode_record(salt: int, position: int, revision: int, changes: Iterable[Change]) -> bytes:
    """Return the octets of a record that will be at a position."""
    payload = b"".join(map(_encoded, changes))
    head = _RECORD.pack(0, len(payload), revision)[_CRC_BYTES:]
    crc = crc32c(payload, crc32c(head, crc32c(_SEED.pack(salt, position))))
    return struct.pack("<I", crc) + head + payload + bytes(-len(payload) % _ALIGNMENT_BYTES)


def decode_record(octets: bytes, salt: int, position: int) -> LogRecord | None:
    """Return the record at a position; None where there is no whole one."""
    if position + _RECORD.size > len(octets):
        return None
    crc, payload_bytes, revision = _RECORD.unpack_from(octets, position)
    begin, end = position + _RECORD.size, position + _RECORD.size + payload_bytes
    if payload_bytes > RECORD_PAYLOAD_BYTES_MAX or end > len(octets):
        return None
    covered = memoryview(octets)[position + _CRC_BYTES : end]
    if crc != crc32c(covered, crc32c(_SEED.pack(salt, position))):
        return None
    changes = tuple(_decoded(octets[begin:end]))
    return LogRecord(revision, changes, end + -payload_bytes % _ALIGNMENT_BYTES)


def has_record_behind(octets: bytes, salt: int, position: int) -> bool:
    """Return whether any whole record lies behind a position that has none."""
    behind = range(position + _ALIGNMENT_BYTES, len(octets) - _RECORD.size + 1, _ALIGNMENT_BYTES)
    return any(decode_record(octets, salt, each) is not None for each in behind)


def encode_log(salt: int, revision: int, items: Iterable[Item]) -> Iterator[bytes]:
    """Yield the records of a snapshot, which begin behind the header."""
    position, changes, size_bytes = HEADER_BYTES, list[Change](), 0
    for item in items:
        changes.append(Change(item.key, item))
        size_bytes += len(item.key) + len(item.value)
        if size_bytes >= SNAPSHOT_PAYLOAD_BYTES:
            record = encode_record(salt, position, revision, changes)
            position += len(record)
            changes, size_bytes = [], 0
            yield record
    if changes:
        yield encode_record(salt, position, revision, changes)


def _encoded(change: Change) -> bytes:
    item = change.item
    if item is None:
        return _CHANGE.pack(_DELETE, len(change.key), 0, 0, 0, 0) + change.key
    head = _CHANGE.pack(
        _PUT, len(item.key), len(item.value), item.lease, item.create_revision, item.mod_revision
    )
    return head + item.key + item.value


def _decoded(payload: bytes) -> Iterator[Change]:
    position = 0
    while position < len(payload):
        kind, key_bytes, value_bytes, lease, created, changed = _CHANGE.unpack_from(
            payload, position
        )
        value_at = position + _CHANGE.size + key_bytes
        key = payload[position + _CHANGE.size : value_at]
        position = value_at + value_bytes
        if kind == _DELETE:
            yield Change(key, None)
        else:
            yield Change(key, Item(key, payload[value_at:position], created, changed, lease))
