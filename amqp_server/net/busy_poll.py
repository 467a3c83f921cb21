"""Stay awake a moment after a turn, so that a client with one request at a time waits less.

A loop with nothing to do sleeps in the kernel, and the core under it goes to sleep as well. Waking
both takes 20 to 60 us on a virtual machine, several times what the broker does for the message that
woke them. A client that waits for each confirm, or for the answer of an RPC, sends its next message
within that time. So after a turn the loop looks for input again and again for a moment before it
sleeps:

    turn → poll, poll, poll ... → turn → poll, poll ... budget used up → sleep

Polling costs CPU, so it must be worth it. When nothing came, the next turns do not poll, twice as
many each time up to 127. These numbers are odd. A message may cause two turns, its publish and its
confirm, and the next message comes after the second. With even numbers each try could fall on the
first. A poll that finds nothing lets the other threads of the machine run first.

When the loop itself waits for the disk, this time does not count (``resume``).
"""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

_DOUBLINGS_MAX: Final = 6
_NS_PER_US: Final = 1_000


class BusyPoll:
    """Keeps one loop from sleeping for a moment after each turn.

    Attributes:
        turns_count: of all turns; the code that ends a turn counts it, which saves a call.
        is_over: whether ``begin`` is to be called at the end of the next turn.
    """

    __slots__ = (
        "_budget_ns",
        "_clock_ns",
        "_give_way",
        "_loop",
        "_misses_count",
        "_next_try_count",
        "_seen_count",
        "_until_ns",
        "is_over",
        "turns_count",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        budget_us: int,
        *,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        give_way: Callable[[], None] = os.sched_yield,
    ) -> None:
        """Begin asleep.

        Args:
            loop: the loop that is kept awake.
            budget_us: how long after a turn, in us; 0 is not at all.
            clock_ns: monotonic, in ns.
            give_way: lets other threads that could run on this core do so.
        """
        self._loop = loop
        self._budget_ns = budget_us * _NS_PER_US
        self._clock_ns = clock_ns
        self._give_way = give_way
        self._seen_count = 0
        self._until_ns = 0
        self._misses_count = 0
        self._next_try_count = 0
        self.turns_count = 0
        self.is_over = budget_us > 0

    def begin(self) -> None:
        """Stay awake after this turn, unless this brought nothing lately."""
        if self.turns_count >= self._next_try_count:
            self.is_over = False
            self._until_ns = 0
            self._seen_count = -1
            self._poll()

    def resume(self) -> None:
        """Begin the moment again, because the loop itself waited; the last turn was no input."""
        if not self.is_over:
            self._seen_count = self.turns_count
            self._until_ns = self._clock_ns() + self._budget_ns

    def _poll(self) -> None:
        now_ns = self._clock_ns()
        if self.turns_count != self._seen_count:
            if self._until_ns:
                self._misses_count = 0
            self._seen_count = self.turns_count
            self._until_ns = now_ns + self._budget_ns
        elif now_ns >= self._until_ns:
            self.is_over = True
            self._next_try_count = self.turns_count + (2 << self._misses_count) - 1
            self._misses_count = min(self._misses_count + 1, _DOUBLINGS_MAX)
            return
        else:
            self._give_way()
        self._loop.call_soon(self._poll)
