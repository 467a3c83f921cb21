"""Messages that a mirror gets for a snapshot, on its disk before they count.

They are chunks in the segments of the replica. The table of its chunks does not have them, and no
checkpoint: a restart cuts them off. Only the operation that installs them names them, and it is
written once they are on the disk. A building outlives its link, so a mirror goes on where it was.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Protocol

from persistence.chunk import decode_chunk, decode_header
from persistence.chunk_table import StoredChunk
from persistence.errors import DamagedError
from persistence.files import Octets
from persistence.format import CHUNK_HEADER
from persistence.gathering import FileWrite, Gathered, Source
from persistence.lane_map import lanes_of
from persistence.log_state import LogState
from persistence.replicas.content import Content
from persistence.segment import Segments
from persistence.slices import Slice
from persistence.stored_log import UnneededFile

_NOTHING: Final = 0


class Gathering(Protocol):
    """What is needed of ``persistence.group_commit.GroupCommit``."""

    def gather(self, source: Source, size_bytes: int, *, fsync: bool) -> int:
        """Note that a source has gathered more; return the LSN of all that it has."""


class Building:
    """The messages from ``since`` up to ``next_position``, as they were live at an index.

    Attributes:
        since: where it begins, behind the replica's own messages; 0: it has all of them.
        next_position: of the next message that is needed.
        index, epoch: a place of the log at which it was right.
    """

    def __init__(
        self, state: LogState, commit: Gathering, since: int, index: int, epoch: int
    ) -> None:
        """Begin with nothing."""
        self.since = self.next_position = since
        self.index, self.epoch = index, epoch
        self._state = state
        self._segments = state.stored.segments
        self._commit = commit
        self._rows: list[StoredChunk] = []
        self._void: list[StoredChunk] = []
        self._unsynced = 0

    def fits(self, state: LogState) -> bool:
        """Return whether it could still be installed in these messages."""
        return state is self._state and self.since in (0, state.next_position)

    def add(self, octets: Octets, stop: int, index: int, epoch: int) -> None:
        """Write chunks, one behind the other; some of them may be written where it fails.

        In a priority queue they are of several lanes, one lane behind the other. What was written
        where such a call fails is void, because the same positions come again.

        Args:
            octets: the chunks.
            stop: the position behind them that is needed next.
            index: the place of the log at which they were right.
            epoch: of the record there.

        Raises:
            DamagedError: they are no chunks, or not those that come next.
            OSError: there is no room; the same may come again.
        """
        # Before anything is written: what is here is right at this place or a later one.
        self.index, self.epoch = index, epoch
        before_count, is_whole = len(self._rows), False
        try:
            self._add(memoryview(octets), stop)
            is_whole = True
        finally:
            if not is_whole and self._state.lanes is not None:
                self._void += self._rows[before_count:]
                del self._rows[before_count:]
        self.next_position = stop

    def _add(self, view: memoryview, stop: int) -> None:
        at, lane, next_position = 0, 0, self.next_position
        while at < len(view):
            header = decode_header(bytes(view[at : at + CHUNK_HEADER.size]))
            chunk = bytes(view[at : at + header.size_bytes])
            _, messages = decode_chunk(chunk)
            if header.lane > lane:
                lane, next_position = header.lane, self.next_position
            is_next = header.lane == lane and next_position <= header.first_position
            if not is_next or header.last_position >= stop or not self._is_of_lane(messages, lane):
                raise DamagedError("a chunk of other messages than those that come next")
            row = self._segments.append(header, [chunk])
            self._rows.append(row)
            next_position = header.last_position + 1
            if self._state.lanes is None:
                self.next_position = next_position
            if self._unsynced and row.segment_number != self._unsynced:
                self._bring_to_disk(self._unsynced)
            self._unsynced = row.segment_number
            at += header.size_bytes

    def _is_of_lane(self, messages: Slice, lane: int) -> bool:
        max_priority = self._state.options.max_priority
        if max_priority is None:
            return not lane
        return set(lanes_of(messages.records, max_priority)) == {lane}

    def content(self, rest: Content) -> Content:
        """Return all of it, as the write-ahead log takes it.

        Raises:
            DamagedError: the rest is not that of what is here.
        """
        first = min([each.positions[0] for each in rest.messages.few], default=self.next_position)
        stop = max([each.positions[-1] for each in rest.messages.few], default=0)
        if rest.since != self.next_position or first < self.next_position:
            raise DamagedError(f"the rest from {rest.since}, expected {self.next_position}")
        if rest.messages.chunks or stop >= max(rest.messages.next_position, 1):
            raise DamagedError("the rest of a snapshot with messages that are elsewhere")
        messages = rest.messages._replace(
            chunks=self._rows, next_segment=self._segments.next_number
        )
        return Content(self.since, messages, rest.published)

    def bring_to_disk(self) -> None:
        """Have all of it on the disk before anything that is appended from now on."""
        if self._unsynced:
            self._bring_to_disk(self._unsynced)
            self._unsynced = 0

    def drop(self) -> list[UnneededFile]:
        """Give its chunks up, or hand them over to who has taken them; return files to remove."""
        released = [self._segments.release(row) for row in (*self._rows, *self._void)]
        self._rows, self._void = [], []
        return [each for each in released if each is not None]

    def _bring_to_disk(self, number: int) -> None:
        fsync = partial(self._segments.fsync, number)
        self._commit.gather(_WrittenFile(self._segments.path(number), fsync), _NOTHING, fsync=True)


def still_unneeded(
    files: Iterable[UnneededFile], segments: Segments, rows: Iterable[StoredChunk]
) -> list[UnneededFile]:
    """Return the unneeded files that have no chunk of a snapshot which was installed.

    Its first chunks may be behind those of the messages before it, in one file. A restart, which
    repeats the operation, knows that as a file of the messages before, and they go.
    """
    needed = {segments.path(row.segment_number) for row in rows}
    return [each for each in files if each.path not in needed]


class _WrittenFile:
    """A file that was written already, and is to be on the disk with a group."""

    def __init__(self, path: str, fsync: Callable[[], None]) -> None:
        self._path = path
        self._fsync = fsync

    def seal(self) -> Gathered:
        """Return a write of nothing, behind which the file is synced."""
        return Gathered(write=FileWrite(self._path, _NoWrite(), 0, (), self._fsync))


class _NoWrite:
    """Stands for a file to which nothing is left to be written."""

    def write_at(self, position: int, data: object) -> None:
        """Do nothing."""
