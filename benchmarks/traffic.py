"""Windows with messages: workers publish and consume while this process reads the clock.

A window warms up first; then counters and CPU times are read, and read again at its end. The
rates are differences between the two, so what starting and stopping cost is not in them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from amqp_server.perf import processes
from amqp_server.perf.consumer import consume_flow, consume_paced
from amqp_server.perf.publisher import publish_flow, publish_paced
from amqp_server.perf.topology import declared
from amqp_server.perf.workers import Board, Task, Worker
from benchmarks import rpc
from benchmarks.brokers import Broker
from benchmarks.scenarios import Flow, Paced, Rpc
from benchmarks.window import Reading, Window, between

WARM_UP_S: Final = 0.7
_CHECK_S: Final = 0.1


def measure_flow(flow: Flow, broker: Broker, prefix: str, seconds: float) -> Window:
    """Measure publishers and consumers at full speed.

    Raises:
        LoadError: the broker or a worker would not go on.
        OSError: the broker does not answer.
    """
    board, endpoint = Board(), broker.endpoint
    with declared(flow, endpoint, prefix) as topology:
        return _measure(
            partial(consume_flow, flow, endpoint, topology, board),
            partial(publish_flow, flow, endpoint, topology, board),
            broker,
            board,
            seconds,
        )


def measure_paced(paced: Paced, broker: Broker, prefix: str, seconds: float) -> Window:
    """Measure latency at a fixed rate; raises as ``measure_flow``."""
    board, endpoint = Board(), broker.endpoint
    with declared(Flow(paced.name, paced.title), endpoint, prefix) as topology:
        return _measure(
            partial(consume_paced, endpoint, topology, board),
            partial(publish_paced, paced, endpoint, topology, board),
            broker,
            board,
            seconds,
        )


def measure_rpc(call: Rpc, broker: Broker, prefix: str, seconds: float) -> Window:
    """Measure round trips, one at a time; raises as ``measure_flow``."""
    board, endpoint = Board(), broker.endpoint
    with declared(Flow(call.name, call.title), endpoint, prefix) as topology:
        return _measure(
            partial(rpc.serve, call, endpoint, topology, board),
            partial(rpc.call, call, endpoint, topology, board),
            broker,
            board,
            seconds,
        )


def _measure(consume: Task, publish: Task, broker: Broker, board: Board, seconds: float) -> Window:
    """Run a consuming and a publishing worker; whichever of them times messages says so."""
    with _running("consumer", consume) as consumer, _running("publisher", publish) as publisher:
        workers = (consumer, publisher)
        _watch(WARM_UP_S, workers)
        board.is_measuring = True
        first = _reading(broker, board, workers)
        _watch(seconds, workers)
        last = _reading(broker, board, workers)
        board.is_measuring = False
        # Consumers outlive publishers, or a publisher could stand in a full socket for ever.
        board.stop_publishers()
        publisher_latencies = publisher.result()
        board.stop_consumers()
        latencies = consumer.result() or publisher_latencies
    return between(first, last, latencies)


@contextmanager
def _running(name: str, task: Task) -> Iterator[Worker]:
    worker = Worker(name, task)
    try:
        worker.await_ready()
        yield worker
    finally:
        worker.end()


def _watch(seconds: float, workers: tuple[Worker, ...]) -> None:
    """Let time pass, unless a worker ends in it."""
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        time.sleep(min(_CHECK_S, left_s))
        for worker in workers:
            worker.check()


def _reading(broker: Broker, board: Board, workers: tuple[Worker, ...]) -> Reading:
    generator_s = [processes.cpu_s(worker.pid) for worker in workers]
    return Reading(
        at_s=time.monotonic(),
        published_count=board.published_count,
        confirmed_count=board.confirmed_count,
        consumed_count=board.consumed_count,
        broker_cpu_s=broker.cpu_s(),
        generator_cpu_s=sum(spent_s for spent_s in generator_s if spent_s is not None),
        broker_rss_bytes=broker.rss_bytes(),
        machine_busy_s=processes.machine_busy_s(),
    )
