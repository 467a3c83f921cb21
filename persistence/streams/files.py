"""The files of a stream: their names, their headers, and the places of an index.

    queues/<queue id>/<first offset>.segment                | header | chunk | chunk | ...
                      <first offset>.index                  | header | place | place | ...
                      <first offset>-<generation>.segment   | header | chunk | ... | footer
                      <first offset>-<generation>.index     | header | place | place | ...
                      r<change>-<first offset>.segment, .index

``persistence.format`` draws them. An index says nothing that its segment does not say too, so it
can be made anew. A segment with a generation, from 1, is what a compaction has left of others. Its
footer is written last, and says which offsets it stands for. A replica whose content was replaced
has the new one in files of the last form, with the number of the change that replaced it: so the
names of the content before are never used again. The footer:

    byte 0                  8        12     16             24              32
         | "HAREMQ K"       | crc32c | zero | from offset  | before offset | size_bytes |
           8 octets           u32      u32    u64            u64             u64

``size_bytes`` is the size of the file up to the footer. The checksum covers what is behind it.
"""

import re
import struct
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

_OF_REPLICA: Final = re.compile(r"\A(?:r[1-9][0-9]*-)?[0-9]{20}(?:\.segment|\.index)\Z", re.ASCII)
_COMPACTED: Final = re.compile(r"\A([0-9]{20})-([1-9][0-9]{0,9})(?:\.segment|\.index)\Z", re.ASCII)
_FOOTER_MAGIC: Final = b"HAREMQ K"
_FOOTER: Final = struct.Struct("<8sIIQQQ")
_FOOTER_CRC_AT: Final = 8
FOOTER_BYTES: Final = _FOOTER.size

for _size_bytes, _struct in ((40, _FOOTER),):
    assert _struct.size == _size_bytes, "the drawing says so"


class Footer(NamedTuple):
    """The end of what a compaction has left.

    Attributes:
        from_offset, before_offset: the offsets that the file stands for; most of them are gone.
        size_bytes: of the file without the footer.
    """

    from_offset: int
    before_offset: int
    size_bytes: int


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


def segment_name(first_offset: int, generation: int = 0) -> str:
    """Return the name of a segment; generation 0 is what was written first."""
    return f"{_stem(first_offset, generation)}{SEGMENT_SUFFIX}"


def index_name(first_offset: int, generation: int = 0) -> str:
    """Return the name of a segment's index."""
    return f"{_stem(first_offset, generation)}{INDEX_SUFFIX}"


def _stem(first_offset: int, generation: int) -> str:
    stem = f"{first_offset:0{_OFFSET_DIGITS}d}"
    return f"{stem}-{generation}" if generation else stem


def prefix_of(change: int) -> str:
    """Return what names of a content begin with, by the change it began with; 0 is the first."""
    return f"r{change}-" if change else ""


def is_of_replica(name: str) -> bool:
    """Return whether a file is a segment, or an index, of any content of a replica."""
    return _OF_REPLICA.match(name) is not None


def compacted_of(name: str) -> tuple[int, int] | None:
    """Return first offset and generation of a compacted segment, or of its index; None if none."""
    found = _COMPACTED.match(name)
    return None if found is None else (int(found[1]), int(found[2]))


def first_offsets(names: Iterable[str]) -> list[int]:
    """Return the first offsets of the segments among these names, ascending; no compacted ones."""
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


def encode_footer(footer: Footer) -> bytes:
    """Return what a compacted segment ends with."""
    covered = _FOOTER.pack(_FOOTER_MAGIC, 0, 0, *footer)[_FOOTER_CRC_AT + CRC_BYTES :]
    crc = crc32c.crc32c(covered).to_bytes(CRC_BYTES, "little")
    return _FOOTER_MAGIC + crc + covered


def decode_footer(octets: bytes) -> Footer | None:
    """Return the footer that a file ends with; None if it is none."""
    if len(octets) != FOOTER_BYTES:
        return None
    _, _, _, *fields = _FOOTER.unpack(octets)
    footer = Footer(*fields)
    return footer if encode_footer(footer) == octets else None


def _encode_header(magic: bytes, queue_id: int, first_offset: int) -> bytes:
    packed = SEGMENT_HEADER.pack(magic, 0, VERSION, queue_id, first_offset)
    covered = packed[SEGMENT_HEADER_CRC_AT + CRC_BYTES :]
    crc = crc32c.crc32c(covered).to_bytes(CRC_BYTES, "little")
    return packed[:SEGMENT_HEADER_CRC_AT] + crc + covered
