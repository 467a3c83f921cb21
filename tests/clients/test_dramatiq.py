"""Dramatiq: delayed messages and retries come by a queue of their own, the hopeless are kept."""

import pytest

from tests.clients.support.names import Names
from tests.clients.support.programs import python
from tests.clients.support.reports import report_of
from tests.clients.support.requirements import PROGRAMS

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


def test_messages_are_done_later_again_or_never(broker_uri: str, names: Names) -> None:
    for word in ("jobs", "jobs.DQ", "jobs.XQ"):
        names.queue(word)

    report = report_of(python(PROGRAMS / "dramatiq_app.py"), broker_uri, names)

    assert report == {
        "sums": [str(number) for number in range(1, 11)],
        "retries": [2],
        "waited": True,
        "dead": 1,
        "left": [0, 0],
    }
