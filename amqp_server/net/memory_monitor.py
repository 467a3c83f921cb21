"""How much memory the process uses, asked once a second; above the watermark publishers wait.

Source: RabbitMQ, memory alarms: resident set against a share of the memory there is, which is the
host's or what the cgroup allows, whichever is less.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

INTERVAL_MS: Final = 1_000

CLEAR_BELOW_RATIO: Final = 0.95
"""The alarm goes off only below this share of the watermark, so that it does not flutter."""

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
    """A ``Timed`` that measures and tells.

    Args:
        watermark_bytes: above this the alarm is on; 0 is never.
        tell: called with (is_low, now_ms) after each measurement.
        measure: returns the resident set in bytes.
        now_ms: the time.
    """

    def __init__(
        self,
        watermark_bytes: int,
        tell: Callable[[bool, int], None],
        now_ms: int,
        measure: Callable[[], int] = resident_bytes,
    ) -> None:
        self._watermark_bytes = watermark_bytes
        self._tell = tell
        self._measure = measure
        self._due_ms = now_ms
        self._is_low = False

    def next_deadline_ms(self) -> int | None:
        """Return when to measure next; None without a watermark."""
        return self._due_ms if self._watermark_bytes else None

    def tick(self, now_ms: int) -> None:
        """Measure, and tell."""
        self._due_ms = now_ms + INTERVAL_MS
        used_bytes = self._measure()
        limit_bytes = self._watermark_bytes * (CLEAR_BELOW_RATIO if self._is_low else 1.0)
        is_low = used_bytes > limit_bytes
        if is_low != self._is_low:
            self._is_low = is_low
            state = "on" if is_low else "off"
            log.warning(
                "memory alarm %s resident_bytes=%d watermark_bytes=%d",
                state,
                used_bytes,
                self._watermark_bytes,
            )
        self._tell(is_low, now_ms)
