"""Rebuilds the log of one stream: its row in the checkpoint, its segments, the write-ahead log.

``persistence.streams.rebuilding`` takes over the segments. What is only in the write-ahead log is
the new tail. So an offset has the same content as before, whatever a crash took.
"""

from collections.abc import Sequence
from typing import NamedTuple

from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import ALIGNMENT_BYTES
from persistence.operations import Operation
from persistence.stored_log import Row
from persistence.stream_operations import StreamChunks, StreamOffset
from persistence.streams.chunk import Trailer, check_chunk, decode_trailer
from persistence.streams.compacted_files import has_compacted, remove_superseded, row_of_files
from persistence.streams.log import StreamLog
from persistence.streams.rebuilding import LoggedChunk, SegmentsRebuilding
from persistence.streams.references import References
from persistence.streams.row import StreamSnapshot


class RecoveredStream(NamedTuple):
    """A stream as a restart finds it.

    Attributes:
        log: continues where it was.
        message_count: how many offsets it keeps.
        lost_count: messages that were there once and cannot be read any more.
    """

    log: StreamLog
    message_count: int
    lost_count: int = 0


class StreamRecovery:
    """Rebuilds the log of a stream; a ``persistence.recovery.LogRecovery``.

    Args:
        known: the log of the stream, empty yet.
        damages: takes what is lost; one sentence each.
    """

    next_segment = 0

    def __init__(self, known: StreamLog, damages: list[str]) -> None:
        self.known = known
        self._damages = damages
        self._row = StreamSnapshot(known.queue_id, 0, ())
        self._logged: dict[int, LoggedChunk] = {}
        """Chunks of the row's tail and of the write-ahead log, which no segment of the row has, by
        first offset."""
        self._trailers: Sequence[Trailer] = ()
        self._is_fresh = False
        self._is_from_files = False

    def restore(self, row: Row) -> None:
        """Begin with the stream's row in a checkpoint."""
        assert isinstance(row, StreamSnapshot), "rows are matched with logs"
        self._row = row
        self.known.publishing_ids.note_all(row.publishing_ids)
        self.known.stored_offsets.note_all(row.stored_offsets)
        for octets in row.tail:
            self._note_chunks(octets, "the checkpoint's row")

    def restore_from_files(self) -> None:
        """Begin with the segments as they are; those of compactions count too."""
        self._is_from_files = True

    def begin_after(self, next_segment: int) -> None:  # noqa: ARG002 - segments have no numbers
        """Begin as a new stream of an id whose earlier stream is gone, with its files."""
        self._is_fresh = True

    def replay(self, operation: Operation) -> None:
        """Repeat an operation of the stream."""
        match operation:
            case StreamChunks():
                self._note_chunks(operation.octets, "an operation")
            case StreamOffset():
                self.known.stored_offsets.note(operation.reference, operation.offset)
            case _:
                self._damages.append(
                    f"an operation of stream {self.known.queue_id} is for another kind of queue"
                )

    def _note_chunks(self, octets: Octets, what: str) -> None:
        """Take over the chunks of a tail or of an operation that no segment of the row has."""
        position = 0
        while len(octets) - position >= ALIGNMENT_BYTES:  # Behind a row's tail are zeros.
            try:
                header = check_chunk(octets, position)
            except DamagedError as error:
                self._damages.append(
                    f"{what} of stream {self.known.queue_id}: {error}: its chunks are lost"
                )
                return
            end = position + header.size_bytes
            if header.first_offset >= self._row.next_offset:
                chunk = LoggedChunk(header, bytes(octets[position:end]))
                self._logged[header.first_offset] = chunk
            position = end

    # -- the end --------------------------------------------------------------------------------

    def finish(self, *, was_clean: bool) -> RecoveredStream:
        """Find what the segments hold, and tidy up.

        Raises:
            OSError: the disk cannot be read or written.
            FatalStorageError: a sync failed.
        """
        known = self.known
        files = known.kept.segments.opened.files
        names: Sequence[str] = ()
        if self._is_fresh:
            files.remove_tree(known.directory)
        elif files.exists(known.directory):
            names = files.names(known.directory)
        names = self._settle_compactions(names)
        rebuilding = SegmentsRebuilding(known.kept.segments, self._row, self._logged)
        rebuilding.adopt_listed(names)
        rebuilding.adopt_scanned(names)
        next_offset = rebuilding.next_offset
        for first_offset in sorted(self._logged):
            header, octets = self._logged[first_offset]
            if first_offset >= next_offset:
                rebuilding.lose(next_offset, first_offset, "it is in no file")
                known.kept.adopt(header, octets)
                next_offset = header.next_offset
        self._damages += rebuilding.damages
        logged = [decode_trailer(each.octets) for each in self._logged.values()]
        for trailer in (*self._trailers, *rebuilding.trailers, *logged):
            for reference, publishing_id in trailer.publishing_ids.items():
                known.publishing_ids.note_highest(reference, publishing_id)
        if not was_clean:
            _lower(known.stored_offsets, next_offset)
        known.go_on_at(next_offset)
        return RecoveredStream(known, known.message_count, rebuilding.lost_count)

    def _settle_compactions(self, names: Sequence[str]) -> Sequence[str]:
        """Decide which files of compactions count, and remove the others; return what is left."""
        segments = self.known.kept.segments
        if self._is_from_files and has_compacted(names):
            found, self._trailers = row_of_files(segments, self.known.queue_id, names)
            self._row = self._row._replace(next_offset=found.next_offset, segments=found.segments)
        segments.clean_offset, segments.key_tag = self._row.clean_offset, self._row.key_tag
        if has_compacted(names) or any(each.generation for each in self._row.segments):
            return remove_superseded(segments, self._row, names)
        return names


def _lower(offsets: References, next_offset: int) -> None:
    """Have no consumer go on behind the end: what a power cut took of class os comes again."""
    for reference, offset in list(offsets):
        if offset >= next_offset:
            offsets.note(reference, max(next_offset - 1, 0))
