"""Nameko: a service that is called and told of events, by kombu on green threads."""

import pytest

from tests.clients.support.names import Names
from tests.clients.support.programs import python
from tests.clients.support.reports import report_of
from tests.clients.support.requirements import PROGRAMS

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


def test_a_service_answers_fails_and_hears_events(broker_uri: str, names: Names) -> None:
    service, shop = f"{names.prefix}.warehouse", f"{names.prefix}.shop"
    names.adopt_queue(f"rpc-{service}")
    names.adopt_queue(f"evt-{shop}-sold--{service}.on_sold")
    names.exchange("rpc")
    names.exchange("shop.events")

    report = report_of(python(PROGRAMS / "nameko_app.py"), broker_uri, names)

    assert report["sums"] == list(range(1, 11))
    assert report["failed"] == ["RemoteError", "ValueError no such luck"]
    assert report["heard"] == [{"number": number} for number in range(3)]
