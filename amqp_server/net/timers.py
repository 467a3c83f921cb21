"""The only clock, and one timer for every deadline of a loop.

A connection's next deadline moves with each read (heartbeats), a queue's with each publish (TTLs).
Moving a loop timer every time would cost more than the work itself. So a deadline that moves *away*
changes nothing: it is looked up again when its old time comes. Only a deadline that comes nearer
costs a heap push. An idle connection costs nothing until its own deadline.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final, Protocol, TypeAlias

log = logging.getLogger(__name__)

NowMs: TypeAlias = Callable[[], int]
"""A clock: returns milliseconds."""

NS_PER_MS: Final = 1_000_000

LONG_AGO_MS: Final = 1 << 42
"""139 years, which the clock is ahead: instants from before the machine's start are above 0."""

LOOK_NS_MAX: Final = 20_000
LOOKS_MAX: Final = 10
"""A look at both clocks that takes longer than 20 us is tried again, up to ten looks in all."""

SPACING_MS: Final = 10
"""Shortest time between two looks at the deadlines: at most 100 looks a second."""

DEADLINES_PER_ROUND_MAX: Final = 1_000
"""Most deadlines in one look; the rest follow one spacing later."""

FAILED_AGAIN_MS: Final = 1_000
"""When work that failed is tried again, if it is still due."""

STALE_WATCHES_MAX: Final = 64
"""Outdated heap entries, beyond one for each watch, that are allowed before a clean-up."""


def now_ms() -> int:
    """Return the monotonic clock, in ms since an arbitrary start, for deadlines and ages."""
    return time.monotonic_ns() // NS_PER_MS + LONG_AGO_MS


def wall_offset_ms(
    monotonic_ns: Callable[[], int] = time.monotonic_ns, wall_ns: Callable[[], int] = time.time_ns
) -> int:
    """Return the number that turns an instant into ms since 1970, by addition.

    The process may lose its core between two looks at the clocks. A delay on the disk would then
    end that much too early, so the quickest of a few looks counts.

    Args:
        monotonic_ns: the clock of ``now_ms``, in ns.
        wall_ns: the time of day, in ns since 1970.
    """
    looks: list[tuple[int, int]] = []
    for _ in range(LOOKS_MAX):
        before_ns = monotonic_ns()
        wall = wall_ns()
        took_ns = monotonic_ns() - before_ns
        looks.append((took_ns, wall - before_ns - took_ns // 2))
        if took_ns <= LOOK_NS_MAX:
            break
    _, offset_ns = min(looks)
    return offset_ns // NS_PER_MS - LONG_AGO_MS


def wall_ms() -> int:
    """Return the time of day, in ms since 1970-01-01 UTC, for timestamps that users see."""
    return time.time_ns() // NS_PER_MS


class Timed(Protocol):
    """An object that must be woken at a time of its own."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due (instant, monotonic clock); None is never."""

    def on_deadline(self, now_ms: int) -> None:
        """Do the work that is due; called once ``next_deadline_ms`` has been reached."""


class _Nobody:
    """The ``Timed`` of a forgotten watch, whose heap entry may stay for a long time."""

    def next_deadline_ms(self) -> int | None:
        return None

    def on_deadline(self, now_ms: int) -> None:
        """Nothing is woken."""


_NOBODY: Final = _Nobody()


class Watch:
    """One watched ``Timed``.

    Attributes:
        timed: the object to ask and to wake; a stand-in once it is forgotten.
        due_ms: when it will be looked at next; None while it has no deadline.
        heap_number: number of the valid heap entry.
        not_before_ms: it is not woken earlier, because its work failed.
    """

    __slots__ = ("due_ms", "heap_number", "not_before_ms", "timed")

    def __init__(self, timed: Timed) -> None:
        self.timed = timed
        self.due_ms: int | None = None
        self.heap_number = 0
        self.not_before_ms = 0


class Deadlines:
    """Wakes every watched ``Timed`` of one loop at its deadline, with one loop timer.

    Invariant: a watch whose ``due_ms`` is not None has exactly one valid heap entry, the one with
    its ``heap_number``; every other entry is stale and is skipped when its time comes.

    A deadline is met within ``SPACING_MS`` plus the loop's own delay, never early.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: NowMs = now_ms) -> None:
        self._loop = loop
        self._now_ms = clock
        self._heap: list[tuple[int, int, Watch]] = []
        self._heaped_count = 0
        self._watches_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due_ms = 0
        self._looked_at_ms = clock() - SPACING_MS

    def watch(self, timed: Timed) -> Watch:
        """Begin to watch; its present deadline, if any, counts at once."""
        watch = Watch(timed)
        self._watches_count += 1
        self.refresh(watch)
        return watch

    def refresh(self, watch: Watch) -> None:
        """Note that the deadline may have come nearer; if not, this is only a comparison."""
        deadline_ms = watch.timed.next_deadline_ms()
        if deadline_ms is None or (watch.due_ms is not None and watch.due_ms <= deadline_ms):
            return
        if deadline_ms < watch.not_before_ms:
            deadline_ms = watch.not_before_ms
            if watch.due_ms == deadline_ms:
                return
        self._drop_stale()
        self._heaped_count += 1
        watch.due_ms = deadline_ms
        watch.heap_number = self._heaped_count
        heappush(self._heap, (deadline_ms, self._heaped_count, watch))
        self._arm()

    def forget(self, watch: Watch) -> None:
        """Stop watching; a second call has no effect."""
        if watch.timed is not _NOBODY:
            watch.timed = _NOBODY
            watch.due_ms = None
            self._watches_count -= 1

    def close(self) -> None:
        """Stop for good; nothing is woken any more."""
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def heap_count(self) -> int:
        """How many watches the heap holds, stale ones included."""
        return len(self._heap)

    def _drop_stale(self) -> None:
        """Keep the heap within about twice the watches, however the deadlines move."""
        if len(self._heap) > 2 * self._watches_count + STALE_WATCHES_MAX:
            self._heap = [each for each in self._heap if _is_valid(each)]
            heapify(self._heap)

    def _arm(self) -> None:
        """Set the loop's timer to the earliest entry, unless the timer is earlier already."""
        if not self._heap:
            return
        due_ms = max(self._heap[0][0], self._looked_at_ms + SPACING_MS)
        if self._timer is not None:
            if self._timer_due_ms <= due_ms:
                return
            self._timer.cancel()
        self._timer_due_ms = due_ms
        delay_ms = max(due_ms - self._now_ms(), 0)
        self._timer = self._loop.call_later(delay_ms / 1000, self._look)

    def _look(self) -> None:
        """Wake those whose time has come; a watch with a later deadline goes back to the heap."""
        self._timer = None
        now = self._looked_at_ms = self._now_ms()
        for watch in self._take_due(now):
            deadline_ms = watch.timed.next_deadline_ms()
            if deadline_ms is not None and deadline_ms <= now and watch.not_before_ms <= now:
                try:
                    watch.timed.on_deadline(now)
                except Exception:
                    log.exception("the work of a deadline failed")
                    deadline_ms = watch.timed.next_deadline_ms()
                    if deadline_ms is not None and deadline_ms <= now:
                        watch.not_before_ms = now + FAILED_AGAIN_MS
            self.refresh(watch)
        self._arm()

    def _take_due(self, now: int) -> list[Watch]:
        """Take the due watches off the heap, earliest first, at most those of one look."""
        due: list[Watch] = []
        while self._heap and self._heap[0][0] <= now and len(due) < DEADLINES_PER_ROUND_MAX:
            first = heappop(self._heap)
            if _is_valid(first):
                first[2].due_ms = None
                due.append(first[2])
        return due


def _is_valid(heaped: tuple[int, int, Watch]) -> bool:
    _, heap_number, watch = heaped
    return watch.due_ms is not None and watch.heap_number == heap_number
