"""``haremq perf`` over the stream protocol, with TLS: its counts are true."""

import json
import sys
from pathlib import Path

import pytest

from tests.clients.support.programs import run
from tests.clients.support.stream_js_suite import SuiteServer

pytestmark = [pytest.mark.clients, pytest.mark.timeout(90)]


def test_streams_are_written_and_read_over_tls(tmp_path: Path) -> None:
    own = SuiteServer(tmp_path)
    target = tmp_path / "run.json"
    uri = f"rabbitmq-stream+tls://guest:guest@localhost:{own.ports.stream_tls}/%2F"
    ca_file = str(tmp_path / "certificates" / "ca_certificate.pem")
    perf = [sys.executable, "-m", "amqp_server", "perf", "--uri", uri, "--cacert", ca_file]
    loads = ["--messages", "20000", "--confirm", "1000", "--time", "20", "--quiet"]
    try:
        code, output = run([*perf, *loads, "--json", str(target)], timeout_s=60)
        assert code == 0, output
        counts = json.loads(target.read_text(encoding="utf-8"))["counts"]
        assert (counts["published"], counts["confirmed"]) == (20_000, 20_000)
        assert counts["consumed"] == 20_000
    finally:
        own.server.stop()
