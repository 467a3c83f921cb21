"""A chunk: messages of one lane of a queue as a segment holds them, written in one write.

``persistence.format`` draws it. Positions are written only where they have gaps. An expiry is an
instant of the wall clock in ms; 0 is never. The checksum covers header and content, so a header is
valid only together with its content.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import crc32c

from persistence.codec import decode_run, lent_octets, persistent_ranges
from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import (
    CHUNK_CRC_AT,
    CHUNK_HEADER,
    CHUNK_MAGIC,
    CRC_BYTES,
    VERSION,
    ChunkFlag,
)
from persistence.record import body_bytes
from persistence.slices import Expiries, Slice, expiries_of, positions_of

_COVERED_FROM: Final = CHUNK_CRC_AT + CRC_BYTES
_PREFIX: Final = struct.Struct("<II")
_KNOWN_FLAGS: Final = sum(ChunkFlag)
_NUMBER_BYTES: Final = 8

assert _PREFIX.size == _COVERED_FROM, "magic and checksum, and nothing between"


class ChunkHeader(NamedTuple):
    """The header of a chunk, without its magic, crc and version."""

    lane: int
    flags: int
    message_count: int
    payload_bytes: int
    first_position: int
    last_position: int
    body_bytes: int

    @property
    def size_bytes(self) -> int:
        """The whole chunk, header included."""
        return CHUNK_HEADER.size + self.payload_bytes

    @property
    def has_transient(self) -> bool:
        """Whether any of the messages is transient; a restart leaves such a message out."""
        return bool(self.flags & ChunkFlag.TRANSIENT)


def encode_chunk(lane: int, slices: Sequence[Slice]) -> tuple[ChunkHeader, list[Octets]]:
    """Return messages of one lane, in ascending order, as the parts of one write.

    The parts are for one use at once: they are lent by the messages.

    Args:
        lane: the priority of the messages.
        slices: at least one; expiries are instants of the wall clock.
    """
    positions, expires = positions_of(slices), expiries_of(slices)
    flags = 0
    parts: list[Octets] = [b""]
    if not isinstance(positions, range):
        flags |= ChunkFlag.POSITIONS
        parts.append(struct.pack(f"<{len(positions)}Q", *positions))
    if isinstance(expires, int):
        if expires:
            flags |= ChunkFlag.EXPIRY_ONE
            parts.append(struct.pack("<q", expires))
    else:
        flags |= ChunkFlag.EXPIRY_EACH
        parts.append(struct.pack(f"<{len(expires)}q", *expires))
    parts += [lent_octets(each.records) for each in slices]
    if any([persistent_ranges(each.records) != [(0, len(each.records))] for each in slices]):
        flags |= ChunkFlag.TRANSIENT
    header = ChunkHeader(
        lane=lane,
        flags=flags,
        message_count=len(positions),
        payload_bytes=sum(map(len, parts)),
        first_position=positions[0],
        last_position=positions[-1],
        body_bytes=sum([body_bytes(each.records) for each in slices]),
    )
    packed = CHUNK_HEADER.pack(CHUNK_MAGIC, 0, VERSION, *header)
    crc = crc32c.crc32c(packed[_COVERED_FROM:])
    for each in parts:
        crc = crc32c.crc32c(each, crc)
    parts[0] = _PREFIX.pack(CHUNK_MAGIC, crc) + packed[_COVERED_FROM:]
    return header, parts


def decode_header(octets: bytes) -> ChunkHeader:
    """Return the header at the beginning of these octets; its crc is not looked at.

    Raises:
        DamagedError: it is not the header of a chunk.
    """
    if len(octets) < CHUNK_HEADER.size:
        raise DamagedError(f"expected {CHUNK_HEADER.size} octets of a chunk, got {len(octets)}")
    magic, _, version, *fields = CHUNK_HEADER.unpack_from(octets)
    header = ChunkHeader(*fields)
    span = header.last_position - header.first_position + 1
    if (
        (magic, version) != (CHUNK_MAGIC, VERSION)
        or header.flags & ~_KNOWN_FLAGS
        or not 0 < header.message_count <= span
        or (header.message_count != span and not header.flags & ChunkFlag.POSITIONS)
        or header.payload_bytes < _prefix_bytes(header)
    ):
        raise DamagedError("expected the header of a chunk, got something else")
    return header


def decode_chunk(octets: bytes) -> tuple[ChunkHeader, Slice]:
    """Return a whole chunk: its header and its messages, with expiries of the wall clock.

    Raises:
        DamagedError: these octets are not a chunk of ``encode_chunk``.
    """
    header = decode_header(octets)
    if len(octets) != header.size_bytes:
        raise DamagedError(f"expected a chunk of {header.size_bytes} octets, got {len(octets)}")
    view = memoryview(octets)
    if crc32c.crc32c(view[_COVERED_FROM:]) != _PREFIX.unpack_from(octets)[1]:
        raise DamagedError(f"the crc32c of a chunk of {len(octets)} octets is wrong")
    at = CHUNK_HEADER.size
    positions: Sequence[int] = range(header.first_position, header.last_position + 1)
    if header.flags & ChunkFlag.POSITIONS:
        positions = struct.unpack_from(f"<{header.message_count}Q", octets, at)
        at += _NUMBER_BYTES * header.message_count
    expires: Expiries = 0
    if header.flags & ChunkFlag.EXPIRY_ONE:
        (expires,) = struct.unpack_from("<q", octets, at)
        at += _NUMBER_BYTES
    elif header.flags & ChunkFlag.EXPIRY_EACH:
        expires = struct.unpack_from(f"<{header.message_count}q", octets, at)
        at += _NUMBER_BYTES * header.message_count
    return header, Slice(decode_run(view[at:], header.message_count), positions, expires)


def _prefix_bytes(header: ChunkHeader) -> int:
    """Return the lengths of positions and expiries (bytes)."""
    numbers = header.message_count if header.flags & ChunkFlag.POSITIONS else 0
    if header.flags & ChunkFlag.EXPIRY_ONE:
        numbers += 1
    elif header.flags & ChunkFlag.EXPIRY_EACH:
        numbers += header.message_count
    return _NUMBER_BYTES * numbers
