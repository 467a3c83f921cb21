"""A broker under test with a listener of the stream protocol next to that of AMQP."""

from pathlib import Path
from typing import Final

from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import HOST, START_TIMEOUT_S, Server, accepts, free_port

USER: Final = "guest"
"""A user, and its password."""


class StreamServer:
    """A running HareMQ that speaks both protocols.

    Attributes:
        host: where it listens; also what it tells clients.
        port, stream_port: of AMQP, and of the stream protocol.
        uri: of AMQP.
        server: the process.
    """

    def __init__(self, data_directory: Path, stream_options: str = "", settings: str = "") -> None:
        """Start it.

        Args:
            data_directory: its place.
            stream_options: more keys of the stream protocol's listener.
            settings: more sections of its settings file, and keys of ``net``.
        """
        self.host = "localhost"
        self._place = data_directory
        self.port, self.stream_port = free_port(), free_port()
        self.uri = f"amqp://guest:guest@{HOST}:{self.port}/%2F"
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
