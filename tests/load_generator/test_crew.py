"""Connections are dealt to processes, which start and stop in order."""

import time
from collections.abc import Callable
from functools import partial

import pytest

from load_generator.board import Board
from load_generator.crew import crew_at_work, tasks_of, worker_counts
from load_generator.load import Load
from load_generator.session import Endpoint
from load_generator.wire import LoadError

ENDPOINT = Endpoint("broker", 5672, "guest", "guest", "/")


def load_of(consumer_count: int, publisher_count: int) -> Load:
    queues = [f"q{index}" for index in range(consumer_count)]
    return Load(publisher_keys=[["q"]] * publisher_count, consumer_queues=queues)


@pytest.mark.parametrize(
    ("consumer_count", "publisher_count", "process_count", "expected"),
    [(5, 5, 1, (1, 1)), (5, 2, 3, (3, 2)), (0, 5, 3, (0, 3)), (1, 0, 3, (1, 0))],
)
def test_there_are_no_more_processes_than_connections(
    consumer_count: int, publisher_count: int, process_count: int, expected: tuple[int, int]
) -> None:
    assert worker_counts(load_of(consumer_count, publisher_count), process_count) == expected


@pytest.mark.parametrize("load", [load_of(2_001, 1), load_of(1, 501)])
def test_more_connections_than_a_process_holds_are_refused(load: Load) -> None:
    with pytest.raises(LoadError, match="at most"):
        worker_counts(load, 1)


def test_every_connection_is_dealt_to_one_process() -> None:
    tasks = tasks_of(load_of(5, 7), ENDPOINT, Board(5, 60), (2, 3))
    dealt = [
        sorted(index for task in kind if isinstance(task, partial) for index in task.args[2])
        for kind in tasks
    ]
    assert dealt == [list(range(5)), list(range(7))]
    tallies = [task.args[3] for kind in tasks for task in kind if isinstance(task, partial)]
    for count, tally in enumerate(tallies, start=1):
        tally.set_published(count)
    assert tallies[0].board.totals().published_count == 15, "each has a row of its own"


def until_stopping(board: Board, index: int, ready: Callable[[], None]) -> None:
    ready()
    tally = board.tally(index)
    tally.set_consumed(1)
    while not (board.is_stopping if index else board.is_draining):
        time.sleep(0.001)


def test_a_crew_works_until_it_is_stopped() -> None:
    board = Board(2, lifetime_s=10)
    tasks = [partial(until_stopping, board, index) for index in range(2)]
    with crew_at_work(board, tasks[:1], tasks[1:]) as crew:
        crew.check()
        reading = crew.reading()
        assert [worker.name for worker in crew.workers] == ["publisher", "consumer"]
        assert len(reading.generator_cpu_s) == 2
        assert reading.broker_cpu_s is None
        crew.stop()
    assert board.totals().consumed_count == 2


def test_a_worker_that_cannot_begin_ends_them_all() -> None:
    board = Board(1, lifetime_s=10)

    def refuse(_ready: Callable[[], None]) -> None:
        raise LoadError("no")

    with (
        pytest.raises(LoadError, match="publisher 2: no"),
        crew_at_work(board, [], [partial(until_stopping, board, 0), refuse]),
    ):
        pytest.fail("nothing to watch")
