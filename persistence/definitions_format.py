"""Definitions on disk: keyed values, put and deleted, in batches.

    file   header | zeros | header again, at 512 | zeros | batch, at 1024 | batch | ...

    byte 0            8        12        16       24     32         40
         | "HAREMQ D" | crc32c | version | number | salt | node tag | crc32c of the tag |
           8 octets     u32      u32       u64      u64    u64        u32

The header stands twice, in sectors of their own, because nothing in a file can be read without its
salt. Journals and snapshots have the same form. In a journal, a batch has the changes of one group
commit. In a snapshot, a batch has as many puts as fit, and the last batch is empty.

    byte 0        4        8               12      16          24         32
         | "HDB1" | crc32c | changes_bytes | count | first LSN | last LSN | changes
           u32      u32      u32             u32     u64         u64

A change: kind 1 puts, kind 2 deletes and has no value.

    byte 0      1   4           8             12
         | kind | 0 | key_bytes | value_bytes | key | value
           u8     3   u32         u32

All numbers are little-endian. A key is a JSON array of strings, in ASCII. ``crc32c`` covers
everything behind it in its header and content. The checksum of a batch begins with the low half of
its file's salt, so that octets in a client's name are never taken for a batch.
"""

import json
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from crc32c import crc32c

from persistence.errors import DamagedError, StorageError
from persistence.witness import NO_TAG

Key: TypeAlias = tuple[str, ...]
FileKind: TypeAlias = Literal["journal", "snapshot"]

DIRECTORY: Final = "definitions"
DAMAGED_PREFIX: Final = "damaged-"

VERSION: Final = 1
FILE_MAGIC: Final = b"HAREMQ D"
FILE_HEADER: Final = struct.Struct("<8sIIQQ")
NODE_TAG: Final = struct.Struct("<Q")
_NODE_TAG_CRC: Final = struct.Struct("<I")
HEADER_COPY_AT: Final = 512
FIRST_BATCH_AT: Final = 1024
BATCH_MAGIC: Final = b"HDB1"
BATCH_HEADER: Final = struct.Struct("<4sIIIQQ")
CHANGE_HEAD: Final = struct.Struct("<B3xII")

KEY_BYTES_MAX: Final = 1 << 16
"""Room for a dozen names of 255 octets, each of which JSON may write as six."""
VALUE_BYTES_MAX: Final = 32 << 20
"""Room for the content of the largest possible frame, in base64."""
BATCH_BYTES_MAX: Final = 1 << 30
"""A group commit ends long before this size; a batch that claims more is damaged."""

_encode_json: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_NAME: Final = re.compile(r"(snapshot|journal)-([0-9a-f]{16})")
_PUT: Final = 1
_DELETE: Final = 2
_FILE_CRC_COVERS_FROM: Final = 12
_BATCH_CRC_COVERS_FROM: Final = 8
_SALT_MASK: Final = 0xFFFFFFFF

assert (FILE_HEADER.size, BATCH_HEADER.size, CHANGE_HEAD.size) == (32, 32, 12), "as drawn"


class Change(NamedTuple):
    """An encoded key and its new value; None deletes it."""

    key_octets: bytes
    value: bytes | None


class Batch(NamedTuple):
    """A batch as found in a file; ``stop`` is the byte behind it."""

    start: int
    stop: int
    first_lsn: int
    last_lsn: int
    changes: tuple[Change, ...]


def path_of(kind: FileKind, number: int) -> str:
    """Return the path of a file."""
    return f"{DIRECTORY}/{kind}-{number:016x}"


def kind_and_number(name: str) -> tuple[FileKind, int] | None:
    """Return the kind and number of a file; None if it is neither journal nor snapshot."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return ("snapshot" if match[1] == "snapshot" else "journal"), int(match[2], 16)


def encode_header(number: int, salt: int, node_tag: int = NO_TAG) -> bytes:
    """Return the octets before the first batch of a file."""
    covered = struct.pack("<IQQ", VERSION, number, salt)
    header = FILE_MAGIC + struct.pack("<I", crc32c(covered)) + covered
    if node_tag != NO_TAG:
        tag = NODE_TAG.pack(node_tag)
        header += tag + _NODE_TAG_CRC.pack(crc32c(tag))
    return (header.ljust(HEADER_COPY_AT, b"\0") + header).ljust(FIRST_BATCH_AT, b"\0")


def decode_header(octets: bytes, number: int) -> int:
    """Return the salt of the file of this number, from whichever copy is whole.

    Raises:
        DamagedError: no copy is whole.
        StorageError: another version wrote it; the text says what to do.
    """
    for start in (0, HEADER_COPY_AT):
        header = octets[start : start + FILE_HEADER.size]
        if len(header) < FILE_HEADER.size:
            continue
        magic, crc, version, found_number, salt = FILE_HEADER.unpack(header)
        if magic != FILE_MAGIC or crc != crc32c(header[_FILE_CRC_COVERS_FROM:]):
            continue
        if version != VERSION:
            raise StorageError(
                f"expected definitions of version {VERSION}, found version {version}, which another"
                " version of HareMQ wrote; start that version, or name an empty data directory"
            )
        if found_number == number:
            return int(salt)
    raise DamagedError("neither copy of its header is whole")


def node_tag_in(octets: bytes) -> int:
    """Return the node tag in the header of a file; ``NO_TAG`` where there is none."""
    for start in (FILE_HEADER.size, HEADER_COPY_AT + FILE_HEADER.size):
        tag = octets[start : start + NODE_TAG.size]
        crc = octets[start + NODE_TAG.size : start + NODE_TAG.size + _NODE_TAG_CRC.size]
        if len(crc) == _NODE_TAG_CRC.size and crc == _NODE_TAG_CRC.pack(crc32c(tag)):
            return int(NODE_TAG.unpack(tag)[0])
    return NO_TAG


def encode_change(key: Key, value: bytes | None) -> bytes:
    """Return a change in the form of a batch.

    Raises:
        StorageError: key or value are larger than any definition.
    """
    name = encode_key(key)
    content = b"" if value is None else value
    if len(name) > KEY_BYTES_MAX or len(content) > VALUE_BYTES_MAX:
        raise StorageError(
            f"expected a definition of at most {KEY_BYTES_MAX} octets of name and "
            f"{VALUE_BYTES_MAX} of content, got {len(name)} and {len(content)}"
        )
    kind = _DELETE if value is None else _PUT
    return CHANGE_HEAD.pack(kind, len(name), len(content)) + name + content


def split_changes(octets: bytes | memoryview) -> Iterator[Change]:
    """Yield the changes in these octets.

    Raises:
        DamagedError: they are not results of ``encode_change``.
    """
    at = 0
    while at < len(octets):
        if at + CHANGE_HEAD.size > len(octets):
            raise DamagedError("a batch ends in the head of a change")
        kind, key_bytes, value_bytes = CHANGE_HEAD.unpack_from(octets, at)
        at += CHANGE_HEAD.size
        if at + key_bytes + value_bytes > len(octets):
            raise DamagedError("a batch ends in a change")
        if kind not in {_PUT, _DELETE}:
            raise DamagedError(f"a change is of kind {kind}, which there is not")
        key_octets = bytes(octets[at : at + key_bytes])
        at += key_bytes
        value = bytes(octets[at : at + value_bytes]) if kind == _PUT else None
        at += value_bytes
        yield Change(key_octets, value)


def apply_changes(values: dict[bytes, bytes], changes: Iterable[Change]) -> None:
    """Apply changes to values; a key that is put again keeps its place."""
    for key_octets, value in changes:
        if value is None:
            values.pop(key_octets, None)
        else:
            values[key_octets] = value


def encode_key(key: Key) -> bytes:
    """Return a key in the form of a change."""
    return _encode_json(key).encode()


def decode_key(octets: bytes) -> Key:
    """Return the key that was encoded.

    Raises:
        DamagedError: these octets are not a key.
    """
    try:
        names = json.loads(octets.decode())
    except (ValueError, RecursionError) as error:
        raise DamagedError("a key is not JSON") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DamagedError("a key is no array of strings")
    return tuple(names)


def encode_batch(salt: int, first_lsn: int, last_lsn: int, changes: Sequence[bytes]) -> bytes:
    """Return a batch of encoded changes."""
    content = b"".join(changes)
    covered = struct.pack("<IIQQ", len(content), len(changes), first_lsn, last_lsn) + content
    return BATCH_MAGIC + struct.pack("<I", _crc(salt, covered)) + covered


def decode_batch(octets: bytes, salt: int, start: int) -> Batch:
    """Return the batch that begins here.

    Raises:
        DamagedError: no batch begins here, or it is not complete and unchanged.
    """
    if start + BATCH_HEADER.size > len(octets):
        raise DamagedError("the file ends in the header of a batch")
    magic, crc, changes_bytes, count, first_lsn, last_lsn = BATCH_HEADER.unpack_from(octets, start)
    stop = start + BATCH_HEADER.size + changes_bytes
    if magic != BATCH_MAGIC:
        raise DamagedError("no batch begins here")
    if changes_bytes > BATCH_BYTES_MAX or stop > len(octets):
        raise DamagedError("the file ends in a batch")
    view = memoryview(octets)
    if crc != _crc(salt, view[start + _BATCH_CRC_COVERS_FROM : stop]):
        raise DamagedError("the checksum of a batch is wrong")
    changes = tuple(split_changes(view[start + BATCH_HEADER.size : stop]))
    if len(changes) != count:
        raise DamagedError("a batch does not hold as many changes as it says")
    return Batch(start, stop, first_lsn, last_lsn, changes)


def find_batch(octets: bytes, salt: int, start: int) -> Batch | None:
    """Return the first whole batch that begins here or later; None if there is none."""
    while (start := octets.find(BATCH_MAGIC, start)) >= 0:
        try:
            return decode_batch(octets, salt, start)
        except DamagedError:
            start += 1
    return None


def snapshot_batches(
    salt: int, lsn: int, items: Iterable[tuple[bytes, bytes]], bytes_max: int = 1 << 20
) -> Iterator[bytes]:
    """Yield batches that put everything, each of about ``bytes_max`` octets.

    The last one is empty. It shows that the snapshot is complete.
    """
    changes: list[bytes] = []
    size_bytes = 0
    for key_octets, value in items:
        change = CHANGE_HEAD.pack(_PUT, len(key_octets), len(value)) + key_octets + value
        changes.append(change)
        size_bytes += len(change)
        if size_bytes >= bytes_max:
            yield encode_batch(salt, lsn, lsn, changes)
            changes, size_bytes = [], 0
    if changes:
        yield encode_batch(salt, lsn, lsn, changes)
    yield encode_batch(salt, lsn, lsn, ())


def _crc(salt: int, octets: bytes | memoryview) -> int:
    return crc32c(octets, salt & _SALT_MASK)
