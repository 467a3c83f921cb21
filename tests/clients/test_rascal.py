"""Rascal, on Node.js: a topology out of a configuration, with delayed retries and dead letters."""

import pytest

from tests.clients.support.names import Names
from tests.clients.support.reports import report_of
from tests.clients.support.requirements import PROGRAMS, require_node_package, require_tool

pytestmark = [pytest.mark.clients, pytest.mark.timeout(60)]


def test_a_message_is_tried_again_after_a_while_and_then_is_dead(
    broker_uri: str, names: Names
) -> None:
    node = require_tool("node")
    require_node_package("rascal")
    for word in ("jobs", "delay:100ms", "dead"):
        names.adopt_queue(f"{names.prefix}:{word}")
    for word in ("service", "delay", "retry", "dead"):
        names.adopt_exchange(f"{names.prefix}:{word}")

    report = report_of([node, PROGRAMS / "rascal_app.mjs"], broker_uri, names)

    assert report == {
        "routed": [0, 1, 2],
        "tries": ["first", "again", "again"],
        "dead": [True],
        "returned": 1,
    }
