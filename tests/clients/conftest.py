"""Where the client programs find their broker.

By default each run starts one HareMQ for all of them. With HAREMQ_CLIENTS_URI set they
talk to that broker instead, which shows whether an expectation here is RabbitMQ's. Those of streams
do so with HAREMQ_CLIENTS_STREAM_PORTS: the ports of AMQP and of the stream protocol, with a comma.
"""

import os
import re
import uuid
from collections.abc import Iterator

import pika
import pika.adapters.blocking_connection
import pytest

from tests.clients.support.names import Names
from tests.clients.support.server import Server
from tests.clients.support.stream_server import StreamBroker, StreamServer


@pytest.fixture(scope="session")
def broker_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of the broker that every client of this run connects to."""
    elsewhere = os.environ.get("HAREMQ_CLIENTS_URI")
    if elsewhere:
        yield elsewhere
        return
    server = Server(tmp_path_factory.mktemp("haremq"))
    try:
        server.wait_until_it_accepts()
        yield server.uri
    finally:
        server.stop()


@pytest.fixture(scope="session")
def stream_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StreamBroker]:
    """A broker with a listener of the stream protocol; one that is given if both ports are."""
    elsewhere = os.environ.get("HAREMQ_CLIENTS_STREAM_PORTS")
    if elsewhere:
        port, stream_port = map(int, elsewhere.split(","))
        yield StreamBroker("localhost", port, stream_port)
        return
    server = StreamServer(tmp_path_factory.mktemp("streams"))
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def stream(stream_server: StreamBroker) -> Iterator[str]:
    """A stream for this test alone."""
    name = f"clients.{uuid.uuid4().hex[:8]}"
    parameters = pika.URLParameters(stream_server.uri)
    with pika.BlockingConnection(parameters) as connection:
        arguments = {"x-queue-type": "stream"}
        connection.channel().queue_declare(name, durable=True, arguments=arguments)
    yield name
    with pika.BlockingConnection(parameters) as connection:
        connection.channel().queue_delete(name)


@pytest.fixture
def names(broker_uri: str, request: pytest.FixtureRequest) -> Iterator[Names]:
    """Names for this test alone; what it made under them is deleted afterwards."""
    word = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60]
    test_names = Names(f"clients.{uuid.uuid4().hex[:8]}.{word}")
    yield test_names
    test_names.delete_all(broker_uri)


@pytest.fixture
def pika_connection(
    names: Names, broker_uri: str
) -> Iterator[pika.adapters.blocking_connection.BlockingConnection]:
    """An open pika connection, closed before the test's names are deleted."""
    connection = pika.BlockingConnection(pika.URLParameters(broker_uri))
    yield connection
    if connection.is_open:
        connection.close()


@pytest.fixture
def pika_channel(
    pika_connection: pika.adapters.blocking_connection.BlockingConnection,
) -> pika.adapters.blocking_connection.BlockingChannel:
    """A fresh channel of ``pika_connection``."""
    return pika_connection.channel()
