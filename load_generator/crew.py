"""The workers of a run: started in order, watched, and stopped in order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from load_generator import readings
from load_generator.board import Board
from load_generator.consumer import CONSUMERS_MAX, consume
from load_generator.load import Load
from load_generator.publisher import LANES_MAX, publish
from load_generator.readings import Reading
from load_generator.session import Endpoint
from load_generator.streams.publisher import publish as publish_to_streams
from load_generator.streams.reader import read as read_streams
from load_generator.wire import LoadError
from load_generator.workers import Task, Worker


class Crew:
    """Running workers and the board on which they count."""

    def __init__(self, board: Board, broker_pid: int | None) -> None:
        self.board = board
        self.consumers: list[Worker] = []
        self.publishers: list[Worker] = []
        self._broker_pid = broker_pid

    @property
    def workers(self) -> list[Worker]:
        """Publishers first, in the order of the report."""
        return [*self.publishers, *self.consumers]

    def check(self) -> None:
        """Raise the error that made a worker end early, if one has.

        Raises:
            LoadError: a worker ended, or failed.
        """
        for worker in self.workers:
            worker.check()

    def reading(self) -> Reading:
        """Return counters and CPU times of this instant."""
        pids = [worker.pid for worker in self.workers]
        return readings.take(self.board, pids, self._broker_pid)

    def stop(self) -> None:
        """Stop publishers, then consumers.

        Consumers stop last, or a publisher could wait for room in its socket for ever.

        Raises:
            LoadError: a worker failed, or does not end.
        """
        self.board.stop_publishers()
        for worker in self.publishers:
            worker.await_end()
        self.board.stop_consumers()
        for worker in self.consumers:
            worker.await_end()


@contextmanager
def crew_at_work(
    board: Board,
    consumer_tasks: Sequence[Task],
    publisher_tasks: Sequence[Task],
    broker_pid: int | None = None,
) -> Iterator[Crew]:
    """Start consumers, then publishers; end all of them with the block, in any case.

    Raises:
        LoadError: a worker cannot be set up.
    """
    crew = Crew(board, broker_pid)
    try:
        _start(crew.consumers, "consumer", consumer_tasks)
        _start(crew.publishers, "publisher", publisher_tasks)
        yield crew
    finally:
        # Healthy workers end at once, all together. The others are not waited for.
        board.stop_publishers()
        board.stop_consumers()
        for worker in crew.workers:
            worker.end()


def _start(workers: list[Worker], name: str, tasks: Sequence[Task]) -> None:
    started = []
    for number, task in enumerate(tasks, start=1):
        started.append(Worker(f"{name} {number}" if len(tasks) > 1 else name, task))
        workers.append(started[-1])
    for worker in started:
        worker.await_ready()


def worker_counts(load: Load, process_count: int) -> tuple[int, int]:
    """Return the number of consuming and of publishing processes.

    Raises:
        LoadError: too many connections for this number of processes.
    """
    consumer_count, publisher_count = len(load.consumer_queues), len(load.publisher_keys)
    counts = min(process_count, consumer_count), min(process_count, publisher_count)
    if consumer_count > counts[0] * CONSUMERS_MAX:
        raise LoadError(f"a process holds {CONSUMERS_MAX} consumers at most; use more of them")
    if publisher_count > counts[1] * LANES_MAX:
        raise LoadError(f"a process holds {LANES_MAX} producers at most; use more of them")
    return counts


def tasks_of(
    load: Load, endpoint: Endpoint, board: Board, counts: tuple[int, int]
) -> tuple[list[Task], list[Task]]:
    """Return the tasks of consuming and of publishing workers, with their connections."""
    consuming, publishing = counts
    consume_as, publish_as = (
        (consume, publish) if load.streaming is None else (read_streams, publish_to_streams)
    )
    consumer_tasks: list[Task] = [
        partial(
            consume_as,
            load,
            endpoint,
            range(index, len(load.consumer_queues), consuming),
            board.tally(index),
        )
        for index in range(consuming)
    ]
    publisher_tasks: list[Task] = [
        partial(
            publish_as,
            load,
            endpoint,
            range(index, len(load.publisher_keys), publishing),
            board.tally(consuming + index),
        )
        for index in range(publishing)
    ]
    return consumer_tasks, publisher_tasks
