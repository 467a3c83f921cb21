"""Publish frames, taken apart into what a chunk has and what is confirmed.

    u8 publisher | i32 count | count x  u64 publishing id | [v2: string filter value] | entry

    an entry     0, 31 bits of length | message
    a sub-batch  1, 3 bits of compression, 4 of zero | u16 messages | u32 uncompressed bytes |
                 u32 length | octets

Consecutive frames of one publisher and one version are a *run*. It is one append, and is confirmed
at once, so that a frame costs no more than its octets:

    | Publish 3 | Publish 3 | Publish 3 | Credit | Publish 3 | Publish 7 | Pub      what was read
      ----------- a run -----------                a run       a run      not whole

A frame is looked at as a whole before anything of it is taken. One that is none begins a run of its
own, so what comes before it is carried out.

This is the interpreted twin, and the specification of ``stream_protocol._publish_frame``.

Source: RabbitMQ, stream protocol, Publish.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from amqp_server.stream_protocol.errors import MalformedFrameError
from amqp_server.stream_protocol.keys import VERSION_1, VERSION_2
from persistence.kernels import COMPILED

VERSIONS_OF_PUBLISH: Final = frozenset({VERSION_1, VERSION_2})
ENTRIES_MAX: Final = 65_535
PIECE_BYTES_MAX: Final = 512 << 10
"""A piece gets no further entry that would take it over this size."""

_FRAME_HEAD: Final = struct.Struct(">IHH")
_SIZE_BYTES: Final = 4
_SAME: Final = slice(4, 9)
"""Key, version and publisher, which are the same in all frames of a run."""
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
    """Consecutive entries of a run, at most as many as fit a chunk.

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


class PublishFrames(NamedTuple):
    """Consecutive Publish frames.

    Attributes:
        publisher_id: of the publisher.
        pieces: their entries, in order.
        refused_ids: publishing ids of an entry that no chunk may have, and of all behind it in its
            frame, which is the last one.
        fault: the one frame is none, and nothing else is here.
    """

    publisher_id: int
    pieces: list[Piece]
    refused_ids: bytes = b""
    fault: MalformedFrameError | None = None


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


def read_run(
    buffer: bytes | memoryview, start: int, frame_max_bytes: int
) -> tuple[PublishFrames, int]:
    """Take the run of Publish frames at a place; return it, and where it ends.

    A run ends before a frame that is not whole, of another publisher, version or command, too
    large, or none at all; and behind one that makes a piece full, or has ids that are refused.

    Args:
        buffer: what was read; nothing of it is kept.
        start: where a whole Publish of a version that there is begins.
        frame_max_bytes: the largest frame.
    """
    octets = memoryview(buffer)[start:]
    version, same = int.from_bytes(octets[6:8], "big"), octets[_SAME]
    gathered = _Gathered()
    at = 0
    while (stop := _frame_end(octets, at, same, frame_max_bytes)) and gathered.is_open():
        try:
            items = list(_items(bytes(octets[at + _FRAME_HEAD.size : stop]), version))
        except MalformedFrameError as error:
            if at:
                break
            return PublishFrames(0, [], b"", error), start + stop
        for item in items:
            gathered.add(*item)
        at = stop
    return PublishFrames(same[-1], gathered.pieces(), bytes(gathered.refused_ids)), start + at


def _frame_end(octets: memoryview, at: int, same: memoryview, frame_max_bytes: int) -> int:
    """Return where the next frame of a run ends; 0 if it is no frame of the run."""
    if len(octets) - at < _FRAME_HEAD.size:
        return 0
    size_bytes, _, _ = _FRAME_HEAD.unpack_from(octets, at)
    stop = at + _SIZE_BYTES + int(size_bytes)
    is_whole = size_bytes <= frame_max_bytes and stop <= len(octets)
    is_same = not at or octets[at:stop][_SAME] == same
    return stop if is_whole and is_same else 0


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
    """What was taken of a run."""

    def __init__(self) -> None:
        self.refused_ids = bytearray()
        self._pieces: list[Piece] = []
        self._begin()

    def _begin(self) -> None:
        self._entries = bytearray()
        self._ids: list[int] = []
        self._record_count = 0
        self._filter_values: set[bytes] = set()

    def is_open(self) -> bool:
        """Return whether the run goes on with another frame."""
        return not (self.refused_ids or self._pieces)

    def add(self, publishing_id: int, value: bytes, octets: bytes, record_count: int) -> None:
        """Take an entry; one of 0 messages, and all behind it in its frame, are refused."""
        if self.refused_ids or not record_count:
            self.refused_ids += publishing_id.to_bytes(_ID_BYTES, "big")
            return
        is_large = len(self._entries) + len(octets) > PIECE_BYTES_MAX
        if self._ids and (is_large or len(self._ids) == ENTRIES_MAX):
            self._end()
        self._entries += octets
        self._ids.append(publishing_id)
        self._record_count += record_count
        self._filter_values.add(value)

    def pieces(self) -> list[Piece]:
        """Return the pieces."""
        if self._ids:
            self._end()
        return self._pieces

    def _end(self) -> None:
        ids, values = self._ids, self._filter_values
        piece = Piece(
            bytes(self._entries),
            b"".join([each.to_bytes(_ID_BYTES, "big") for each in ids]),
            self._record_count,
            min(ids),
            max(ids),
            all(one < two for one, two in pairwise(ids)),
            frozenset(values) if values != {b""} else frozenset(),
        )
        self._pieces.append(piece)
        self._begin()


def _items(body: bytes, version: int) -> Iterator[tuple[int, bytes, bytes, int]]:
    """Yield publishing id, filter value, octets and messages of each entry of a frame.

    Raises:
        MalformedFrameError: it does not have the form of a Publish frame.
    """
    if len(body) < _HEAD.size:
        raise MalformedFrameError("a Publish frame is too short")
    _, count = _HEAD.unpack_from(body)
    at = _HEAD.size
    for _ in range(max(count, 0)):
        publishing_id, value, start, stop, record_count = _item(body, at, version)
        yield publishing_id, value, body[start:stop], record_count
        at = stop
    if at != len(body):
        raise MalformedFrameError(f"{len(body) - at} octets behind the messages of a Publish frame")


def _item(body: bytes, at: int, version: int) -> tuple[int, bytes, int, int, int]:
    """Return publishing id, filter value, and start, stop and messages of the entry there."""
    if len(body) - at < _ID_BYTES:
        raise MalformedFrameError("a Publish frame ends within an entry")
    publishing_id = int.from_bytes(body[at : at + _ID_BYTES], "big")
    at += _ID_BYTES
    filter_value = b""
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

    read_run = _publish_frame.read_run
    new_of = _publish_frame.new_of
