"""The test suite of rabbitmq-stream-js-client, as its npm package has it, against a broker.

    python -m tests.clients.support.stream_js_suite                       on a HareMQ of its own
    python -m tests.clients.support.stream_js_suite --amqp 5741 --stream 5742 --http 15741
                                                                          on another broker

The suite makes its streams over the HTTP API, as the user ``rabbit``. It is copied, because its
tests are beside its sources. Two ports stand in the tests themselves; the copy has others.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.x509 import DNSName
from cryptography.x509.oid import NameOID

from tests.clients.support.deadlines import wait_until
from tests.clients.support.programs import run
from tests.clients.support.requirements import SUITE
from tests.clients.support.server import HOST, START_TIMEOUT_S, Server, accepts
from tests.support.certificates import Authority
from tests.support.ports import free_port

PACKAGE: Final = SUITE / "node_modules" / "rabbitmq-stream-js-client"
TIMEOUT_S: Final = 600.0

USER: Final = "rabbit"
WRITTEN_PORTS: Final = (
    ("test/e2e/connect.test.ts", "port: 5551", "port: {ports.stream_tls}"),
    ("test/support/fake_data.ts", ":5672/", ":{ports.amqp}/"),
)
"""Files of the suite, what stands there, and what the copy has in its place."""

TLS_FILES: Final = "tls-gen/basic/result"

_HOST: Final = (
    "compares the host that clients are told with the name of the node; it passes where "
    "stream_protocol.advertised_host is that name"
)
REASONS: Final = {
    "address resolver declaring a publisher - the publisher should be connected to the leader": (
        _HOST
    ),
    "connection management for clusters (applicable even on a single node) when we create a "
    "publisher, the connection should be done on the leader": _HOST,
    "filtering published messages are filtered on the server side keeping only the ones with "
    "filter value": (
        "counts the messages that came into one chunk with messages that have a filter value; a "
        "busy disk gathers more of them, as they come in one group commit"
    ),
    "super stream publisher publish several messages - they should be routed to different "
    "partitions": "nine random keys miss one of three partitions in eight runs of a hundred",
    "offset query the consumer is able to track the offset and start from the stored offset": (
        "a race of the test on every broker: its callback uses what declareConsumer returns, and "
        "is called before that if the first chunk comes in the same read as the answer"
    ),
}
"""Tests that may fail on HareMQ, and why."""


class Ports(NamedTuple):
    """Where a broker listens; ``stream_tls`` is None without."""

    amqp: int
    stream: int
    http: int
    stream_tls: int | None = None


class Report(NamedTuple):
    """What came of a run: the names of tests; with each that failed, its error."""

    passed: Sequence[str]
    failed: dict[str, str]


class SuiteServer:
    """A HareMQ with all that the suite needs: all three protocols, TLS, and the user."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.ports = Ports(free_port(), free_port(), free_port(), free_port())
        folder = place / "certificates"
        folder.mkdir(parents=True)
        authority = Authority()
        authority.write(folder / "ca_certificate.pem")
        authority.issue(folder, alternatives=[DNSName("localhost")], name="server")
        subject = [[(NameOID.ORGANIZATION_NAME, "client")], [(NameOID.COMMON_NAME, "rabbitmq")]]
        client = authority.issue(folder, subject, name="client")
        client.certificate_file.rename(folder / "client_localhost_certificate.pem")
        client.key_file.rename(folder / "client_localhost_key.pem")
        self.server = Server(place, self.ports.amqp, self._settings(folder), has_listeners=True)
        self.server.wait_until_it_accepts()
        for port in filter(None, self.ports):
            wait_until(partial(accepts, port), "all ports", START_TIMEOUT_S)
        add_user(self.ports.http, "CN=rabbitmq,O=client", "")

    def _settings(self, folder: Path) -> str:
        amqp, stream, http, stream_tls = self.ports
        return f"""\
stream_protocol: {{advertised_host: localhost, advertised_port: {stream}}}
management: {{listeners: [{{address: {HOST}, port: {http}}}], metrics_listeners: []}}
net:
  listeners:
  - {{address: {HOST}, port: {amqp}}}
  - {{address: {HOST}, port: {stream}, protocol: stream}}
  - {{address: {HOST}, port: {stream_tls}, protocol: stream, tls: true}}
  tls:
    certificate_file: {folder / "server.pem"}
    key_file: {folder / "server.key"}
    ca_file: {folder / "ca_certificate.pem"}
    verify_peer: true
"""


def add_user(http_port: int, name: str, password: str) -> None:
    """Add an administrator with all rights, over the HTTP API."""
    word = urllib.parse.quote(name, safe="")
    login = {"password": password} if password else {"password_hash": ""}
    all_rights = dict.fromkeys(("configure", "write", "read"), ".*")
    for path, body in (
        (f"users/{word}", {**login, "tags": "administrator"}),
        (f"permissions/%2F/{word}", all_rights),
    ):
        request = urllib.request.Request(
            f"http://{HOST}:{http_port}/api/{path}", json.dumps(body).encode(), method="PUT"
        )
        request.add_header("Authorization", f"Basic {b64encode(b'guest:guest').decode()}")
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=10).close()


def run_suite(
    ports: Ports, tests: Sequence[str] = ("test",), certificates: Path | None = None
) -> Report:
    """Run tests of the suite.

    Args:
        ports: of the broker.
        tests: files or folders in the package.
        certificates: those that clients use on the TLS port; None has none.
    """
    add_user(ports.http, USER, USER)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for each in ("src", "test", "package.json", "tsconfig.json", ".mocharc.js"):
            whole = PACKAGE / each
            (shutil.copytree if whole.is_dir() else shutil.copy)(whole, copy / each)
        (copy / "node_modules").symlink_to(SUITE / "node_modules")
        for path, written, wanted in WRITTEN_PORTS:
            text = (copy / path).read_text(encoding="utf-8")
            assert written in text, "the suite of this version has it"
            replaced = text.replace(written, wanted.format(ports=ports))
            (copy / path).write_text(replaced, encoding="utf-8")
        if certificates is not None:
            shutil.copytree(certificates, copy / TLS_FILES)
        return _run(copy, ports, tests)


def _run(copy: Path, ports: Ports, tests: Sequence[str]) -> Report:
    mocha = SUITE / "node_modules" / "mocha" / "bin" / "mocha.js"
    report = copy / "report.json"
    env = {
        "RABBIT_MQ_TEST_NODES": f"localhost:{ports.stream}",
        "RABBIT_MQ_TEST_ADDRESS_BALANCER": f"localhost:{ports.stream}",
        "RABBIT_MQ_AMQP_PORT": str(ports.amqp),
        "RABBIT_MQ_MANAGEMENT_PORT": str(ports.http),
    }
    node = shutil.which("node")
    assert node is not None, "the caller has looked for node"
    options = ["--exit", "--reporter", "json", "--reporter-option", f"output={report}"]
    _, output = run([node, mocha, *options, *tests], env, directory=copy, timeout_s=TIMEOUT_S)
    assert report.exists(), output
    told = json.loads(report.read_text(encoding="utf-8"))
    failed = {each["fullTitle"]: str(each["err"].get("message")) for each in told["failures"]}
    passed = [each["fullTitle"] for each in told["passes"] if each["fullTitle"] not in failed]
    return Report(passed, failed)


def main() -> int:
    """Run the suite, and print what came of it."""
    parser = argparse.ArgumentParser(description="The suite of rabbitmq-stream-js-client.")
    parser.add_argument("--amqp", type=int, help="port of AMQP, of a broker that runs")
    parser.add_argument("--stream", type=int, help="its port of the stream protocol")
    parser.add_argument("--http", type=int, help="its port of the HTTP API")
    parser.add_argument("tests", nargs="*", default=["test"], help="files or folders [test]")
    given = parser.parse_args()
    if not PACKAGE.is_dir() or shutil.which("node") is None:
        parser.error(f"needs node, and `npm ci --prefix {os.path.relpath(SUITE)}`")
    if given.amqp is not None:
        report = run_suite(Ports(given.amqp, given.stream, given.http), given.tests)
    else:
        with tempfile.TemporaryDirectory() as name:
            own = SuiteServer(Path(name))
            try:
                report = run_suite(own.ports, given.tests, own.place / "certificates")
            finally:
                own.server.stop()
    print(f"{len(report.passed)} passed, {len(report.failed)} failed")
    for title, error in report.failed.items():
        print(f"failed: {title}\n  {error}\n  {REASONS.get(title, '')}")
    return 0 if set(report.failed) <= set(REASONS) else 1


if __name__ == "__main__":
    sys.exit(main())
