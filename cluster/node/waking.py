"""The clock of a core: set by a timer, and before all else when the process was frozen.

Sockets, disk and timers come up in any order after a freeze. Whatever comes first must find the
core with a clock that is right, as what may be delivered and confirmed hangs on it (R16, R17).
"""

from collections.abc import Callable
from functools import partial

from cluster.mirrored.fsyncs import NodeCommit


class Waking:
    """Sets the clock where it is old.

    Args:
        now_ms: the own monotonic clock.
        turn: takes the time, and does what is due.
        turn_ms: how old the core's time may be.
    """

    def __init__(
        self, now_ms: Callable[[], int], turn: Callable[[int], None], turn_ms: int
    ) -> None:
        self._now_ms = now_ms
        self._turn = turn
        self._turn_ms = turn_ms
        self._set_at_ms: int | None = None

    def wake(self) -> None:
        """Set the clock, unless that was done a moment ago."""
        now_ms = self._now_ms()
        if self._set_at_ms is None or now_ms - self._set_at_ms >= self._turn_ms:
            self._set(now_ms)

    def _set(self, now_ms: int) -> None:
        # What is due may call back in here; it has the right time already.
        self._set_at_ms = now_ms
        self._turn(now_ms)

    def woken(self, call: Callable[[], None]) -> None:
        """Call, with a clock that is right."""
        self.wake()
        call()


class WokenCommit:
    """A node's group commit, whose calls come with a clock that is right."""

    def __init__(self, commit: NodeCommit, waking: Callable[[Callable[[], None]], None]) -> None:
        self._commit = commit
        self._waking = waking

    @property
    def committed_lsn(self) -> int:
        """Everything up to this LSN is on the disk."""
        return self._commit.committed_lsn

    @property
    def writing_bytes(self) -> int:
        """How much the disk is taking now; 0: nothing, or it is full."""
        return self._commit.writing_bytes

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call once everything up to this LSN is on the disk."""
        self._commit.wait(lsn, partial(self._waking, call))
