"""What a checkpoint says of a stream: its segments, publishing ids and stored offsets.

    byte 0             8          12              16               20
         | next offset | segments | publishers u32 | consumers u32 | references_bytes |
           u64           u32                                          u32
    24   segments x   | first offset u64, next offset u64, size_bytes u64, first timestamp ms i64,
                        last timestamp ms i64, chunks u32, zero u32 |
         references   | number u64, length u8, so many octets | for publishers, then for consumers,
                      zeros up to a multiple of 8

Everything below ``next offset`` is in the segments. What is behind the sizes that are named here
is looked at by a restart.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES
from persistence.log_form import LogForm

_HEAD: Final = struct.Struct("<QIIII")
_SEGMENT: Final = struct.Struct("<QQQqqII")
_REFERENCE: Final = struct.Struct("<QB")

for _size_bytes, _struct in ((24, _HEAD), (48, _SEGMENT), (9, _REFERENCE)):
    assert _struct.size == _size_bytes, "the drawing says so"


class SegmentRow(NamedTuple):
    """A segment, as ``persistence.streams.segments.Segment`` has it."""

    first_offset: int
    next_offset: int
    size_bytes: int
    first_timestamp_ms: int
    last_timestamp_ms: int
    chunk_count: int


class StreamSnapshot(NamedTuple):
    """The state of a stream at one moment; a ``persistence.stored_log.Row``.

    Attributes:
        queue_id: of the stream.
        next_offset: behind the last chunk in a segment.
        segments: the oldest first.
        publishing_ids: by reference, the one that was noted longest ago first.
        stored_offsets: by reference, in the same order.
    """

    queue_id: int
    next_offset: int
    segments: Sequence[SegmentRow]
    publishing_ids: Sequence[tuple[bytes, int]] = ()
    stored_offsets: Sequence[tuple[bytes, int]] = ()

    @property
    def form(self) -> LogForm:
        """Of the log of a stream."""
        return LogForm.STREAM

    @property
    def holds_messages(self) -> bool:
        """Whether it has any."""
        return bool(self.segments)

    def encode(self) -> bytes:
        """Return its octets."""
        references = _encode_references((*self.publishing_ids, *self.stored_offsets))
        head = _HEAD.pack(
            self.next_offset,
            len(self.segments),
            len(self.publishing_ids),
            len(self.stored_offsets),
            len(references),
        )
        segments = [_SEGMENT.pack(*segment, 0) for segment in self.segments]
        padding = bytes(-len(references) % ALIGNMENT_BYTES)
        return b"".join((head, *segments, references, padding))


def decode_stream_row(queue_id: int, octets: Octets) -> StreamSnapshot:
    """Return what a row says of a stream.

    Raises:
        DamagedError: it does not have the form of one.
        struct.error: it is too short.
    """
    next_offset, segment_count, publisher_count, consumer_count, references_bytes = (
        _HEAD.unpack_from(octets)
    )
    segments_end = _HEAD.size + segment_count * _SEGMENT.size
    if segments_end + references_bytes > len(octets):
        raise DamagedError(f"its row of {len(octets)} octets is too short")
    segments = [
        SegmentRow(*fields[:-1])
        for fields in _SEGMENT.iter_unpack(octets[_HEAD.size : segments_end])
    ]
    references = _decode_references(bytes(octets[segments_end : segments_end + references_bytes]))
    if len(references) != publisher_count + consumer_count:
        raise DamagedError("its row has another number of references than it says")
    return StreamSnapshot(
        queue_id,
        next_offset,
        segments,
        references[:publisher_count],
        references[publisher_count:],
    )


def _encode_references(references: Iterable[tuple[bytes, int]]) -> bytes:
    return b"".join(
        [_REFERENCE.pack(number, len(reference)) + reference for reference, number in references]
    )


def _decode_references(octets: bytes) -> list[tuple[bytes, int]]:
    found: list[tuple[bytes, int]] = []
    at = 0
    while at < len(octets):
        number, length = _REFERENCE.unpack_from(octets, at)
        at += _REFERENCE.size
        found.append((octets[at : at + length], number))
        at += length
    return found
