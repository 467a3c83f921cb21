"""Operations of the write-ahead log: encodes and decodes the events of a queue.

``persistence.format`` draws them. Positions are those of one queue, and below ``POSITION_MAX``;
instants of expiry are milliseconds since 1970, on the wall clock.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from persistence.codec import decode_run, encode_run, lent_octets
from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import (
    ALIGNMENT_BYTES,
    DELIVERY_COUNT,
    OPERATION_HEAD,
    Expiry,
    OperationKind,
)
from persistence.front_numbers import FrontNumber, Published, decode_front, encode_front
from persistence.record import Run
from persistence.replica_operations import ReplicaOperation, decode_replica_operation
from persistence.stream_operations import KINDS as STREAM_KINDS
from persistence.stream_operations import StreamOperation, decode_stream_operation

Expires: TypeAlias = int | Sequence[int] | None
"""When the messages of a run expire: None: never; one instant for all; or one for each."""

POSITION_MAX: Final = 1 << 62
_INSTANT_BYTES: Final = 8
_NEVER: Final = b""

# The parts of the two operations that are written per run, looked up once.
_HEAD_BYTES: Final = OPERATION_HEAD.size
_pack_head: Final = OPERATION_HEAD.pack
_ENQUEUE: Final = int(OperationKind.ENQUEUE)
_SETTLE: Final = int(OperationKind.SETTLE)
_NO_EXPIRY: Final = int(Expiry.NONE)

_OF_REPLICAS: Final = frozenset(
    (
        OperationKind.REPLICA_RECORDS,
        OperationKind.REPLICA_PROMISE,
        OperationKind.REPLICA_INSTALL,
        OperationKind.REPLICA_COMPACT,
    )
)


class Enqueue(NamedTuple):
    """A run was appended; its octets are decoded only when the run is asked for."""

    queue_id: int
    first_position: int
    message_count: int
    expires_at_ms: Expires
    octets: Octets

    def run(self) -> Run:
        """Return the messages, copied out of the octets.

        Raises:
            DamagedError: the octets are not that many records.
        """
        return decode_run(self.octets, self.message_count)


class Submitted(NamedTuple):
    """A record of a mirrored queue: a run was appended that a front end had submitted (R23).

    Attributes:
        enqueue: the run.
        last: whose it is, and the number of its last message.
    """

    enqueue: Enqueue
    last: FrontNumber

    @property
    def queue_id(self) -> int:
        """0, as in all records."""
        return self.enqueue.queue_id


class Settle(NamedTuple):
    """These positions are settled for ever."""

    queue_id: int
    positions: range


class Requeued(NamedTuple):
    """These positions were requeued; the count says how often they had been delivered."""

    queue_id: int
    positions: range
    delivery_count: int


class Drop(NamedTuple):
    """The queue is gone, and no other queue will have its id."""

    queue_id: int


class Epoch(NamedTuple):
    """A record of a mirrored queue: an epoch begins."""

    queue_id: int
    epoch: int


Operation: TypeAlias = (
    Enqueue
    | Settle
    | Requeued
    | Drop
    | StreamOperation
    | ReplicaOperation
    | Epoch
    | Submitted
    | Published
)


def encode_enqueue(
    queue_id: int, first_position: int, run: Run, expires_at_ms: Expires = None
) -> tuple[bytes, ...]:
    """Return the octets of an ENQUEUE, in parts, so that the run is not copied once more."""
    octets = encode_run(run)
    if expires_at_ms is None:
        operation_bytes = _HEAD_BYTES + len(octets)
        head = _pack_head(
            _ENQUEUE, _NO_EXPIRY, 0, operation_bytes, queue_id, first_position, 0, len(run)
        )
        return (head, octets)
    instants, expiry = encode_expires(expires_at_ms)
    operation_bytes = _HEAD_BYTES + len(instants) + len(octets)
    head = _pack_head(_ENQUEUE, expiry, 0, operation_bytes, queue_id, first_position, 0, len(run))
    return (head + instants, octets)


def encode_submitted(
    first_position: int, run: Run, expires_at_ms: Expires, last: FrontNumber
) -> tuple[Octets, ...]:
    """Return the octets of a SUBMITTED, in parts, for one use at once: the run lends its own.

    ``last`` is of the last message of the run.
    """
    octets = lent_octets(run)
    front, name_bytes = encode_front(last)
    instants, expiry = encode_expires(expires_at_ms)
    size_bytes = _HEAD_BYTES + len(front) + len(instants) + len(octets)
    kind = OperationKind.SUBMITTED
    head = _pack_head(kind, expiry, name_bytes, size_bytes, 0, first_position, 0, len(run))
    return (head + front + instants, octets)


def encode_expires(expires_at_ms: Expires) -> tuple[bytes, Expiry]:
    """Return instants of expiry as octets, and how many there are."""
    if expires_at_ms is None:
        return _NEVER, Expiry.NONE
    if isinstance(expires_at_ms, int):
        return struct.pack("<q", expires_at_ms), Expiry.ONE
    return struct.pack(f"<{len(expires_at_ms)}q", *expires_at_ms), Expiry.EACH


def decode_expires(octets: Octets, expiry: int, count: int) -> tuple[Expires, int]:
    """Return the instants at the beginning of octets, and how many octets they take.

    Raises:
        DamagedError: there is no such kind of expiry, or the octets end too early.
    """
    if expiry == Expiry.NONE:
        return None, 0
    if expiry not in {Expiry.ONE, Expiry.EACH}:
        raise DamagedError(f"expected an expiry of 0 to 2, got {expiry}")
    instant_count = 1 if expiry == Expiry.ONE else count
    size_bytes = instant_count * _INSTANT_BYTES
    if size_bytes > len(octets):
        raise DamagedError(f"expected {instant_count} instants, got {len(octets)} octets")
    instants = struct.unpack_from(f"<{instant_count}q", octets)
    return (instants[0] if expiry == Expiry.ONE else instants), size_bytes


def encode_settle(queue_id: int, positions: range) -> bytes:
    """Return the octets of a SETTLE; the range is not empty and ascends."""
    start, step, count = positions.start, positions.step, len(positions)
    return _pack_head(_SETTLE, 0, 0, _HEAD_BYTES, queue_id, start, step, count)


def encode_requeued(queue_id: int, positions: range, delivery_count: int) -> bytes:
    """Return the octets of a REQUEUED; the range is not empty and ascends."""
    head = OPERATION_HEAD.pack(
        OperationKind.REQUEUED,
        0,
        0,
        OPERATION_HEAD.size + DELIVERY_COUNT.size,
        queue_id,
        positions.start,
        positions.step,
        len(positions),
    )
    return head + DELIVERY_COUNT.pack(delivery_count, 0)


def encode_drop(queue_id: int) -> bytes:
    """Return the octets of a DROP."""
    return OPERATION_HEAD.pack(OperationKind.DROP, 0, 0, OPERATION_HEAD.size, queue_id, 0, 0, 0)


def decode_operations(octets: memoryview) -> Iterator[Operation]:
    """Yield the operations of a batch, in order; runs stay views of its octets.

    Raises:
        DamagedError: one is not an operation. The checksum of the batch was right, so its writer
            has a bug. Operations before the bad one have been yielded.
    """
    position = 0
    while position < len(octets):
        left_bytes = len(octets) - position
        if left_bytes < OPERATION_HEAD.size:
            raise DamagedError(f"expected an operation at byte {position}, got {left_bytes} octets")
        operation_bytes: int = OPERATION_HEAD.unpack_from(octets, position)[3]
        if (
            not OPERATION_HEAD.size <= operation_bytes <= left_bytes
            or operation_bytes % ALIGNMENT_BYTES
        ):
            raise DamagedError(
                f"expected an operation at byte {position}, got one of {operation_bytes}"
            )
        yield _decode_operation(octets[position : position + operation_bytes])
        position += operation_bytes


def _decode_operation(octets: memoryview) -> Operation:
    kind, expiry, _, _, queue_id, first, step, count = OPERATION_HEAD.unpack_from(octets)
    rest = octets[OPERATION_HEAD.size :]
    match kind:
        case OperationKind.ENQUEUE:
            return _decode_enqueue(queue_id, first, count, expiry, rest)
        case OperationKind.SETTLE:
            return Settle(queue_id, _positions(first, step, count))
        case OperationKind.REQUEUED if len(rest) == DELIVERY_COUNT.size:
            positions = _positions(first, step, count)
            return Requeued(queue_id, positions, DELIVERY_COUNT.unpack(rest)[0])
        case OperationKind.DROP:
            return Drop(queue_id)
        case _ if kind in STREAM_KINDS:
            return decode_stream_operation(octets)
        case _:
            return _decode_of_replica(octets, kind, queue_id, first)


def _decode_enqueue(
    queue_id: int, first: int, count: int, expiry: int, rest: memoryview
) -> Enqueue:
    _positions(first, 1, count)
    expires_at_ms, size_bytes = decode_expires(rest, expiry, count)
    return Enqueue(queue_id, first, count, expires_at_ms, rest[size_bytes:])


def _decode_of_front(octets: memoryview, kind: int) -> Operation:
    _, expiry, name_bytes, _, queue_id, first, _, count = OPERATION_HEAD.unpack_from(octets)
    last, size_bytes = decode_front(octets[OPERATION_HEAD.size :], name_bytes)
    if kind == OperationKind.PUBLISHED:
        return Published(queue_id, last, first)
    rest = octets[OPERATION_HEAD.size + size_bytes :]
    return Submitted(_decode_enqueue(queue_id, first, count, expiry, rest), last)


def _decode_of_replica(octets: memoryview, kind: int, queue_id: int, first: int) -> Operation:
    if kind in _OF_REPLICAS and len(octets) >= OPERATION_HEAD.size + ALIGNMENT_BYTES:
        return decode_replica_operation(octets)
    if kind in {OperationKind.SUBMITTED, OperationKind.PUBLISHED}:
        return _decode_of_front(octets, kind)
    if kind == OperationKind.EPOCH:
        return Epoch(queue_id, first)
    raise DamagedError(f"expected an operation of kind 1 to 17, got {kind} of {len(octets)}")


def _positions(first: int, step: int, count: int) -> range:
    """Return the positions first, first + step, ...; step 0 or count 0 is damage."""
    positions_end = first + step * count
    if not step or not count or positions_end > POSITION_MAX:
        raise DamagedError(f"expected positions, got {count} from {first} by {step}")
    return range(first, positions_end, step)
