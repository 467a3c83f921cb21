"""The content of a checkpoint: for each queue, everything from older write-ahead log files.

The file is drawn in ``persistence.format`` up to its payload, which is:

    byte 0        4      8               16
         | queues | node tag, low half | next queue id | row | row | ...
           u32      u32                  u64

A row is one queue:

    byte 0           8        12     16         24              32                40
         | row_bytes | crc32c | zero | queue id | next position | delivered below | ...
           u64         u32      u32    u64        u64             u64

    40             44       48         52              56              60     64
    | next segment | chunks | requeued | operations bytes | settled bytes | zero | ...
      u32            u32      u32        u32             u32             u32

    64   chunks x | lane u16, flags u16, messages u32, first u64, last u64, body bytes u64,
                    segment u32, size u32, position in it u64 |
         requeued x | position u64, delivery count u32, zero u32 |
         operations    ENQUEUE operations of messages that are in no segment, being few
         settled    as persistence.settled draws it, zeros up to a multiple of 8

``row_bytes`` counts the whole row. Each row has a checksum of its own, over everything behind it.
So a damaged octet affects only one queue.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import crc32c

from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.format import (
    ALIGNMENT_BYTES,
    CHECKPOINT_CRC_AT,
    CHECKPOINT_HEADER,
    CHECKPOINT_MAGIC,
    CRC_BYTES,
    VERSION,
)
from persistence.operations import Enqueue, decode_operations, encode_enqueue
from persistence.settled import PositionSet
from persistence.slices import Slice
from persistence.witness import NO_TAG, require_own

_STATE: Final = struct.Struct("<IIQ")
_ROW: Final = struct.Struct("<QIIQQQIIIIII")
_ROW_PREFIX: Final = struct.Struct("<QI")
_CHUNK: Final = struct.Struct("<HHIQQQIIQ")
_REQUEUED: Final = struct.Struct("<QII")
_HAS_TRANSIENT: Final = 1
_TAG_MASK: Final = 0xFFFF_FFFF

for _size_bytes, _struct in ((16, _STATE), (64, _ROW), (48, _CHUNK), (16, _REQUEUED)):
    assert _struct.size == _size_bytes, "the drawing says so"


class QueueSnapshot(NamedTuple):
    """The state of a queue at one moment.

    Attributes:
        queue_id: of the queue.
        next_position: each position below it is in ``chunks``, in ``few`` or settled.
        delivered_below: positions from here on were never delivered.
        next_segment: number of its next segment file.
        settled: the settled positions; no other object refers to this set.
        chunks: where its stored messages are.
        requeued: (position, delivery count) of requeued messages.
        few: messages that are in no segment, with expiries on the wall clock.
    """

    queue_id: int
    next_position: int
    delivered_below: int
    next_segment: int
    settled: PositionSet
    chunks: Sequence[StoredChunk]
    requeued: Sequence[tuple[int, int]] = ()
    few: Sequence[Slice] = ()


@dataclass(slots=True)
class Snapshot:
    """The content of a checkpoint.

    Attributes:
        lsn: the last LSN that was given when the last queue was noted.
        wal_number: replay begins with this file of the write-ahead log.
        next_queue_id: above every id that was ever given.
        queues: by id.
        damages: the parts that could not be read; one sentence each.
    """

    lsn: int = 0
    wal_number: int = 0
    next_queue_id: int = 1
    queues: dict[int, QueueSnapshot] = field(default_factory=dict)
    damages: list[str] = field(default_factory=list)


def encode_checkpoint(snapshot: Snapshot, node_tag: int = NO_TAG) -> list[bytes]:
    """Return the octets of a checkpoint of this node, in parts."""
    queues = snapshot.queues
    state = _STATE.pack(len(queues), node_tag & _TAG_MASK, snapshot.next_queue_id)
    parts = [state, *map(_encode_row, queues.values())]
    payload_bytes = sum(map(len, parts))
    header = CHECKPOINT_HEADER.pack(
        CHECKPOINT_MAGIC, 0, VERSION, snapshot.lsn, snapshot.wal_number, payload_bytes
    )
    covered = header[CHECKPOINT_CRC_AT + CRC_BYTES :]
    crc = crc32c.crc32c(covered)
    for each in parts:
        crc = crc32c.crc32c(each, crc)
    head = header[:CHECKPOINT_CRC_AT] + crc.to_bytes(CRC_BYTES, "little") + covered
    return [head, *parts]


def decode_checkpoint(octets: bytes, node_tag: int = NO_TAG) -> Snapshot:
    """Return the content of a checkpoint; damaged parts are left out and noted.

    Raises:
        DamagedError: even its header is damaged.
        StorageError: it belongs to another node.
    """
    view = memoryview(octets)
    if len(octets) < CHECKPOINT_HEADER.size + _STATE.size:
        raise DamagedError(f"expected a checkpoint, got {len(octets)} octets")
    header = CHECKPOINT_HEADER.unpack_from(octets)
    magic, crc, version, lsn, wal_number, payload_bytes = header
    if (magic, version) != (CHECKPOINT_MAGIC, VERSION):
        raise DamagedError("expected the header of a checkpoint, got something else")
    queue_count, found_tag, next_queue_id = _STATE.unpack_from(octets, CHECKPOINT_HEADER.size)
    is_whole = (
        len(octets) == CHECKPOINT_HEADER.size + payload_bytes
        and crc32c.crc32c(view[CHECKPOINT_CRC_AT + CRC_BYTES :]) == crc
    )
    snapshot = Snapshot(lsn, wal_number, next_queue_id)
    if is_whole:
        require_own("checkpoint", found_tag, node_tag & _TAG_MASK)
    else:
        # It is unknown which of these numbers is right, so all of the log is replayed.
        snapshot = Snapshot(
            damages=["the checksum of the checkpoint is wrong: settled messages may come back"]
        )
    for row in _rows(view[CHECKPOINT_HEADER.size + _STATE.size :], queue_count):
        try:
            queue = _decode_row(row)
        except (DamagedError, struct.error) as error:
            snapshot.damages.append(
                f"a queue is damaged in the checkpoint: {error}: its settled messages may come back"
            )
        else:
            snapshot.queues[queue.queue_id] = queue
    return snapshot


def _encode_row(queue: QueueSnapshot) -> bytes:
    chunks = b"".join([_encode_chunk(row) for row in queue.chunks])
    requeued = b"".join([_REQUEUED.pack(position, count, 0) for position, count in queue.requeued])
    operations = b"".join(
        [
            octets
            for few in queue.few
            for octets in encode_enqueue(
                queue.queue_id, few.positions[0], few.records, few.expires_at_ms or None
            )
        ]
    )
    settled = queue.settled.encode()
    padding = bytes(-len(settled) % ALIGNMENT_BYTES)
    body = b"".join((chunks, requeued, operations, settled, padding))
    row = _ROW.pack(
        _ROW.size + len(body),
        0,
        0,
        queue.queue_id,
        queue.next_position,
        queue.delivered_below,
        queue.next_segment,
        len(queue.chunks),
        len(queue.requeued),
        len(operations),
        len(settled),
        0,
    )
    covered = row[_ROW_PREFIX.size :]
    crc = crc32c.crc32c(body, crc32c.crc32c(covered))
    return _ROW_PREFIX.pack(_ROW.size + len(body), crc) + covered + body


def _encode_chunk(row: StoredChunk) -> bytes:
    return _CHUNK.pack(
        row.lane,
        _HAS_TRANSIENT if row.has_transient else 0,
        row.message_count,
        row.first_position,
        row.last_position,
        row.body_bytes,
        row.segment_number,
        row.size_bytes,
        row.file_position,
    )


def _rows(octets: memoryview, count: int) -> Iterator[memoryview]:
    """Yield the rows, as long as the length of one leads to the next."""
    at = 0
    for _ in range(count):
        if len(octets) - at < _ROW.size:
            return
        (row_bytes,) = struct.unpack_from("<Q", octets, at)
        if not _ROW.size <= row_bytes <= len(octets) - at:
            return
        yield octets[at : at + row_bytes]
        at += row_bytes


def _decode_row(octets: memoryview) -> QueueSnapshot:
    _, crc = _ROW_PREFIX.unpack_from(octets)
    if crc32c.crc32c(octets[_ROW_PREFIX.size :]) != crc:
        raise DamagedError("the checksum of its row is wrong")
    fields = _ROW.unpack_from(octets)
    queue_id, next_position, delivered_below, next_segment = fields[3:7]
    chunk_count, requeued_count, operations_bytes, settled_bytes = fields[7:11]
    chunks_end = _ROW.size + chunk_count * _CHUNK.size
    requeued_end = chunks_end + requeued_count * _REQUEUED.size
    operations_end = requeued_end + operations_bytes
    if operations_end + settled_bytes > len(octets):
        raise DamagedError(f"its row of {len(octets)} octets is too short")
    chunks = [_decode_chunk(row) for row in _CHUNK.iter_unpack(octets[_ROW.size : chunks_end])]
    requeued = _REQUEUED.iter_unpack(octets[chunks_end:requeued_end])
    return QueueSnapshot(
        queue_id,
        next_position,
        delivered_below,
        next_segment,
        PositionSet.decode(bytes(octets[operations_end : operations_end + settled_bytes])),
        chunks,
        [(position, count) for position, count, _ in requeued],
        [
            _slice_of(operation)
            for operation in decode_operations(octets[requeued_end:operations_end])
        ],
    )


def _decode_chunk(fields: tuple[int, ...]) -> StoredChunk:
    lane, flags, count, first, last, body_bytes, segment_number, size_bytes, position = fields
    has_transient = bool(flags & _HAS_TRANSIENT)
    return StoredChunk(
        lane, first, last, count, body_bytes, segment_number, position, size_bytes, has_transient
    )


def _slice_of(operation: object) -> Slice:
    if not isinstance(operation, Enqueue):
        raise DamagedError("expected messages among its operations, got something else")
    positions = range(operation.first_position, operation.first_position + operation.message_count)
    return Slice(operation.run(), positions, operation.expires_at_ms or 0)
