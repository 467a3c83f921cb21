"""A worker of Celery, for as long as a block: it must be ready, and end in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.clients.support.names import Names
from tests.clients.support.programs import Program


@contextmanager
def at_work(
    worker: Program,
    app: Any,  # noqa: ANN401 -- celery has no types
    names: Names,
    broker_uri: str,
) -> Iterator[None]:
    """Stop the worker after the block as an init system does; it must end with 0."""
    try:
        worker.wait_for_line("ready.")
        yield
    finally:
        code = worker.stop()
        app.backend.result_consumer.stop()
        app.close()
        app.pool.force_close_all()
        names.delete_all(broker_uri)
    assert code == 0, worker.output
