"""Generator processes, and the counters they share with the one that reads the clock.

Publishers and consumers are processes of their own, so that neither waits for the other's
interpreter. They count on a board in shared memory, which the measuring process reads twice;
the difference is the figure. A worker that fails sends its reason up a pipe instead.
"""

import ctypes
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.sharedctypes import RawArray
from typing import Final, NamedTuple, TypeAlias

from amqp_server.perf.wire import LoadError

READY_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
LIFETIME_S_MAX: Final = 600.0
"""No worker outlives this, even if the process that measures is killed."""


class Latencies(NamedTuple):
    """Percentiles of one window, in microseconds."""

    p50_us: float
    p99_us: float


def percentiles(samples_ns: list[int]) -> Latencies | None:
    """Return the median and the 99th percentile by nearest rank; None of no samples."""
    if not samples_ns:
        return None
    ordered = sorted(samples_ns)
    ranks = (-(-len(ordered) * percent // 100) - 1 for percent in (50, 99))
    p50_ns, p99_ns = (ordered[rank] for rank in ranks)
    return Latencies(p50_ns / 1_000, p99_ns / 1_000)


class Board:
    """Counters in shared memory. Each has one writer, so none needs a lock."""

    def __init__(self) -> None:
        self._cells = RawArray(ctypes.c_uint64, 6)
        self._dies_at_s = time.monotonic() + LIFETIME_S_MAX

    @property
    def is_stopping(self) -> bool:
        """Publishers are to end."""
        return bool(self._cells[0]) or time.monotonic() > self._dies_at_s

    @property
    def is_draining(self) -> bool:
        """Consumers are to end; set once the publishers have."""
        return bool(self._cells[1]) or time.monotonic() > self._dies_at_s

    def stop_publishers(self) -> None:
        """Ask publishers to end."""
        self._cells[0] = 1

    def stop_consumers(self) -> None:
        """Ask consumers to end."""
        self._cells[1] = 1

    @property
    def is_measuring(self) -> bool:
        """The warming up is over and the window is not: latencies are to be kept."""
        return bool(self._cells[5])

    @is_measuring.setter
    def is_measuring(self, value: bool) -> None:
        self._cells[5] = value

    @property
    def published_count(self) -> int:
        """Messages handed to the socket."""
        return int(self._cells[2])

    @published_count.setter
    def published_count(self, count: int) -> None:
        self._cells[2] = count

    @property
    def confirmed_count(self) -> int:
        """Messages the broker confirmed."""
        return int(self._cells[3])

    @confirmed_count.setter
    def confirmed_count(self, count: int) -> None:
        self._cells[3] = count

    @property
    def consumed_count(self) -> int:
        """Deliveries received, over all queues."""
        return int(self._cells[4])

    @consumed_count.setter
    def consumed_count(self, count: int) -> None:
        self._cells[4] = count


class _Outcome(NamedTuple):
    error: str | None
    latencies: Latencies | None


_READY: Final = _Outcome(None, None)

Task: TypeAlias = Callable[[Callable[[], None]], Latencies | None]
"""What a worker does: it calls its argument once it is set up, and returns when told to stop."""


class Worker:
    """One generator process."""

    def __init__(self, name: str, task: Task) -> None:
        self.name = name
        self._outcomes, child_end = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        self._process: ForkProcess = context.Process(
            target=_run, args=(task, child_end), name=name, daemon=True
        )
        self._process.start()
        child_end.close()

    @property
    def pid(self) -> int:
        """The process id, for its CPU time."""
        assert self._process.pid is not None, "a worker starts when it is made"
        return self._process.pid

    def await_ready(self) -> None:
        """Wait until the worker is set up.

        Raises:
            LoadError: it failed, or took longer than READY_TIMEOUT_S.
        """
        self._receive(READY_TIMEOUT_S)

    def check(self) -> None:
        """Raise what made the worker end early, if it has.

        Raises:
            LoadError: it ended, or failed.
        """
        if self._outcomes.poll():
            self._receive(0)
            raise LoadError(f"{self.name} ended before it was told to")

    def result(self) -> Latencies | None:
        """Wait for the worker's end and return what it measured.

        Raises:
            LoadError: it failed, or took longer than STOP_TIMEOUT_S.
        """
        return self._receive(STOP_TIMEOUT_S).latencies

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._process.join(0.5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._outcomes.close()

    def _receive(self, timeout_s: float) -> _Outcome:
        if not self._outcomes.poll(timeout_s):
            raise LoadError(f"{self.name} said nothing for {timeout_s:.0f} s")
        try:
            outcome = self._outcomes.recv()
        except EOFError as error:
            raise LoadError(f"{self.name} died") from error
        assert isinstance(outcome, _Outcome), "workers send nothing else"
        if outcome.error is not None:
            raise LoadError(f"{self.name}: {outcome.error}")
        return outcome


def _run(task: Task, outcomes: Connection) -> None:
    """Run in the child: the task, then its outcome up the pipe."""
    # The measuring process takes the interrupt and stops its workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        outcome = _Outcome(None, task(lambda: outcomes.send(_READY)))
    except (LoadError, OSError) as error:
        outcome = _Outcome(str(error) or type(error).__name__, None)
    outcomes.send(outcome)
