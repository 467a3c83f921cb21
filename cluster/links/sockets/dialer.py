"""A node keeps a connection to another node, as long as it is wanted."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from cluster.links.port import MakeLink
from cluster.links.settings import LinkSettings
from cluster.links.sockets.backoff import Backoff
from cluster.links.sockets.transport import Budget, LinkTransport

log = logging.getLogger(__name__)

LASTING_S: Final = 10.0
"""A link that was understood for so long fits, whatever ended it."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host and port; with ``tls`` the connection is encrypted."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """The path of a Unix socket on this host."""

    path: str


Address: TypeAlias = TcpAddress | UnixAddress
FindAddress: TypeAlias = Callable[[], Address | None]
"""Returns where the other node is now; None while nobody knows."""


class Dialer:
    """Connects to one node, and again after each end, with growing waits."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        node: str,
        find_address: FindAddress,
        make_link: MakeLink,
        settings: LinkSettings,
        budget: Budget,
        *,
        backoff: Backoff,
    ) -> None:
        """Wait for ``start``; ``make_link`` makes connections that mean ``node``."""
        self._loop = loop
        self._node = node
        self._find_address = find_address
        self._make_link = make_link
        self._settings = settings
        self._budget = budget
        self._backoff = backoff
        self._task: asyncio.Task[None] | None = None
        self.transport: LinkTransport | None = None
        self.attempts_count = 0

    def start(self) -> None:
        """Begin to connect."""
        assert self._task is None, "started once"
        self._task = self._loop.create_task(self._keep_connected())

    async def stop(self, reason: str = "this node leaves") -> None:
        """End the connection, tell the other node why, and connect no more."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        transport = self.transport
        if transport is not None and transport.link is not None:
            transport.link.close(reason)
            await transport.ended

    async def _keep_connected(self) -> None:
        was_slow = False
        while True:
            self.attempts_count += 1
            reason = await self._connect_once()
            wait_ms = self._backoff.wait_ms()
            level = logging.INFO
            if self._backoff.is_slow and not was_slow:
                level = logging.WARNING
            was_slow = self._backoff.is_slow
            log.log(level, "link ended to=%s again_in_ms=%d reason=%s", self._node, wait_ms, reason)
            await asyncio.sleep(wait_ms / 1000)

    async def _connect_once(self) -> str:
        """Connect, and return why the connection has ended.

        A connection may be given up when its transport has been told that it is made. Then uvloop
        closes the socket and tells its transport nothing, so it is told here.
        """
        address = self._find_address()
        if address is None:
            return "its address is not known"
        transport = LinkTransport(self._loop, self._make_link, self._settings, self._budget)
        try:
            async with asyncio.timeout(self._settings.handshake_ms / 1000):
                await self._connect(address, transport)
        except TimeoutError:
            transport.connection_lost(None)
            return "no connection in time"
        except OSError as error:
            transport.connection_lost(error)
            return str(error) or type(error).__name__
        except asyncio.CancelledError:
            transport.connection_lost(None)
            raise
        self.transport = transport
        begun_s = self._loop.time()
        reason = await asyncio.shield(transport.ended)
        if transport.link is not None and transport.link.is_misfit:
            self._backoff.misfitted(was_lasting=self._loop.time() - begun_s >= LASTING_S)
        elif transport.link is not None and transport.link.peer is not None:
            self._backoff.succeeded()
        return reason

    async def _connect(self, address: Address, transport: LinkTransport) -> None:
        if isinstance(address, UnixAddress):
            await self._loop.create_unix_connection(lambda: transport, address.path)
        elif address.tls is None:
            await self._loop.create_connection(lambda: transport, address.host, address.port)
        else:
            await self._loop.create_connection(
                lambda: transport,
                address.host,
                address.port,
                ssl=address.tls,
                # The certificate names the node; the handshake of the link compares it.
                server_hostname=address.host,
                ssl_handshake_timeout=self._settings.handshake_ms / 1000,
            )
