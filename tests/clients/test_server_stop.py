"""HareMQ stopped by SIGTERM, as an init system does: what its clients see, and how it ends.

Every test starts a broker of its own; ``stop`` checks that it ends with 0 and without a fault.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import kombu
import pytest
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from amqp.exceptions import ConnectionForced
from pika.exceptions import AMQPConnectionError, ConnectionClosedByBroker

from tests.clients.support.deadlines import wait_until, within_patience
from tests.clients.support.inbox import Inbox, process_until
from tests.clients.support.pika_calls import connect, fill
from tests.clients.support.server import HOST, Server, accepts

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(90),
    pytest.mark.skipif(
        "HAREMQ_CLIENTS_URI" in os.environ, reason="the broker given is not ours to stop"
    ),
]

FORCED = "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path)
    try:
        running.wait_until_it_accepts()
        yield running
    finally:
        running.stop()


def test_a_consumer_of_pika_is_told_why(server: Server) -> None:
    connection = connect(server.uri)
    channel = connection.channel()
    channel.queue_declare("work")
    fill(channel, "work", b"held")
    inbox = Inbox(channel, "work")
    inbox.wait_for(1)

    server.program.terminate()
    with pytest.raises(ConnectionClosedByBroker) as caught:
        process_until(channel, lambda: False, "connection.close from the broker")

    assert (caught.value.reply_code, caught.value.reply_text) == (320, FORCED)
    server.stop()
    assert not accepts(server.port)


def test_a_consumer_of_kombu_may_recover(server: Server) -> None:
    with kombu.Connection(server.uri) as connection:
        connection.SimpleQueue("work").put("one")

        server.program.terminate()
        with pytest.raises(ConnectionForced) as caught:
            connection.drain_events(timeout=10)

        assert (caught.value.reply_code, caught.value.reply_text) == (320, FORCED)
        assert isinstance(caught.value, connection.recoverable_connection_errors)


def test_a_connection_of_aio_pika_is_told_why(server: Server) -> None:
    async def work() -> None:
        reasons: asyncio.Queue[BaseException | None] = asyncio.Queue()
        connection = await aio_pika.connect(server.uri)
        connection.close_callbacks.add(lambda _, reason: reasons.put_nowait(reason))

        server.program.terminate()

        assert "broker forced connection closure" in str(await reasons.get())
        await connection.close()

    within_patience(work())


async def publish_until_taken(
    channel: aio_pika.abc.AbstractChannel, arrived: "asyncio.Queue[bytes]"
) -> None:
    """Publish until a consumer is back to take it: the client leaves the retry to its user."""
    while arrived.empty():
        with contextlib.suppress(*CONNECTION_EXCEPTIONS):
            await channel.default_exchange.publish(aio_pika.Message(b"again"), "durable")
        await asyncio.sleep(0.05)


def test_a_robust_connection_comes_back_to_the_next_broker(server: Server, tmp_path: Path) -> None:
    """What it consumed from was durable in intent; the client declares it again."""

    async def work() -> None:
        arrived: asyncio.Queue[bytes] = asyncio.Queue()

        async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            await arrived.put(message.body)

        connection = await aio_pika.connect_robust(server.uri, reconnect_interval=0.1)
        async with connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("durable", durable=True)
            await queue.consume(keep, no_ack=True)
            server.program.terminate()
            await asyncio.to_thread(server.stop)

            successor = Server(tmp_path / "next", port=server.port)
            try:
                await asyncio.to_thread(successor.wait_until_it_accepts)
                await publish_until_taken(channel, arrived)
                assert await arrived.get() == b"again"
            finally:
                await connection.close()
                await asyncio.to_thread(successor.stop)

    within_patience(work())


def test_those_who_do_not_answer_do_not_hold_it_up(server: Server) -> None:
    """One has not even sent the protocol header, one never reads what the broker says."""
    with socket.create_connection((HOST, server.port)):
        deaf = connect(server.uri)
        channel = deaf.channel()
        channel.queue_declare("work")
        channel.basic_consume("work", lambda *_: None)

        server.stop()

    with pytest.raises(AMQPConnectionError):
        process_until(channel, lambda: False, "the loss of the connection")


def test_an_idle_broker_stops_by_sigint_too(server: Server) -> None:
    with connect(server.uri) as connection:
        connection.channel().queue_declare("any")

    server.program.interrupt()

    wait_until(lambda: not server.program.is_running, "the broker to end")


def test_an_impatient_operator_does_not_spoil_the_stop(tmp_path: Path) -> None:
    """SIGTERM again and again, as `docker stop` typed twice sends it: the exit code stays 0."""
    running = Server(tmp_path)
    running.wait_until_it_accepts()

    assert running.program.terminate_until_it_ends() == 0, running.program.output
