"""The suite of rabbitmq-stream-js-client: its quick files; `make stream-js` runs all of it."""

import os
from pathlib import Path

import pytest

from tests.clients.support.requirements import require_stream_js_suite, require_tool
from tests.clients.support.stream_js_suite import REASONS, SuiteServer, run_suite

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        "HAREMQ_CLIENTS_STREAM_PORTS" in os.environ, reason="the suite wants the HTTP API too"
    ),
]

QUICK = (
    "connect",
    "connection_closed_listener",
    "consumer_credit_flow_policy",
    "declare_publisher",
    "partitions_query",
    "query_metadata",
    "query_publisher_sequence",
    "route_query",
    "subscribe",
    "superstream_consumer",
)


def test_the_quick_files_of_the_suite_pass(tmp_path: Path) -> None:
    require_tool("node")
    require_stream_js_suite()
    server = SuiteServer(tmp_path)
    try:
        files = [f"test/e2e/{name}.test.ts" for name in QUICK]
        report = run_suite(server.ports, files, tmp_path / "certificates")
    finally:
        server.server.stop()
    assert report.failed.keys() <= REASONS.keys(), report.failed
    assert len(report.passed) >= 40
