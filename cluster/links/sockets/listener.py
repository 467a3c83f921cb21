"""A node accepts the links of others, on listening sockets that it is handed."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Sequence
from typing import Final

from cluster.links.port import Link, MakeLink
from cluster.links.settings import LinkSettings
from cluster.links.sockets.transport import Budget, LinkTransport

log = logging.getLogger(__name__)

STRANGERS_MAX: Final = 64
"""Connections that have not proved who they are. The one that is there longest makes room for
another: a node of the cluster needs a few ms."""


class Listener:
    """Accepts connections, each with a link of its own."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make_link: MakeLink,
        settings: LinkSettings,
        budget: Budget,
    ) -> None:
        """Wait for ``listen``; ``make_link`` makes a listener's ends."""
        self._loop = loop
        self._make_link = make_link
        self._settings = settings
        self._budget = budget
        self._servers: list[asyncio.AbstractServer] = []
        self._transports: dict[LinkTransport, None] = {}

    @property
    def open_count(self) -> int:
        """How many sockets are open."""
        return len(self._transports)

    async def listen(
        self, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None
    ) -> None:
        """Accept on sockets that are bound, of TCP or Unix; they are closed by ``close``."""
        for listening in sockets:
            make = self._loop.create_server
            if listening.family == socket.AF_UNIX:
                make = self._loop.create_unix_server  # type: ignore[assignment]
            timeout_s = self._settings.handshake_ms / 1000 if tls is not None else None
            server = await make(
                self._make_transport, sock=listening, ssl=tls, ssl_handshake_timeout=timeout_s
            )
            self._servers.append(server)

    async def close(self, reason: str = "this node leaves") -> None:
        """Accept no more, end all connections and tell the other nodes why."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        ending = list(self._transports)
        for transport in ending:
            if transport.link is not None:
                transport.link.close(reason)
        if ending:
            await asyncio.wait([transport.ended for transport in ending])

    def _make_transport(self) -> LinkTransport:
        def make_link(names: frozenset[str] | None, now_ms: int) -> Link:
            self._admit(transport)
            return self._make_link(names, now_ms)

        transport = LinkTransport(self._loop, make_link, self._settings, self._budget)
        return transport

    def _admit(self, transport: LinkTransport) -> None:
        """Count a socket once it is open: behind TLS, that is after its handshake."""
        strangers = [each for each in self._transports if each.is_stranger]
        if len(strangers) >= STRANGERS_MAX:
            strangers[0].abort("too many connections that do not say who they are")
        self._transports[transport] = None
        transport.ended.add_done_callback(lambda _: self._transports.pop(transport, None))
