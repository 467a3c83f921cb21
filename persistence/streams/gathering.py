"""Gathers what is appended to a stream, and draws chunks of it.

Work is done for each append and each chunk, and never for each message.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from persistence.files import Octets
from persistence.streams.chunk import (
    CHUNK_BYTES_MAX,
    ENTRIES_MAX,
    REFERENCE_BYTES_MAX,
    WholeChunk,
    draw_chunk,
)
from persistence.streams.chunk_filter import UNFILTERED, draw_filter


class Appended(NamedTuple):
    """What is appended to a stream at once; it always stays in one chunk.

    Attributes:
        parts: the octets of its entries, one behind the other, as in a chunk: ``u32 length |
            message``, or a sub-batch. They must not change any more. Where one part ends means
            nothing. Together at most ``CHUNK_BYTES_MAX``, if it is not a single entry.
        entry_count: messages and sub-batches: 1 to ``ENTRIES_MAX``.
        record_count: its messages, those in sub-batches included; so many offsets it takes.
        filter_values: of its messages; ``b""`` stands for those without one. Empty if none has one.
        publisher: reference, at most ``REFERENCE_BYTES_MAX`` octets; ``b""`` is none.
        publishing_id: the highest in it; 0 without a publisher.
        has_values_beside: its filter values are not in its messages.
    """

    parts: Sequence[Octets]
    entry_count: int
    record_count: int
    filter_values: Collection[bytes] = ()
    publisher: bytes = b""
    publishing_id: int = 0
    has_values_beside: bool = False


class Gathering:
    """The messages of a stream that are in no chunk yet.

    Invariant: each of its chunks could be drawn now.

    Args:
        first_offset: of the first message.
        timestamp_ms: of its chunks: wall clock, ms since 1970.
        chunk_bytes_max: a chunk gets no further append that would take its data over this.

    Attributes:
        size_bytes: of all data in it.
        next_offset: behind the last message.
    """

    __slots__ = ("_chunk_bytes_max", "_full", "_open", "next_offset", "size_bytes", "timestamp_ms")

    def __init__(
        self, first_offset: int, timestamp_ms: int, chunk_bytes_max: int = CHUNK_BYTES_MAX
    ) -> None:
        self.size_bytes = 0
        self.next_offset = first_offset
        self.timestamp_ms = timestamp_ms
        self._chunk_bytes_max = min(chunk_bytes_max, CHUNK_BYTES_MAX)
        self._full: list[_OpenChunk] = []
        self._open: _OpenChunk | None = None

    def add(self, appended: Appended) -> int:
        """Take messages; return the size of their data in bytes."""
        assert 0 < appended.entry_count <= min(ENTRIES_MAX, appended.record_count)
        assert len(appended.publisher) <= REFERENCE_BYTES_MAX
        size_bytes = sum(map(len, appended.parts))
        chunk = self._open
        if (
            chunk is None
            or chunk.size_bytes + size_bytes > self._chunk_bytes_max
            or chunk.entry_count + appended.entry_count > ENTRIES_MAX
        ):
            if chunk is not None:
                self._full.append(chunk)
            chunk = self._open = _OpenChunk(self.next_offset)
        chunk.add(appended, size_bytes)
        self.size_bytes += size_bytes
        self.next_offset += appended.record_count
        return size_bytes

    def draw(self, filter_bytes: int, committed_offset: int) -> list[WholeChunk]:
        """Return the chunks of everything in it.

        Args:
            filter_bytes: size of the filter of a chunk whose messages have filter values.
            committed_offset: everything below it is on the disk; 0 says nothing.
        """
        chunks = self._full if self._open is None else [*self._full, self._open]
        return [each.draw(self.timestamp_ms, filter_bytes, committed_offset) for each in chunks]


class _OpenChunk:
    """The messages of a chunk to be."""

    __slots__ = (
        "_filter_values",
        "_first_offset",
        "_has_unfiltered",
        "_has_values_beside",
        "_parts",
        "_publishing_ids",
        "_record_count",
        "entry_count",
        "size_bytes",
    )

    def __init__(self, first_offset: int) -> None:
        self.entry_count = 0
        self.size_bytes = 0
        self._first_offset = first_offset
        self._record_count = 0
        self._parts: list[Octets] = []
        self._publishing_ids: dict[bytes, int] = {}
        self._filter_values: set[bytes] = set()
        self._has_unfiltered = False
        self._has_values_beside = False

    def add(self, appended: Appended, size_bytes: int) -> None:
        self.entry_count += appended.entry_count
        self.size_bytes += size_bytes
        self._record_count += appended.record_count
        self._parts += appended.parts
        if appended.publisher:
            known = self._publishing_ids.get(appended.publisher, 0)
            self._publishing_ids[appended.publisher] = max(known, appended.publishing_id)
        if appended.filter_values:
            self._filter_values.update(appended.filter_values)
            self._has_values_beside |= appended.has_values_beside
        else:
            self._has_unfiltered = True

    def draw(self, timestamp_ms: int, filter_bytes: int, committed_offset: int) -> WholeChunk:
        chunk_filter = b""
        if self._filter_values:
            if self._has_unfiltered:
                self._filter_values.add(UNFILTERED)
            chunk_filter = draw_filter(self._filter_values, filter_bytes)
        return draw_chunk(
            self._first_offset,
            timestamp_ms,
            (self.entry_count, self._record_count),
            self._parts,
            chunk_filter=chunk_filter,
            publishing_ids=self._publishing_ids,
            committed_offset=committed_offset,
            has_values_beside=self._has_values_beside,
        )
