"""TLS as clients use it: certificates checked on both sides, and a log-in by certificate alone."""

import os
import re
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast

import pika
import pytest
from cryptography.x509 import DNSName
from pika.credentials import ExternalCredentials
from pika.exceptions import AMQPConnectionError

from tests.clients.support.deadlines import wait_until
from tests.clients.support.programs import Program, run
from tests.clients.support.server import HOST, accepts
from tests.support.certificates import Authority
from tests.support.ports import free_port

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        "HAREMQ_CLIENTS_URI" in os.environ, reason="the broker given has its own certificates"
    ),
]

DEFINITIONS = """
{"users": [{"name": "guest", "password_hash": "", "tags": []},
           {"name": "robot", "password": "secret", "tags": []},
           {"name": "CN=robot", "password_hash": "", "tags": []}],
 "vhosts": [{"name": "/"}],
 "permissions": [{"user": "robot", "vhost": "/", "configure": ".*", "write": ".*",
                  "read": ".*"},
                 {"user": "CN=robot", "vhost": "/", "configure": ".*", "write": ".*",
                  "read": ".*"}]}
"""


class TlsBroker(NamedTuple):
    """A broker with TLS alone, and the files that clients need."""

    port: int
    ca_file: Path
    client_certificate: Path
    client_key: Path


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsBroker]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority()
    ca_file = authority.write(folder / "ca.pem")
    server = authority.issue(folder, alternatives=[DNSName("localhost")], name="server")
    client = authority.issue(folder, "robot", name="client")
    definitions = folder / "definitions.json"
    definitions.write_text(DEFINITIONS)
    port = free_port()
    settings = folder / "haremq.yaml"
    settings.write_text(
        f"""
net:
  listeners: [{{address: {HOST}, port: {port}, tls: true}}]
  tls:
    certificate_file: {server.certificate_file}
    key_file: {server.key_file}
    ca_file: {ca_file}
    verify_peer: true
management:
  listeners: []
  metrics_listeners: []
broker:
  load_definitions: {definitions}
"""
    )
    command = [
        sys.executable,
        "-m",
        "amqp_server",
        "start",
        "--config",
        str(settings),
        "--data-dir",
        str(folder / "data"),
    ]
    program = Program(command)
    try:
        wait_until(lambda: accepts(port) or not program.is_running, "the TLS port to accept")
        yield TlsBroker(port, ca_file, client.certificate_file, client.key_file)
    finally:
        code = program.stop()
    assert code == 0, program.output
    assert "Traceback" not in program.output


def context(broker: TlsBroker, *, with_certificate: bool = True) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(broker.ca_file))
    if with_certificate:
        made.load_cert_chain(broker.client_certificate, broker.client_key)
    return made


def connect(
    broker: TlsBroker,
    made: ssl.SSLContext,
    credentials: pika.PlainCredentials | ExternalCredentials,
) -> pika.BlockingConnection:
    options = pika.SSLOptions(made, "localhost")
    return pika.BlockingConnection(
        pika.ConnectionParameters(HOST, broker.port, "/", credentials, ssl_options=options)
    )


def test_a_certificate_logs_in_and_works(broker: TlsBroker) -> None:
    with connect(broker, context(broker), ExternalCredentials()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("over-tls", exclusive=True)
        body = bytes(300_000)
        channel.basic_publish("", "over-tls", body)
        _, _, got = channel.basic_get("over-tls", auto_ack=True)
        assert cast("object", got) == body


def test_perf_speaks_tls(broker: TlsBroker) -> None:
    uri = f"amqps://robot:secret@localhost:{broker.port}/%2F"
    trusted = ["--uri", uri, "--cacert", str(broker.ca_file)]
    bounded = ["--messages", "3000", "--time", "30", "--quiet", "--size", "1000"]
    for more in (
        [],
        ["--confirm", "1"],
        ["--confirm", "500", "--persistent"],
        ["-x", "3", "-y", "3", "--queues", "3", "--ack", "multi:10", "--prefetch", "100"],
        ["--rate", "20000", "--latency"],
    ):
        command = [sys.executable, "-m", "amqp_server", "perf", *trusted, *bounded, *more]
        code, output = run(command, timeout_s=60)
        assert code == 0, output
        assert re.search(r"^consumed +3,000 ", output, re.MULTILINE), output


def test_perf_does_not_trust_anybody(broker: TlsBroker) -> None:
    uri = f"amqps://robot:secret@localhost:{broker.port}/%2F"
    command = [sys.executable, "-m", "amqp_server", "perf", "--uri", uri]
    code, output = run(command)
    assert code == 1
    assert "certificate verify failed" in output
    code, output = run([*command, "--insecure", "--messages", "10", "--quiet"])
    assert code == 0, output


def test_external_is_not_offered_to_those_without_a_certificate(broker: TlsBroker) -> None:
    with pytest.raises(AMQPConnectionError):
        connect(broker, context(broker, with_certificate=False), ExternalCredentials())


def test_an_empty_password_is_none_over_tls_either(broker: TlsBroker) -> None:
    with pytest.raises(AMQPConnectionError):
        connect(broker, context(broker), pika.PlainCredentials("CN=robot", ""))


def test_a_client_that_trusts_another_authority_does_not_connect(broker: TlsBroker) -> None:
    with pytest.raises(ssl.SSLError):
        connect(broker, ssl.create_default_context(), ExternalCredentials())
