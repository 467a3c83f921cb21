"""A HareMQ under test that has its HTTP API, ten thousand ports above that of AMQP."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.rabbitmq import HTTP_PORT_OFFSET
from tests.clients.support.server import HOST, Server, accepts
from tests.support.ports import free_port

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
    """Run a node for the block, on a port whose port of management is free too."""
    port = 20_000 + free_port() % 15_000
    while accepts(port) or accepts(port + HTTP_PORT_OFFSET):
        port += 1
    server = Server(directory, port, SETTINGS)
    try:
        server.wait_until_it_accepts()
        yield Managed(server)
    finally:
        server.stop()
