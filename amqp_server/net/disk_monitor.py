"""Measures the free room on the data directory's disk; below the limit publishers wait.

It measures every 10 seconds while there is much room. With less room it measures earlier: before a
fast disk can be filled up to the limit. A write that the disk refused is known before any
measurement, and trips the alarm at once.

Source: RabbitMQ, free disk space alarms: ``disk_free_limit`` of 50 MB, every 10 seconds and up to
10 times a second near the limit. When a measurement fails, its monitor ends and leaves the alarm as
it was. Ours also leaves the alarm, but continues to measure.
"""

import logging
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

INTERVAL_MAX_MS: Final = 10_000
INTERVAL_MIN_MS: Final = 100

INTERVAL_LOW_MS: Final = 1_000
"""While the alarm is on, so that freed room is soon noticed."""

FILL_RATE_BYTES_PER_MS: Final = 1_000_000
"""The assumed highest speed at which a disk is filled: 1 GB/s."""

CLEAR_ABOVE_RATIO: Final = 1.05
"""The alarm ends only at this multiple of the limit, so that it does not change too often."""


class DiskMonitor:
    """A ``Timed`` that measures the free room and reports it.

    The alarm is on while there is too little room, or while the disk refuses writes. A quota may
    refuse writes although there is room.

    Args:
        limit_bytes: below this the alarm is on; 0 measures nothing, and only refused writes count.
        tell: called with (is_low, now_ms) after each measurement and each change.
        now_ms: the time.
        measure: returns the free bytes (``Files.free_bytes``), or raises OSError.

    Attributes:
        free_bytes: as measured last; None before the first time.
        limit_bytes: see above.
    """

    def __init__(
        self,
        limit_bytes: int,
        tell: Callable[[bool, int], None],
        now_ms: int,
        measure: Callable[[], int],
    ) -> None:
        self.free_bytes: int | None = None
        self.limit_bytes = limit_bytes
        self._tell = tell
        self._measure = measure
        self._due_ms = now_ms
        self._has_little = False
        self._is_tripped = False
        self._was_measured = True

    @property
    def is_low(self) -> bool:
        """Whether the alarm is on."""
        return self._has_little or self._is_tripped

    def next_deadline_ms(self) -> int | None:
        """Return when to measure next; None without a limit."""
        return self._due_ms if self.limit_bytes else None

    def on_deadline(self, now_ms: int) -> None:
        """Measure, and report."""
        was_low = self.is_low
        self._look()
        self._due_ms = now_ms + self._interval_ms()
        self._log_change(was_low)
        self._tell(self.is_low, now_ms)

    def trip(self, now_ms: int) -> None:
        """Note that the disk had no room for a write; the alarm stays on until release."""
        was_low = self.is_low
        self._is_tripped = True
        self._log_change(was_low)
        self._tell(self.is_low, now_ms)

    def release(self, now_ms: int) -> None:
        """Note that the disk takes refused writes again; the alarm ends if there is room."""
        if self._is_tripped:
            was_low = self.is_low
            self._is_tripped = False
            if self.limit_bytes:
                self._look()
            self._log_change(was_low)
            self._tell(self.is_low, now_ms)

    def _look(self) -> None:
        try:
            self.free_bytes = self._measure()
        except OSError as error:
            if self._was_measured:
                log.warning("free disk space is not known error=%s", error)
            self._was_measured = False
            return
        self._was_measured = True
        ratio = CLEAR_ABOVE_RATIO if self._has_little else 1.0
        self._has_little = self.free_bytes < self.limit_bytes * ratio

    def _interval_ms(self) -> int:
        if self.is_low:
            return INTERVAL_LOW_MS
        if self.free_bytes is None or not self._was_measured:
            return INTERVAL_MAX_MS
        until_low_ms = (self.free_bytes - self.limit_bytes) // FILL_RATE_BYTES_PER_MS
        return min(max(until_low_ms, INTERVAL_MIN_MS), INTERVAL_MAX_MS)

    def _log_change(self, was_low: bool) -> None:  # noqa: FBT001 -- as the port's
        if self.is_low != was_low:
            log.warning(
                "disk alarm %s free_bytes=%s limit_bytes=%d writes_refused=%s",
                "on" if self.is_low else "off",
                self.free_bytes,
                self.limit_bytes,
                self._is_tripped,
            )
