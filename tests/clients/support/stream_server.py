"""A broker under test with a listener of the stream protocol next to that of AMQP."""

from pathlib import Path
from typing import Final

import pytest

from conformance.address import Address
from conformance.client import Connection
from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import HOST, START_TIMEOUT_S, Server, accepts
from tests.support.ports import free_port

USER: Final = "guest"
"""A user, and its password."""


class StreamBroker:
    """A broker that speaks both protocols.

    Attributes:
        host: where it listens; also what it tells clients.
        port, stream_port: of AMQP, and of the stream protocol.
        uri: of AMQP.
    """

    def __init__(self, host: str, port: int, stream_port: int) -> None:
        self.host = host
        self.port = port
        self.stream_port = stream_port
        self.uri = f"amqp://{USER}:{USER}@{HOST}:{port}/%2F"

    def require(self, version: tuple[int, int], what: str) -> None:
        """Skip the test on a RabbitMQ that is older than the version which has something."""
        with Connection(Address.of(self.uri)) as connection:
            connection.send_header_and_start_ok()
            assert connection.start is not None, "connection.start has been awaited"
            told = connection.start.server_properties
        found = tuple(int(part) for part in str(told["version"]).split(".")[:2])
        if found < version:
            pytest.skip(f"RabbitMQ {found[0]}.{found[1]} has no {what}")


class StreamServer(StreamBroker):
    """A running HareMQ that speaks both protocols.

    Attributes:
        server: the process.
    """

    def __init__(self, data_directory: Path, stream_options: str = "", settings: str = "") -> None:
        """Start it.

        Args:
            data_directory: its place.
            stream_options: more keys of the stream protocol's listener.
            settings: more sections of its settings file, and keys of ``net``.
        """
        super().__init__("localhost", free_port(), free_port())
        self._place = data_directory
        self._settings = f"""\
stream_protocol: {{advertised_host: {self.host}}}
net:
  listeners:
  - {{address: {HOST}, port: {self.port}}}
  - {{address: {HOST}, port: {self.stream_port}, protocol: stream{stream_options}}}
{settings}"""
        self.server = self._start()

    def kill(self) -> None:
        """Send SIGKILL, and return when it is gone."""
        self.server.program.kill()

    def start_again(self) -> None:
        """Start it with the same data and ports."""
        self.server = self._start()

    def stop(self) -> str:
        """Stop it, and return its log; see ``Server.stop``."""
        return self.server.stop()

    def _start(self) -> Server:
        server = Server(self._place, self.port, self._settings, has_listeners=True)
        server.wait_until_it_accepts()
        wait_until(lambda: accepts(self.stream_port), "the stream port", START_TIMEOUT_S)
        return server
