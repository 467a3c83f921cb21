"""A chunk of a stream: the unit in which a stream is written, checked, filtered and read.

A chunk is the same octets in a segment, in the write-ahead log and in memory. Without its filter
and its trailer it is what the stream protocol delivers, so all its numbers are big-endian:

    byte 0      1      2         4         8              16      24             32
         | 0x50 | type | entries | records | timestamp ms | epoch | first offset |
           u8     u8     u16       u32       i64            u64     u64
    32             36           40              44             45     48
         | crc32   | data bytes | trailer bytes | filter bytes | zero | filter | data | trailer
           u32       u32          u32             u8             u24

``crc32`` covers the data alone; clients check it. The trailer is HareMQ's own:

    byte 0        4            6      8                    16
         | crc32c | references | flags | committed offset u64 | reference x |
           u32      u16          u16
    a reference:  length u8 | publishing id u64 | so many octets

``crc32c`` covers the header, the filter, and the trailer from byte 4. So a chunk is whole if both
checksums are right. ``publishing id`` is the highest of this publisher in this chunk. Everything
below ``committed offset`` was on the disk when the chunk was drawn; 0 says nothing. The lowest bit
of ``flags`` says that a client gave filter values beside its messages. The second one says that the
chunk is what a compaction has left: the time of that (ms since 1970) stands in place of ``committed
offset``, and the messages of an earlier chunk that are gone leave gaps between chunks, never within
one. The other bits are zero.

Source: RabbitMQ, stream protocol, Deliver; the header's version is 0, as its code writes it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import crc32c

from persistence.crc32 import crc32
from persistence.errors import DamagedError
from persistence.files import Octets, parts_of

CHUNK_MAGIC: Final = 0x50
CHUNK_HEADER: Final = struct.Struct(">BBHIqQQIIIB3x")
CHUNK_PREFIX: Final = bytes((CHUNK_MAGIC, 0))
"""What each chunk of messages begins with: the magic, and type 0."""

ENTRIES_MAX: Final = 65_535
"""Most entries of a chunk: their count is a u16."""

CHUNK_BYTES_MAX: Final = 512 << 10
"""A chunk gets no further entry that would take its data over this size."""

REFERENCE_BYTES_MAX: Final = 255
"""Longest reference of a publisher or a consumer."""

_USER: Final = 0
_EPOCH: Final = 1
_TRAILER: Final = struct.Struct(">IHHQ")
_CRC_BYTES: Final = 4
_REFERENCE: Final = struct.Struct(">BQ")
_FLAGS: Final = struct.Struct(">H")
_FLAGS_AT: Final = 6
_VALUES_BESIDE: Final = 1
_COMPACTED: Final = 2

for _size_bytes, _struct in ((48, CHUNK_HEADER), (16, _TRAILER), (9, _REFERENCE)):
    assert _struct.size == _size_bytes, "the drawing says so"


class ChunkHeader(NamedTuple):
    """The header of a chunk of messages.

    Attributes:
        entry_count: messages and sub-batches.
        record_count: messages, those in sub-batches included; so many offsets it takes.
        timestamp_ms: wall clock, ms since 1970.
        first_offset: of its first message.
        data_crc32: of the data.
        data_bytes, trailer_bytes, filter_bytes: sizes of its parts.
    """

    entry_count: int
    record_count: int
    timestamp_ms: int
    first_offset: int
    data_crc32: int
    data_bytes: int
    trailer_bytes: int
    filter_bytes: int

    @property
    def next_offset(self) -> int:
        """The offset behind its last message."""
        return self.first_offset + self.record_count

    @property
    def data_at(self) -> int:
        """Where its data begins, from the first octet of the chunk."""
        return CHUNK_HEADER.size + self.filter_bytes

    @property
    def size_bytes(self) -> int:
        """The whole chunk."""
        return CHUNK_HEADER.size + self.filter_bytes + self.data_bytes + self.trailer_bytes


class Trailer(NamedTuple):
    """The content of a trailer.

    Attributes:
        committed_offset: everything below it was on the disk when the chunk was drawn.
        publishing_ids: the highest of each publisher in the chunk, by reference.
        compacted_ms: when a compaction first looked at its messages, ms since 1970; 0 is never.
        has_values_beside: some of the filter's values are not in the messages.
    """

    committed_offset: int
    publishing_ids: Mapping[bytes, int]
    compacted_ms: int = 0
    has_values_beside: bool = False


class WholeChunk(NamedTuple):
    """A chunk, and its octets in parts."""

    header: ChunkHeader
    parts: Sequence[Octets]


def draw_chunk(
    first_offset: int,
    timestamp_ms: int,
    counts: tuple[int, int],
    data: Octets | Sequence[Octets],
    *,
    chunk_filter: bytes = b"",
    publishing_ids: Mapping[bytes, int] | None = None,
    committed_offset: int = 0,
    has_values_beside: bool = False,
    compacted_ms: int = 0,
) -> WholeChunk:
    """Return a chunk; the parts of its data are those that are given.

    Args:
        first_offset: of the first message.
        timestamp_ms: wall clock, ms since 1970.
        counts: its entries (at most ``ENTRIES_MAX``), and its messages.
        data: the entries, one behind the other; where one part ends means nothing.
        chunk_filter: of ``persistence.streams.chunk_filter``; at most 255 octets.
        publishing_ids: the highest of each publisher in it.
        committed_offset: everything below it is on the disk; 0 says nothing.
        has_values_beside: some of the filter's values are not in the messages.
        compacted_ms: when a compaction first looked at its messages; 0 is never.
    """
    entry_count, record_count = counts
    parts = parts_of(data)
    flags = _VALUES_BESIDE * has_values_beside | _COMPACTED * bool(compacted_ms)
    trailer = _draw_trailer(publishing_ids or {}, compacted_ms or committed_offset, flags)
    header = ChunkHeader(
        entry_count,
        record_count,
        timestamp_ms,
        first_offset,
        _crc32(parts),
        sum(map(len, parts)),
        _CRC_BYTES + len(trailer),
        len(chunk_filter),
    )
    begin = (CHUNK_MAGIC, _USER, *header[:3], _EPOCH)
    head = CHUNK_HEADER.pack(*begin, *header[3:]) + chunk_filter
    crc = crc32c.crc32c(trailer, crc32c.crc32c(head))
    return WholeChunk(header, [head, *parts, crc.to_bytes(_CRC_BYTES, "big") + trailer])


def _crc32(parts: Sequence[Octets]) -> int:
    crc = 0
    for part in parts:
        crc = crc32(part, crc)
    return crc


def _draw_trailer(publishing_ids: Mapping[bytes, int], committed_offset: int, flags: int) -> bytes:
    """Return a trailer without its checksum."""
    return b"".join(
        [
            _TRAILER.pack(0, len(publishing_ids), flags, committed_offset)[_CRC_BYTES:],
            *[
                _REFERENCE.pack(len(reference), publishing_id) + reference
                for reference, publishing_id in publishing_ids.items()
            ],
        ]
    )


def decode_chunk_header(octets: Octets, position: int = 0) -> ChunkHeader:
    """Return the header of the chunk that begins at a position.

    Raises:
        DamagedError: no chunk of messages begins there.
    """
    if len(octets) - position < CHUNK_HEADER.size:
        raise DamagedError(f"expected a chunk, got {len(octets) - position} octets")
    fields = CHUNK_HEADER.unpack_from(octets, position)
    magic, chunk_type, entries, records = fields[:4]
    if magic != CHUNK_MAGIC or chunk_type != _USER or not 0 < entries <= records:
        raise DamagedError(f"expected a chunk of messages, got 0x{magic:02x}, type {chunk_type}")
    return ChunkHeader._make(fields[2:5] + fields[6:])


def check_chunk(octets: Octets, position: int = 0) -> ChunkHeader:
    """Return the header of a chunk whose checksums are both right.

    Raises:
        DamagedError: one is wrong, or the chunk is not there as a whole.
    """
    header = decode_chunk_header(octets, position)
    check_checksums(memoryview(octets), position, header)
    return header


def check_checksums(view: memoryview, position: int, header: ChunkHeader) -> None:
    """See that both checksums of a chunk are right.

    Args:
        view: what has the chunk.
        position: where it begins.
        header: as it is there.

    Raises:
        DamagedError: one is wrong, or the chunk is not there as a whole.
    """
    _, _, _, _, data_crc32, data_bytes, trailer_bytes, filter_bytes = header
    data = position + CHUNK_HEADER.size + filter_bytes
    trailer = data + data_bytes
    end = trailer + trailer_bytes
    if end > len(view) or trailer_bytes < _TRAILER.size:
        raise DamagedError(
            f"expected a chunk of {end - position} octets, got {len(view) - position}"
        )
    crc = crc32c.crc32c(view[trailer + _CRC_BYTES : end], crc32c.crc32c(view[position:data]))
    if crc.to_bytes(_CRC_BYTES, "big") != view[trailer : trailer + _CRC_BYTES]:
        raise DamagedError("the checksum of a chunk's header is wrong")
    if crc32(view[data:trailer]) != data_crc32:
        raise DamagedError("the checksum of a chunk's data is wrong")


def decode_trailer(octets: Octets, position: int = 0) -> Trailer:
    """Return the trailer of a chunk that was checked.

    Raises:
        DamagedError: it does not have the form of one.
    """
    header = decode_chunk_header(octets, position)
    at = position + header.data_at + header.data_bytes
    end = position + header.size_bytes
    try:
        _, count, flags, number = _TRAILER.unpack_from(octets, at)
        at += _TRAILER.size
        publishing_ids = {}
        for _ in range(count):
            length, publishing_id = _REFERENCE.unpack_from(octets, at)
            at += _REFERENCE.size
            publishing_ids[bytes(octets[at : at + length])] = publishing_id
            at += length
    except struct.error as error:
        raise DamagedError(f"the trailer of a chunk is too short: {error}") from error
    if at != end:
        raise DamagedError("the trailer of a chunk does not end where it says")
    committed_offset, compacted_ms = (0, number) if flags & _COMPACTED else (number, 0)
    return Trailer(committed_offset, publishing_ids, compacted_ms, bool(flags & _VALUES_BESIDE))


def has_values_beside(octets: Octets, position: int, header: ChunkHeader) -> bool:
    """Return whether some filter values of a chunk are not in its messages.

    Args:
        octets: with the whole chunk, which was checked.
        position: where it begins.
        header: of it.
    """
    at = position + header.data_at + header.data_bytes + _FLAGS_AT
    return bool(_FLAGS.unpack_from(octets, at)[0] & _VALUES_BESIDE)


def chunks_in(octets: Octets) -> Iterator[tuple[int, ChunkHeader]]:
    """Yield position and header of each of some whole chunks, one behind the other.

    Raises:
        DamagedError: no chunk begins where the one before ends.
    """
    position = 0
    while position < len(octets):
        header = decode_chunk_header(octets, position)
        yield position, header
        position += header.size_bytes
