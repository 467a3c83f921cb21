"""How late the loop is: what a socket that becomes ready, or a timer, waits until it is looked at.

A probe is due each 100 ms. Where it runs later, the loop was at something else for so long. While
the loop is busy no probe can run, so those that were due meanwhile count with what they would have
waited: a stall of 1 s is ten probes, late by 1000, 900, … 100 ms. Were it one probe, long stalls
would look rare. So the classes say how long something waits that comes at any moment.

The probe costs one timer each 100 ms, and nothing of what passes the loop.
"""

import asyncio
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import Final

from amqp_server.broker.resources import LagView, LookAtLag

STEP_MS: Final = 100
SLOT_MS: Final = 5_000
SLOTS: Final = 720
"""An hour, in slots of 5 s: what is older is in the sums since the start alone."""

BOUNDS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""The largest lag of each class; one more class has all that is later."""

_NS_PER_US: Final = 1_000
_NS_PER_MS: Final = 1_000_000
_STEP_NS: Final = STEP_MS * _NS_PER_MS
_SLOT_NS: Final = SLOT_MS * _NS_PER_MS
_BOUNDS_NS: Final = tuple([bound * _NS_PER_MS for bound in BOUNDS_MS])
_CLASSES: Final = len(BOUNDS_MS) + 1


class LoopLag:
    """The probe of one loop, and what it found.

    Args:
        loop: that is probed.
        clock_ns: monotonic, in ns.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._loop = loop
        self._clock_ns = clock_ns
        self._began_ns = clock_ns()
        self._due_ns = self._began_ns
        self._counts = [0] * _CLASSES
        self._total_ns = self._max_ns = 0
        self._slot = self._began_ns // _SLOT_NS
        self._slot_counts = array("Q", [0]) * (SLOTS * _CLASSES)
        # A node may have been frozen for a week: these are no numbers of 64 bits.
        self._slot_totals = [0] * SLOTS
        self._slot_maxima = [0] * SLOTS

    def begin(self) -> None:
        """Probe the loop from now on, until it ends."""
        self._due_ns = self._clock_ns() + _STEP_NS
        self._wait(_STEP_NS)

    def look(self, age_ms: int | None) -> LagView:
        """Return what was found.

        Args:
            age_ms: in the last so many ms, in whole slots and at most an hour; None is since the
                start.
        """
        now_ns = self._clock_ns()
        span_ms = (now_ns - self._began_ns) // _NS_PER_MS
        if age_ms is None:
            found = (tuple(self._counts), self._total_ns, self._max_ns)
        else:
            self._turn_to(now_ns)
            slots = min(max(-(-age_ms // SLOT_MS), 1), SLOTS)
            found = self._of_slots(slots)
            span_ms = min(span_ms, slots * SLOT_MS)
        counts, total_ns, max_ns = found
        return LagView(
            STEP_MS,
            span_ms,
            tuple([bound * 1_000 for bound in BOUNDS_MS]),
            counts,
            total_ns // _NS_PER_US,
            max_ns // _NS_PER_US,
        )

    def _of_slots(self, slots_count: int) -> tuple[tuple[int, ...], int, int]:
        """Return the sums of the last slots."""
        places = [(self._slot - back) % SLOTS for back in range(slots_count)]
        by_slot = [self._slot_counts[at * _CLASSES : (at + 1) * _CLASSES] for at in places]
        return (
            tuple(map(sum, zip(*by_slot, strict=True))),
            sum([self._slot_totals[at] for at in places]),
            max([self._slot_maxima[at] for at in places]),
        )

    def _wait(self, delay_ns: int) -> None:
        self._loop.call_later(delay_ns / 1_000_000_000, self._probe)

    def _probe(self) -> None:
        now_ns = self._clock_ns()
        # A timer of the loop counts in ms, and may be up to half of one early.
        late_ns = max(now_ns - self._due_ns, 0)
        self._turn_to(now_ns)
        self._note(late_ns)
        self._due_ns += (late_ns // _STEP_NS + 1) * _STEP_NS
        self._wait(max(self._due_ns - now_ns, 0))

    def _note(self, late_ns: int) -> None:
        """Count a probe, and those that were due while it could not run."""
        count = late_ns // _STEP_NS + 1
        total_ns = count * late_ns - _STEP_NS * (count * (count - 1) // 2)
        at = self._slot % SLOTS
        self._total_ns += total_ns
        self._max_ns = max(self._max_ns, late_ns)
        self._slot_totals[at] += total_ns
        self._slot_maxima[at] = max(self._slot_maxima[at], late_ns)
        if count == 1:
            self._add(bisect_left(_BOUNDS_NS, late_ns), 1)
            return
        below = 0
        for place, bound_ns in enumerate((*_BOUNDS_NS, late_ns)):
            # The later the probe was due, the less it waited: those at the end are within a bound.
            within = count - max(-(-(late_ns - bound_ns) // _STEP_NS), 0)
            if within > below:
                self._add(place, within - below)
                below = within

    def _add(self, place: int, count: int) -> None:
        self._counts[place] += count
        self._slot_counts[self._slot % SLOTS * _CLASSES + place] += count

    def _turn_to(self, now_ns: int) -> None:
        """Begin the slots that have come, and forget what was in their places an hour ago."""
        slot = now_ns // _SLOT_NS
        for one in range(max(self._slot + 1, slot - SLOTS + 1), slot + 1):
            at = one % SLOTS
            self._slot_counts[at * _CLASSES : (at + 1) * _CLASSES] = array("Q", [0]) * _CLASSES
            self._slot_totals[at] = self._slot_maxima[at] = 0
        self._slot = slot


def begun_lag(loop: asyncio.AbstractEventLoop) -> LookAtLag:
    """Begin to probe a loop, and return how to look at what was found."""
    lag = LoopLag(loop)
    lag.begin()
    return lag.look
