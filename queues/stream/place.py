"""The place of one reader in a stream, and what it reads there as AMQP 0-9-1 messages.

    extent    | chunk | chunk | chunk | chunk |    one read of the log
    stretch           |···············|            chunks that are wanted and follow each other
    piece             |·········|                  converted at once, and kept
    batch              |···|                       as many as the reader has credit for

Readers at the same place share pieces, so that a message is converted once for all of them. Small
chunks are a stretch together, because a conversion costs more than what a small chunk has.
"""

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, NamedTuple

from persistence.record import Octets, Run
from persistence.streams.chunk import CHUNK_HEADER, ChunkHeader, has_values_beside
from persistence.streams.chunk_filter import (
    LOOKS_MAX,
    LOOKS_PER_MESSAGE,
    UNFILTERED,
    WantedValues,
)
from queues.batch import Batch
from queues.stream.amqp10 import MalformedMessageError
from queues.stream.filter import Filter
from queues.stream.from_amqp10 import Wanted, read_messages
from queues.stream_log import StreamLog

log = logging.getLogger(__name__)

EXTENT_BYTES_MAX: Final = 256 << 10
"""Octets of one read of the log."""

PIECE_COUNT_MAX: Final = 2_048
"""Messages that are converted at once."""

PIECE_BYTES_MAX: Final = 256 << 10
"""Octets that are converted at once, if it is not one message."""

SHARED_PIECES_MAX: Final = 8
"""Pieces of a stream that are kept for other readers."""


class _Stretch(NamedTuple):
    """Chunks that follow each other without a gap.

    Attributes:
        first_offset: of the first chunk.
        next_offset: behind the last chunk.
        data: what is in all of them.
        values: which messages are wanted, by the values in them; None for all.
        chunks: the numbers of its chunks in the extent.
    """

    first_offset: int
    next_offset: int
    data: bytes
    values: frozenset[bytes] | None
    chunks: range


class Piece(NamedTuple):
    """Messages of one stretch.

    Attributes:
        run: the messages, each with the header ``x-stream-offset``; may be empty.
        offsets: of each message, ascending.
        next_offset: behind the last message that was looked at.
    """

    run: Run
    offsets: Sequence[int]
    next_offset: int


class Pieces:
    """The pieces of a stream that were converted last, for all its readers without a filter."""

    __slots__ = ("_by_offset",)

    def __init__(self) -> None:
        self._by_offset: OrderedDict[int, Piece] = OrderedDict()

    def get(self, offset: int) -> Piece | None:
        """Return the piece that begins at this offset, if it is there."""
        return self._by_offset.get(offset)

    def keep(self, offset: int, piece: Piece) -> None:
        """Keep the piece that a reader at this offset has read."""
        kept = self._by_offset
        kept[offset] = piece
        if len(kept) > SHARED_PIECES_MAX:
            kept.popitem(last=False)

    def clear(self) -> None:
        """Forget them all, as nobody reads."""
        self._by_offset.clear()


class Place:
    """Where one reader is.

    Attributes:
        offset: the first message that it has not read.
    """

    __slots__ = (
        "_chunks",
        "_data_offset",
        "_data_position",
        "_filter",
        "_index",
        "_joins",
        "_log",
        "_looks_left",
        "_number",
        "_octets",
        "_piece",
        "_pieces",
        "_queue_name",
        "_stretch",
        "_wanted_values",
        "offset",
    )

    def __init__(
        self,
        stream_log: StreamLog,
        pieces: Pieces,
        queue_name: bytes,
        offset: int,
        wanted: Filter | None = None,
    ) -> None:
        """Begin at an offset.

        Args:
            stream_log: of the stream.
            pieces: of the stream.
            queue_name: routing key of messages that have none.
            offset: of the first message that is wanted.
            wanted: which messages; None for all.
        """
        self._log = stream_log
        self._pieces = pieces
        self._queue_name = queue_name
        self._filter: WantedValues | None = None
        self._wanted_values: frozenset[bytes] | None = None
        if wanted is not None:
            self._filter = WantedValues(wanted.values, match_unfiltered=wanted.match_unfiltered)
            self._wanted_values = wanted.wanted_values
        self.offset = offset
        self._piece: Piece | None = None
        self._index = 0
        self._octets: Octets = b""
        self._chunks: Sequence[tuple[int, ChunkHeader]] = ()
        self._number = 0
        self._stretch: _Stretch | None = None
        self._joins = True
        self._looks_left = LOOKS_MAX
        self._data_position = 0
        self._data_offset = 0

    def take(self, max_count: int) -> Batch | None:
        """Return the next messages, at most so many; None where one read finds none.

        The offsets of a batch have no gap, so it may be smaller than what there is. After None
        there is more to look at if ``offset`` is below the end.

        Raises:
            OSError: the disk could not be read; the place is as before.
        """
        self._looks_left = LOOKS_MAX
        piece = self._piece
        if piece is None:
            piece = self._piece = self._next_piece()
            self._index = 0
            if piece is None:
                return None
        first, offsets = self._index, piece.offsets
        stop = min(first + max_count, len(offsets))
        if offsets[stop - 1] - offsets[first] != stop - 1 - first:
            stop = _end_of_stretch(offsets, first, stop)
        positions = range(offsets[first], offsets[stop - 1] + 1)
        is_last = stop == len(offsets)
        records = piece.run if is_last and not first else piece.run[first:stop]
        if is_last:
            self._piece = None
            self.offset = piece.next_offset
        else:
            self._index = stop
            self.offset = offsets[stop]
        return Batch(positions, records)

    @property
    def look_cost(self) -> int:
        """What the filter values that the last ``take`` looked for count, in messages."""
        return (LOOKS_MAX - self._looks_left) // LOOKS_PER_MESSAGE

    def _next_piece(self) -> Piece | None:
        """Return the piece that begins here; None if the next read finds no message."""
        offset, is_shared = self.offset, self._wanted_values is None
        piece = self._pieces.get(offset) if is_shared else None
        if piece is None:
            piece = self._read_piece()
            if piece is None:
                return None
            if not piece.run:
                self.offset = piece.next_offset
                return None
            if is_shared:
                self._pieces.keep(offset, piece)
        return piece

    def _read_piece(self) -> Piece | None:
        stretch = self._stretch_here()
        if stretch is None:
            return None
        if self._data_offset > self.offset or self._data_offset <= stretch.first_offset:
            self._data_position, self._data_offset = 0, stretch.first_offset
        wanted = Wanted(self.offset, PIECE_COUNT_MAX, PIECE_BYTES_MAX, stretch.values)
        try:
            read = read_messages(
                stretch.data, self._data_position, self._data_offset, self._queue_name, wanted
            )
        except MalformedMessageError as error:
            if len(stretch.chunks) > 1:
                return self._read_alone(stretch)
            log.warning(
                "a chunk of %r from offset %d on cannot be read and is left out: %s",
                self._queue_name,
                stretch.first_offset,
                error,
            )
            return Piece((), (), stretch.next_offset)
        self._data_position, self._data_offset = read.position, read.next_offset
        is_done = read.position >= len(stretch.data)
        return Piece(read.run, read.offsets, stretch.next_offset if is_done else read.next_offset)

    def _read_alone(self, stretch: _Stretch) -> Piece | None:
        """Read the chunks of a stretch one by one: one of them cannot be read."""
        self._joins = False
        self._number = stretch.chunks.start
        self._stretch = None
        return self._read_piece()

    def _stretch_here(self) -> _Stretch | None:
        """Return the stretch that the place is in, or the next that may have what is wanted."""
        stretch = self._stretch
        if stretch is not None and stretch.next_offset > self.offset:
            return stretch
        self._stretch = None
        self._looks_left = LOOKS_MAX
        if self._next_stretch() is None and self._looks_left > 0:
            extent = self._log.read(self.offset, EXTENT_BYTES_MAX, checks=True)
            self._joins = True
            self._number = 0
            if extent is None:
                self._octets, self._chunks = b"", ()
                return None
            self._octets, self._chunks = extent.octets, extent.chunks
            if self._next_stretch() is None and self._looks_left > 0:
                self.offset = max(extent.next_offset, self.offset)
        return self._stretch

    def _next_stretch(self) -> _Stretch | None:
        """Go to the next chunks of the extent that may have what is wanted.

        None is the end of the extent, or that enough was looked for.
        """
        chunks = self._chunks
        while self._looks_left > 0 and self._number < len(chunks):
            position, header = chunks[self._number]
            wants = header.next_offset > self.offset and self._may_want(header, position)
            if wants is None:
                break
            self._number += 1
            if wants:
                self._stretch = self._stretch_from(position, header)
                return self._stretch
            self.offset = max(header.next_offset, self.offset)
        return None

    def _stretch_from(self, position: int, header: ChunkHeader) -> _Stretch:
        """Return a stretch of this chunk and of those behind it that make a piece with it."""
        chunks, start = self._chunks, self._number - 1
        values = self._values_in(header, position)
        first_offset, next_offset = header.first_offset, header.next_offset
        count, size_bytes = header.record_count, header.data_bytes
        parts = [self._data_of(position, header)]
        while self._joins and self._looks_left > 0 and self._number < len(chunks):
            position, header = chunks[self._number]
            count += header.record_count
            size_bytes += header.data_bytes
            if header.first_offset != next_offset or count > PIECE_COUNT_MAX:
                break
            if size_bytes > PIECE_BYTES_MAX or self._values_in(header, position) != values:
                break
            if not self._may_want(header, position):
                break
            parts.append(self._data_of(position, header))
            next_offset = header.next_offset
            self._number += 1
        data = bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
        return _Stretch(first_offset, next_offset, data, values, range(start, self._number))

    def _data_of(self, position: int, header: ChunkHeader) -> Octets:
        at = position + header.data_at
        return self._octets[at : at + header.data_bytes]

    def _values_in(self, header: ChunkHeader, position: int) -> frozenset[bytes] | None:
        """Return which messages of a chunk are wanted, by the values in them; None for all.

        A stream client gives the value of a message beside it, for the filter of the chunk alone.
        So the messages without a value are wanted too: one of them may have been given it.
        """
        values = self._wanted_values
        if values is not None and has_values_beside(self._octets, position, header):
            return values | {UNFILTERED}
        return values

    def _may_want(self, header: ChunkHeader, position: int) -> bool | None:
        """Return whether a chunk may have what is wanted; None: it was not all looked for."""
        wanted = self._filter
        if wanted is None:
            return True
        at = position + CHUNK_HEADER.size
        chunk_filter = self._octets[at : at + header.filter_bytes]
        wants = wanted.may_be_in(chunk_filter, header.first_offset, self._looks_left)
        self._looks_left -= wanted.looks_count
        return wants


def _end_of_stretch(offsets: Sequence[int], first: int, stop: int) -> int:
    """Return where the offsets from ``first`` on have their first gap."""
    at = first + 1
    while at < stop and offsets[at] == offsets[at - 1] + 1:
        at += 1
    return at
