"""A HareMQ under test that has its HTTP API, ten thousand ports above that of AMQP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.rabbitmq import HTTP_PORT_OFFSET
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import HOST, START_TIMEOUT_S, Server, accepts

SETTINGS = "management: {}\n"


class Managed:
    """A running node.

    Attributes:
        server: the node.
        port: of its HTTP API.
        address: host and port of the HTTP API.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = server.port + HTTP_PORT_OFFSET
        self.address = f"{HOST}:{self.port}"


@contextmanager
def managed_server(directory: Path) -> Iterator[Managed]:
    """Run a node for the block."""
    server = Server(directory, settings=SETTINGS)
    try:
        server.wait_until_it_accepts()
        managed = Managed(server)
        wait_until(lambda: accepts(managed.port), "the HTTP API", START_TIMEOUT_S)
        yield managed
    finally:
        server.stop()
