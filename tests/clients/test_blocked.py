"""HareMQ above its memory watermark: publishers are told and held, consumers go on.

The broker here is given a watermark of one byte, so that its alarm never clears.
"""

import os
import re
import sys
from collections.abc import Iterator

import kombu
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import ConnectionBlockedTimeout

from tests.clients.support.deadlines import wait_until
from tests.clients.support.inbox import process_until
from tests.clients.support.pika_calls import connect, ready_count
from tests.clients.support.programs import run
from tests.clients.support.requirements import PROGRAMS, require_node_package, require_tool
from tests.clients.support.server import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        "HAREMQ_CLIENTS_URI" in os.environ, reason="the broker given has memory enough"
    ),
]


@pytest.fixture(scope="module")
def full_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a broker without memory for publishers."""
    settings = "broker:\n  memory_high_watermark_bytes: 1\n"
    server = Server(tmp_path_factory.mktemp("full"), settings=settings)
    try:
        server.wait_until_it_accepts()
        wait_until(lambda: "alarm" in server.program.output, "the alarm to be logged")
        yield server.uri
    finally:
        server.stop()


@pytest.fixture
def connection(full_uri: str) -> BlockingConnection:
    """A connection that nobody closes: once it has published, the broker reads it no more."""
    parameters = pika.URLParameters(full_uri)
    parameters.blocked_connection_timeout = 1
    return pika.BlockingConnection(parameters)


def publish(channel: BlockingChannel) -> None:
    channel.basic_publish("amq.fanout", "", b"held")


@pytest.mark.parametrize("more", [[], ["--confirm", "1"], ["--rate", "1000"], ["-x", "3"]])
def test_perf_says_blocked_and_not_slow(full_uri: str, more: list[str]) -> None:
    bounded = ["--time", "2.5", "--warm-up", "0.5"]
    command = [sys.executable, "-m", "amqp_server", "perf", "--uri", full_uri, *bounded, *more]
    code, output = run(command)
    assert code == 0, output
    assert re.search(r"^ +2 s .* blocked (9\d|100)%", output, re.MULTILINE), output
    assert re.search(r"^blocked +(9\d|100)% of the time", output, re.MULTILINE), output
    assert "the broker blocked publishers (connection.blocked)" in output
    assert "the broker was idle" not in output


def test_pika_is_told_why_it_is_blocked_and_gives_up_when_it_said_so(
    connection: BlockingConnection,
) -> None:
    reasons: list[str] = []

    def on_blocked(_: object, frame: object) -> None:
        reasons.append(frame.method.reason)  # type: ignore[attr-defined] # a Method frame

    connection.add_on_connection_blocked_callback(on_blocked)  # type: ignore[arg-type] # stub lacks an argument
    channel = connection.channel()
    publish(channel)
    process_until(channel, lambda: reasons, "connection.blocked from the broker")

    assert reasons == ["low on memory"]
    with pytest.raises(ConnectionBlockedTimeout):
        process_until(channel, lambda: False, "pika's own time limit")


def test_who_only_consumes_is_not_blocked(full_uri: str) -> None:
    signals: list[object] = []
    with connect(full_uri) as consuming:
        consuming.add_on_connection_blocked_callback(signals.append)
        channel = consuming.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue or ""
        channel.queue_bind(queue, "amq.direct", "key")

        assert ready_count(channel, queue) == 0
        assert signals == []


def test_kombu_calls_back(full_uri: str) -> None:
    reasons: list[str] = []
    options = {"on_blocked": reasons.append}
    connection = kombu.Connection(full_uri, transport_options=options)
    connection.Producer().publish("held", exchange="amq.fanout")

    def blocked() -> bool:
        connection.drain_events(timeout=10)
        return bool(reasons)

    wait_until(blocked, "connection.blocked from the broker")
    connection.collect()

    # py-amqp leaves the broker's reason out and says this instead.
    assert reasons == ["connection blocked, see broker logs"]


def test_amqplib_emits_blocked(full_uri: str) -> None:
    node = require_tool("node")
    require_node_package("amqplib")

    code, output = run([node, PROGRAMS / "amqplib_blocked.mjs"], {"BROKER_URI": full_uri})

    assert (code, output) == (0, "blocked: low on memory")
