"""Takes the messages of a replica in pieces, by their positions, for a mirror that lacks them.

What was taken stays right while the queue goes on: a position has the same message for ever, and
what is settled is settled for ever. So pieces may be of several moments, and the last one says what
is settled by then.

In a priority queue a chunk has messages of one lane, and others lie between. There a piece has what
each lane has of the same span of positions, as a chunk of its own, so that a mirror that has it has
all of these positions.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from persistence.chunk import decode_chunk, encode_chunk
from persistence.chunk_table import StoredChunk
from persistence.chunking import CHUNK_BYTES_MAX
from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.front_numbers import PublishedTable
from persistence.log_state import LogState
from persistence.positions import ranges_of
from persistence.queue_row import QueueSnapshot
from persistence.replicas.content import Content
from persistence.slices import Slice, halves, part, shifted, stretches_outside

TAKEN_BYTES_MAX: Final = 1 << 20
"""About so much is taken at a time; a message is never cut."""

_NO_QUEUE: Final = 0


class UnreadableChunkError(DamagedError):
    """A chunk that is needed cannot be read any more.

    Attributes:
        row: the chunk.
    """

    def __init__(self, row: StoredChunk, error: DamagedError) -> None:
        super().__init__(str(error))
        self.row = row


class Taken(NamedTuple):
    """Messages from a position on.

    Attributes:
        pieces: chunks as they are on the disk, and slices that are in none, in their order; in a
            priority queue chunks alone, lane by lane, but for the rest.
        stop: the next position to take from.
        is_rest: there are no more.
    """

    pieces: Sequence[bytes | list[Slice]]
    stop: int
    is_rest: bool

    def chunks(self) -> bytes:
        """Return all of them as chunks, one behind the other."""
        found: list[Octets] = []
        for each in self.pieces:
            if isinstance(each, bytes):
                found.append(each)
            else:
                found += encode_chunk(0, each)[1]
        return b"".join(found)

    def slices(self) -> list[Slice]:
        """Return all of them, in stretches without a gap; expiries are of the wall clock.

        Those of a priority queue are in the order of positions if they are the rest.
        """
        found: list[Slice] = []
        for each in self.pieces:
            for piece in [decode_chunk(each)[1]] if isinstance(each, bytes) else each:
                found += contiguous(piece)
        return found


def take(state: LogState, since: int, bytes_max: int = TAKEN_BYTES_MAX) -> Taken:
    """Take the messages from a position on that are not settled.

    Raises:
        UnreadableChunkError: some of them cannot be read any more.
        OSError: the disk could not be read.
    """
    if state.lanes is not None:
        return _take_lanes(state, since, bytes_max)
    table, settled = state.stored.table, state.settled
    pieces: list[bytes | list[Slice]] = []
    at, left_bytes = since, bytes_max
    while at < state.next_position:
        row = table.next_from(0, at)
        stop = state.next_position if row is None else min(row.first_position, state.next_position)
        if at < stop:
            slices, at, is_full = _recent(state, at, stop, left_bytes)
            if slices:
                pieces.append(slices)
                left_bytes -= sum([each.size_bytes for each in slices])
            if is_full:
                return Taken(pieces, at, is_rest=False)
            continue
        assert row is not None, "what is not recent is in a chunk"
        missing_count = settled.count_missing(at, row.last_position + 1)
        if missing_count:
            if pieces and row.size_bytes > left_bytes:
                return Taken(pieces, at, is_rest=False)
            piece = _stored(state, row, at, missing_count)
            pieces.append(piece)
            left_bytes -= row.size_bytes
        at = row.last_position + 1
    return Taken(pieces, max(at, state.next_position), is_rest=True)


def _take_lanes(state: LogState, since: int, bytes_max: int) -> Taken:
    """Take messages of a priority queue; what is in chunks is never part of the rest.

    So the rest, which has slices without a gap, need not be cut at each message of another lane.
    """
    found: dict[int, list[bytes]] = {}
    read: dict[StoredChunk, list[Slice]] = {}
    at, left_bytes = since, bytes_max
    while at < state.next_position and left_bytes > 0:
        rows = state.stored.table.each_next_from(at)
        if rows:
            read = {row: read[row] for row in rows if row in read}
            lanes, at, size_bytes = _span(state, rows, read, at, left_bytes)
        else:
            slices, at, is_full = _recent(state, at, state.next_position, left_bytes)
            if not (is_full or found):
                return Taken([slices] if slices else [], at, is_rest=True)
            lanes, size_bytes = state.by_lane(slices), left_bytes
        for lane, slices in lanes.items():
            if slices:
                found.setdefault(lane, []).append(b"".join(encode_chunk(lane, slices)[1]))
        left_bytes -= size_bytes
    pieces: list[bytes | list[Slice]] = [each for lane in sorted(found) for each in found[lane]]
    return Taken(pieces, max(at, since), is_rest=not pieces)


def _span(
    state: LogState,
    rows: Sequence[StoredChunk],
    read: dict[StoredChunk, list[Slice]],
    at: int,
    bytes_max: int,
) -> tuple[dict[int, list[Slice]], int, int]:
    """Return what all lanes have from a position on, where that ends, and its size in bytes.

    Args:
        state: of the queue.
        rows: the next chunk of each lane that has one.
        read: what is needed of those that were read; others are put there.
        at: the position.
        bytes_max: as for ``take``; a single position may have more.
    """
    stop = min(state.next_position, *[row.last_position + 1 for row in rows])
    recent, stop, _ = _recent(state, at, stop, bytes_max)
    whole = state.by_lane(recent)
    for row in rows:
        if row.first_position < stop:
            if row not in read:
                try:
                    read[row] = stretches_outside(state.stored.read(row), state.settled)
                except DamagedError as error:
                    raise UnreadableChunkError(row, error) from error
            whole.setdefault(row.lane, []).extend(read[row])
    while True:
        found = {lane: _within(slices, at, stop) for lane, slices in whole.items()}
        size_bytes = sum([each.size_bytes for slices in found.values() for each in slices])
        if size_bytes <= bytes_max or stop - at <= 1:
            return found, stop, size_bytes
        stop = at + (stop - at) // 2


def _within(slices: Iterable[Slice], first: int, stop: int) -> list[Slice]:
    """Return messages between two positions, in their order."""
    found = []
    for each in sorted(slices, key=lambda one: one.positions[0]):
        start, end = bisect_left(each.positions, first), bisect_left(each.positions, stop)
        if start < end:
            found.append(part(each, start, end))
    return found


def rest_of(state: LogState, published: PublishedTable, since: int, taken: Taken) -> Content:
    """Return the last of a snapshot: what was taken last, and all that is settled by now.

    Args:
        state: of the leader's messages.
        published: how far front ends have published there.
        since: the position from which it was taken.
        taken: has the rest.
    """
    assert taken.is_rest, "nothing comes behind it"
    messages = QueueSnapshot(
        queue_id=_NO_QUEUE,
        next_position=state.next_position,
        delivered_below=0,
        next_segment=0,
        settled=state.settled,
        chunks=(),
        requeued=state.requeued(),
        few=taken.slices(),
    )
    return Content(since, messages, published.rows())


def contiguous(piece: Slice) -> list[Slice]:
    """Return messages in stretches without a gap."""
    found, start = [], 0
    for positions in ranges_of(piece.positions):
        found.append(part(piece, start, start + len(positions)))
        start += len(positions)
    return found


def _recent(
    state: LogState, first: int, stop: int, bytes_max: int
) -> tuple[list[Slice], int, bool]:
    """Return messages that are in no chunk, where they end, and whether there may be more."""
    offset_ms = state.wall_offset_ms()
    found: list[Slice] = []
    found_bytes = 0
    for piece in state.recent.within(first, stop):
        for half in halves(piece, CHUNK_BYTES_MAX):
            unsettled = stretches_outside(half, state.settled)
            size_bytes = sum([each.size_bytes for each in unsettled])
            if found and found_bytes + size_bytes > bytes_max:
                return found, half.positions[0], True
            found_bytes += size_bytes
            found += [
                each._replace(expires_at_ms=shifted(each.expires_at_ms, offset_ms))
                for each in unsettled
            ]
    return found, stop, False


def _stored(state: LogState, row: StoredChunk, at: int, missing_count: int) -> bytes | list[Slice]:
    """Return a chunk as it is; where most of it is not needed, the messages that are."""
    try:
        octets, whole = state.stored.read_whole(row)
    except DamagedError as error:
        raise UnreadableChunkError(row, error) from error
    if at <= row.first_position and 2 * missing_count >= row.message_count:
        return octets
    start = bisect_left(whole.positions, at)
    behind = part(whole, start, len(whole.positions))
    return stretches_outside(behind, state.settled)
