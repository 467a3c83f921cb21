"""When a stream has its log compacted, and the job that does it piece by piece.

The log says when there is enough to do. The work is a job of many turns, of which each does one
piece, so that readers and all other clients are served in between.
"""

from collections.abc import Callable

from persistence.streams.compaction import TOMBSTONE_AGE_DEFAULT_MS, Compaction
from queues.options import QueueOptions
from queues.ports import Later
from queues.stream.message_keys import finder_of
from queues.stream_log import StreamLog


class CompactingStream:
    """Compacts the log of one stream; a job of the turn while there is something to do.

    Args:
        log: of the stream.
        later: carries the job on; None is a stream that is never compacted.
        look_by: asks for a look at an instant at the latest.
    """

    __slots__ = ("_is_under_way", "_later", "_log", "_look_by", "_options")

    def __init__(self, log: StreamLog, later: Later | None, look_by: Callable[[int], None]) -> None:
        self._log = log
        self._later = later
        self._look_by = look_by
        self._is_under_way = False
        self._options: tuple[str | None, int | None] = (None, None)

    def configure(self, options: QueueOptions) -> None:
        """Apply the options of the stream; a look is due."""
        key_name, age_ms = asked = (options.compact_key, options.tombstone_age_ms)
        if asked == self._options:
            return
        self._options = asked
        if key_name is None:
            self._log.set_compaction(None)
            return
        tombstone_age_ms = TOMBSTONE_AGE_DEFAULT_MS if age_ms is None else age_ms
        name = key_name.encode("utf-8", "surrogateescape")
        self._log.set_compaction(Compaction(name, finder_of(key_name), tombstone_age_ms))

    @property
    def is_on(self) -> bool:
        """Whether the stream is compacted."""
        return self._options[0] is not None

    def look(self, now_ms: int) -> None:
        """Begin if there is enough to do; called when a segment has ended."""
        if self._is_under_way or self._later is None or not self.is_on:
            return
        due_ms = self._log.compaction_due_ms(now_ms)
        if due_ms is None:
            return
        if due_ms > now_ms:
            self._look_by(due_ms)
        else:
            self._is_under_way = True
            self._later(self)

    def step(self, now_ms: int) -> bool:
        """Do a piece; return whether that was the last one for now."""
        if not self._log.compact(now_ms):
            return False
        self._is_under_way = False
        self.look(now_ms)
        return True
