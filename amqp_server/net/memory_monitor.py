"""Measures the memory of the process once a second; above the watermark publishers wait.

The alarm is only for memory in use. So freed memory that is still resident is given back before the
decision. This starts well below the watermark.

Source: RabbitMQ, memory alarms: the resident set is compared with a share of the memory. This is
the host's memory or the cgroup's limit, whichever is less.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from amqp_server.net.freed_memory import FreedMemory

log = logging.getLogger(__name__)

INTERVAL_MS: Final = 1_000

NEAR_INTERVAL_MS: Final = 200
"""While freed memory is given back; memory freed in between is given back all at once."""

GIVE_BACK_ABOVE_RATIO: Final = 0.75
"""From this share of the watermark on freed memory is given back; below, it is kept for speed."""

CLEAR_BELOW_RATIO: Final = 0.95
"""The alarm ends only below this share of the watermark, so that it does not change too often."""

_STATM: Final = Path("/proc/self/statm")
_MEMINFO: Final = Path("/proc/meminfo")
_CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def resident_bytes() -> int:
    """Return the resident set of this process, in bytes."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def total_bytes() -> int:
    """Return the memory this process may use: the host's, or the cgroup's limit if less."""
    total = 0
    for line in _MEMINFO.read_text().splitlines():
        if line.startswith("MemTotal:"):
            total = int(line.split()[1]) * 1024
    limits = (path.read_text().strip() for path in _CGROUP_LIMITS if path.exists())
    return min([total, *(int(limit) for limit in limits if limit.isdigit())])


class MemoryMonitor:
    """A ``Timed`` that measures the memory and reports it.

    Args:
        watermark_bytes: above this the alarm is on; 0 is never.
        tell: called with (is_low, now_ms) after each measurement.
        now_ms: the time.
        measure: returns the resident set in bytes.
        freed: gives freed memory back; None if this is not possible.

    Attributes:
        watermark_bytes: see above.
    """

    def __init__(
        self,
        watermark_bytes: int,
        tell: Callable[[bool, int], None],
        now_ms: int,
        measure: Callable[[], int] = resident_bytes,
        freed: FreedMemory | None = None,
    ) -> None:
        self.watermark_bytes = watermark_bytes
        self._tell = tell
        self._measure = measure
        self._freed = freed
        self._due_ms = now_ms
        self._is_low = False
        self._used_bytes = 0

    def used_bytes(self) -> int:
        """Return what was measured last; measure now where nothing was."""
        if not self._used_bytes:
            self._used_bytes = self._measure()
        return self._used_bytes

    def next_deadline_ms(self) -> int | None:
        """Return when to measure next; None without a watermark."""
        return self._due_ms if self.watermark_bytes else None

    def on_deadline(self, now_ms: int) -> None:
        """Measure, and report; what cannot be measured is taken to be as before."""
        self._due_ms = now_ms + INTERVAL_MS
        try:
            used_bytes = self._measure()
        except OSError as error:
            log.warning("the memory cannot be measured: %s", error)
            return
        limit_bytes = self.watermark_bytes * (CLEAR_BELOW_RATIO if self._is_low else 1.0)
        is_near = used_bytes > self.watermark_bytes * GIVE_BACK_ABOVE_RATIO
        self._due_ms = now_ms + (NEAR_INTERVAL_MS if is_near else INTERVAL_MS)
        if self._freed is not None:
            if not is_near:
                self._freed.forget()
            elif self._freed.give_back(is_over_limit=used_bytes > limit_bytes):
                used_bytes = self._measure()
        self._used_bytes = used_bytes
        is_low = used_bytes > limit_bytes
        if is_low != self._is_low:
            self._is_low = is_low
            state = "on" if is_low else "off"
            log.warning(
                "memory alarm %s resident_bytes=%d watermark_bytes=%d",
                state,
                used_bytes,
                self.watermark_bytes,
            )
        self._tell(is_low, now_ms)
