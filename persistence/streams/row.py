"""What a checkpoint says of a stream: its segments, publishing ids and stored offsets.

    byte 0             8          12              16               20
         | next offset | segments | publishers u32 | consumers u32 | references_bytes |
           u64           u32                                          u32
    24   segments x   | first offset u64, next offset u64, size_bytes u64, first timestamp ms i64,
                        last timestamp ms i64, chunks u32, places u32 |
         if the highest bit of segments is set:
                      | clean offset u64, key tag u32, compacted u32 |
         compacted x  | records u64, generation u32, zero u32 |    for the first segments, in order
         references   | number u64, length u8, so many octets | for publishers, then for consumers,
                      zeros up to a multiple of 8
         places       the last places of each segment, as an index has them, that its index has not
         tail         chunk | chunk | ...  that no segment has, zeros up to a multiple of 8

A generation says that the segment is what a compaction has left of others; below ``clean offset``
every key has one message, and ``key tag`` says of which key that is true.

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
from persistence.streams.files import PLACE_BYTES

_HEAD: Final = struct.Struct("<QIIII")
_SEGMENT: Final = struct.Struct("<QQQqqII")
_CLEAN: Final = struct.Struct("<QII")
_COMPACTED: Final = struct.Struct("<QII")
_HAS_COMPACTED: Final = 1 << 31
_REFERENCE: Final = struct.Struct("<QB")

for _size_bytes, _struct in ((24, _HEAD), (48, _SEGMENT), (16, _CLEAN), (9, _REFERENCE)):
    assert _struct.size == _size_bytes, "the drawing says so"


class SegmentRow(NamedTuple):
    """A segment, as ``persistence.streams.segments.Segment`` has it.

    ``unwritten`` are the last of its ``chunk_count`` places, packed: its index does not have them.
    """

    first_offset: int
    next_offset: int
    size_bytes: int
    first_timestamp_ms: int
    last_timestamp_ms: int
    chunk_count: int
    unwritten: bytes = b""
    generation: int = 0
    record_count: int = 0


class StreamSnapshot(NamedTuple):
    """The state of a stream at one moment; a ``persistence.stored_log.Row``.

    Attributes:
        queue_id: of the stream.
        next_offset: behind the last chunk in a segment.
        segments: the oldest first.
        publishing_ids: by reference, the one that was noted longest ago first.
        stored_offsets: by reference, in the same order.
        tail: octets of chunks that are in no segment, in parts.
        clean_offset: below it every key has one message.
        key_tag: of the key that this is true of.
    """

    queue_id: int
    next_offset: int
    segments: Sequence[SegmentRow]
    publishing_ids: Sequence[tuple[bytes, int]] = ()
    stored_offsets: Sequence[tuple[bytes, int]] = ()
    tail: Sequence[Octets] = ()
    clean_offset: int = 0
    key_tag: int = 0

    @property
    def form(self) -> LogForm:
        """Of the log of a stream."""
        return LogForm.STREAM

    @property
    def holds_messages(self) -> bool:
        """Whether it has any."""
        return bool(self.segments or self.tail)

    def encode(self) -> bytes:
        """Return its octets."""
        references = _encode_references((*self.publishing_ids, *self.stored_offsets))
        head = _HEAD.pack(
            self.next_offset,
            len(self.segments) | _HAS_COMPACTED * bool(self._compacted()),
            len(self.publishing_ids),
            len(self.stored_offsets),
            len(references),
        )
        segments = [
            _SEGMENT.pack(*segment[:6], len(segment.unwritten) // PLACE_BYTES)
            for segment in self.segments
        ]
        places = [segment.unwritten for segment in self.segments]
        tail = b"".join(self.tail)
        parts = (
            head,
            *segments,
            self._encode_compacted(),
            references,
            _padding(references),
            *places,
            tail,
            _padding(tail),
        )
        return b"".join(parts)

    def _compacted(self) -> Sequence[SegmentRow]:
        """Return the segments that a compaction has left; they come before all others."""
        return [segment for segment in self.segments if segment.generation]

    def _encode_compacted(self) -> bytes:
        compacted = self._compacted()
        if not compacted:
            return b""
        clean = _CLEAN.pack(self.clean_offset, self.key_tag, len(compacted))
        return clean + b"".join(
            [_COMPACTED.pack(each.record_count, each.generation, 0) for each in compacted]
        )


def decode_stream_row(queue_id: int, octets: Octets) -> StreamSnapshot:
    """Return what a row says of a stream.

    Raises:
        DamagedError: it does not have the form of one.
        struct.error: it is too short.
    """
    next_offset, segment_count, publisher_count, consumer_count, references_bytes = (
        _HEAD.unpack_from(octets)
    )
    has_compacted = segment_count & _HAS_COMPACTED
    segment_count -= has_compacted
    segments_end = _HEAD.size + segment_count * _SEGMENT.size
    at = segments_end
    clean_offset = key_tag = 0
    compacted: list[tuple[int, int]] = []
    if has_compacted:
        clean_offset, key_tag, compacted_count = _CLEAN.unpack_from(octets, at)
        at += _CLEAN.size
        end = at + compacted_count * _COMPACTED.size
        if compacted_count > segment_count or end > len(octets):
            raise DamagedError(f"it cannot have {compacted_count} compacted segments")
        for record_count, generation, _ in _COMPACTED.iter_unpack(octets[at:end]):
            compacted.append((generation, record_count))
        at = end
    references_at, references_end = at, at + references_bytes
    at = references_end + -references_bytes % ALIGNMENT_BYTES
    if at > len(octets):
        raise DamagedError(f"its row of {len(octets)} octets is too short")
    segments: list[SegmentRow] = []
    for fields in _SEGMENT.iter_unpack(octets[_HEAD.size : segments_end]):
        end = at + fields[-1] * PLACE_BYTES
        if end > len(octets) or fields[-1] > fields[-2]:
            raise DamagedError(f"a segment of it cannot have {fields[-1]} places of its own")
        written = (0, 0) if len(segments) >= len(compacted) else compacted[len(segments)]
        segments.append(SegmentRow._make((*fields[:-1], bytes(octets[at:end]), *written)))
        at = end
    references = _decode_references(bytes(octets[references_at:references_end]))
    if len(references) != publisher_count + consumer_count:
        raise DamagedError("its row has another number of references than it says")
    return StreamSnapshot(
        queue_id,
        next_offset,
        segments,
        references[:publisher_count],
        references[publisher_count:],
        (bytes(octets[at:]),) if at < len(octets) else (),
        clean_offset,
        key_tag,
    )


def _padding(octets: bytes) -> bytes:
    return bytes(-len(octets) % ALIGNMENT_BYTES)


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
