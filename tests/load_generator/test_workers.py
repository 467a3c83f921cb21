"""Workers are processes that say when they are set up, and why they failed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from load_generator.wire import LoadError
from load_generator.workers import Task, Worker


@pytest.fixture
def start() -> Iterator[Callable[[Task], Worker]]:
    """Start a worker; all are ended with the test."""
    with ExitStack() as running:

        def start_worker(task: Task) -> Worker:
            worker = Worker("worker", task)
            running.callback(worker.end)
            return worker

        yield start_worker


def fail_at_once(_ready: Callable[[], None]) -> None:
    raise LoadError("no such vhost")


def fail_later(ready: Callable[[], None]) -> None:
    ready()
    raise ConnectionResetError


def work(ready: Callable[[], None]) -> None:
    ready()


def test_what_a_worker_failed_of_is_told_with_its_name(start: Callable[[Task], Worker]) -> None:
    with pytest.raises(LoadError, match="worker: no such vhost"):
        start(fail_at_once).await_ready()


def test_an_error_without_words_is_told_by_its_name(start: Callable[[Task], Worker]) -> None:
    worker = start(fail_later)
    worker.await_ready()
    with pytest.raises(LoadError, match="worker: ConnectionResetError"):
        worker.await_end()


def test_a_worker_that_ends_by_itself_is_told_of(start: Callable[[Task], Worker]) -> None:
    worker = start(work)
    worker.await_ready()
    assert worker._outcomes.poll(5)
    with pytest.raises(LoadError, match="worker ended before it was told to"):
        worker.check()
