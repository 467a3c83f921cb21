"""FastStream: an application whose start declares direct replies and a whole topology."""

import pytest

from tests.clients.support.names import Names
from tests.clients.support.programs import python
from tests.clients.support.reports import report_of
from tests.clients.support.requirements import PROGRAMS

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


def test_an_application_starts_and_its_handlers_answer_reject_and_are_asked(
    broker_uri: str, names: Names
) -> None:
    for word in ("orders", "jobs", "totals", "morgue", "question"):
        names.queue(word)
    for word in ("topics", "dead"):
        names.exchange(word)

    report = report_of(python(PROGRAMS / "faststream_app.py"), broker_uri, names)

    assert report["orders"] == [{"count": number, "price": 5} for number in range(3)]
    assert report["totals"] == [0, 5, 10]
    assert (report["tries"], report["dead"]) == (["fails"], ["fails"])
    assert report["asked"] == ["ONE", "TWO"]
