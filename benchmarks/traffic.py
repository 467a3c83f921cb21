"""Windows with messages: workers publish and consume while this process reads the clock.

After a warm-up, counters and CPU times are read, and read again at the end of the window. The rates
are differences between the two, so the cost of starting and stopping is not in them.
"""

import contextlib
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks import rpc
from benchmarks.brokers import Broker
from benchmarks.disk import disk_sync_us, disk_written_bytes
from benchmarks.flows import flood_load, load_of, paced_load, single_queue, topology_of
from benchmarks.scenarios import Flow, Paced, Rpc
from benchmarks.window import Window, each, window_of
from load_generator import readings
from load_generator.board import Board
from load_generator.crew import Crew, crew_at_work, tasks_of, worker_counts
from load_generator.load import Load, Topology
from load_generator.publisher import publish
from load_generator.topology import declared
from load_generator.wire import LoadError
from load_generator.workers import Task

WARM_UP_S: Final = 0.7
WORKER_LIFETIME_S: Final = 600.0
FIRST_RATE_PER_S_MAX: Final = 2_000
"""Above this rate, a generator with priority would take cores from the broker."""
_CHECK_S: Final = 0.1


def measure_flow(flow: Flow, broker: Broker, prefix: str, seconds: float) -> Window:
    """Measure publishers and consumers at full speed.

    Raises:
        LoadError: the broker refused, or a worker failed.
        OSError: the broker does not answer.
    """
    topology = topology_of(flow, prefix)
    window = _measure_load(load_of(flow, topology), topology, broker, seconds)
    return replace(window, disk_sync_us=disk_sync_us()) if flow.measures_disk else window


def measure_paced(paced: Paced, broker: Broker, prefix: str, seconds: float) -> Window:
    """Measure latency at a fixed rate; raises as ``measure_flow``."""
    topology = single_queue(prefix)
    load = paced_load(paced, topology)
    is_first = paced.rate_per_s <= FIRST_RATE_PER_S_MAX
    if not paced.is_beside_flood:
        return _measure_load(load, topology, broker, seconds, is_first=is_first)
    window = _measure_load(load, topology, broker, seconds, is_first=is_first, has_flood=True)
    # The flood took most of the CPU time, so a figure per delivery means nothing.
    return replace(window, broker_cpu_us=None, generator_cpu_us=None)


def _measure_load(
    load: Load,
    topology: Topology,
    broker: Broker,
    seconds: float,
    *,
    is_first: bool = False,
    has_flood: bool = False,
) -> Window:
    counts = worker_counts(load, process_count=1)
    board = Board(sum(counts) + has_flood, WORKER_LIFETIME_S)
    consumer_tasks, publisher_tasks = tasks_of(load, broker.endpoint, board, counts)
    if is_first:
        consumer_tasks = [partial(_come_first, task) for task in consumer_tasks]
        publisher_tasks = [partial(_come_first, task) for task in publisher_tasks]
    with ExitStack() as stack:
        stack.enter_context(declared(topology, broker.endpoint))
        if has_flood:
            flooded = single_queue(f"{topology.queues[0]}.flood")
            stack.enter_context(declared(flooded, broker.endpoint))
            tally = board.tally(sum(counts))
            publisher_tasks.append(
                partial(publish, flood_load(flooded), broker.endpoint, range(1), tally)
            )
        window = _measure(board, consumer_tasks, publisher_tasks, broker, seconds)
    if topology.durable:
        return window
    return replace(window, written_bytes=None)


def _come_first(task: Task, ready: Callable[[], None]) -> None:
    """Run a task in a process that gets a core as soon as it is woken, if that is allowed.

    It then reads the clock at the right time, without waiting for other processes. So the figures
    have the broker's waits for a core, but not the generator's.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    task(ready)


def measure_rpc(call: Rpc, broker: Broker, prefix: str, seconds: float) -> Window:
    """Measure round trips, one at a time; raises as ``measure_flow``."""
    topology, board, endpoint = single_queue(prefix), Board(2, WORKER_LIFETIME_S), broker.endpoint
    server = partial(rpc.serve, call, endpoint, topology, board.tally(0))
    client = partial(rpc.call, call, endpoint, topology, board.tally(1))
    with declared(topology, endpoint):
        return _measure(board, [server], [client], broker, seconds)


def _measure(
    board: Board,
    consumer_tasks: list[Task],
    publisher_tasks: list[Task],
    broker: Broker,
    seconds: float,
) -> Window:
    with crew_at_work(board, consumer_tasks, publisher_tasks, broker.pid) as crew:
        board.go()
        _watch(WARM_UP_S, crew)
        first, wrote_bytes = crew.reading(), disk_written_bytes()
        _watch(seconds, crew)
        last, written_bytes = crew.reading(), disk_written_bytes()
        crew.stop()
    if last.totals.nacked_count:
        raise LoadError(f"{last.totals.nacked_count} publishes were nacked")
    figures = readings.between(first, last)
    each_bytes = each(wrote_bytes, written_bytes, figures.counts.consumed_count)
    return replace(window_of(figures), written_bytes=each_bytes)


def _watch(seconds: float, crew: Crew) -> None:
    """Wait, unless a worker ends meanwhile."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(_CHECK_S, left_s))
        crew.check()
