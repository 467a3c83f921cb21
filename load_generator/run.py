"""One run: declare, start the workers, watch them until the end, and return the results."""

import signal
import time
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final, NamedTuple, Protocol

from load_generator import histogram, processes, readings
from load_generator.board import Board, Totals
from load_generator.crew import crew_at_work, tasks_of, worker_counts
from load_generator.histogram import Latencies
from load_generator.load import Load, Topology
from load_generator.readings import Figures, Reading
from load_generator.session import Endpoint
from load_generator.streams.topology import declared as declared_streams
from load_generator.topology import declared

LIFETIME_SPARE_S: Final = 120.0
"""If a worker is not stopped, it ends this long after the end of the run."""
QUIET_S: Final = 0.5
"""After the last publish, the run ends when no delivery came for this long."""
TELL_EVERY_S: Final = 1.0
_CHECK_S: Final = 0.1
_CHECK_BOUNDED_S: Final = 0.02
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Plan:
    """The description of a run.

    Attributes:
        endpoint: the broker.
        topology: the queues and the exchange to declare.
        load: the publishes and the consumers.
        process_count: processes that publish, and as many that consume.
        seconds: longest time for which figures are taken.
        warm_up_s: time before that.
        message_count: the run ends when this many were published and no delivery is missing, or
            without publishers when this many were consumed; 0 is no such limit.
        persistent: messages are of delivery-mode 2.
        keep: queues and exchange are not deleted.
    """

    endpoint: Endpoint
    topology: Topology
    load: Load
    process_count: int = 1
    seconds: float = 10.0
    warm_up_s: float = 0.0
    message_count: int = 0
    persistent: bool = False
    keep: bool = False


class Sample(NamedTuple):
    """The counts of about a second, for the progress lines.

    Attributes:
        at_s: time since the workers began.
        elapsed_s: length.
        counts: the counts of this time.
        latencies: None if none was measured.
        is_warm_up: it is not part of the figures.
    """

    at_s: float
    elapsed_s: float
    counts: Totals
    latencies: Latencies | None
    is_warm_up: bool


class Outcome(NamedTuple):
    """The result of a run; ``worker_names`` has the order of the figures' cores."""

    figures: Figures
    worker_names: list[str]
    is_interrupted: bool


class Interrupts:
    """Notes whether the user asked to end; a second time ends at once."""

    def __init__(self) -> None:
        self.is_asked = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle SIGINT and SIGTERM in the block."""
        kept = [(number, signal.signal(number, self._ask)) for number in _END_SIGNALS]
        try:
            yield
        finally:
            for number, handler in kept:
                signal.signal(number, handler)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True


_END_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run(plan: Plan, tell: Callable[[Sample], None], interrupts: Interrupts) -> Outcome:
    """Run a plan.

    Args:
        plan: of the run.
        tell: called about once a second.
        interrupts: checked several times a second.

    Raises:
        LoadError: the broker refused, or a worker failed.
        OSError: the broker does not answer.
        KeyboardInterrupt: the user asked twice.
    """
    counts = worker_counts(plan.load, plan.process_count)
    lifetime_s = plan.seconds + plan.warm_up_s + LIFETIME_SPARE_S
    endpoint = plan.endpoint
    broker_pid = processes.listener_pid(endpoint.port) if endpoint.host in _LOOPBACK else None
    declare = declared_streams if endpoint.speaks_streams else declared
    with declare(plan.topology, endpoint, keep=plan.keep):
        board = Board(sum(counts), lifetime_s)
        consumer_tasks, publisher_tasks = tasks_of(plan.load, endpoint, board, counts)
        with crew_at_work(board, consumer_tasks, publisher_tasks, broker_pid) as crew:
            watcher = Watcher(plan, crew, tell, interrupts)
            first, last = watcher.watch()
            crew.stop()
            names = [worker.name for worker in crew.workers]
    return Outcome(readings.between(first, last), names, interrupts.is_asked)


class Watched(Protocol):
    """The port that a watcher needs of a crew."""

    board: Board

    @property
    def publishers(self) -> Sized:
        """The publishing workers."""

    def check(self) -> None:
        """Raise the error that made a worker end early."""

    def reading(self) -> Reading:
        """Return counters and CPU times of this instant."""


class Watcher:
    """Waits for the end of the run, and reports samples meanwhile."""

    def __init__(
        self, plan: Plan, crew: "Watched", tell: Callable[[Sample], None], interrupts: Interrupts
    ) -> None:
        self._plan = plan
        self._crew = crew
        self._tell = tell
        self._interrupts = interrupts
        self._begin_s = time.monotonic()
        self._told_at_s = self._begin_s
        self._told = Totals()
        self._told_latencies: list[int] = []
        self._moved: Reading | None = None
        self._is_complete = False

    def watch(self) -> tuple[Reading, Reading]:
        """Return the readings at the beginning and the end of the measured time."""
        first = self._crew.reading()
        self._crew.board.go()
        if self._plan.warm_up_s:
            self._pass(self._plan.warm_up_s, is_warm_up=True)
            first = self._crew.reading()
        if not self._interrupts.is_asked:
            self._pass(self._plan.seconds, is_warm_up=False)
        # A bounded run ends with its last message, not at the later time when that was noticed.
        if self._is_complete and self._moved and self._moved.at_s > first.at_s:
            return first, self._moved
        return first, self._crew.reading()

    def _pass(self, seconds: float, *, is_warm_up: bool) -> None:
        end_s = time.monotonic() + seconds
        check_s = _CHECK_BOUNDED_S if self._plan.message_count else _CHECK_S
        while (left_s := end_s - time.monotonic()) > 0 and not self._interrupts.is_asked:
            time.sleep(min(check_s, left_s))
            self._crew.check()
            now_s = time.monotonic()
            if now_s - self._told_at_s >= TELL_EVERY_S:
                self._tell_sample(now_s, is_warm_up=is_warm_up)
            if self._plan.message_count and self._is_over():
                self._is_complete = True
                return

    def _tell_sample(self, now_s: float, *, is_warm_up: bool) -> None:
        totals = self._crew.board.totals()
        latencies = self._crew.board.latency_counts() if self._plan.load.has_instants else []
        counts = Totals(*(after - before for after, before in zip(totals, self._told, strict=True)))
        spread = histogram.difference(latencies, self._told_latencies)
        self._tell(
            Sample(
                at_s=now_s - self._begin_s,
                elapsed_s=now_s - self._told_at_s,
                counts=counts,
                latencies=histogram.percentiles(spread),
                is_warm_up=is_warm_up,
            )
        )
        self._told_at_s, self._told, self._told_latencies = now_s, totals, latencies

    def _is_over(self) -> bool:
        """Return whether all messages are published, and no delivery is on its way."""
        # Asked first: a worker that is done has counted everything, so later totals are final.
        are_done = self._crew.board.done_count() >= len(self._crew.publishers)
        totals = self._crew.board.totals()
        if self._moved is None or totals != self._moved.totals:
            self._moved = self._crew.reading()
            # The reading takes a moment in which more may have come.
            totals = self._moved.totals
        if not self._plan.load.publisher_keys:
            return totals.consumed_count >= self._plan.message_count
        if not are_done:
            return False
        if not self._plan.load.consumer_queues:
            return True
        return time.monotonic() - self._moved.at_s > QUIET_S
