"""The files of a stream: their names, their headers, and the places of an index.

    queues/<queue id>/<first offset>.segment    | header | chunk | chunk | ...
                      <first offset>.index      | header | place | place | ...

``persistence.format`` draws them. An index says nothing that its segment does not say too, so it
can be made anew.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import crc32c

from persistence.format import (
    CRC_BYTES,
    INDEX_PLACE,
    SEGMENT_HEADER,
    SEGMENT_HEADER_CRC_AT,
    STREAM_INDEX_MAGIC,
    STREAM_SEGMENT_MAGIC,
    VERSION,
)
from persistence.streams.chunk import ChunkHeader

SEGMENT_SUFFIX: Final = ".segment"
INDEX_SUFFIX: Final = ".index"
DAMAGED_SUFFIX: Final = ".damaged"
HEADER_BYTES: Final = SEGMENT_HEADER.size
PLACE_BYTES: Final = INDEX_PLACE.size
_OFFSET_DIGITS: Final = 20


class ChunkPlace(NamedTuple):
    """Where a chunk is.

    Attributes:
        first_offset: of the chunk.
        timestamp_ms: of the chunk, ms since 1970.
        position: of its first octet in the segment.
        record_count: how many offsets it takes.
        size_bytes: of the chunk.
    """

    first_offset: int
    timestamp_ms: int
    position: int
    record_count: int
    size_bytes: int

    @property
    def next_offset(self) -> int:
        """The offset behind it."""
        return self.first_offset + self.record_count


def place_of(header: ChunkHeader, position: int) -> ChunkPlace:
    """Return the place of a chunk at a position of its segment."""
    return ChunkPlace(
        header.first_offset, header.timestamp_ms, position, header.record_count, header.size_bytes
    )


def segment_name(first_offset: int) -> str:
    """Return the name of a segment."""
    return f"{first_offset:0{_OFFSET_DIGITS}d}{SEGMENT_SUFFIX}"


def index_name(first_offset: int) -> str:
    """Return the name of a segment's index."""
    return f"{first_offset:0{_OFFSET_DIGITS}d}{INDEX_SUFFIX}"


def first_offsets(names: Iterable[str]) -> list[int]:
    """Return the first offsets of the segments among these names, ascending."""
    found = []
    for name in names:
        stem = name.removesuffix(SEGMENT_SUFFIX)
        if stem.isdecimal() and segment_name(int(stem)) == name:
            found.append(int(stem))
    return sorted(found)


def encode_segment_header(queue_id: int, first_offset: int) -> bytes:
    """Return what a segment begins with."""
    return _encode_header(STREAM_SEGMENT_MAGIC, queue_id, first_offset)


def encode_index_header(queue_id: int, first_offset: int) -> bytes:
    """Return what an index begins with."""
    return _encode_header(STREAM_INDEX_MAGIC, queue_id, first_offset)


def _encode_header(magic: bytes, queue_id: int, first_offset: int) -> bytes:
    packed = SEGMENT_HEADER.pack(magic, 0, VERSION, queue_id, first_offset)
    covered = packed[SEGMENT_HEADER_CRC_AT + CRC_BYTES :]
    crc = crc32c.crc32c(covered).to_bytes(CRC_BYTES, "little")
    return packed[:SEGMENT_HEADER_CRC_AT] + crc + covered
