"""Operations about a stream: those of the write-ahead log, and the records of a mirrored stream.

``persistence.format`` draws them. The chunks in them are the same octets in a segment.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES, OPERATION_HEAD, OperationKind
from persistence.front_numbers import FrontNumber, decode_front, encode_front

_HEAD_BYTES: Final = OPERATION_HEAD.size
_SIZE: Final = struct.Struct("<Q")
_STATE: Final = struct.Struct("<QQ")
_WHOLE: Final = 1
_ENDS_SEGMENT: Final = 1

STREAM_MARK: Final = b"\xff" * 8
"""What the snapshot of a stream begins with, where that of a queue has a position."""


class StreamChunks(NamedTuple):
    """These chunks were appended to a stream, one behind the other."""

    queue_id: int
    first_offset: int
    octets: Octets


class StreamOffset(NamedTuple):
    """A consumer has come this far in a stream."""

    queue_id: int
    reference: bytes
    offset: int


class StreamSubmitted(NamedTuple):
    """A record of a mirrored stream: chunks with a run that a front end had submitted (R23).

    Attributes:
        chunks: with the run.
        last: whose it is, and the number of its last message.
    """

    chunks: StreamChunks
    last: FrontNumber

    @property
    def queue_id(self) -> int:
        """0, as in all records."""
        return self.chunks.queue_id


class StreamKept(NamedTuple):
    """A record of a mirrored stream: what is kept of it, as its leader has decided.

    Attributes:
        queue_id: 0, as in all records.
        first_offset: messages below it are gone.
        segment_bytes_max: a segment of this size gets no more chunks; 0 is as before.
        ends_segment: the newest segment gets no more chunks, as it is old.
    """

    queue_id: int
    first_offset: int
    segment_bytes_max: int
    ends_segment: bool = False


class StreamState(NamedTuple):
    """The beginning of a snapshot of a mirrored stream; chunks follow.

    Attributes:
        kept: what is kept of it.
        after: what the replica's log has up to this index stays, and chunks behind it follow; None:
            nothing of it does.
        references: a row of ``persistence.streams.row`` without segments: numbers by reference.
    """

    kept: StreamKept
    after: int | None
    references: Octets

    @property
    def queue_id(self) -> int:
        """0, as in all records."""
        return self.kept.queue_id


StreamOperation: TypeAlias = (
    StreamChunks | StreamOffset | StreamSubmitted | StreamKept | StreamState
)

KINDS: Final = frozenset(
    (
        OperationKind.STREAM_CHUNKS,
        OperationKind.STREAM_OFFSET,
        OperationKind.STREAM_SUBMITTED,
        OperationKind.STREAM_KEPT,
        OperationKind.STREAM_STATE,
    )
)


def encode_stream_chunks(
    queue_id: int, first_offset: int, chunk_count: int, parts: Sequence[bytes]
) -> list[bytes]:
    """Return the octets of a STREAM_CHUNKS, in parts; the chunks are not copied.

    Args:
        queue_id: of the stream.
        first_offset: of the first chunk.
        chunk_count: at least 1.
        parts: the octets of the chunks, one behind the other.
    """
    return _padded(OperationKind.STREAM_CHUNKS, queue_id, first_offset, chunk_count, parts)


def encode_stream_offset(queue_id: int, reference: bytes, offset: int) -> list[bytes]:
    """Return the octets of a STREAM_OFFSET, in parts."""
    parts = (reference,)
    return _padded(OperationKind.STREAM_OFFSET, queue_id, offset, len(reference), parts)


def encode_stream_submitted(
    first_offset: int, chunk_count: int, parts: Sequence[bytes], last: FrontNumber
) -> list[bytes]:
    """Return the octets of a STREAM_SUBMITTED, in parts.

    Args:
        first_offset: of the first chunk.
        chunk_count: at least 1.
        parts: the octets of the chunks, one behind the other.
        last: of the last message of the run.
    """
    front, name_bytes = encode_front(last)
    size_bytes = sum(map(len, parts))
    padding = -size_bytes % ALIGNMENT_BYTES
    operation_bytes = _HEAD_BYTES + len(front) + size_bytes + padding
    kind = OperationKind.STREAM_SUBMITTED
    head = OPERATION_HEAD.pack(
        kind, padding, name_bytes, operation_bytes, 0, first_offset, 0, chunk_count
    )
    return [head, front, *parts, bytes(padding)]


def encode_stream_kept(
    first_offset: int, segment_bytes_max: int, *, ends_segment: bool = False
) -> bytes:
    """Return the octets of a STREAM_KEPT; see ``StreamKept``."""
    kind, size_bytes = OperationKind.STREAM_KEPT, _HEAD_BYTES + _SIZE.size
    flags = _ENDS_SEGMENT * ends_segment
    head = OPERATION_HEAD.pack(kind, 0, 0, size_bytes, 0, first_offset, flags, 0)
    return head + _SIZE.pack(segment_bytes_max)


def encode_stream_state(state: StreamState) -> bytes:
    """Return the octets of a STREAM_STATE; the references are a multiple of 8."""
    _, first_offset, segment_bytes_max, _ = state.kept
    size_bytes = _HEAD_BYTES + _STATE.size + len(state.references)
    kind, flags = OperationKind.STREAM_STATE, _WHOLE * (state.after is None)
    head = OPERATION_HEAD.pack(kind, 0, 0, size_bytes, 0, first_offset, flags, 0)
    return b"".join((head, _STATE.pack(segment_bytes_max, state.after or 0), state.references))


def _padded(
    kind: OperationKind, queue_id: int, first: int, count: int, parts: Sequence[bytes]
) -> list[bytes]:
    size_bytes = sum(map(len, parts))
    padding = -size_bytes % ALIGNMENT_BYTES
    operation_bytes = _HEAD_BYTES + size_bytes + padding
    head = OPERATION_HEAD.pack(kind, 0, 0, operation_bytes, queue_id, first, padding, count)
    return [head, *parts, bytes(padding)]


def decode_stream_operation(octets: memoryview) -> StreamOperation:
    """Return the operation whose octets these are; its chunks stay views of them.

    Raises:
        DamagedError: it is none about a stream.
    """
    kind, expiry, name_bytes, _, queue_id, first, step, count = OPERATION_HEAD.unpack_from(octets)
    rest = octets[_HEAD_BYTES:]
    match kind:
        case OperationKind.STREAM_CHUNKS if step < ALIGNMENT_BYTES:
            return StreamChunks(queue_id, first, rest[: len(rest) - step])
        case OperationKind.STREAM_OFFSET if count <= len(rest):
            return StreamOffset(queue_id, bytes(rest[:count]), first)
        case OperationKind.STREAM_SUBMITTED if expiry < ALIGNMENT_BYTES:
            last, size_bytes = decode_front(rest, name_bytes)
            chunks = rest[size_bytes : len(rest) - expiry]
            return StreamSubmitted(StreamChunks(queue_id, first, chunks), last)
        case OperationKind.STREAM_KEPT if len(rest) == _SIZE.size:
            (segment_bytes_max,) = _SIZE.unpack(rest)
            return StreamKept(queue_id, first, segment_bytes_max, bool(step & _ENDS_SEGMENT))
        case OperationKind.STREAM_STATE if len(rest) > _STATE.size:
            segment_bytes_max, after = _STATE.unpack_from(rest)
            kept = StreamKept(queue_id, first, segment_bytes_max)
            return StreamState(kept, None if step & _WHOLE else after, rest[_STATE.size :])
        case _:
            raise DamagedError(f"expected an operation about a stream, got kind {kind}")


def stream_snapshot(octets: Octets) -> StreamState | None:
    """Return what the snapshot of a mirrored stream begins with; None if it is of another queue.

    Raises:
        DamagedError: it is none.
    """
    if bytes(octets[: len(STREAM_MARK)]) != STREAM_MARK:
        return None
    operations = memoryview(octets)[len(STREAM_MARK) :]
    if len(operations) < _HEAD_BYTES:
        raise DamagedError(f"a snapshot of a stream has {len(octets)} octets")
    state = decode_stream_operation(operations[: OPERATION_HEAD.unpack_from(operations)[3]])
    if not isinstance(state, StreamState):
        raise DamagedError(f"a snapshot of a stream cannot begin with {state}")
    return state
