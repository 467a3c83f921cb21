"""Counters and CPU times at two instants, and the figures that are their difference."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from load_generator import histogram, processes
from load_generator.board import Board, Totals
from load_generator.histogram import Latencies


class Reading(NamedTuple):
    """The readings at one instant.

    Attributes:
        at_s: of the monotonic clock.
        totals: the counters of the workers.
        latency_counts: buckets of ``histogram``.
        generator_cpu_s: of each worker; 0 if it cannot be seen.
        broker_cpu_s: None if the broker cannot be seen from here.
        broker_rss_bytes: the same.
        machine_busy_s: CPU seconds of all cores, for all processes.
    """

    at_s: float
    totals: Totals
    latency_counts: Sequence[int]
    generator_cpu_s: Sequence[float]
    broker_cpu_s: float | None
    broker_rss_bytes: int | None
    machine_busy_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """The differences between two readings.

    Attributes:
        elapsed_s: time between them.
        counts: the counts of this time.
        latencies: None if none was measured.
        stranger_count: bodies without an instant of this host's clock.
        generator_cores: cores that each worker used.
        broker_cores: cores that the broker used; None if it cannot be seen.
        elsewhere_cores: cores that worked for other processes; None if the broker cannot be seen.
            If it is not near 0, the machine was shared and the rates are too low.
        machine_cores: cores that worked for any process.
        broker_rss_bytes: resident memory of the broker at the end; None if it cannot be seen.
    """

    elapsed_s: float
    counts: Totals
    latencies: Latencies | None
    stranger_count: int
    generator_cores: tuple[float, ...]
    broker_cores: float | None
    elsewhere_cores: float | None
    machine_cores: float
    broker_rss_bytes: int | None

    def per_s(self, count: int) -> float:
        """Return a count of this time per second."""
        return count / self.elapsed_s if self.elapsed_s else 0.0


def take(board: Board, worker_pids: Sequence[int], broker_pid: int | None) -> Reading:
    """Read the board, the clock, and the CPU time and memory of the processes.

    Args:
        board: of the workers.
        worker_pids: their processes.
        broker_pid: None if the broker is not on this machine.
    """
    return Reading(
        at_s=time.monotonic(),
        totals=board.totals(),
        latency_counts=board.latency_counts(),
        generator_cpu_s=[processes.cpu_s(pid) or 0.0 for pid in worker_pids],
        broker_cpu_s=None if broker_pid is None else processes.cpu_s(broker_pid),
        broker_rss_bytes=None if broker_pid is None else processes.rss_bytes(broker_pid),
        machine_busy_s=processes.machine_busy_s(),
    )


def between(first: Reading, last: Reading) -> Figures:
    """Return the figures of the time between two readings."""
    elapsed_s = max(last.at_s - first.at_s, 1e-9)
    counts = Totals(
        *(after - before for after, before in zip(last.totals, first.totals, strict=True))
    )
    latency_counts = histogram.difference(last.latency_counts, first.latency_counts)
    generator_cores = tuple(
        (after_s - before_s) / elapsed_s
        for after_s, before_s in zip(last.generator_cpu_s, first.generator_cpu_s, strict=True)
    )
    machine_cores = (last.machine_busy_s - first.machine_busy_s) / elapsed_s
    broker_cores = elsewhere_cores = None
    if first.broker_cpu_s is not None and last.broker_cpu_s is not None:
        broker_cores = (last.broker_cpu_s - first.broker_cpu_s) / elapsed_s
        elsewhere_cores = max(0.0, machine_cores - broker_cores - sum(generator_cores))
    return Figures(
        elapsed_s=elapsed_s,
        counts=counts,
        latencies=histogram.percentiles(latency_counts),
        stranger_count=histogram.stranger_count(latency_counts),
        generator_cores=generator_cores,
        broker_cores=broker_cores,
        elsewhere_cores=elsewhere_cores,
        machine_cores=machine_cores,
        broker_rss_bytes=last.broker_rss_bytes,
    )
