"""Makes the logs of queues: what each of them needs of its node, and what all of them share."""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from persistence.files import Files
from persistence.log import Log
from persistence.log_state import LogOptions, LogState
from persistence.open_segments import OPEN_SEGMENTS_MAX, OpenSegments
from persistence.replicas.log import ReplicaLog
from persistence.replicas.stream_content import StreamContent
from persistence.segment import Segments
from persistence.streams.compaction import KEYS_MAX
from persistence.streams.compactor import CompactionRoom
from persistence.streams.files import prefix_of
from persistence.streams.kept import KeptChunks
from persistence.streams.log import StreamLimits, StreamLog
from persistence.streams.open_files import OpenFiles
from persistence.streams.recent_writes import RecentWrites
from persistence.streams.segments import StreamSegments
from persistence.streams.tail import TAILS_BYTES_MAX, Tails

QUEUES_DIRECTORY: Final = "queues"
SPILL_DIRECTORY: Final = "spill"


class StoreLimits(NamedTuple):
    """Sizes that an operator may change.

    Attributes:
        segment_size_bytes: a segment file that has reached this size gets no more chunks.
        unneeded_bytes_max: a checkpoint is due when it would free this much.
        open_segments_max: segment files of all queues that are open for writing, and those of
            streams.
        streams: where and when a stream writes.
        tails_bytes_max: what streams may have in memory that is in no segment.
        compaction_keys_max: keys of streams that may be in memory for compaction.
    """

    segment_size_bytes: int = 16 << 20
    unneeded_bytes_max: int = 64 << 20
    open_segments_max: int = OPEN_SEGMENTS_MAX
    streams: StreamLimits = StreamLimits()
    tails_bytes_max: int = TAILS_BYTES_MAX
    compaction_keys_max: int = KEYS_MAX


class NotStarted:
    """Stands for the group commit until the store has been started."""

    committed_lsn = 0
    is_one_log = True

    def append_operation(self, parts: object, *, fsync: bool) -> int:  # noqa: ARG002 - the port's names
        """Refuse: while a store is being opened nothing happens in a queue."""
        raise AssertionError("the store has not been started")

    def gather(self, source: object, size_bytes: int, *, fsync: bool) -> int:  # noqa: ARG002
        """Refuse, as above."""
        raise AssertionError("the store has not been started")

    def wait(self, lsn: int, call: object) -> None:  # noqa: ARG002 - the port's names
        """Refuse: nobody waits for what was never appended."""
        raise AssertionError("the store has not been started")


class LogMaker:
    """Makes empty logs that are not started: what a restart makes of them is not known yet."""

    def __init__(
        self,
        files: Files,
        limits: StoreLimits,
        wall_offset_ms: Callable[[], int],
        tell_disk_full: Callable[[], None],
    ) -> None:
        """Begin; ``tell_disk_full`` is called when a chunk found no room."""
        self._files = files
        self._limits = limits
        self._opened = OpenSegments(limits.open_segments_max)
        self._stream_files = OpenFiles(files, self._opened)
        self._tails = Tails(limits.tails_bytes_max)
        self._recent_writes = RecentWrites(limits.streams.past_cache_bytes_min)
        self._compaction_room = CompactionRoom(limits.compaction_keys_max)
        self._wall_offset_ms = wall_offset_ms
        self._tell_disk_full = tell_disk_full

    def log(self, queue_id: int, options: LogOptions) -> Log:
        """Return the log of a queue."""
        made = Log(self._state(queue_id, options), NotStarted())
        made.on_disk_full = self._tell_disk_full
        return made

    def stream_log(self, queue_id: int) -> StreamLog:
        """Return the log of a stream."""
        limits, room = self._limits.streams, self._compaction_room
        kept = self._kept_chunks(queue_id)
        return StreamLog(queue_id, kept, self._wall_offset_ms, limits, NotStarted(), room)

    def _kept_chunks(self, queue_id: int, prefix: str = "") -> KeptChunks:
        segments = StreamSegments(self._stream_files, QUEUES_DIRECTORY, queue_id, prefix)
        tail_bytes_max = self._limits.streams.tail_bytes_max
        kept = KeptChunks(segments, self._tails, tail_bytes_max, self._recent_writes)
        kept.on_disk_full = self._tell_disk_full
        return kept

    def replica_log(self, queue_id: int, options: LogOptions) -> ReplicaLog:
        """Return the log of a replica of a mirrored queue."""

        def make_state(next_segment: int) -> LogState:
            state = self._state(queue_id, options)
            if next_segment:
                state.begin_after(next_segment)
            return state

        made = ReplicaLog(
            queue_id, make_state, partial(self.stream_content, queue_id), NotStarted()
        )
        made.on_disk_full = self._tell_disk_full
        return made

    def stream_content(self, queue_id: int, begun_with: int) -> StreamContent:
        """Return the content of a replica that turns out to be one of a stream.

        Args:
            queue_id: of the replica's log.
            begun_with: see ``StreamContent.begun_with``.
        """
        return StreamContent(
            queue_id, self._kept_chunks(queue_id, prefix_of(begun_with)), begun_with
        )

    def _state(self, queue_id: int, options: LogOptions) -> LogState:
        parent = QUEUES_DIRECTORY if options.durable else SPILL_DIRECTORY
        size_bytes = self._limits.segment_size_bytes
        segments = partial(Segments, self._files, parent, queue_id, size_bytes, self._opened)
        return LogState(queue_id, options, segments, self._wall_offset_ms)
