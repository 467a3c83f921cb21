"""The chunks of one queue on disk: the table of their places, and their files.

A chunk is entered in both when it is written or taken over. It leaves both when no message in it is
needed any more. The files of a durable queue stay until a checkpoint knows this.
"""

import errno
from collections.abc import Sequence

from persistence.chunk import encode_chunk
from persistence.chunk_table import ChunkTable, StoredChunk
from persistence.errors import DamagedError
from persistence.lane_map import LaneMap
from persistence.segment import Segments
from persistence.settled import PositionSet
from persistence.slices import Slice
from persistence.stored_log import UnneededFile


class StoredChunks:
    """Chunks that were written and are needed.

    Attributes:
        table: where each of them is.
        segments: the files of this queue alone.
    """

    def __init__(self, segments: Segments, *, removes_at_once: bool) -> None:
        """Begin with no chunk.

        Args:
            segments: the files.
            removes_at_once: there are no checkpoints, so an unneeded file is removed at once.
        """
        self.table = ChunkTable()
        self.segments = segments
        self._removes_at_once = removes_at_once
        self._unneeded: list[UnneededFile] = []

    def write(self, lane: int, group: Sequence[Slice]) -> StoredChunk:
        """Write messages as one chunk; nothing is synced.

        Args:
            lane: their priority; 0 in a plain queue.
            group: ascending, with expiries of the wall clock.

        Raises:
            OSError: it was not written.
        """
        header, parts = encode_chunk(lane, group)
        try:
            row = self.segments.append(header, parts)
        except OSError as error:
            # Whoever keeps the error must not keep what the messages lent.
            parts.clear()
            raise error.with_traceback(None) from None
        self.table.add(row)
        return row

    def adopt(self, row: StoredChunk) -> None:
        """Take over a chunk of an earlier life."""
        self.table.add(row)
        self.segments.adopt(row)

    def adopt_found(self) -> bool:
        """Take over every chunk that is in the files; return whether there is a folder of them."""
        if not self.segments.has_directory():
            return False
        for row in self.segments.scan():
            if not self.table.overlaps(row.lane, row.first_position, row.last_position + 1):
                self.adopt(row)
        return True

    def read(self, row: StoredChunk) -> Slice:
        """Return the messages of a chunk, with expiries of the wall clock.

        Raises:
            DamagedError: they cannot be read any more.
            OSError: the disk could not be read.
        """
        return self.read_whole(row)[1]

    def read_whole(self, row: StoredChunk) -> tuple[bytes, Slice]:
        """Return a chunk as it is on the disk, and its messages; see ``read``."""
        try:
            return self.segments.read_whole(row)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            raise DamagedError(f"the disk cannot read it: {error}") from error

    def give_up(self, row: StoredChunk) -> None:
        """Release a chunk that cannot be read; its file is kept, so that it can be examined."""
        self.segments.quarantine(row.segment_number)
        self.table.remove(row)
        self._release(row)

    def release_below(self, floor: int) -> None:
        """Release the chunks that lie wholly below a position."""
        for row in self.table.take_settled_head(floor):
            self._release(row)

    def release_settled(self, settled: PositionSet, lanes: LaneMap | None) -> None:
        """Release the chunks whose messages are all settled; looks at each."""
        for row in self.table.take_settled(settled, lanes):
            self._release(row)

    @property
    def unneeded_bytes(self) -> int:
        """Sizes of the files that a checkpoint would set free."""
        return sum([file.size_bytes for file in self._unneeded])

    def take_unneeded(self) -> list[UnneededFile]:
        """Return the unneeded files, which a checkpoint removes from now on."""
        taken, self._unneeded = self._unneeded, []
        return taken

    def drop(self) -> None:
        """Forget every chunk, because the queue is gone."""
        self.segments.close()
        self.table = ChunkTable()
        if self._removes_at_once:
            self.segments.remove_all()

    def _release(self, row: StoredChunk) -> None:
        """Release a chunk that is not in the table any more."""
        unneeded = self.segments.release(row)
        if unneeded is None:
            return
        if self._removes_at_once:
            self.segments.remove(unneeded.path)
        else:
            self._unneeded.append(unneeded)
