"""A loop that the test turns by hand: what is called soon, what is called later, and the time."""

import asyncio
from collections.abc import Callable
from typing import Any, cast


class FakeTimer:
    """What ``call_later`` returns."""

    def __init__(self, due_ms: int, work: Callable[[], None]) -> None:
        self.due_ms = due_ms
        self.work = work
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class FakeLoop:
    """Has nothing but a clock, timers, and what is ready."""

    def __init__(self) -> None:
        self.time_ms = 1_000_000
        self.timers: list[FakeTimer] = []
        self.ready: list[Callable[[], None]] = []
        self.armed_count = 0

    @property
    def as_loop(self) -> asyncio.AbstractEventLoop:
        return cast("asyncio.AbstractEventLoop", self)

    def now_ms(self) -> int:
        return self.time_ms

    def call_soon(self, work: Callable[..., None], *args: Any) -> None:  # noqa: ANN401 - asyncio's
        self.ready.append(lambda: work(*args))

    def call_later(self, delay_s: float, work: Callable[[], None]) -> FakeTimer:
        assert delay_s >= 0
        timer = FakeTimer(self.time_ms + round(delay_s * 1000), work)
        self.timers.append(timer)
        self.armed_count += 1
        return timer

    def run_ready(self) -> int:
        """Run what is ready now, and not what that makes ready; return how many there were."""
        ready, self.ready = self.ready, []
        for work in ready:
            work()
        return len(ready)

    def run_until(self, time_ms: int) -> None:
        """Let the time pass, with every timer and all that is ready on the way."""
        while self.ready:
            self.run_ready()
        while due := self._next_timer(time_ms):
            self.timers.remove(due)
            self.time_ms = max(self.time_ms, due.due_ms)
            due.work()
            while self.ready:
                self.run_ready()
        self.time_ms = time_ms

    def _next_timer(self, time_ms: int) -> FakeTimer | None:
        self.timers = [timer for timer in self.timers if not timer.is_cancelled]
        first = min(self.timers, key=lambda timer: timer.due_ms, default=None)
        return first if first is not None and first.due_ms <= time_ms else None
