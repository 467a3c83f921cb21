"""The body of a Publish frame, taken apart into what a chunk has and what is confirmed.

    u8 publisher | i32 count | count x  u64 publishing id | [v2: string filter value] | entry

    an entry     0, 31 bits of length | message
    a sub-batch  1, 3 bits of compression, 4 of zero | u16 messages | u32 uncompressed bytes |
                 u32 length | octets

This is the interpreted twin, and the specification of ``stream_protocol._publish_frame``.

Source: RabbitMQ, stream protocol, Publish.
"""

import struct
from itertools import pairwise
from typing import Final, NamedTuple

from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.keys import VERSION_2
from persistence.kernels import COMPILED

ENTRIES_MAX: Final = 65_535
PIECE_BYTES_MAX: Final = 512 << 10
"""A piece gets no further entry that would take it over this size."""

_HEAD: Final = struct.Struct(">Bi")
_ID_BYTES: Final = 8
_LENGTH: Final = struct.Struct(">I")
_SUB_BATCH: Final = struct.Struct(">BHII")
_SUB_BATCH_BIT: Final = 0x80
_COMPRESSIONS: Final = range(5)
_UNCOMPRESSED_BYTES_MAX: Final = 64 << 20
_RECORD_BYTES_MIN: Final = 4
_STRING_HEAD_BYTES: Final = 2
_NULL_STRING: Final = 0x8000


class Piece(NamedTuple):
    """Consecutive entries of a frame, at most as many as fit a chunk.

    Attributes:
        entries: their octets as a chunk has them.
        ids: their publishing ids, eight octets each.
        record_count: their messages.
        lowest_id, highest_id: among their publishing ids.
        is_ascending: each publishing id is above the one before.
        filter_values: of the messages; an empty one stands for none. Empty if none has one.
    """

    entries: bytes
    ids: bytes
    record_count: int
    lowest_id: int
    highest_id: int
    is_ascending: bool
    filter_values: frozenset[bytes] = frozenset()

    @property
    def entry_count(self) -> int:
        """How many entries it has."""
        return len(self.ids) // _ID_BYTES


class PublishFrame(NamedTuple):
    """A Publish frame.

    Attributes:
        publisher_id: of the publisher.
        pieces: its entries, in order.
        refused_ids: publishing ids of an entry that no chunk may have, and of all behind it.
    """

    publisher_id: int
    pieces: list[Piece]
    refused_ids: bytes = b""


class New(NamedTuple):
    """The entries of a piece that are not stored yet.

    Attributes:
        entries: their octets as a chunk has them; empty if there are none.
        entry_count: how many they are.
        record_count: their messages.
        highest_id: the highest id that is stored with them.
    """

    entries: bytes
    entry_count: int
    record_count: int
    highest_id: int


def read_publish(body: bytes, version: int) -> PublishFrame:
    """Take a Publish frame apart.

    Raises:
        MalformedFrameError: it does not have the form of one.
    """
    if len(body) < _HEAD.size:
        raise MalformedFrameError("a Publish frame is too short")
    publisher_id, count = _HEAD.unpack_from(body)
    pieces: list[Piece] = []
    gathered = _Gathered()
    refused = bytearray()
    at = _HEAD.size
    for _ in range(max(count, 0)):
        publishing_id, filter_value, start, stop, record_count = _item(body, at, version)
        if refused or not record_count:
            refused += publishing_id
        else:
            if not gathered.has_room(stop - start):
                pieces.append(gathered.piece())
                gathered = _Gathered()
            gathered.add(publishing_id, body[start:stop], record_count, filter_value)
        at = stop
    if at != len(body):
        raise MalformedFrameError(f"{len(body) - at} octets behind the messages of a Publish frame")
    if gathered.ids:
        pieces.append(gathered.piece())
    return PublishFrame(publisher_id, pieces, bytes(refused))


def new_of(piece: Piece, known: int) -> New:
    """Return the entries whose publishing id is above all before it, and above what is known.

    Args:
        piece: of a publisher with a reference.
        known: the highest id that is stored; -1 is none.
    """
    entries = bytearray()
    entry_count = record_count = at = 0
    for id_at in range(0, len(piece.ids), _ID_BYTES):
        stop, records = _item_end(piece.entries, at)
        publishing_id = int.from_bytes(piece.ids[id_at : id_at + _ID_BYTES], "big")
        if publishing_id > known:
            known = publishing_id
            entries += piece.entries[at:stop]
            entry_count += 1
            record_count += records
        at = stop
    return New(bytes(entries), entry_count, record_count, known)


class _Gathered:
    """The entries of a piece to be."""

    __slots__ = ("entries", "filter_values", "has_values", "ids", "record_count")

    def __init__(self) -> None:
        self.entries = bytearray()
        self.ids = bytearray()
        self.record_count = 0
        self.filter_values: set[bytes] = set()
        self.has_values = False

    def has_room(self, size_bytes: int) -> bool:
        if not self.ids:
            return True
        is_large = len(self.entries) + size_bytes > PIECE_BYTES_MAX
        return not is_large and len(self.ids) < ENTRIES_MAX * _ID_BYTES

    def add(
        self, publishing_id: bytes, octets: bytes, record_count: int, filter_value: bytes | None
    ) -> None:
        self.entries += octets
        self.ids += publishing_id
        self.record_count += record_count
        self.filter_values.add(filter_value or b"")
        self.has_values = self.has_values or bool(filter_value)

    def piece(self) -> Piece:
        ids = [
            int.from_bytes(self.ids[at : at + _ID_BYTES], "big")
            for at in range(0, len(self.ids), _ID_BYTES)
        ]
        return Piece(
            bytes(self.entries),
            bytes(self.ids),
            self.record_count,
            min(ids),
            max(ids),
            all(one < two for one, two in pairwise(ids)),
            frozenset(self.filter_values) if self.has_values else frozenset(),
        )


def _item(body: bytes, at: int, version: int) -> tuple[bytes, bytes | None, int, int, int]:
    """Return publishing id, filter value, and start, stop and messages of the entry there."""
    if len(body) - at < _ID_BYTES:
        raise MalformedFrameError("a Publish frame ends within an entry")
    publishing_id = body[at : at + _ID_BYTES]
    at += _ID_BYTES
    filter_value = None
    if version == VERSION_2:
        if len(body) - at < _STRING_HEAD_BYTES:
            raise MalformedFrameError("a Publish frame ends within an entry")
        size_bytes = int.from_bytes(body[at : at + 2], "big")
        at += 2
        if size_bytes < _NULL_STRING:
            filter_value = body[at : at + size_bytes]
            at += size_bytes
    stop, record_count = _item_end(body, at)
    return publishing_id, filter_value, at, stop, record_count


def _item_end(octets: bytes, at: int) -> tuple[int, int]:
    """Return where an entry ends, and its messages; 0 messages if no chunk may have it."""
    left_bytes = len(octets) - at
    if left_bytes < _LENGTH.size:
        raise MalformedFrameError("a Publish frame ends within an entry")
    record_count = 1
    if octets[at] < _SUB_BATCH_BIT:
        stop = at + _LENGTH.size + _LENGTH.unpack_from(octets, at)[0]
    else:
        if left_bytes < _SUB_BATCH.size:
            raise MalformedFrameError("a Publish frame ends within a sub-batch")
        kind, record_count, uncompressed_bytes, size_bytes = _SUB_BATCH.unpack_from(octets, at)
        compression = kind >> 4 & 7
        is_right = (
            compression in _COMPRESSIONS
            and record_count * _RECORD_BYTES_MIN <= uncompressed_bytes <= _UNCOMPRESSED_BYTES_MAX
            and bool(size_bytes or not compression)
        )
        record_count = record_count if is_right else 0
        stop = at + _SUB_BATCH.size + size_bytes
    if stop > len(octets):
        raise MalformedFrameError("a Publish frame ends within an entry")
    return stop, record_count


if COMPILED:
    from amqp_server.stream_protocol import _publish_frame  # type: ignore[attr-defined]

    read_publish = _publish_frame.read_publish
    new_of = _publish_frame.new_of
