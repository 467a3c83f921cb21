"""What a checkpoint says of a replica of a mirrored queue.

byte 0        8          16     24           28       32             36              40
     | change | promised | base | table rows | pieces | row's octets | published ... | ...
       u64      u64        u64    u32          u32      u32            u32

40   table x  | epoch u64, index of its first record u64 |
     pieces x | behind index u64, octets u64, records u32, zero u32 |
     the row of the messages, as ``persistence.queue_row`` draws it
     a PUBLISHED for each front end, which have so many octets
     if the highest bit of pieces is set: octets u64, the row of a stream: ``stream_content``
     the records of the pieces, one behind the other
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.front_numbers import Published, encode_published
from persistence.log_form import LogForm
from persistence.operations import Operation, decode_operations
from persistence.queue_row import QueueSnapshot, decode_queue_row
from persistence.replica_operations import ROW, EpochTable
from persistence.replicas.records import Piece
from persistence.replicas.stream_content import StreamRow, decode_stream_content

_HEAD: Final = struct.Struct("<QQQIIII")
_PIECE: Final = struct.Struct("<QQII")
_STREAM: Final = struct.Struct("<Q")
_HAS_STREAM: Final = 1 << 31

for _size_bytes, _struct in ((40, _HEAD), (24, _PIECE)):
    assert _struct.size == _size_bytes, "the drawing says so"


class ReplicaSnapshot(NamedTuple):
    """The state of a replica at one moment; a ``persistence.stored_log.Row``.

    Attributes:
        change: the number of its last change; a restart skips changes up to it.
        promised: no leader of an epoch below it is obeyed.
        base: the records up to here are in the messages.
        table: which epoch began with which index.
        pieces: the records behind ``base``.
        messages: those at ``base``.
        published: how far front ends had published at ``base``.
        stream: the content at ``base``, where it is a replica of a stream.
    """

    change: int
    promised: int
    base: int
    table: EpochTable
    pieces: Sequence[Piece]
    messages: QueueSnapshot
    published: Sequence[Published] = ()
    stream: StreamRow | None = None

    @property
    def form(self) -> LogForm:
        """Of the log of a mirrored queue."""
        return LogForm.MIRRORED

    @property
    def queue_id(self) -> int:
        """Of the queue on this node."""
        return self.messages.queue_id

    @property
    def holds_messages(self) -> bool:
        """Whether it has any, or may have."""
        return bool(self.pieces or self.stream) or self.messages.holds_messages

    def encode(self) -> bytes:
        """Return its octets."""
        messages = self.messages.encode()
        published = b"".join(map(encode_published, self.published))
        head = _HEAD.pack(
            self.change,
            self.promised,
            self.base,
            len(self.table),
            len(self.pieces) | _HAS_STREAM * (self.stream is not None),
            len(messages),
            len(published),
        )
        table = b"".join([ROW.pack(*row) for row in self.table])
        pieces = b"".join(
            [
                _PIECE.pack(piece.after, len(piece.octets), piece.record_count, 0)
                for piece in self.pieces
            ]
        )
        octets = [each.octets for each in self.pieces]
        stream = b"" if self.stream is None else self.stream.encode()
        if stream:
            stream = _STREAM.pack(len(stream)) + stream
        return b"".join((head, table, pieces, messages, published, stream, *octets))


def decode_replica_row(queue_id: int, octets: Octets) -> ReplicaSnapshot:
    """Return what a row says of a replica.

    Raises:
        DamagedError: it does not have the form of one.
        struct.error: it is too short.
    """
    (
        change,
        promised,
        base,
        row_count,
        piece_count,
        messages_bytes,
        published_bytes,
    ) = _HEAD.unpack_from(octets)
    has_stream = piece_count & _HAS_STREAM
    piece_count -= has_stream
    table_end = _HEAD.size + row_count * ROW.size
    pieces_end = table_end + piece_count * _PIECE.size
    messages_end = pieces_end + messages_bytes
    at = messages_end + published_bytes
    if at > len(octets):
        raise DamagedError(f"its row of {len(octets)} octets is too short")
    messages = decode_queue_row(queue_id, octets[pieces_end:messages_end])
    published = [
        _published(each) for each in decode_operations(memoryview(octets[messages_end:at]))
    ]
    stream = None
    if has_stream:
        stream, at = _stream(queue_id, octets, at)
    pieces: list[Piece] = []
    for after, size_bytes, record_count, _ in _PIECE.iter_unpack(octets[table_end:pieces_end]):
        pieces.append(Piece(after, record_count, bytes(octets[at : at + size_bytes])))
        at += size_bytes
    if at != len(octets):
        raise DamagedError(f"its row has {len(octets)} octets, and its records end at {at}")
    table = tuple(ROW.iter_unpack(octets[_HEAD.size : table_end]))
    return ReplicaSnapshot(change, promised, base, table, pieces, messages, published, stream)


def _stream(queue_id: int, octets: Octets, at: int) -> tuple[StreamRow, int]:
    """Return the row of a stream that stands here, and where it ends."""
    (size_bytes,) = _STREAM.unpack_from(octets, at)
    at += _STREAM.size
    return decode_stream_content(queue_id, octets[at : at + size_bytes]), at + size_bytes


def _published(operation: Operation) -> Published:
    if not isinstance(operation, Published):
        raise DamagedError(f"expected how far a front end is, got {operation}")
    return operation
