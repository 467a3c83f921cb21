"""taskiq over aio-pika: tasks, retries, and a delay by TTL and dead letters."""

import pytest

from tests.clients.support.names import Names
from tests.clients.support.programs import python
from tests.clients.support.reports import report_of
from tests.clients.support.requirements import PROGRAMS

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


def test_tasks_are_done_at_once_again_and_later(broker_uri: str, names: Names) -> None:
    for word in ("tasks", "dead", "delay"):
        names.queue(word)
    names.exchange("tasks")

    report = report_of(python(PROGRAMS / "taskiq_app.py"), broker_uri, names)

    assert report == {"sums": list(range(1, 11)), "tries": 3, "waited": True}
