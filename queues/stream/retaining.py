"""When a stream looks whether some of its oldest segments are to go.

A look is due when a segment has ended, when a policy has changed, at the age that the log names,
and a while after the disk refused.
"""

from typing import Final

from persistence.streams.chunk_filter import FILTER_BYTES_DEFAULT
from persistence.streams.retention import SEGMENT_BYTES_DEFAULT, Retention
from queues.options import QueueOptions
from queues.stream_log import StreamLog

AT_ONCE_MS: Final = 1
"""An instant that has passed."""


class Retaining:
    """Asks the log of one stream to drop what is due.

    Attributes:
        due_ms: when to call ``look`` (instant); None while nothing can become due.
    """

    __slots__ = ("_log", "_segment_count", "due_ms")

    def __init__(self, log: StreamLog) -> None:
        self._log = log
        self._segment_count = log.segment_count
        self.due_ms: int | None = None

    def configure(self, options: QueueOptions) -> None:
        """Apply the options of the stream; a look is due."""
        self._log.set_retention(
            Retention(
                options.max_length_bytes,
                options.max_age_ms,
                options.segment_bytes_max or SEGMENT_BYTES_DEFAULT,
                options.segment_age_ms,
            )
        )
        self._log.set_filter_bytes(options.filter_bytes or FILTER_BYTES_DEFAULT)
        self.due_ms = AT_ONCE_MS

    def has_appended(self) -> bool:
        """Return whether a look is due, now that something was appended."""
        if self._log.segment_count != self._segment_count or self.due_ms is None:
            self.due_ms = AT_ONCE_MS
            return True
        return False

    def look_by(self, due_ms: int) -> None:
        """Have a look at this instant at the latest."""
        self.due_ms = due_ms if self.due_ms is None else min(due_ms, self.due_ms)

    def look(self, now_ms: int) -> None:
        """Drop what is due."""
        self.due_ms = self._log.retain(now_ms)
        self._segment_count = self._log.segment_count
