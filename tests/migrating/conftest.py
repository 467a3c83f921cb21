"""Two brokers of their own: messages go from the first to the second."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

from amqp_server.migrating.api import Api
from load_generator.session import Endpoint
from tests.clients.support.server import HOST, Server
from tests.support.ports import free_port


class Ends(NamedTuple):
    """A broker, and how it is reached."""

    server: Server
    api_port: int

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(HOST, self.server.port, "guest", "guest", "/")

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.api_port}"

    @property
    def api(self) -> Api:
        return Api(self.api_url)


def started(folder: Path, port: int = 0, api_port: int = 0) -> Ends:
    """Start a broker; ports of 0 are free ones."""
    port, api_port = port or free_port(), api_port or free_port()
    listeners, api = (f"[{{address: {HOST}, port: {each}}}]" for each in (port, api_port))
    settings = f"net: {{listeners: {listeners}}}\n"
    settings += f"management: {{listeners: {api}, metrics_listeners: []}}\n"
    server = Server(folder, port, settings, has_listeners=True)
    server.wait_until_it_accepts()
    return Ends(server, api_port)


def channel_of(ends: Ends) -> BlockingChannel:
    connection = pika.BlockingConnection(pika.ConnectionParameters(HOST, ends.server.port))
    OPENED.append(connection)
    return connection.channel()


def close_all() -> None:
    """Close what a test has opened."""
    while OPENED:
        with suppress(AMQPError):
            OPENED.pop().close()


OPENED: list[pika.BlockingConnection] = []


@pytest.fixture(scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ends, Ends]]:
    ends = started(tmp_path_factory.mktemp("source")), started(tmp_path_factory.mktemp("target"))
    yield ends
    for each in ends:
        each.server.program.kill()


@pytest.fixture
def source(_both: tuple[Ends, Ends]) -> Iterator[Ends]:
    """The broker that has the messages; it ends with the module, and its queues with the test."""
    yield _both[0]
    close_all()
    _delete_queues(_both[0])


@pytest.fixture
def target(_both: tuple[Ends, Ends]) -> Iterator[Ends]:
    """The broker that gets them."""
    yield _both[1]
    close_all()
    _delete_queues(_both[1])


def _delete_queues(ends: Ends) -> None:
    channel = channel_of(ends)
    for queue in ends.api.queues():
        channel.queue_delete(queue["name"])
    close_all()
