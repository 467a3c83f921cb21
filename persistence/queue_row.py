"""What a checkpoint says of a queue: where its messages are, and which are settled.

byte 0               8                 16
     | next position | delivered below | next segment | chunks | requeued | operations bytes | ...
       u64             u64               u32            u32      u32        u32
32              36
     | settled bytes | zero | ...
       u32             u32

40   chunks x | lane u16, flags u16, messages u32, first u64, last u64, body bytes u64,
                segment u32, size u32, position in it u64 |
     requeued x | position u64, delivery count u32, zero u32 |
     operations    ENQUEUE operations of messages that are in no segment, being few
     settled    as persistence.settled draws it, zeros up to a multiple of 8
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES
from persistence.log_form import LogForm
from persistence.operations import Enqueue, decode_operations, encode_enqueue
from persistence.settled import PositionSet
from persistence.slices import Slice

_HEAD: Final = struct.Struct("<QQIIIIII")
_CHUNK: Final = struct.Struct("<HHIQQQIIQ")
_REQUEUED: Final = struct.Struct("<QII")
_HAS_TRANSIENT: Final = 1

for _size_bytes, _struct in ((40, _HEAD), (48, _CHUNK), (16, _REQUEUED)):
    assert _struct.size == _size_bytes, "the drawing says so"


class QueueSnapshot(NamedTuple):
    """The state of a queue at one moment; a ``persistence.stored_log.Row``.

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

    @property
    def form(self) -> LogForm:
        """Of the log of a queue."""
        return LogForm.QUEUE

    @property
    def holds_messages(self) -> bool:
        """Whether it has any."""
        return bool(self.chunks or self.few)

    def encode(self) -> bytes:
        """Return its octets."""
        chunks = b"".join([_encode_chunk(row) for row in self.chunks])
        requeued = b"".join(
            [_REQUEUED.pack(position, count, 0) for position, count in self.requeued]
        )
        operations = b"".join(
            [
                octets
                for few in self.few
                for octets in encode_enqueue(
                    self.queue_id, few.positions[0], few.records, few.expires_at_ms or None
                )
            ]
        )
        settled = self.settled.encode()
        padding = bytes(-len(settled) % ALIGNMENT_BYTES)
        head = _HEAD.pack(
            self.next_position,
            self.delivered_below,
            self.next_segment,
            len(self.chunks),
            len(self.requeued),
            len(operations),
            len(settled),
            0,
        )
        return b"".join((head, chunks, requeued, operations, settled, padding))


def decode_queue_row(queue_id: int, octets: Octets) -> QueueSnapshot:
    """Return what a row says of a queue.

    Raises:
        DamagedError: it does not have the form of one.
        struct.error: it is too short.
    """
    next_position, delivered_below, next_segment, *sizes, _ = _HEAD.unpack_from(octets)
    chunk_count, requeued_count, operations_bytes, settled_bytes = sizes
    chunks_end = _HEAD.size + chunk_count * _CHUNK.size
    requeued_end = chunks_end + requeued_count * _REQUEUED.size
    operations_end = requeued_end + operations_bytes
    if operations_end + settled_bytes > len(octets):
        raise DamagedError(f"its row of {len(octets)} octets is too short")
    chunks = [_decode_chunk(row) for row in _CHUNK.iter_unpack(octets[_HEAD.size : chunks_end])]
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
            for operation in decode_operations(memoryview(octets)[requeued_end:operations_end])
        ],
    )


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
