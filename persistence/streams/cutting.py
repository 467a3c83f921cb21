"""Draws a chunk anew without the messages that a compaction removes.

    offsets     10 11 12 13 14 15 16        a chunk of seven messages
    survive      x  x  .  .  x  .  x
    chunks     |10 11|     |14|  |16|       three chunks: within a chunk there is no gap

Clients number the messages of a chunk from its first offset on, so that a gap can only be between
two chunks. A sub-batch is one entry, which stays or goes as a whole.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from persistence.files import Octets
from persistence.streams.chunk import ChunkHeader, Trailer, WholeChunk, draw_chunk
from persistence.streams.chunk_filter import UNFILTERED, draw_filter
from persistence.streams.compaction import Keyed
from persistence.streams.references import References

_NO_VALUES: Final = frozenset((UNFILTERED,))


class SourceChunk(NamedTuple):
    """A whole chunk that is looked at.

    Attributes:
        header, trailer: of the chunk.
        octets: of the chunk.
    """

    header: ChunkHeader
    trailer: Trailer
    octets: Octets

    @property
    def data(self) -> bytes:
        """Its data."""
        at = self.header.data_at
        return bytes(self.octets[at : at + self.header.data_bytes])

    @property
    def chunk_filter(self) -> bytes:
        """Its filter."""
        return bytes(self.octets[self.header.data_at - self.header.filter_bytes :])[
            : self.header.filter_bytes
        ]


class _Run:
    """Entries that survive, one behind the other."""

    __slots__ = ("entry_count", "filter_values", "first_offset", "record_count", "start", "stop")

    def __init__(self, first_offset: int, start: int) -> None:
        self.first_offset = first_offset
        self.start = self.stop = start
        self.entry_count = self.record_count = 0
        self.filter_values: set[bytes] = set()


class ChunkCut:
    """What is left of one chunk, entry by entry.

    Args:
        source: the chunk.
        data: of the chunk.

    Attributes:
        offset: of the next entry.
    """

    def __init__(self, source: SourceChunk, data: bytes) -> None:
        self._source = source
        self._data = data
        self._runs: list[_Run] = []
        self._is_open = False
        self._position = 0
        self.offset = source.header.first_offset

    def add(self, keyed: Keyed, survives: Sequence[bool]) -> None:
        """Take the next entries, and say which of them survive."""
        at = 0
        for stop, count, stays in zip(keyed.stops, keyed.counts, survives, strict=True):
            if stays:
                if not self._is_open:
                    self._runs.append(_Run(self.offset, self._position))
                run = self._runs[-1]
                run.stop = stop
                run.entry_count += 1
                run.record_count += count
                run.filter_values.update(keyed.filter_values[at : at + count])
            self._is_open = stays
            self._position = stop
            self.offset += count
            at += count

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the chunk goes."""
        header = self._source.header
        return len(self._runs) == 1 and self._runs[0].entry_count == header.entry_count

    @property
    def is_compacted(self) -> bool:
        """Whether an earlier compaction has looked at it."""
        return self._source.trailer.compacted_ms > 0

    def draw(self, compacted_ms: int, publishing_ids: References) -> Iterator[WholeChunk]:
        """Yield the chunks that are left, which may be as many as half of its messages.

        Args:
            compacted_ms: time of this compaction; the chunk may have an earlier one.
            publishing_ids: of chunks that have left none; the last chunk takes them over.
        """
        source = self._source
        for reference, publishing_id in source.trailer.publishing_ids.items():
            publishing_ids.note_highest(reference, publishing_id)
        for run in self._runs:
            is_last = run is self._runs[-1]
            yield draw_chunk(
                run.first_offset,
                source.header.timestamp_ms,
                (run.entry_count, run.record_count),
                self._data[run.start : run.stop],
                chunk_filter=self._filter_of(run),
                publishing_ids=dict(publishing_ids) if is_last else {},
                has_values_beside=source.trailer.has_values_beside,
                compacted_ms=source.trailer.compacted_ms or compacted_ms,
            )
        if self._runs:
            publishing_ids.clear()

    def _filter_of(self, run: _Run) -> bytes:
        """Return the filter of the messages of a run; values beside them are known from no other.

        The same holds for the values in a sub-batch that cannot be looked into.
        """
        source = self._source
        if not source.header.filter_bytes:
            return b""
        has_sub_batches = run.record_count > run.entry_count
        if source.trailer.has_values_beside or has_sub_batches or self.is_whole:
            return source.chunk_filter
        if run.filter_values == _NO_VALUES:
            return b""
        return draw_filter(run.filter_values, source.header.filter_bytes)
