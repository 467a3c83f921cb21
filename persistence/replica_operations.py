"""Operations of the write-ahead log about a replica of a mirrored queue (``persistence.format``).

Each has the number of the change, counted for the replica from 1 on. A restart skips what its
checkpoint has by these numbers; one that is missing is damage.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES, OPERATION_HEAD, OperationKind

EpochTable: TypeAlias = tuple[tuple[int, int], ...]
"""Rows of (epoch, index of its first record), both growing."""

CHANGE: Final = struct.Struct("<Q")
ROW: Final = struct.Struct("<QQ")
_HEAD_BYTES: Final = OPERATION_HEAD.size + CHANGE.size


class ReplicaRecords(NamedTuple):
    """The log is cut behind ``after``; then ``record_count`` records of these epochs follow."""

    queue_id: int
    change: int
    after: int
    spans: EpochTable
    record_count: int
    octets: Octets


class ReplicaPromise(NamedTuple):
    """No leader below this epoch is obeyed any more."""

    queue_id: int
    change: int
    epoch: int


class ReplicaInstall(NamedTuple):
    """The log and its messages are replaced by a snapshot at ``position``."""

    queue_id: int
    change: int
    position: int
    table: EpochTable
    octets: Octets


class ReplicaCompact(NamedTuple):
    """The records up to ``position`` are committed: what they say is in the messages now."""

    queue_id: int
    change: int
    position: int


ReplicaOperation: TypeAlias = ReplicaRecords | ReplicaPromise | ReplicaInstall | ReplicaCompact


def encode_records(
    queue_id: int, change: int, after: int, spans: EpochTable, count: int, octets: Octets
) -> list[Octets]:
    """Return the octets of a REPLICA_RECORDS, in parts; the records are not copied."""
    rows = _rows(spans)
    size_bytes = _HEAD_BYTES + len(rows) + len(octets)
    kind = OperationKind.REPLICA_RECORDS
    head = OPERATION_HEAD.pack(kind, 0, 0, size_bytes, queue_id, after, len(spans), count)
    return [head + CHANGE.pack(change) + rows, octets]


def encode_promise(queue_id: int, change: int, epoch: int) -> bytes:
    """Return the octets of a REPLICA_PROMISE."""
    kind = OperationKind.REPLICA_PROMISE
    return OPERATION_HEAD.pack(kind, 0, 0, _HEAD_BYTES, queue_id, epoch, 0, 0) + CHANGE.pack(change)


def encode_install(
    queue_id: int, change: int, position: int, table: EpochTable, octets: Octets
) -> list[Octets]:
    """Return the octets of a REPLICA_INSTALL, in parts; the snapshot is not copied."""
    rows = _rows(table)
    size_bytes = _HEAD_BYTES + len(rows) + len(octets)
    kind = OperationKind.REPLICA_INSTALL
    head = OPERATION_HEAD.pack(kind, 0, 0, size_bytes, queue_id, position, len(table), 0)
    return [head + CHANGE.pack(change) + rows, octets]


def encode_compact(queue_id: int, change: int, position: int) -> bytes:
    """Return the octets of a REPLICA_COMPACT."""
    kind = OperationKind.REPLICA_COMPACT
    head = OPERATION_HEAD.pack(kind, 0, 0, _HEAD_BYTES, queue_id, position, 0, 0)
    return head + CHANGE.pack(change)


def decode_replica_operation(octets: memoryview) -> ReplicaOperation:
    """Return the operation whose octets these are.

    Raises:
        DamagedError: it is none about a replica.
    """
    kind, _, _, _, queue_id, first, row_count, count = OPERATION_HEAD.unpack_from(octets)
    rows_end = _HEAD_BYTES + row_count * ROW.size
    if rows_end > len(octets):
        raise DamagedError(f"expected {row_count} rows of epochs, got {len(octets)} octets")
    (change,) = CHANGE.unpack_from(octets, OPERATION_HEAD.size)
    table = tuple(ROW.iter_unpack(octets[_HEAD_BYTES:rows_end]))
    rest = octets[rows_end:]
    match kind:
        case OperationKind.REPLICA_RECORDS:
            return ReplicaRecords(queue_id, change, first, table, count, rest)
        case OperationKind.REPLICA_PROMISE:
            return ReplicaPromise(queue_id, change, first)
        case OperationKind.REPLICA_INSTALL:
            return ReplicaInstall(queue_id, change, first, table, rest)
        case OperationKind.REPLICA_COMPACT:
            return ReplicaCompact(queue_id, change, first)
        case _:
            raise DamagedError(f"expected an operation about a replica, got kind {kind}")


def sizes_of_records(octets: Octets, count: int) -> list[int]:
    """Return how long each of these records is.

    Raises:
        DamagedError: they are not that many.
    """
    sizes: list[int] = []
    at = 0
    for _ in range(count):
        if len(octets) - at < OPERATION_HEAD.size:
            raise DamagedError(f"expected a record at byte {at} of {len(octets)}")
        size_bytes: int = OPERATION_HEAD.unpack_from(octets, at)[3]
        if size_bytes < OPERATION_HEAD.size or size_bytes % ALIGNMENT_BYTES:
            raise DamagedError(f"expected a record at byte {at}, got one of {size_bytes}")
        sizes.append(size_bytes)
        at += size_bytes
    if at != len(octets):
        raise DamagedError(f"expected {count} records in {len(octets)} octets, got {at}")
    return sizes


def encode_epoch(epoch: int) -> bytes:
    """Return the record that begins an epoch; one within it says nothing."""
    return OPERATION_HEAD.pack(OperationKind.EPOCH, 0, 0, OPERATION_HEAD.size, 0, epoch, 0, 0)


def with_epochs(table: EpochTable, after: int, spans: EpochTable) -> EpochTable:
    """Return the epoch table of a log that was cut behind an index and got records."""
    kept = [row for row in table if row[1] <= after]
    for epoch, first in spans:
        if not kept or epoch > kept[-1][0]:
            kept.append((epoch, first))
    return tuple(kept)


def _rows(table: Sequence[tuple[int, int]]) -> bytes:
    return b"".join([ROW.pack(*row) for row in table])
