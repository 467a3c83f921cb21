"""The form of the messages on disk: draws every file, then asserts the drawing.

All numbers are little-endian. ``crc32c`` covers every octet behind it up to the end of the header's
content. So a header is valid only together with its content. ``persistence.codec`` draws runs of
records. ``definitions_format``, ``witness`` and ``data_directory`` draw the other files.

A file of the write-ahead log, ``wal/%016x.wal``: its header, the same header once more, batches.

    byte 0            8        12        16       24        32         40     48         56     64
         | "HAREMQ W" | crc32c | version | number | first   | previous | salt | node tag | size |
           8 octets     u32      u32       u64      LSN u64   LSN u64    u64    u64        u64
    512  | the same 64 octets
    1024 | batch | batch | ... | whatever the file held before

    ``first`` is the LSN that its first batch begins with, ``previous`` the last one that the log
    holds before it. They follow each other, but for a file that a restart began: numbers in the gap
    were given before, to what was torn. ``salt`` is random, another one for each use of the file.
    ``size`` is how long the file was when it was begun; it may have grown since. 0 is unknown, for
    both the size and the node's tag.

A batch: what one group commit wrote, at a multiple of 8.

    byte 0        4              8        12                 16        24        32        40
         | "HWB1" | salt, low 32 | crc32c | operations_bytes | first   | last    | synced  | ...
           u32      u32            u32      u32                LSN u64   LSN u64   LSN u64

    Begins with the LSN after the last of the batch before. ``synced`` had been synced when the
    batch was written. The checksum begins with the high 32 bits of the salt: a batch of an earlier
    use, or one that a publisher put into a message, is not taken for one of this file.

An operation: at a multiple of 8; ``operation_bytes`` counts all of it, and is a multiple of 8.

    byte 0      1        2       4                 8          16        24           28       32
         | kind | expiry | 0     | operation_bytes | queue id | first   | step/count | count  | ...
           u8     u8       u16     u32               u64        u64       u32          u32

    ENQUEUE   first position, 0, count;   then the instants of expiry (i64, ms since 1970), the run
    SETTLE    first, step, count:         positions first, first + step, ...
    REQUEUED  first, step, count;         then delivery count u32, 0 u32
    DROP      0, 0, 0

    STREAM_CHUNKS  first offset, padding, count;   then chunks of a stream, ``padding`` zeros
    STREAM_OFFSET  offset, padding, length;        then so long a reference, ``padding`` zeros

Operations about a replica of a mirrored queue. Behind the head is the number of the change, u64,
counted for the replica. A row is an epoch and the index of its first record, u64 each.

    REPLICA_RECORDS  after, rows, records;   then the change, rows of their epochs, the records
    REPLICA_PROMISE  epoch, 0, 0;            then the change
    REPLICA_INSTALL  position, rows, 0;      then the change, the epoch table, a snapshot
    REPLICA_COMPACT  position, 0, 0;         then the change

A record of a mirrored queue is an ENQUEUE, SETTLE or REQUEUED with the queue id 0, because each
node has another id for the queue, or an EPOCH, which says nothing of messages. A SUBMITTED is an
ENQUEUE that says whose messages it has; the u16 at byte 2 counts the octets of the node's name.
``persistence.replicas.content`` draws a snapshot; a PUBLISHED is how far a front end is in it.

    EPOCH      epoch, 0, 0
    SUBMITTED  first position, 0, count;   then a front, the instants of expiry, the run
    PUBLISHED  index, 0, 0;                then a front

Those of a mirrored stream are STREAM_CHUNKS and STREAM_OFFSET with the queue id 0, and these. Of a
STREAM_SUBMITTED the octet at byte 1 counts the zeros at its end, the u16 at byte 2 the octets of
the node's name. A snapshot is eight octets 255, a STREAM_STATE, chunks, and a PUBLISHED for each
front end.

    STREAM_SUBMITTED  first offset, 0, chunks;  then a front, the chunks, zeros
    STREAM_KEPT       first offset, flags, 0;   then the size of a full segment, u64; 0: as before
    STREAM_STATE      first offset, flags, 0;   then that size, an index u64, the row of a stream
                      without segments

A front: the number is that of its last message.

    byte 0             8        16
         | incarnation | number | name of the node, zeros up to a multiple of 8
           u64           u64

A file of a queue's segments, ``queues/%016x/%08x.seg``: a header, then chunks.

    byte 0                  8        12        16         24               32
         | "HAREMQ S"       | crc32c | version | queue id | segment number | chunk | chunk | ...
           8 octets           u32      u32       u64        u64

A chunk: consecutive messages of one lane, at a multiple of 8.

    byte 0        4        8         10     12      16      20              24
         | "HSC1" | crc32c | version | lane | flags | count | payload_bytes |
           u32      u32      u16       u16    u32     u32     u32

    24   first position u64 | last position u64 | body_bytes u64
    48   [positions, u64 each, if flags say so] [instants of expiry, i64: none, one or count] run

Files of a stream, ``queues/%016x/%020d.segment`` and ``.index``: a header, then chunks as
``persistence.streams.chunk`` draws them, or an index with the place of each of them. Other names
are in ``persistence.streams.files``.

    byte 0                             8        12        16         24             32
         | "HAREMQ L", or "HAREMQ X"   | crc32c | version | queue id | first offset | ...
           8 octets                      u32      u32       u64        u64

A place in an index:

    byte 0              8              16         24        28           32
         | first offset | timestamp ms | position | records | size_bytes |
           u64            i64            u64        u32       u32

The checkpoint, ``checkpoint``: replay begins at a file of the write-ahead log.

    byte 0                  8        12        16    24                   32              40
         | "HAREMQ C"       | crc32c | version | LSN | number of WAL file | payload_bytes | payload
           8 octets           u32      u32       u64   u64                  u64
"""

import struct
from enum import IntEnum, IntFlag
from typing import Final

VERSION: Final = 1

CRC_BYTES: Final = 4
ALIGNMENT_BYTES: Final = 8

WAL_MAGIC: Final = b"HAREMQ W"
WAL_HEADER: Final = struct.Struct("<8sIIQQQQQQ")
WAL_HEADER_CRC_AT: Final = 8
WAL_HEADER_COPY_AT: Final = 512
"""In another sector than the first, because a file cannot be read without its salt."""
WAL_FIRST_BATCH_AT: Final = 1024

BATCH_MAGIC: Final = int.from_bytes(b"HWB1", "little")
BATCH_HEADER: Final = struct.Struct("<IIIIQQQ")
BATCH_PREFIX: Final = struct.Struct("<II")
"""Magic and the low half of the salt, with which each batch of a file begins."""
BATCH_CRC: Final = struct.Struct("<I")
BATCH_CRC_AT: Final = 8
BATCH_BYTES_MAX: Final = 0xFFFFFFF8
"""Largest ``operations_bytes``: the largest multiple of 8 that fits its field."""

OPERATION_HEAD: Final = struct.Struct("<BBHIQQII")
DELIVERY_COUNT: Final = struct.Struct("<II")

SEGMENT_MAGIC: Final = b"HAREMQ S"
SEGMENT_HEADER: Final = struct.Struct("<8sIIQQ")
SEGMENT_HEADER_CRC_AT: Final = 8

CHUNK_MAGIC: Final = int.from_bytes(b"HSC1", "little")
CHUNK_HEADER: Final = struct.Struct("<IIHHIIIQQQ")
CHUNK_CRC_AT: Final = 4

STREAM_SEGMENT_MAGIC: Final = b"HAREMQ L"
STREAM_INDEX_MAGIC: Final = b"HAREMQ X"
INDEX_PLACE: Final = struct.Struct("<QqQII")

CHECKPOINT_MAGIC: Final = b"HAREMQ C"
CHECKPOINT_HEADER: Final = struct.Struct("<8sIIQQQ")
CHECKPOINT_CRC_AT: Final = 8


class OperationKind(IntEnum):
    """The kinds of operation; 0 is none, because files are filled with zeros."""

    ENQUEUE = 1
    SETTLE = 2
    REQUEUED = 3
    DROP = 4
    STREAM_CHUNKS = 5
    STREAM_OFFSET = 6
    REPLICA_RECORDS = 7
    REPLICA_PROMISE = 8
    REPLICA_INSTALL = 9
    REPLICA_COMPACT = 10
    EPOCH = 11
    SUBMITTED = 13
    PUBLISHED = 14
    STREAM_SUBMITTED = 15
    STREAM_KEPT = 16
    STREAM_STATE = 17


class Expiry(IntEnum):
    """How many instants of expiry precede a run."""

    NONE = 0
    ONE = 1
    EACH = 2


class ChunkFlag(IntFlag):
    """Flags of a chunk's content; bits 0 and 1 are the expiry, as in an operation."""

    EXPIRY_ONE = Expiry.ONE
    EXPIRY_EACH = Expiry.EACH
    POSITIONS = 4
    TRANSIENT = 8


assert WAL_HEADER.size == 64, "the drawing says 64"
assert struct.calcsize("<8s") == WAL_HEADER_CRC_AT, "the checksum stands behind the magic"
assert WAL_HEADER_COPY_AT + WAL_HEADER.size <= WAL_FIRST_BATCH_AT, "both headers fit"
assert BATCH_HEADER.size == 40, "the drawing says 40"
assert BATCH_PREFIX.size == BATCH_CRC_AT, "the checksum stands behind magic and salt"
assert OPERATION_HEAD.size == 32, "the drawing says 32"
assert DELIVERY_COUNT.size == ALIGNMENT_BYTES, "the last part of REQUEUED keeps it aligned"
assert SEGMENT_HEADER.size == 32, "the drawing says 32"
assert INDEX_PLACE.size == 32, "the drawing says 32"
assert CHUNK_HEADER.size == 48, "the drawing says 48"
assert struct.calcsize("<I") == CHUNK_CRC_AT, "the checksum stands behind the magic"
assert CHECKPOINT_HEADER.size == 40, "the drawing says 40"
for _header in (WAL_HEADER, BATCH_HEADER, OPERATION_HEAD, SEGMENT_HEADER, CHUNK_HEADER):
    assert _header.size % ALIGNMENT_BYTES == 0, "what follows a header stays aligned"
assert ChunkFlag.EXPIRY_ONE | ChunkFlag.EXPIRY_EACH < ChunkFlag.POSITIONS, "two bits of expiry"
