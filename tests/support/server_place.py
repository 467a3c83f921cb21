"""A server with fake connections, for tests over loopback sockets."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_network
from types import TracebackType
from typing import Self

from amqp_server.net.listener import ListenAddress
from amqp_server.net.reactor import Reactor
from amqp_server.net.server import Server, ServerOptions
from amqp_server.net.tls import TlsContexts
from amqp_server.net.transport import OnOutput
from amqp_server.protocol.peer import Peer
from tests.support.fake_connection import FakeBroker, FakeConnection

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PLAIN = ListenAddress("127.0.0.1", 0)
TLS = ListenAddress("127.0.0.1", 0, is_tls=True)
PROXIED = ListenAddress("127.0.0.1", 0, uses_proxy_protocol=True)
PROXIED_TLS = ListenAddress("127.0.0.1", 0, is_tls=True, uses_proxy_protocol=True)
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Place:
    """A server with fake connections, up while the ``async with`` lasts."""

    def __init__(
        self,
        *addresses: ListenAddress,
        options: ServerOptions | None = None,
        tls: TlsContexts | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.broker = FakeBroker()
        self.reactor = Reactor(loop, self.broker, read_buffer_bytes=65_536)
        self.connections: list[FakeConnection] = []
        self.heard = asyncio.Event()
        self.server = Server(loop, self.reactor, self._make, options or ServerOptions(), tls)
        self._addresses: Sequence[ListenAddress] = addresses or (PLAIN,)

    async def __aenter__(self) -> Self:
        self.server.listen(self._addresses)
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
        connection.on_received = self.heard.set
        self.connections.append(connection)
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


async def echo(streams: Streams, data: bytes) -> bytes:
    """Send and return as many bytes as came back."""
    reader, writer = streams
    writer.write(data)
    return await reader.readexactly(len(data))
