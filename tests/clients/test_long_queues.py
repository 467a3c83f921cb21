"""A backlog of 100 MiB: on disk, hardly in memory, served at once by the next start."""

import os
import sys
from contextlib import closing
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from tests.clients.support.pika_calls import connect
from tests.clients.support.programs import run
from tests.clients.support.server import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        "HAREMQ_CLIENTS_URI" in os.environ, reason="the broker given is not ours to restart"
    ),
]

MESSAGES_COUNT = 100_000
BODY_BYTES = 1024
GROWTH_MAX_KIB = 32 * 1024
"""A third of the bodies alone, and four times what was seen."""


def perf(uri: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "amqp_server", "perf", "--uri", uri, "--quiet"]
    load = ["--queue", "backlog", "--persistent", "--size", str(BODY_BYTES)]
    code, output = run(
        [*command, *load, "--messages", str(MESSAGES_COUNT), "--time", "60", *arguments],
        timeout_s=90,
    )
    assert code == 0, output


def ready_count(channel: BlockingChannel) -> int:
    count = channel.queue_declare("backlog", passive=True).method.message_count
    assert count is not None
    return count


def assert_all_is_there(uri: str) -> None:
    """Count the messages, and look at the first, which goes back to its place."""
    with closing(connect(uri)) as connection:
        channel = connection.channel()
        assert ready_count(channel) == MESSAGES_COUNT
        method, properties, body = channel.basic_get("backlog")
        assert method is not None
        assert isinstance(properties, pika.BasicProperties)
        assert (method.redelivered, properties.delivery_mode) == (False, 2)
        assert body is not None
        assert len(body) == BODY_BYTES


def test_a_backlog_costs_disk_and_not_memory_also_after_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with server.program:
        server.wait_until_it_accepts()
        before_kib = server.program.memory_kib
        perf(server.uri, "--consumers", "0", "--confirm", "1000", "--backlog", "0", "--keep")
        assert server.program.memory_kib < before_kib + GROWTH_MAX_KIB
        server.stop()

    server = Server(tmp_path)
    with server.program:
        server.wait_until_it_accepts()
        assert_all_is_there(server.uri)
        perf(server.uri, "--producers", "0", "--ack", "multi:100", "--prefetch", "1000", "--keep")
        assert server.program.memory_kib < before_kib + GROWTH_MAX_KIB
        with closing(connect(server.uri)) as connection:
            assert ready_count(connection.channel()) == 0
        server.stop()
