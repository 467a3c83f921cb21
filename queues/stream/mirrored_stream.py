"""The engine of a mirrored stream on its leader.

All that comes of a run is appended as one record. So a run that a front half submits again, as a
leader has gone, is in the log or is not, also where it takes several chunks.
"""

from collections.abc import Sequence
from typing import Protocol

from persistence.record import Run
from persistence.streams.gathering import Appended
from queues.commits import CommitPoint
from queues.outcomes import PublishOutcome
from queues.ports import EngineParts
from queues.stream.engine import StreamEngine
from queues.stream.publishing import appends_of
from queues.stream_log import StreamLog


class MirroredStreamLog(StreamLog, Protocol):
    """The log of a mirrored stream, on its leader."""

    @property
    def safe_at(self) -> CommitPoint:
        """When all that was appended so far is safe."""

    def append_run(self, appends: Sequence[Appended], message_count: int, now_ms: int) -> int:
        """Append all that comes of a run of so many messages, or nothing; return the LSN."""


class MirroredStream(StreamEngine):
    """A ``StreamEngine`` whose log may lose what is not committed; readers never see that."""

    def __init__(self, parts: EngineParts[MirroredStreamLog]) -> None:
        """Make the engine with these parts."""
        name, options, log, emit, wake_up, now_ms, auto_delete, memory, later = parts
        self._mirrored = log
        plain: EngineParts[StreamLog] = EngineParts(
            name, options, log, emit, wake_up, now_ms, auto_delete, memory, later
        )
        super().__init__(plain)

    @property
    def delivered_below(self) -> int:
        """No offset from here on was delivered."""
        return self.log.next_offset

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Append a run, but for what was published before; that waits for its first copy."""
        log = self._mirrored
        appends = list(appends_of(run, log.publishing_id))
        if appends:
            log.append_run(appends, len(run), now_ms)
            self._published_count += sum([each.record_count for each in appends])
            if self._retaining.has_appended():
                self._wake_up()
        return PublishOutcome((), log.safe_at)

    def refuses(self, run: Run) -> bool:  # noqa: ARG002 - the port's name
        """Return False: a stream refuses nothing."""
        return False
