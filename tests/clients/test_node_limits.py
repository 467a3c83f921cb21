"""Many connections that send a half and stop: the node stays small, and another client goes on."""

import os
from collections.abc import Iterator

import pytest
from pamqp import commands

from conformance.address import Address
from conformance.client import Channel, Connection
from conformance.wire import FRAME_BODY, FRAME_HEADER, FRAME_METHOD, content_header, encode_method
from tests.clients.support.server import Server

pytestmark = [
    pytest.mark.clients,
    pytest.mark.timeout(90),
    pytest.mark.skipif("HAREMQ_CLIENTS_URI" in os.environ, reason="the limits are of this node"),
]

MIB = 1 << 20
CONNECTIONS_COUNT = 60
ANNOUNCED_BYTES = 128 * MIB
SENT_BYTES = MIB
SETTINGS = f"broker: {{assembling_bytes_max: {32 * MIB}, tx_bytes_max: {32 * MIB}}}\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker with room for 32 MiB of halves."""
    one = Server(tmp_path_factory.mktemp("limits"), settings=SETTINGS)
    try:
        one.wait_until_it_accepts()
        yield one
    finally:
        one.stop()


def publisher(server: Server, queue: str) -> Channel:
    channel = Connection(Address.of(server.uri)).open().channel()
    channel.declare(queue)
    channel.call(commands.Confirm.Select)
    return channel


def open_channel(server: Server) -> Connection:
    connection = Connection(Address.of(server.uri)).open()
    connection.channel()
    return connection


def begin_message(connection: Connection) -> None:
    """Send the first MiB of a message of 128."""
    publish = encode_method(commands.Basic.Publish, exchange="", routing_key="halves")
    connection.send_frame(FRAME_METHOD, 1, publish)
    connection.send_frame(FRAME_HEADER, 1, content_header(ANNOUNCED_BYTES))
    for _ in range(SENT_BYTES // 65_536):
        connection.send_frame(FRAME_BODY, 1, bytes(65_536))


def test_halves_of_many_connections(server: Server) -> None:
    good = publisher(server, "halves")
    before_kib = server.program.memory_kib
    hostile = []
    for _ in range(CONNECTIONS_COUNT):
        hostile.append(open_channel(server))
        begin_message(hostile[-1])
        good.publish_confirmed(b"x" * 1_000, routing_key="halves")
    assert server.program.memory_kib - before_kib < 96 * 1024
    assert good.declare("halves").message_count == CONNECTIONS_COUNT
    assert hostile[0].await_close(1).code == 506
    for connection in (*hostile, good.connection):
        connection.close()


def test_transactions_of_many_connections(server: Server) -> None:
    good = publisher(server, "transactions")
    before_kib = server.program.memory_kib
    hostile = []
    for _ in range(CONNECTIONS_COUNT):
        connection = Connection(Address.of(server.uri)).open()
        channel = connection.channel()
        channel.call(commands.Tx.Select)
        for _ in range(8):
            channel.publish(bytes(256 * 1024), routing_key="transactions")
        hostile.append(connection)
        good.publish_confirmed(b"x" * 1_000, routing_key="transactions")
    assert server.program.memory_kib - before_kib < 96 * 1024
    assert good.declare("transactions").message_count == CONNECTIONS_COUNT
    assert hostile[0].await_close(1).code == 506
    for connection in (*hostile, good.connection):
        connection.close()
