"""A server with fake connections, for tests over loopback sockets."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from amqp_server.connections.peer import Peer
from amqp_server.net.connection import OnOutput
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Server
from amqp_server.net.settings import ListenerSettings, NetSettings
from tests.support.fake_connection import FakeBroker, FakeConnection

FILL_BYTES = 65_536
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PLAIN = ListenerSettings(port=0)
TLS = ListenerSettings(port=0, tls=True)
PROXIED = ListenerSettings(port=0, proxy_protocol=True)
PROXIED_TLS = ListenerSettings(port=0, tls=True, proxy_protocol=True)
LOOPBACK = ("127.0.0.0/8",)


class Place:
    """A server with fake connections, up while the ``async with`` lasts."""

    def __init__(
        self,
        *listeners: ListenerSettings,
        settings: NetSettings | None = None,
        sockets_max: int | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.broker = FakeBroker()
        self.reactor = Reactor(loop, self.broker, read_buffer_bytes=65_536)
        self.connections: list[FakeConnection] = []
        self.heard = asyncio.Event()
        self.on_made: Callable[[], None] = lambda: None
        self.server = Server(
            loop,
            self.reactor,
            {"amqp": self._make},
            replace(settings or NetSettings(), listeners=listeners or (PLAIN,)),
            sockets_max,
        )

    async def __aenter__(self) -> Self:
        self.server.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.server.stop()
        self.reactor.close()
        assert self.server.transports == set()

    def _make(self, peer: Peer, on_output: OnOutput, now_ms: int) -> FakeConnection:
        connection = FakeConnection(peer, on_output, now_ms)
        connection.on_received = connection.on_told = self.heard.set
        self.connections.append(connection)
        self.on_made()
        return connection

    @contextlib.asynccontextmanager
    async def client(
        self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Streams]:
        reader, writer = await asyncio.open_connection(host, self.server.bound[0][1], ssl=tls)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that the coming, the bytes or the end of a connection bring about."""
        while not is_so():
            self.heard.clear()
            await self.heard.wait()

    @contextlib.asynccontextmanager
    async def raw_client(self) -> AsyncIterator[tuple[socket.socket, FakeConnection]]:
        """Connect without a transport of the loop's: a client that does only what it is told."""
        self.on_made = self.heard.set
        count = len(self.connections) + 1
        peer = socket.socket()
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, self.server.bound[0][:2])
        await self.until(lambda: len(self.connections) == count)
        connection = self.connections[-1]
        try:
            yield peer, connection
        finally:
            peer.close()


def fill(peer: socket.socket) -> int:
    """Send until the kernel takes no more; return how much that was."""
    sent = 0
    while True:
        try:
            sent += peer.send(b"f" * FILL_BYTES)
        except BlockingIOError:
            return sent


def reset(peer: socket.socket) -> None:
    """Close a connection so that its other end is told that it failed."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


async def echo(streams: Streams, data: bytes) -> bytes:
    """Send and return as many bytes as came back."""
    reader, writer = streams
    writer.write(data)
    return await reader.readexactly(len(data))
