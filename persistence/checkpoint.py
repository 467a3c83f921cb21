"""The content of a checkpoint: for each queue, everything from older write-ahead log files.

The file is drawn in ``persistence.format`` up to its payload, which is:

    byte 0        4      8               16
         | queues | node tag, low half | next queue id | row | row | ...
           u32      u32                  u64

A row is one queue:

    byte 0           8        12     16         24
         | row_bytes | crc32c | form | queue id | what the form says of it
           u64         u32      u32    u64

``row_bytes`` counts the whole row. Each row has a checksum of its own, over everything behind it.
So a damaged octet affects only one queue. ``form`` is that of the queue's log:
``persistence.queue_row`` draws form 0, ``persistence.streams.row`` form 1, and
``persistence.replicas.row`` form 2.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import crc32c

from persistence.errors import DamagedError
from persistence.format import (
    CHECKPOINT_CRC_AT,
    CHECKPOINT_HEADER,
    CHECKPOINT_MAGIC,
    CRC_BYTES,
    VERSION,
)
from persistence.log_form import LogForm
from persistence.queue_row import decode_queue_row
from persistence.replicas.row import decode_replica_row
from persistence.stored_log import Row
from persistence.streams.row import decode_stream_row
from persistence.witness import NO_TAG, require_own

_STATE: Final = struct.Struct("<IIQ")
_ROW: Final = struct.Struct("<QIIQ")
_ROW_PREFIX: Final = struct.Struct("<QI")
_TAG_MASK: Final = 0xFFFF_FFFF
_DECODERS: Final[Mapping[int, Callable[[int, memoryview], Row]]] = {
    LogForm.QUEUE: decode_queue_row,
    LogForm.STREAM: decode_stream_row,
    LogForm.MIRRORED: decode_replica_row,
}

for _size_bytes, _struct in ((16, _STATE), (24, _ROW)):
    assert _struct.size == _size_bytes, "the drawing says so"


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
    queues: dict[int, Row] = field(default_factory=dict)
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


def _encode_row(row: Row) -> bytes:
    body = row.encode()
    head = _ROW.pack(_ROW.size + len(body), 0, row.form, row.queue_id)
    crc = crc32c.crc32c(body, crc32c.crc32c(head[_ROW_PREFIX.size :]))
    return _ROW_PREFIX.pack(_ROW.size + len(body), crc) + head[_ROW_PREFIX.size :] + body


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


def _decode_row(octets: memoryview) -> Row:
    _, crc = _ROW_PREFIX.unpack_from(octets)
    if crc32c.crc32c(octets[_ROW_PREFIX.size :]) != crc:
        raise DamagedError("the checksum of its row is wrong")
    _, _, form, queue_id = _ROW.unpack_from(octets)
    decode = _DECODERS.get(form)
    if decode is None:
        raise DamagedError(f"its row has a form of which nothing is known: {form}")
    return decode(queue_id, octets[_ROW.size :])
